//! What an ack or a receipt proves itself by, in one of two lengths.
//!
//! An answer has the form of what it answers: 4 octets to a text with a short tag, 8 to one with a strong tag. The first four of
//! the eight are the short form. Which one it is, only the length of the frame says.

use super::{Error, TAG_OCTETS};

/// Octets of a strong proof, and of both tags of a strong text together.
pub const STRONG_OCTETS: usize = 2 * TAG_OCTETS;

/// A proof as it travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// 32 bits: looked at only while few of late were wrong.
    Short([u8; TAG_OCTETS]),
    /// 64 bits: always looked at, because nobody can guess it.
    Strong([u8; STRONG_OCTETS]),
}

impl Proof {
    /// In one of the two forms, of all that can be proven.
    pub fn of(whole: [u8; STRONG_OCTETS], strong: bool) -> Self {
        let [a, b, c, d, ..] = whole;
        if strong { Self::Strong(whole) } else { Self::Short([a, b, c, d]) }
    }

    /// Reads all octets that a frame has left.
    ///
    /// # Errors
    /// There are not 4 and not 8.
    pub(super) fn parse(octets: &[u8]) -> Result<Self, Error> {
        match (octets.try_into(), octets.try_into()) {
            (Ok(short), _) => Ok(Self::Short(short)),
            (_, Ok(strong)) => Ok(Self::Strong(strong)),
            _ if octets.len() < TAG_OCTETS => Err(Error::Truncated),
            _ => Err(Error::TooLong),
        }
    }

    /// 4 or 8 octets.
    pub const fn octets(&self) -> &[u8] {
        match self {
            Self::Short(octets) => octets,
            Self::Strong(octets) => octets,
        }
    }

    /// Whether nobody can guess it.
    pub const fn is_strong(&self) -> bool {
        matches!(self, Self::Strong(_))
    }
}
