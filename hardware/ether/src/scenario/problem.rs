//! What can be wrong with a scenario file.

use std::fmt;
use std::path::PathBuf;

/// Something wrong, and where.
#[derive(Debug)]
pub struct Flaw {
    /// The line, counted from 1, when there is one to point at.
    pub line: Option<usize>,
    /// What it is.
    pub problem: Problem,
}

/// Everything wrong with a scenario file, in the order of its lines; at least one flaw.
#[derive(Debug)]
pub struct Flaws {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub flaws: Vec<Flaw>,
}

/// One thing that is wrong with a scenario. The fields are what was found there and what may be there.
#[derive(Debug, PartialEq)]
#[allow(missing_docs)] // Of the fields: they are named for what they are.
pub enum Problem {
    /// The file cannot be read.
    Unreadable { reason: String },
    /// It is not TOML, or has keys or values that no scenario has.
    Syntax { detail: String },
    /// There is no such region.
    InvalidRegion { found: String },
    /// There is no such rate.
    InvalidRate { found: String },
    /// A number is too small or too great, or none.
    OutOfRange { name: &'static str, found: f64, least: f64, most: f64 },
    /// A node's name is empty, or the one that stands for everybody.
    NoName,
    /// Two nodes have one name.
    NodeTwice { name: String },
    /// No node has this name.
    UnknownNode { name: String },
    /// A link or a text leads from a node to itself.
    SameEnds { name: String },
    /// A link is listed again.
    LinkTwice { a: String, b: String },
    /// Links are listed, and the model does not ask for them.
    LinksWithoutTable,
    /// A window does not follow the one before, or ends before it begins.
    Window { from: f64, to: f64 },
    /// Nobody to talk to.
    TooFewNodes,
    /// More than there are addresses for.
    TooManyNodes { most: usize },
    /// A text is empty or too long.
    TextLength { octets: usize, most: usize },
    /// A text for everybody, in a protocol that has none.
    NoRooms,
}

impl fmt::Display for Flaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.file.display(), self.flaws)
    }
}

impl std::error::Error for Flaws {}
