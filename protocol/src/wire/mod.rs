//! Octets of the air, and the values that they mean.
//!
//! `parse` checks once all that can be checked without keys; what it returns is fit for use. `emit` refuses values
//! that `parse` would refuse. Numbers of more than one octet are big-endian. Implements `docs/protocol.md`, "Frames".
//!
//! ```text
//!   bit   7   6   5   4   3   2   1   0
//!       +---------------+---+-----------+
//!       |     kind      | f | hop limit |      octet 0 of every frame: f, the flag, means what its kind says
//!       +---------------+---+-----------+
//! ```
//!
//! A bit that its kind gives no meaning is sent as zero and ignored on arrival, so that it can be given one.

use crate::id::NodeId;

mod ack;
pub mod beacon;
mod custody;
pub mod direct;
mod error;
pub mod fragment;
mod proof;
mod receipt;
pub mod routed;
mod status;
pub mod text;

pub use ack::Ack;
pub use beacon::{Beacon, Entries, Metric, Role, RouteEntry};
pub use custody::Custody;
pub use direct::{Direct, LABEL_OCTETS};
pub use error::Error;
pub use fragment::{Fragment, FragmentSet, INDEX_OCTETS, MAX_FRAGMENTS, MAX_PIECE_OCTETS, Piece};
pub use proof::{Proof, STRONG_OCTETS};
pub use receipt::Receipt;
pub use routed::{DIRECT, FLOOD, FULL_HOP_LIMIT, Routed};
pub use status::Status;
pub use text::{Form, MAX_TEXT_OCTETS, Strong, Text};

/// The most octets in a frame: what the radio's buffer and length field hold.
pub const MAX_FRAME: usize = 255;
/// The most hops that a frame can be allowed.
pub const MAX_HOP_LIMIT: u8 = 7;
/// Octets of the tag that closes a text, and of a proof.
pub const TAG_OCTETS: usize = 4;
/// Octets of the tag that closes a beacon.
pub const BEACON_TAG_OCTETS: usize = 8;

const FLAG: u8 = 0b1000;

/// What a frame is, from the upper half of its first octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// What a person wrote, sealed.
    Text,
    /// Hop by hop: the text has been taken over.
    Ack,
    /// End to end: the text has reached its reader.
    Receipt,
    /// A node is there.
    Beacon,
    /// What a person wrote for a neighbor, sealed.
    Direct,
    /// Who keeps a text, or need not any more.
    Custody,
    /// A piece of a long text, sealed.
    Fragment,
    /// End to end: which fragments are missing.
    Status,
    /// What a person wrote and cannot wait, sealed.
    Urgent,
    /// Something newer than this code: 0, 9 or 11 to 15. Relays pass on those from 9 all the same.
    Unknown(u8),
}

impl Kind {
    /// The kind with this number; only the lower four bits count.
    pub const fn of(number: u8) -> Self {
        match number & 0x0F {
            1 => Self::Text,
            2 => Self::Ack,
            3 => Self::Receipt,
            4 => Self::Beacon,
            5 => Self::Direct,
            6 => Self::Custody,
            7 => Self::Fragment,
            8 => Self::Status,
            10 => Self::Urgent,
            other => Self::Unknown(other),
        }
    }

    /// Whether relays pass such frames on: the start of those is [`Routed`]. Kinds that are not known are, but for 0.
    pub const fn is_routed(self) -> bool {
        match self {
            Self::Text | Self::Receipt | Self::Custody | Self::Fragment | Self::Status | Self::Urgent => true,
            Self::Ack | Self::Beacon | Self::Direct => false,
            Self::Unknown(number) => number != 0,
        }
    }

    /// Whether it is a text, urgent or not.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Urgent)
    }

    /// The number on the air, 0 to 15.
    pub const fn number(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Ack => 2,
            Self::Receipt => 3,
            Self::Beacon => 4,
            Self::Direct => 5,
            Self::Custody => 6,
            Self::Fragment => 7,
            Self::Status => 8,
            Self::Urgent => 10,
            Self::Unknown(number) => number & 0x0F,
        }
    }
}

/// The kind of a frame; `None` if there are no octets. Says nothing about the rest of the frame.
pub fn kind_of(octets: &[u8]) -> Option<Kind> {
    octets.first().map(|head| Kind::of(head >> 4))
}

/// Any frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// What a person wrote, sealed; urgent or not, as its form says.
    Text(Text<'a>),
    /// Hop by hop: the text has been taken over.
    Ack(Ack),
    /// End to end: the text has reached its reader.
    Receipt(Receipt),
    /// A node is there.
    Beacon(Beacon<'a>),
    /// What a person wrote for a neighbor, sealed.
    Direct(Direct<'a>),
    /// Who keeps a text, or need not any more.
    Custody(Custody),
    /// A piece of a long text, sealed.
    Fragment(Fragment<'a>),
    /// End to end: which fragments are missing.
    Status(Status),
    /// Something newer than this code.
    Unknown {
        /// Its number, one that no kind above has.
        kind: u8,
        /// The whole frame, first octet included, 1 to [`MAX_FRAME`].
        octets: &'a [u8],
    },
}

impl<'a> Frame<'a> {
    /// Reads a whole frame.
    ///
    /// # Errors
    /// The first rule that the octets break; never for a kind that is not known, unless it is longer than a frame.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        if octets.len() > MAX_FRAME {
            return Err(Error::TooLong);
        }
        match kind_of(octets).ok_or(Error::Empty)? {
            Kind::Text => Text::parse(octets).map(Self::Text),
            Kind::Ack => Ack::parse(octets).map(Self::Ack),
            Kind::Receipt => Receipt::parse(octets).map(Self::Receipt),
            Kind::Beacon => Beacon::parse(octets).map(Self::Beacon),
            Kind::Direct => Direct::parse(octets).map(Self::Direct),
            Kind::Custody => Custody::parse(octets).map(Self::Custody),
            Kind::Fragment => Fragment::parse(octets).map(Self::Fragment),
            Kind::Status => Status::parse(octets).map(Self::Status),
            Kind::Urgent => Text::parse_urgent(octets).map(Self::Text),
            Kind::Unknown(kind) => Ok(Self::Unknown { kind, octets }),
        }
    }

    /// Writes the frame to the start of `out` and returns its length.
    ///
    /// # Errors
    /// As the bodies' own `emit`.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        match self {
            Self::Text(text) => text.emit(out),
            Self::Ack(ack) => ack.emit(out),
            Self::Receipt(receipt) => receipt.emit(out),
            Self::Beacon(beacon) => beacon.emit(out),
            Self::Direct(direct) => direct.emit(out),
            Self::Custody(custody) => custody.emit(out),
            Self::Fragment(fragment) => fragment.emit(out),
            Self::Status(status) => status.emit(out),
            Self::Unknown { octets, .. } => {
                if octets.len() > MAX_FRAME {
                    return Err(Error::TooLong);
                }
                let mut writer = Writer::new(out);
                writer.put(octets)?;
                Ok(writer.len())
            }
        }
    }
}

/// The first octet, taken apart.
#[derive(Clone, Copy)]
struct Head {
    flag: bool,
    hop_limit: u8,
}

impl Head {
    const fn of(octet: u8) -> Self {
        Self { flag: octet & FLAG != 0, hop_limit: octet & MAX_HOP_LIMIT }
    }

    fn octet(self, kind: Kind) -> Result<u8, Error> {
        if self.hop_limit > MAX_HOP_LIMIT {
            return Err(Error::InvalidHopLimit);
        }
        Ok(kind.number() << 4 | if self.flag { FLAG } else { 0 } | self.hop_limit)
    }
}

/// Takes fields off the front of a frame.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(*field)
    }

    fn octet(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[octet]| octet)
    }

    fn node(&mut self) -> Result<NodeId, Error> {
        self.array().map(|octets| NodeId(u16::from_be_bytes(octets)))
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }

    fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::TooLong) }
    }
}

/// Puts fields one after the other.
struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), Error> {
        let end = self.len.checked_add(octets.len()).ok_or(Error::BufferTooSmall)?;
        self.out.get_mut(self.len..end).ok_or(Error::BufferTooSmall)?.copy_from_slice(octets);
        self.len = end;
        Ok(())
    }

    fn node(&mut self, node: NodeId) -> Result<(), Error> {
        self.put(&node.0.to_be_bytes())
    }

    fn len(&self) -> usize {
        self.len
    }
}

fn check_source(source: NodeId) -> Result<(), Error> {
    if source.is_unicast() { Ok(()) } else { Err(Error::InvalidSource) }
}

fn check_destination(destination: NodeId) -> Result<(), Error> {
    if destination.is_unicast() { Ok(()) } else { Err(Error::InvalidDestination) }
}

/// Body of the fuzz target: whatever the octets, parsing ends, and what it accepts survives the way back.
///
/// # Panics
/// When either does not hold, which is what a fuzzer looks for.
#[cfg(any(test, feature = "fuzz"))]
pub fn fuzz_body(octets: &[u8]) {
    let Ok(frame) = Frame::parse(octets) else { return };
    let mut out = [0; MAX_FRAME];
    let len = frame.emit(&mut out).expect("what was parsed can be emitted");
    // Only bits without a meaning may get lost, and all of those are in the first octet.
    assert_eq!(out.get(1..len), octets.get(1..));
    assert_eq!(Frame::parse(&out[..len]), Ok(frame));
    for shorter in 0..len {
        assert_eq!(frame.emit(&mut out[..shorter]), Err(Error::BufferTooSmall));
    }
}

#[cfg(test)]
mod tests;
