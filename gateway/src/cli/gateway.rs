//! `fanal gateway`: the daemon.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use fanal_gateway::config::Config;
use fanal_gateway::daemon;
use fanal_gateway::words::{Language, say};

use super::log;

pub(super) const NAME: &str = "gateway";

pub(super) fn command(language: Language) -> Command {
    let check = Arg::new("check")
        .long("check")
        .help(say(language, "cli-gateway-check", &[]))
        .action(ArgAction::SetTrue);
    Command::new(NAME).about(say(language, "cli-gateway", &[])).arg(config(language)).arg(check)
}

/// `--config FILE`
pub(super) fn config(language: Language) -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .help(say(language, "cli-gateway-config", &[]))
        .required(true)
        .value_parser(value_parser!(PathBuf))
}

/// The settings that `--config` names.
pub(super) fn load(matches: &ArgMatches) -> anyhow::Result<Config> {
    let path = matches.get_one::<PathBuf>("config").context("clap asks for --config")?;
    Ok(Config::load(path)?)
}

pub(super) fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let config = load(matches)?;
    if matches.get_flag("check") {
        let values = [
            ("site", config.site.name.as_str().into()),
            ("persons", config.directory.persons().count().into()),
            ("handhelds", config.directory.handhelds().count().into()),
            ("channel", config.radio.channel.to_string().into()),
        ];
        println!("{}", say(language, "cli-check-ok", &values));
        return Ok(());
    }
    log::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(daemon::run(config))?)
}
