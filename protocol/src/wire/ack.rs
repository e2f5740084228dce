//! Hop by hop: the text has been taken over.
//!
//! ```text
//!    0        1    2    3    4
//!   +--------+-------------------+
//!   | 2 0 00 |       proof       |
//!   +--------+-------------------+
//! ```
//!
//! 5 octets, or 9 with a [strong proof](super::Proof). It names nobody: only the station that waits for that proof can match
//! it, and nobody else needs to. Where both ends of a message hear each other, its receipt travels like this, too.

use super::proof::STRONG_OCTETS;
use super::{Error, Head, Kind, Proof, Reader, TAG_OCTETS, Writer};

/// An ack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ack {
    /// What only the holder of the session's key can make of the text's id, or that of the network's key of a frame.
    pub proof: Proof,
}

impl Ack {
    /// Octets of the frame with a short proof.
    pub const OCTETS: usize = 1 + TAG_OCTETS;
    /// Octets of the frame with a strong proof.
    pub const STRONG_OCTETS: usize = 1 + STRONG_OCTETS;

    pub(super) fn parse(octets: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        // Neither flag nor hop limit has a meaning: an ack is never forwarded.
        reader.octet()?;
        Ok(Self { proof: Proof::parse(reader.rest())? })
    }

    /// Writes the frame to the start of `out` and returns its length, 5 or 9.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`].
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        let mut writer = Writer::new(out);
        writer.put(&[Head { flag: false, hop_limit: 0 }.octet(Kind::Ack)?])?;
        writer.put(self.proof.octets())?;
        Ok(writer.len())
    }
}
