//! A piece of a text that is too long for one frame, sealed by its source for its destination.
//!
//! The frame is laid out as a [text](super::text), under a kind of its own:
//!
//! ```text
//!    0        1          2    3    4    5    6          7    8    9
//!   +--------+----------+---------+---------+----------+--------------+----------------+---------+
//!   | 7 f hh | next hop | destin. | source  | sequence | if f: upper  | ciphertext     |  tag 4  | if f: second
//!   |        |          |         |         |          | 3 of counter |                |         | tag 4
//!   +--------+----------+---------+---------+----------+--------------+----------------+---------+
//! ```
//!
//! The counter is the fragment's own: the message's first fragment has the message's counter, the others those that
//! follow. Inside the seal, one octet goes before the piece and says which it is:
//!
//! ```text
//!   bit   7   6   5   4   3   2   1   0
//!       +-------+---+-------------------+
//!       | 0   0 | l |       index       |      l: no fragment follows this one
//!       +-------+---+-------------------+
//! ```
//!
//! With a tag and nothing else sealed, the frame is a *poll*: what is missing of the message with this counter? The tag
//! is a proof then. It costs an eighth of the airtime of a full fragment.
//!
//! How many fragments there are, only the last one says: before it is there, nobody needs to know. All fragments but
//! the last have the same length, so that any one of them shows where the others belong.

use super::text::{Form, Text};
use super::{Error, Kind, MAX_TEXT_OCTETS, TAG_OCTETS};
use crate::id::MessageId;

/// The most fragments of one message.
pub const MAX_FRAGMENTS: u8 = 32;
/// Octets before the piece, inside the seal.
pub const INDEX_OCTETS: usize = 1;
/// The longest piece, octets.
///
/// A number and not "whatever fits a frame": a message must be cut the same way for ever, because its counters have
/// been used for these very pieces (see [`Cut`](crate::transport::Cut)).
pub const MAX_PIECE_OCTETS: usize = 236;

const _: () =
    assert!(INDEX_OCTETS + MAX_PIECE_OCTETS <= MAX_TEXT_OCTETS, "a piece must fit whatever the counter");

const LAST: u8 = 0b0010_0000;
const INDEX: u8 = 0b0001_1111;

/// A fragment or a poll on its way: as a text, under its own kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment<'a>(pub Text<'a>);

impl<'a> Fragment<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let fragment = Self(Text::parse_layout(octets)?);
        fragment.check()?;
        Ok(fragment)
    }

    /// Writes the frame to the start of `out` and returns its length, at most [`MAX_FRAME`](super::MAX_FRAME).
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        self.check()?;
        self.0.emit_layout(Kind::Fragment, out)
    }

    /// The proof, if this is a poll.
    pub fn poll_proof(&self) -> Option<[u8; TAG_OCTETS]> {
        self.0.sealed.try_into().ok()
    }

    fn check(&self) -> Result<(), Error> {
        if matches!(self.0.form, Form::Urgent(_)) {
            return Err(Error::UrgentFragment);
        }
        let sealed = self.0.sealed.len();
        // An index without a piece is neither the one nor the other.
        if sealed == INDEX_OCTETS + TAG_OCTETS { Err(Error::Truncated) } else { Ok(()) }
    }
}

/// What a fragment's seal holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// Which fragment of its message this is, from 0; below [`MAX_FRAGMENTS`].
    pub index: u8,
    /// Whether no other follows. Never for the first: what fits one fragment is sent as a text.
    pub is_last: bool,
    /// The octets of the text, 1 to [`MAX_PIECE_OCTETS`]. They may begin or end within a character.
    pub octets: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Reads what was sealed.
    ///
    /// # Errors
    /// The first rule that the octets break.
    pub fn parse(plain: &'a [u8]) -> Result<Self, Error> {
        let (head, octets) = plain.split_first().ok_or(Error::Truncated)?;
        if head & !(LAST | INDEX) != 0 {
            return Err(Error::InvalidIndex);
        }
        let piece = Self { index: head & INDEX, is_last: head & LAST != 0, octets };
        piece.check()?;
        Ok(piece)
    }

    /// Writes what is to be sealed to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of it.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        self.check()?;
        let mut writer = super::Writer::new(out);
        writer.put(&[self.index | if self.is_last { LAST } else { 0 }])?;
        writer.put(self.octets)?;
        Ok(writer.len())
    }

    /// The message that this is a piece of, by the fragment's own id; `None` if no message can be meant.
    pub const fn message(&self, fragment: MessageId) -> Option<MessageId> {
        match fragment.counter.checked_sub(self.index as u32) {
            Some(counter) => Some(MessageId { counter, ..fragment }),
            None => None,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.index >= MAX_FRAGMENTS || (self.is_last && self.index == 0) {
            return Err(Error::InvalidIndex);
        }
        match self.octets.len() {
            0 => Err(Error::Truncated),
            1..=MAX_PIECE_OCTETS => Ok(()),
            _ => Err(Error::TooLong),
        }
    }
}

/// Some of the fragments of one message: bit n stands for the fragment with index n.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FragmentSet(pub u32);

impl FragmentSet {
    /// None of them.
    pub const EMPTY: Self = Self(0);

    /// The first `count` fragments, at most [`MAX_FRAGMENTS`].
    pub const fn first(count: u8) -> Self {
        if count >= MAX_FRAGMENTS { Self(u32::MAX) } else { Self((1 << count) - 1) }
    }

    /// This one alone; empty for an index that no fragment can have.
    pub const fn only(index: u8) -> Self {
        if index < MAX_FRAGMENTS { Self(1 << index) } else { Self::EMPTY }
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn len(self) -> u8 {
        self.0.count_ones() as u8
    }

    /// Whether this one is among them.
    pub const fn contains(self, index: u8) -> bool {
        self.0 & Self::only(index).0 != 0
    }

    /// These and those.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These but not those.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// These that are also among those.
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The one with the lowest index.
    pub const fn lowest(self) -> Option<u8> {
        if self.is_empty() { None } else { Some(self.0.trailing_zeros() as u8) }
    }

    /// The one with the highest index.
    pub const fn highest(self) -> Option<u8> {
        if self.is_empty() { None } else { Some(31 - self.0.leading_zeros() as u8) }
    }
}
