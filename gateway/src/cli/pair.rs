//! `fanal pair`: gateway and handheld get to know each other, by codes that are shown and taken in person.
//!
//! ```text
//! gateway                                     handheld
//! fanal pair invite Rosa   -- invitation -->  /pair FANAL:INVITATION/...
//! fanal pair take          <--   card    --   (which shows its card in return)
//! ```

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use fanal_gateway::config::Config;
use fanal_gateway::config::enroll::{Enrolled, enroll};
use fanal_gateway::directory::{Directory, Handheld, name_of};
use fanal_gateway::words::{Language, say};
use fanal_protocol::id::NodeId;
use fanal_protocol::pairing::{
    Code, Composed, Invalid, MAX_NAME, MAX_PERSONS, Membership, Name, Person, Verification, is_name,
};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use super::gateway;

pub(super) const NAME: &str = "pair";

pub(super) fn command(language: Language) -> Command {
    let words = |key| say(language, key, &[]);
    let subcommand =
        |name: &'static str, about| Command::new(name).about(words(about)).arg(gateway::config(language));
    let handheld = || Arg::new("handheld").value_name("NAME");
    let node = Arg::new("node")
        .long("node")
        .value_name("ID")
        .help(words("cli-pair-invite-node"))
        .value_parser(value_parser!(NodeId));
    let replace =
        Arg::new("replace").long("replace").help(words("cli-pair-take-replace")).action(ArgAction::SetTrue);
    let name = Arg::new("name").long("name").value_name("NAME").help(words("cli-pair-take-name"));
    let code = Arg::new("code").value_name("CODE").help(words("cli-pair-take-code"));
    let invite = subcommand("invite", "cli-pair-invite")
        .arg(handheld().help(words("cli-pair-invite-name")).required(true))
        .arg(node);
    let verify = subcommand("verify", "cli-pair-verify")
        .arg(handheld().help(words("cli-pair-verify-name")).required(true));
    Command::new(NAME)
        .about(words("cli-pair"))
        .subcommand_required(true)
        .subcommand(invite)
        .subcommand(subcommand("take", "cli-pair-take").arg(code).arg(name).arg(replace))
        .subcommand(subcommand("card", "cli-pair-card"))
        .subcommand(verify)
}

pub(super) fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let (verb, matches) = matches.subcommand().context("clap asks for the subcommand")?;
    let name = || matches.get_one::<String>("handheld").map_or("", String::as_str);
    match verb {
        "invite" => invite(matches, name(), language),
        "take" => take(matches, language),
        "verify" => verify(&gateway::load(matches)?.directory, name(), language),
        _ => card(&gateway::load(matches)?.directory, language),
    }
}

/// Why a code was not made or not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unpaired {
    /// The text does not begin like a code.
    #[error("this is no code")]
    NoCode,
    /// A later version of the program has made the code.
    #[error("a code of version {found}")]
    Version {
        /// Which.
        found: u8,
    },
    /// The code is not whole.
    #[error("the code is damaged")]
    Damaged,
    /// It is a gateway's own.
    #[error("this is a gateway's code")]
    NotAHandheld,
    /// Neither the card nor the caller says what to call the handheld.
    #[error("the handheld has no name")]
    NoName,
    /// The gateway has nobody to whom a handheld could write.
    #[error("there are no persons in the settings")]
    NoPersons,
    /// No handheld has this name.
    #[error("there is no handheld {name}")]
    UnknownHandheld {
        /// The name.
        name: String,
    },
    /// The proposed address is one for gateways.
    #[error("{node} is an address for a gateway")]
    ForGateways {
        /// The address.
        node: NodeId,
    },
    /// Somebody has the proposed address.
    #[error("node {node} is already {by}")]
    AddressTaken {
        /// The address.
        node: NodeId,
        /// Whose it is.
        by: String,
    },
}

impl From<Invalid> for Unpaired {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::NoCode => Self::NoCode,
            Invalid::Version(found) => Self::Version { found },
            Invalid::Damaged | Invalid::Impossible => Self::Damaged,
        }
    }
}

fn invite(matches: &ArgMatches, name: &str, language: Language) -> anyhow::Result<()> {
    let Config { directory, radio, .. } = gateway::load(matches)?;
    let guest = match matches.get_one::<NodeId>("node") {
        Some(node) => free(&directory, *node)?,
        None => any_free(&directory)?,
    };
    let membership = Membership {
        network_key: radio.network_key,
        region: radio.channel.region,
        rate: radio.channel.rate,
        guest: Some(guest),
        // Too long for a card: `take` asks for it then.
        guest_name: Name::try_from(name).ok().filter(|name| is_name(name)).unwrap_or_default(),
    };
    println!("{}", say(language, "cli-pair-invitation", &[]));
    for persons in house(&directory)?.chunks(MAX_PERSONS) {
        let code = Composed::invitation(directory.gateway(), persons, &membership);
        show(&Zeroizing::new(code.to_string()))?;
    }
    println!("{}", say(language, "cli-pair-invited", &[("name", name.into())]));
    Ok(())
}

fn card(directory: &Directory, language: Language) -> anyhow::Result<()> {
    println!("{}", say(language, "cli-pair-public", &[]));
    for persons in house(directory)?.chunks(MAX_PERSONS) {
        show(&Composed::house(directory.gateway(), persons).to_string())?;
    }
    Ok(())
}

fn take(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let typed = match matches.get_one::<String>("code") {
        Some(code) => code.clone(),
        None => read_code(language)?,
    };
    let code = Code::parse(code_in(&typed)).map_err(Unpaired::from)?;
    let handheld = match (code.gateway(), code.persons().next()) {
        (None, Some(person)) => person,
        _ => return Err(Unpaired::NotAHandheld.into()),
    };
    let path = matches.get_one::<PathBuf>("config").context("clap asks for --config")?;
    let known = gateway::load(matches)?.directory.handheld_at(handheld.node).map(|known| known.name.clone());
    let said = matches.get_one::<String>("name").cloned();
    let on_card = Some(handheld.name.as_str().to_owned()).filter(|name| !name.is_empty());
    let name = known.or(said).or(on_card).ok_or(Unpaired::NoName)?;
    let enrolled = enroll(path, &name, handheld.node, handheld.key, matches.get_flag("replace"))?;
    let values = [("name", name.into()), ("node", handheld.node.to_string().into())];
    let key = match enrolled {
        Enrolled::New => "cli-pair-new",
        Enrolled::Known => "cli-pair-known",
        Enrolled::Replaced => "cli-pair-replaced",
    };
    println!("{}", say(language, key, &values));
    Ok(())
}

fn verify(directory: &Directory, name: &str, language: Language) -> anyhow::Result<()> {
    let same = |handheld: &&Handheld| handheld.name.to_lowercase() == name.trim().to_lowercase();
    let handheld = directory.handhelds().find(same);
    let handheld = handheld.ok_or_else(|| Unpaired::UnknownHandheld { name: name.into() })?;
    println!("{}", say(language, "cli-pair-digits", &[("name", handheld.name.as_str().into())]));
    for person in directory.persons() {
        let digits = Verification::of((person.node, person.public_key), (handheld.node, handheld.public_key));
        println!("  {digits}   {}", person.jid);
    }
    Ok(())
}

/// Everybody behind this gateway, as codes name them.
fn house(directory: &Directory) -> Result<Vec<Person>, Unpaired> {
    let persons: Vec<Person> = directory
        .persons()
        .map(|person| {
            let name = name_of(person.jid.node().map_or("", |node| node.as_str()));
            Person { node: person.node, key: person.public_key, name: short(&name) }
        })
        .collect();
    if persons.is_empty() { Err(Unpaired::NoPersons) } else { Ok(persons) }
}

/// As much of a name as a code carries; nothing if it carries no such name.
fn short(name: &str) -> Name {
    let end = (0..=MAX_NAME).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let name = name.get(..end).unwrap_or(name).trim();
    Name::try_from(name).ok().filter(|name| is_name(name)).unwrap_or_default()
}

fn free(directory: &Directory, node: NodeId) -> Result<NodeId, Unpaired> {
    let person = directory.persons().find(|person| person.node == node).map(|person| person.jid.to_string());
    let handheld = directory.handheld_at(node).map(|handheld| handheld.name.clone());
    let gateway = (node == directory.gateway()).then(|| node.to_string());
    // Others would look there for whom they do not know.
    if node == node.house() && gateway.is_none() {
        return Err(Unpaired::ForGateways { node });
    }
    match person.or(handheld).or(gateway) {
        Some(by) => Err(Unpaired::AddressTaken { node, by }),
        None => Ok(node),
    }
}

/// An address that nobody here has, at random so that probably nobody elsewhere has it; in no house of a person or gateway
/// that is known, or others would look for it there.
fn any_free(directory: &Directory) -> io::Result<NodeId> {
    loop {
        let mut octets = [0; 2];
        getrandom::fill(&mut octets)?;
        let node = NodeId(u16::from_be_bytes(octets));
        let lodges = |other: NodeId| other.house() == node.house();
        let housed = lodges(directory.gateway()) || directory.persons().any(|person| lodges(person.node));
        if node.is_unicast() && !housed && free(directory, node).is_ok() {
            return Ok(node);
        }
    }
}

/// The code as text, and before a person's eyes as a QR code too.
fn show(code: &str) -> anyhow::Result<()> {
    if io::stdout().is_terminal() {
        let qr = QrCode::with_error_correction_level(code, EcLevel::L)?;
        let drawn = Zeroizing::new(qr.render::<Dense1x2>().build());
        // Black on white, whatever colours the terminal has.
        drawn.lines().for_each(|line| println!("\x1b[38;5;16;48;5;231m{line}\x1b[0m"));
    }
    println!("\n{code}\n");
    Ok(())
}

/// The first line with a code in it.
fn read_code(language: Language) -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        eprintln!("{}", say(language, "cli-pair-waiting", &[]));
    }
    for line in io::stdin().lines() {
        let line = line?;
        if Code::is_meant_by(code_in(&line)) {
            return Ok(line);
        }
    }
    Err(Unpaired::NoCode.into())
}

/// The code within a line that a handheld has shown.
fn code_in(line: &str) -> &str {
    line.split_whitespace().find(|word| Code::is_meant_by(word)).unwrap_or(line.trim())
}

#[cfg(test)]
impl Unpaired {
    /// One of each.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::NoCode,
            Self::Version { found: 9 },
            Self::Damaged,
            Self::NotAHandheld,
            Self::NoName,
            Self::NoPersons,
            Self::UnknownHandheld { name: "Rosa".into() },
            Self::ForGateways { node: NodeId(0x0200) },
            Self::AddressTaken { node: NodeId(0x0201), by: "Rosa".into() },
        ]
    }
}

#[cfg(test)]
mod tests {
    use fanal_protocol::crypto::SecretKey;
    use fanal_protocol::pairing::MAX_CODE;

    use super::*;

    fn directory(persons: u16) -> Directory {
        let mut directory =
            Directory::new(NodeId(0x0100), SecretKey::from_bytes([1; 32]), "lora.lan".parse().unwrap());
        for n in 1..=persons {
            directory.add_person(format!("p{n}@home.lan").parse().unwrap(), NodeId(0x0100 + n)).unwrap();
        }
        directory.add_handheld("Rosa", NodeId(0x0201), SecretKey::from_bytes([2; 32]).public()).unwrap();
        directory
    }

    #[test]
    fn a_card_names_everybody_of_the_house_and_no_secret() {
        let directory = directory(3);
        let persons = house(&directory).unwrap();
        let text = Composed::house(directory.gateway(), &persons).to_string();
        let code = Code::parse(&text).unwrap();
        assert_eq!(code.gateway(), Some(NodeId(0x0100)));
        assert!(code.membership().is_none());
        for (read, person) in code.persons().zip(directory.persons()) {
            assert_eq!((read.node, read.key), (person.node, person.public_key));
            assert_eq!(read.name, person.jid.node().unwrap().as_str());
        }
        assert_eq!(code.persons().count(), 3);
        assert!(matches!(house(&self::directory(0)), Err(Unpaired::NoPersons)));
    }

    #[test]
    fn a_proposed_address_is_nobodys_and_in_no_house() {
        let directory = directory(2);
        for _ in 0..1_000 {
            let node = any_free(&directory).unwrap();
            assert!(node.is_unicast() && node != node.house(), "{node}");
            assert!(node.house() != NodeId(0x0100) && node != NodeId(0x0201), "{node}");
        }
        for taken in [0x0100, 0x0101, 0x0201] {
            assert!(matches!(free(&directory, NodeId(taken)), Err(Unpaired::AddressTaken { .. })));
        }
        assert!(matches!(free(&directory, NodeId(0x0300)), Err(Unpaired::ForGateways { .. })));
        assert_eq!(free(&directory, NodeId(0x0301)).unwrap(), NodeId(0x0301));
    }

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(short("alice"), "alice");
        assert_eq!(short(&"é".repeat(20)), "é".repeat(12).as_str());
        assert_eq!(short("x\u{7f}y"), "");
    }

    #[test]
    fn the_code_is_found_in_what_a_handheld_shows() {
        assert_eq!(code_in("card, not a secret: FANAL:CARD/AAAA\r"), "FANAL:CARD/AAAA");
        assert_eq!(code_in(" carte, pas un secret\u{a0}: fanal:card/aaaa "), "fanal:card/aaaa");
        assert_eq!(code_in("bonjour"), "bonjour");
    }

    #[test]
    fn the_longest_code_can_be_drawn() {
        let code = "A".repeat(MAX_CODE);
        assert!(QrCode::with_error_correction_level(code, EcLevel::L).is_ok());
    }
}
