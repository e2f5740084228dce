//! What a person wrote, sealed by its source for its destination.
//!
//! ```text
//!    0        1          2    3    4    5    6          7    8    9
//!   +--------+----------+---------+---------+----------+--------------+----------------+---------+
//!   | 1 f hh | next hop | destin. | source  | sequence | if f: upper  | ciphertext 1.. |  tag 4  |
//!   |        |          |         |         |          | 3 of counter |                |         |
//!   +--------+----------+---------+---------+----------+--------------+----------------+---------+
//! ```
//!
//! 11 octets around the text, 14 with the flag. The sequence number is the counter's lowest octet; the flag says that
//! the other three follow, which a source does when it cannot be sure that its destination knows them.

use super::{Error, Head, Kind, MAX_FRAME, Reader, TAG_OCTETS, Writer, check_destination, check_source};
use crate::id::{NodeId, SequenceNumber};

/// Octets around a text whose counter travels as a sequence number.
pub const OVERHEAD: usize = 7 + TAG_OCTETS;
/// Octets around a text whose counter travels in full.
pub const OVERHEAD_FULL: usize = OVERHEAD + 3;
/// The longest text beside a sequence number, octets.
pub const MAX_TEXT: usize = MAX_FRAME - OVERHEAD;
/// The longest text that fits whatever the counter, octets: what callers are promised.
pub const MAX_TEXT_OCTETS: usize = MAX_FRAME - OVERHEAD_FULL;

/// How much of the counter travels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Counter {
    /// Its lowest octet.
    Short(SequenceNumber),
    /// All of it.
    Full(u32),
}

impl Counter {
    /// The whole counter, by the one that the receiver expects when only a part travelled.
    pub const fn recover(self, expected: u32) -> u32 {
        match self {
            Self::Short(sequence) => sequence.recover(expected),
            Self::Full(counter) => counter,
        }
    }
}

/// A text on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    /// Hops that remain, 0 to 7. Not sealed: relays change it.
    pub hop_limit: u8,
    /// Who is to take it next, as of all [routed](super::Routed) frames. Not sealed: relays change it.
    pub next_hop: u8,
    /// Whom it is for.
    pub destination: NodeId,
    /// Who wrote it.
    pub source: NodeId,
    /// The source's counter towards this destination.
    pub counter: Counter,
    /// Ciphertext and tag: [`TAG_OCTETS`] and one more at least.
    pub sealed: &'a [u8],
}

impl<'a> Text<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let text = Self::parse_layout(octets)?;
        text.check()?;
        Ok(text)
    }

    /// Reads a frame of any kind that is laid out as this one. What is sealed may be nothing: then there is a tag alone.
    pub(super) fn parse_layout(octets: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { flag, hop_limit } = Head::of(reader.octet()?);
        let next_hop = reader.octet()?;
        let destination = reader.node()?;
        let source = reader.node()?;
        let low = reader.octet()?;
        let counter = if flag {
            let [high, upper, middle] = reader.array()?;
            Counter::Full(u32::from_be_bytes([high, upper, middle, low]))
        } else {
            Counter::Short(SequenceNumber(low))
        };
        let text = Self { hop_limit, next_hop, destination, source, counter, sealed: reader.rest() };
        text.check_layout()?;
        Ok(text)
    }

    /// Writes the frame to the start of `out` and returns its length, at most [`MAX_FRAME`].
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        self.check()?;
        self.emit_layout(Kind::Text, out)
    }

    /// Writes the frame under the number of a kind that is laid out as this one.
    pub(super) fn emit_layout(&self, kind: Kind, out: &mut [u8]) -> Result<usize, Error> {
        self.check_layout()?;
        let overhead = match self.counter {
            Counter::Short(_) => OVERHEAD,
            Counter::Full(_) => OVERHEAD_FULL,
        };
        if self.sealed.len() > MAX_FRAME - overhead + TAG_OCTETS {
            return Err(Error::TooLong);
        }
        let flag = matches!(self.counter, Counter::Full(_));
        let mut writer = Writer::new(out);
        writer.put(&[Head { flag, hop_limit: self.hop_limit }.octet(kind)?, self.next_hop])?;
        writer.node(self.destination)?;
        writer.node(self.source)?;
        match self.counter {
            Counter::Short(SequenceNumber(low)) => writer.put(&[low])?,
            Counter::Full(counter) => {
                let [high, upper, middle, low] = counter.to_be_bytes();
                writer.put(&[low, high, upper, middle])?;
            }
        }
        writer.put(self.sealed)?;
        Ok(writer.len())
    }

    fn check(&self) -> Result<(), Error> {
        if self.sealed.len() <= TAG_OCTETS { Err(Error::Truncated) } else { Ok(()) }
    }

    fn check_layout(&self) -> Result<(), Error> {
        if self.sealed.len() < TAG_OCTETS {
            return Err(Error::Truncated);
        }
        check_source(self.source)?;
        check_destination(self.destination)?;
        if self.source == self.destination { Err(Error::SameEnds) } else { Ok(()) }
    }
}
