//! What can be wrong with a scenario.

use std::fmt;
use std::path::PathBuf;

use fanal_ether::world::Violation;

use super::super::trouble::Words;

/// Something wrong, and where.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// The line, counted from 1, when there is one to point at.
    pub(crate) line: Option<usize>,
    pub(crate) problem: Problem,
}

/// Everything wrong with a scenario file, in the order of its lines; at least one flaw.
#[derive(Debug)]
pub(crate) struct Flaws {
    pub(crate) file: PathBuf,
    pub(crate) flaws: Vec<Flaw>,
}

/// One thing that is wrong with a scenario.
#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    Unreadable { reason: String },
    Syntax { detail: String },
    InvalidRegion { found: String },
    InvalidRate { found: String },
    OutOfRange { name: &'static str, found: f64, least: f64, most: f64 },
    NoName,
    NodeTwice { name: String },
    UnknownNode { name: String },
    SameEnds { name: String },
    LinkTwice { a: String, b: String },
    LinksWithoutTable,
    Window { from: f64, to: f64 },
    TooFewNodes,
    TooManyNodes { most: usize },
    TextLength { octets: usize, most: usize },
    NoRooms,
}

impl Problem {
    /// The exit code of a program that met it: misused, wrong data, no input (sysexits.h).
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NoRooms => 64,
            Self::Unreadable { .. } => 66,
            _ => 65,
        }
    }

    /// What the catalogue says of it.
    pub(crate) fn words(&self) -> Words {
        let named = |name: &str| vec![("name", name.to_owned())];
        match self {
            Self::Unreadable { reason } => ("scenario-unreadable", vec![("reason", reason.clone())]),
            Self::Syntax { detail } => ("scenario-syntax", vec![("detail", detail.clone())]),
            Self::InvalidRegion { found } => ("region", vec![("found", found.clone())]),
            Self::InvalidRate { found } => ("rate", vec![("found", found.clone())]),
            Self::OutOfRange { name, found, least, most } => {
                let numbers = [("found", found), ("least", least), ("most", most)];
                let mut values = named(name);
                values.extend(numbers.map(|(name, number)| (name, number.to_string())));
                ("scenario-number", values)
            }
            Self::NoName => ("scenario-no-name", vec![]),
            Self::NodeTwice { name } => ("scenario-node-twice", named(name)),
            Self::UnknownNode { name } => ("scenario-unknown-node", named(name)),
            Self::SameEnds { name } => ("scenario-same-ends", named(name)),
            Self::LinkTwice { a, b } => ("scenario-link-twice", vec![("a", a.clone()), ("b", b.clone())]),
            Self::LinksWithoutTable => ("scenario-links", vec![]),
            Self::Window { from, to } => {
                ("scenario-window", vec![("from", from.to_string()), ("to", to.to_string())])
            }
            Self::TooFewNodes => ("scenario-too-few", vec![]),
            Self::TooManyNodes { most } => ("scenario-too-many", vec![("most", most.to_string())]),
            Self::TextLength { octets, most } => {
                ("scenario-text", vec![("octets", octets.to_string()), ("most", most.to_string())])
            }
            Self::NoRooms => ("scenario-no-rooms", vec![]),
        }
    }
}

impl fmt::Display for Flaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.file.display(), self.flaws)
    }
}

impl std::error::Error for Flaws {}

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
