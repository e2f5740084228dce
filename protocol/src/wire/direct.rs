//! A text for a neighbor, as short as can be: the two of them know who they are.
//!
//! ```text
//!    0        1    2     3          4
//!   +--------+---------+----------+----------------+---------+
//!   | 5 0 00 |  label  | sequence | ciphertext 1.. |  tag 4  |
//!   +--------+---------+----------+----------------+---------+
//! ```
//!
//! 8 octets around the text. The label names the session and the direction, to those who have the session's key and to nobody
//! else; two sessions may have one label, and the tag tells them apart. Ciphertext and tag are those of the short form of a
//! [text](super::text), whose addresses both ends know. It is never passed on.

use super::{Error, Form, Head, Kind, MAX_FRAME, Reader, TAG_OCTETS, Text, Writer};
use crate::id::{NodeId, SequenceNumber};

/// Octets of a label.
pub const LABEL_OCTETS: usize = 2;
/// Octets around a text in the direct form.
pub const OVERHEAD: usize = 1 + LABEL_OCTETS + 1 + TAG_OCTETS;

/// A text on its way to a neighbor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Direct<'a> {
    /// What its source and its destination call the direction from the one to the other.
    pub label: [u8; LABEL_OCTETS],
    /// The lowest octet of the counter.
    pub sequence: SequenceNumber,
    /// Ciphertext and tag: [`TAG_OCTETS`] and one more at least.
    pub sealed: &'a [u8],
}

impl<'a> Direct<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        // Neither flag nor hop limit has a meaning.
        reader.octet()?;
        let label = reader.array()?;
        let sequence = SequenceNumber(reader.octet()?);
        let direct = Self { label, sequence, sealed: reader.rest() };
        direct.check()?;
        Ok(direct)
    }

    /// Writes the frame to the start of `out` and returns its length, at most [`MAX_FRAME`].
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        self.check()?;
        let mut writer = Writer::new(out);
        writer.put(&[Head { flag: false, hop_limit: 0 }.octet(Kind::Direct)?])?;
        writer.put(&self.label)?;
        writer.put(&[self.sequence.0])?;
        writer.put(self.sealed)?;
        Ok(writer.len())
    }

    /// The text that this is, if it is between these two.
    pub const fn between(&self, source: NodeId, destination: NodeId) -> Text<'a> {
        Text {
            hop_limit: super::FULL_HOP_LIMIT,
            next_hop: super::DIRECT,
            destination,
            source,
            form: Form::Short(self.sequence),
            sealed: self.sealed,
        }
    }

    fn check(&self) -> Result<(), Error> {
        match self.sealed.len() {
            0..=TAG_OCTETS => Err(Error::Truncated),
            len if len > MAX_FRAME - OVERHEAD + TAG_OCTETS => Err(Error::TooLong),
            _ => Ok(()),
        }
    }
}
