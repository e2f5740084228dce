//! `fanal simulate`: a field of nodes, its texts and its troubles, in virtual time.
//!
//! ```text
//! problem   what is said of what is wrong with a scenario
//! show      the result, for people and for programs; progress
//! ```

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use fanal_ether::{scenario, simulation};
use fanal_gateway::words::{Language, say};

use super::trouble;

mod problem;
mod show;
#[cfg(test)]
mod tests;

pub(super) use fanal_ether::scenario::Flaws;
pub(super) use problem::{Broken, code, words};
use show::Progress;
pub(super) use show::decimal;

pub(super) const NAME: &str = "simulate";

pub(super) fn command(language: Language) -> Command {
    let scenario = Arg::new("scenario")
        .value_name("SCENARIO")
        .help(say(language, "simulate-scenario", &[]))
        .required(true)
        .value_parser(value_parser!(PathBuf));
    let seed = Arg::new("seed")
        .long("seed")
        .value_name("N")
        .help(say(language, "simulate-seed", &[]))
        .default_value("1")
        .hide_default_value(true)
        .value_parser(value_parser!(u64));
    let json =
        Arg::new("json").long("json").help(say(language, "simulate-json", &[])).action(ArgAction::SetTrue);
    Command::new(NAME).about(say(language, "simulate-about", &[])).args([scenario, seed, json])
}

pub(super) fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let path = matches.get_one::<PathBuf>("scenario").map(PathBuf::as_path).unwrap_or("".as_ref());
    let seed = matches.get_one::<u64>("seed").copied().unwrap_or_default();
    let scenario = scenario::load(path)?;
    if let Err(unlawful) = scenario.channel.lawful() {
        let reason = trouble::unlawful(unlawful, language);
        eprintln!("{}", say(language, "simulate-unlawful", &[("reason", reason.into())]));
    }
    let mut progress = Progress::new(scenario.duration, language);
    let outcome = simulation::run(&scenario, seed, |now| progress.show(now));
    progress.clear();
    if matches.get_flag("json") {
        println!("{}", show::json(&outcome)?);
    } else {
        print!("{}", show::table(&outcome, language));
    }
    if outcome.violations.is_empty() { Ok(()) } else { Err(Broken(outcome.violations).into()) }
}
