//! The command line. One file per subcommand, each with its `command` and its `run`; what went wrong is told in
//! [`trouble`].

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use fanal_gateway::words::{Language, say};

mod airtime;
mod demo;
mod gateway;
mod key;
mod log;
mod pair;
mod simulate;
mod trouble;

/// Runs the program with these arguments, the first of which is its name.
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let language = language(|name| env::var(name).ok());
    let matches = match command(language).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A reader that went away needs no help.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => return trouble::misused(&error, language),
    };
    match run(&matches, language) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => trouble::tell(&error, language),
    }
}

fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some((gateway::NAME, matches)) => gateway::run(matches, language),
        Some((key::NAME, matches)) => key::run(matches, language),
        Some((pair::NAME, matches)) => pair::run(matches, language),
        Some((demo::NAME, matches)) => demo::run(matches, language),
        Some((simulate::NAME, matches)) => simulate::run(matches, language),
        Some((airtime::NAME, matches)) => airtime::run(matches, language),
        _ => Ok(command(language).print_help()?),
    }
}

fn command(language: Language) -> Command {
    let version = Arg::new("version")
        .short('V')
        .long("version")
        .help(say(language, "cli-version", &[]))
        .action(ArgAction::Version);
    let command = Command::new("fanal")
        .about(say(language, "cli-about", &[]))
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .arg(version)
        .subcommand(gateway::command(language))
        .subcommand(key::command(language))
        .subcommand(pair::command(language))
        .subcommand(demo::command(language))
        .subcommand(simulate::command(language))
        .subcommand(airtime::command(language));
    speaking(command, language)
}

/// The command and all below it with help in `language`: clap speaks English only.
fn speaking(command: Command, language: Language) -> Command {
    let words = |key| say(language, key, &[]);
    let mut template = format!("{{about-with-newline}}\n{} {{usage}}\n", words("cli-usage"));
    let mut section = |exists: bool, key, tag| {
        if exists {
            template += &format!("\n{}\n{{{tag}}}\n", words(key));
        }
    };
    section(command.has_subcommands(), "cli-commands", "subcommands");
    section(command.get_positionals().next().is_some(), "cli-arguments", "positionals");
    section(true, "cli-options", "options");
    let help = Arg::new("help").short('h').long("help").help(words("cli-help")).action(ArgAction::Help);
    command
        .help_template(template)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .arg(help)
        .mut_subcommands(|command| speaking(command, language))
}

/// The language of the user's locale (POSIX, section 8.2), French where it names none of ours.
fn language(variable: impl Fn(&str) -> Option<String>) -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty())
        .and_then(|value| Language::of_tag(&value))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound_in_both_languages() {
        for language in Language::ALL {
            command(language).debug_assert();
        }
        let help = command(Language::French).render_help().to_string();
        assert!(help.contains("Commandes"), "{help}");
        assert!(!help.contains("Commands") && !help.contains("Print") && !help.contains("Usage"), "{help}");
    }

    #[test]
    fn the_locale_decides_the_language() {
        let with = |variables: &'static [(&str, &str)]| {
            language(move |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(with(&[]), Language::French);
        assert_eq!(with(&[("LANG", "C.UTF-8")]), Language::French);
        assert_eq!(with(&[("LANG", "en_CA.UTF-8")]), Language::English);
        assert_eq!(with(&[("LC_ALL", ""), ("LANG", "en_CA")]), Language::English);
        assert_eq!(with(&[("LC_ALL", "fr_CA.UTF-8"), ("LANG", "en_CA")]), Language::French);
        assert_eq!(with(&[("LC_MESSAGES", "en_US"), ("LANG", "fr_CA")]), Language::English);
    }
}
