//! What is said of what is wrong with a scenario, and of a protocol that is broken.

use std::fmt;

use fanal_ether::scenario::Problem;
use fanal_ether::world::Violation;

use super::super::trouble::Words;

/// The exit code of a program that met it: misused, wrong data, no input (sysexits.h).
pub(crate) fn code(problem: &Problem) -> u8 {
    match problem {
        Problem::NoRooms => 64,
        Problem::Unreadable { .. } => 66,
        _ => 65,
    }
}

/// What the catalogue says of it.
pub(crate) fn words(problem: &Problem) -> Words {
    let named = |name: &str| vec![("name", name.to_owned())];
    match problem {
        Problem::Unreadable { reason } => ("scenario-unreadable", vec![("reason", reason.clone())]),
        Problem::Syntax { detail } => ("scenario-syntax", vec![("detail", detail.clone())]),
        Problem::InvalidRegion { found } => ("region", vec![("found", found.clone())]),
        Problem::InvalidRate { found } => ("rate", vec![("found", found.clone())]),
        Problem::OutOfRange { name, found, least, most } => {
            let numbers = [("found", found), ("least", least), ("most", most)];
            let mut values = named(name);
            values.extend(numbers.map(|(name, number)| (name, number.to_string())));
            ("scenario-number", values)
        }
        Problem::NoName => ("scenario-no-name", vec![]),
        Problem::NodeTwice { name } => ("scenario-node-twice", named(name)),
        Problem::UnknownNode { name } => ("scenario-unknown-node", named(name)),
        Problem::SameEnds { name } => ("scenario-same-ends", named(name)),
        Problem::LinkTwice { a, b } => ("scenario-link-twice", vec![("a", a.clone()), ("b", b.clone())]),
        Problem::LinksWithoutTable => ("scenario-links", vec![]),
        Problem::Window { from, to } => {
            ("scenario-window", vec![("from", from.to_string()), ("to", to.to_string())])
        }
        Problem::TooFewNodes => ("scenario-too-few", vec![]),
        Problem::TooManyNodes { most } => ("scenario-too-many", vec![("most", most.to_string())]),
        Problem::TextLength { octets, most } => {
            ("scenario-text", vec![("octets", octets.to_string()), ("most", most.to_string())])
        }
        Problem::NoRooms => ("scenario-no-rooms", vec![]),
    }
}

/// The protocol did what it must never do.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) Vec<Violation>);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [] => f.write_str("nothing"),
            [first, rest @ ..] => write!(f, "{first} (+{})", rest.len()),
        }
    }
}

impl std::error::Error for Broken {}
