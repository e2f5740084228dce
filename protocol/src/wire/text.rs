//! What a person wrote, sealed by its source for its destination.
//!
//! ```text
//!    0        1          2    3    4    5    6          7    8    9
//!   +--------+----------+---------+---------+----------+--------------+----------------+---------+
//!   | 1 f hh | next hop | destin. | source  | sequence | if f: upper  | ciphertext 1.. |  tag 4  | if f: second
//!   |        |          |         |         |          | 3 of counter |                |         | tag 4
//!   +--------+----------+---------+---------+----------+--------------+----------------+---------+
//! ```
//!
//! 11 octets around the text, 18 with the flag: the *strong form*. The sequence number is the counter's lowest octet; with
//! the flag the other three follow, and a second tag ends the frame. The rest is the same in both forms, and so is the
//! [identity](super::Routed::identity). An *urgent* text is laid out as the strong form, under the kind 10.

use super::{Error, Head, Kind, MAX_FRAME, Reader, TAG_OCTETS, Writer, check_destination, check_source};
use crate::id::{NodeId, SequenceNumber};

/// Octets of the upper part of a counter.
pub(super) const UPPER_OCTETS: usize = 3;
/// Octets before what is sealed, in the short form.
pub(super) const HEADER: usize = 7;
/// Octets around a text in the short form.
pub const OVERHEAD: usize = HEADER + TAG_OCTETS;
/// Octets around a text in the strong form.
pub const OVERHEAD_STRONG: usize = OVERHEAD + UPPER_OCTETS + TAG_OCTETS;
/// The longest text in the short form, octets.
pub const MAX_TEXT: usize = MAX_FRAME - OVERHEAD;
/// The longest text that fits in either form, octets: what callers are promised.
pub const MAX_TEXT_OCTETS: usize = MAX_FRAME - OVERHEAD_STRONG;

/// How much of the counter travels, and how hard the text is to forge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// The counter's lowest octet, and one tag.
    Short(SequenceNumber),
    /// The whole counter, and a second tag.
    Strong(Strong),
    /// As strong, and of the kind that overtakes all others.
    Urgent(Strong),
}

/// What the strong form adds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Strong {
    /// The whole counter.
    pub counter: u32,
    /// The tag over header and sealed octets.
    pub second_tag: [u8; TAG_OCTETS],
}

impl Form {
    /// The whole counter, by the one that the receiver expects when only a part travelled.
    pub const fn recover(self, expected: u32) -> u32 {
        match self {
            Self::Short(sequence) => sequence.recover(expected),
            Self::Strong(strong) | Self::Urgent(strong) => strong.counter,
        }
    }

    /// What the strong form adds; `None` in the short form.
    pub const fn strong(self) -> Option<Strong> {
        match self {
            Self::Short(_) => None,
            Self::Strong(strong) | Self::Urgent(strong) => Some(strong),
        }
    }

    /// The kind of a text in this form.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Short(_) | Self::Strong(_) => Kind::Text,
            Self::Urgent(_) => Kind::Urgent,
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
    /// The source's counter towards this destination, and what proves the text besides its tag.
    pub form: Form,
    /// Ciphertext and (first) tag: [`TAG_OCTETS`] and one more at least.
    pub sealed: &'a [u8],
}

impl<'a> Text<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let text = Self::parse_layout(octets)?;
        text.check()?;
        Ok(text)
    }

    pub(super) fn parse_urgent(octets: &'a [u8]) -> Result<Self, Error> {
        let text = Self::parse_form(octets, true)?;
        let form = text.form.strong().map_or(text.form, Form::Urgent);
        let urgent = Self { form, ..text };
        urgent.check()?;
        Ok(urgent)
    }

    /// Reads a frame of any kind that is laid out as this one. What is sealed may be nothing: then there is a tag alone.
    pub(super) fn parse_layout(octets: &'a [u8]) -> Result<Self, Error> {
        let strong = octets.first().is_some_and(|head| Head::of(*head).flag);
        Self::parse_form(octets, strong)
    }

    fn parse_form(octets: &'a [u8], strong: bool) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { hop_limit, .. } = Head::of(reader.octet()?);
        let next_hop = reader.octet()?;
        let destination = reader.node()?;
        let source = reader.node()?;
        let low = reader.octet()?;
        let (form, sealed) = if strong {
            let [high, upper, middle] = reader.array()?;
            let (sealed, second_tag) = reader.rest().split_last_chunk().ok_or(Error::Truncated)?;
            let counter = u32::from_be_bytes([high, upper, middle, low]);
            (Form::Strong(Strong { counter, second_tag: *second_tag }), sealed)
        } else {
            (Form::Short(SequenceNumber(low)), reader.rest())
        };
        let text = Self { hop_limit, next_hop, destination, source, form, sealed };
        text.check_layout()?;
        Ok(text)
    }

    /// Writes the frame to the start of `out` and returns its length, at most [`MAX_FRAME`].
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        self.check()?;
        self.emit_layout(self.form.kind(), out)
    }

    /// Writes the frame under the number of a kind that is laid out as this one.
    pub(super) fn emit_layout(&self, kind: Kind, out: &mut [u8]) -> Result<usize, Error> {
        self.check_layout()?;
        let overhead = if self.form.strong().is_some() { OVERHEAD_STRONG } else { OVERHEAD };
        if self.sealed.len() > MAX_FRAME - overhead + TAG_OCTETS {
            return Err(Error::TooLong);
        }
        // The kind of an urgent text says it already.
        let flag = matches!(self.form, Form::Strong(_));
        let mut writer = Writer::new(out);
        writer.put(&[Head { flag, hop_limit: self.hop_limit }.octet(kind)?, self.next_hop])?;
        writer.node(self.destination)?;
        writer.node(self.source)?;
        match self.form {
            Form::Short(SequenceNumber(low)) => {
                writer.put(&[low])?;
                writer.put(self.sealed)?;
            }
            Form::Strong(Strong { counter, second_tag }) | Form::Urgent(Strong { counter, second_tag }) => {
                let [high, upper, middle, low] = counter.to_be_bytes();
                writer.put(&[low, high, upper, middle])?;
                writer.put(self.sealed)?;
                writer.put(&second_tag)?;
            }
        }
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
