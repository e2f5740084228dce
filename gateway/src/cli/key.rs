//! `fanal key`: keys, made and shown.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use fanal_gateway::config::Config;
use fanal_gateway::words::{Language, say};
use fanal_protocol::crypto::SecretKey;
use zeroize::Zeroizing;

use super::gateway;

pub(super) const NAME: &str = "key";

pub(super) fn command(language: Language) -> Command {
    let file = Arg::new("file")
        .value_name("FILE")
        .help(say(language, "cli-key-new-file", &[]))
        .required(true)
        .value_parser(value_parser!(PathBuf));
    let network = Arg::new("network")
        .long("network")
        .help(say(language, "cli-key-new-network", &[]))
        .action(ArgAction::SetTrue);
    let new = Command::new("new").about(say(language, "cli-key-new", &[])).arg(file).arg(network);
    let show = Command::new("show").about(say(language, "cli-key-show", &[])).arg(gateway::config(language));
    Command::new(NAME)
        .about(say(language, "cli-key", &[]))
        .subcommand_required(true)
        .subcommand(new)
        .subcommand(show)
}

pub(super) fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    match matches.subcommand() {
        Some(("new", matches)) => {
            let path = matches.get_one::<PathBuf>("file").context("clap asks for the file")?;
            if matches.get_flag("network") {
                write(path, &*random::<16>()?)?;
            } else {
                let octets = random::<32>()?;
                write(path, &*octets)?;
                let public = SecretKey::from_bytes(*octets).public();
                println!("{}", say(language, "cli-key-public", &[("key", public.to_string().into())]));
            }
            let path = path.display().to_string();
            println!("{}", say(language, "cli-key-written", &[("path", path.into())]));
            Ok(())
        }
        _ => {
            let (_, matches) = matches.subcommand().unwrap_or((NAME, matches));
            print!("{}", shown(&gateway::load(matches)?, language));
            Ok(())
        }
    }
}

/// What to type on a handheld so that it knows this gateway's persons.
fn shown(config: &Config, language: Language) -> String {
    let directory = &config.directory;
    let channel = config.radio.channel;
    let mut shown = say(language, "cli-key-pairing", &[]);
    shown += &format!("\n/region {} {} {}\n", channel.region, channel.rate, channel.power_dbm);
    for person in directory.persons() {
        let name = person.jid.node().map_or("", |node| node.as_str());
        let gateway = directory.gateway();
        shown += &format!("/contact {} {name} {} via {gateway}\n", person.node, person.public_key);
    }
    if directory.persons().next().is_none() {
        shown += &say(language, "cli-key-nobody", &[]);
        shown.push('\n');
    }
    shown
}

/// A key file that was not made.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be written: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for Unwritten {}

fn random<const N: usize>() -> anyhow::Result<Zeroizing<[u8; N]>> {
    let mut octets = Zeroizing::new([0; N]);
    getrandom::fill(&mut *octets).map_err(io::Error::from)?;
    Ok(octets)
}

/// Writes a new file that only its owner can read; an old one is never overwritten.
fn write(path: &Path, octets: &[u8]) -> Result<(), Unwritten> {
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut text = Zeroizing::new(String::with_capacity(2 * octets.len() + 1));
        for octet in octets {
            text.push_str(&format!("{octet:02x}"));
        }
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    written().map_err(|source| Unwritten { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("node.key");
        write(&path, &[0xAB; 32]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ab".repeat(32) + "\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let again = write(&path, &[0; 32]).unwrap_err();
        assert_eq!(again.source.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn two_keys_differ() {
        assert_ne!(random::<32>().unwrap(), random::<32>().unwrap());
    }
}
