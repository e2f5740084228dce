//! A node is there, and this is whom it hears and how far it is to others.
//!
//! ```text
//!    0        1    2    3    4    5    6    7      8 .. 7 + 4n    8 + 4n .. 15 + 4n
//!   +--------+---------+-------------------+------+--------------+-------------------+
//!   | 4 0 hh | source  |      counter      | role | entries, 4n  |       tag 8       |
//!   +--------+---------+-------------------+------+--------------+-------------------+
//!
//!   entry:     0    1       2          3
//!            +---------+----------+---+--------+
//!            |  node   | sequence | d | metric |
//!            +---------+----------+---+--------+
//! ```
//!
//! 16 octets and 4 for each of up to [`MAX_ENTRIES`] entries. The tag is made with the network's key and covers all
//! but the first octet. What the entries mean to routing is for [`net`](crate::net) to say.

use super::{BEACON_TAG_OCTETS, Error, Head, Kind, MAX_FRAME, Reader, Writer, check_source};
use crate::id::NodeId;

/// Octets of a beacon around its entries.
pub const OVERHEAD: usize = 8 + BEACON_TAG_OCTETS;
/// Octets of an entry.
pub const ENTRY_OCTETS: usize = 4;
/// The most entries in a beacon.
pub const MAX_ENTRIES: usize = (MAX_FRAME - OVERHEAD) / ENTRY_OCTETS;

const DIRECT_BIT: u8 = 0x80;

/// What a node does for others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Belongs to a person; serves nobody else.
    Handheld,
    /// Forwards.
    Relay,
    /// Reaches the persons behind it.
    Gateway,
    /// Something newer than this code: 0 or 4 to 255.
    Unknown(u8),
}

impl Role {
    /// The role that this octet stands for.
    pub const fn of(octet: u8) -> Self {
        match octet {
            1 => Self::Handheld,
            2 => Self::Relay,
            3 => Self::Gateway,
            other => Self::Unknown(other),
        }
    }

    /// The octet on the air.
    pub const fn octet(self) -> u8 {
        match self {
            Self::Handheld => 1,
            Self::Relay => 2,
            Self::Gateway => 3,
            Self::Unknown(octet) => octet,
        }
    }
}

/// What it costs to reach a node, or to hear it: expected transmissions, in eighths.
///
/// A hop that never loses a frame costs 8 ([`Metric::HOP`]); what costs 127 or more is out of reach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Metric(u8);

impl Metric {
    /// The way to oneself.
    pub const ZERO: Metric = Metric(0);
    /// One hop that never loses.
    pub const HOP: Metric = Metric(8);
    /// There is no way.
    pub const UNREACHABLE: Metric = Metric(127);

    /// So many eighths of a transmission; [`Metric::UNREACHABLE`] from 127 on.
    pub const fn of_eighths(eighths: u32) -> Self {
        if eighths < Self::UNREACHABLE.0 as u32 { Self(eighths as u8) } else { Self::UNREACHABLE }
    }

    /// Eighths of a transmission, 0 to 127.
    pub const fn eighths(self) -> u8 {
        self.0
    }

    /// Whether there is a way at all.
    pub const fn is_reachable(self) -> bool {
        self.0 < Self::UNREACHABLE.0
    }

    /// One way after the other; [`Metric::UNREACHABLE`] if either is, or if it gets too long.
    #[must_use]
    pub const fn saturating_add(self, further: Metric) -> Self {
        Self::of_eighths(self.0 as u32 + further.0 as u32)
    }
}

/// What a beacon says of one other node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RouteEntry {
    /// Of whom.
    pub node: NodeId,
    /// A sequence of that node: how recent the news is, or how recent it should be.
    pub sequence: u8,
    /// The way from the source of the beacon to the node; with `direct`, the loss from the node to that source.
    pub metric: Metric,
    /// The source of the beacon speaks of the node as a neighbor.
    pub direct: bool,
}

impl RouteEntry {
    const fn of([high, low, sequence, last]: [u8; ENTRY_OCTETS]) -> Self {
        Self {
            node: NodeId(u16::from_be_bytes([high, low])),
            sequence,
            metric: Metric(last & !DIRECT_BIT),
            direct: last & DIRECT_BIT != 0,
        }
    }

    /// The entry on the air.
    pub const fn octets(self) -> [u8; ENTRY_OCTETS] {
        let [high, low] = self.node.0.to_be_bytes();
        let direct = if self.direct { DIRECT_BIT } else { 0 };
        [high, low, self.sequence, self.metric.0 | direct]
    }
}

/// The entries of a beacon: octets that have been checked, read one by one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// No entries.
    pub const NONE: Entries<'static> = Entries(&[]);

    /// Reads entries that follow each other.
    ///
    /// # Errors
    /// [`Error::TooLong`] if octets follow the last whole entry or there are more than [`MAX_ENTRIES`];
    /// [`Error::InvalidEntry`] if one speaks of nobody or everybody.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let entries = Self(octets);
        if !octets.len().is_multiple_of(ENTRY_OCTETS) || entries.len() > MAX_ENTRIES {
            return Err(Error::TooLong);
        }
        if entries.iter().any(|entry| !entry.node.is_unicast()) {
            return Err(Error::InvalidEntry);
        }
        Ok(entries)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = RouteEntry> + use<'a> {
        self.0.as_chunks().0.iter().map(|octets| RouteEntry::of(*octets))
    }

    /// How many there are, 0 to [`MAX_ENTRIES`].
    pub const fn len(self) -> usize {
        self.0.len() / ENTRY_OCTETS
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// As they are on the air.
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }
}

/// A beacon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beacon<'a> {
    /// Hops that remain, 0 to 7. Not covered by the tag.
    pub hop_limit: u8,
    /// Who is there.
    pub source: NodeId,
    /// How many beacons the source has sent, ever.
    pub counter: u32,
    /// What the source does for others.
    pub role: Role,
    /// What the source knows of others.
    pub entries: Entries<'a>,
    /// What only the holders of the network's key can make of the rest.
    pub tag: [u8; BEACON_TAG_OCTETS],
}

impl<'a> Beacon<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { hop_limit, .. } = Head::of(reader.octet()?);
        let source = reader.node()?;
        let counter = u32::from_be_bytes(reader.array()?);
        let role = Role::of(reader.octet()?);
        let (entries, tag) = reader.rest().split_last_chunk().ok_or(Error::Truncated)?;
        let entries = Entries::parse(entries)?;
        check_source(source)?;
        Ok(Self { hop_limit, source, counter, role, entries, tag: *tag })
    }

    /// Writes the frame to the start of `out` and returns its length, 16 and 4 for each entry.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        check_source(self.source)?;
        let mut writer = Writer::new(out);
        writer.put(&[Head { flag: false, hop_limit: self.hop_limit }.octet(Kind::Beacon)?])?;
        writer.node(self.source)?;
        writer.put(&self.counter.to_be_bytes())?;
        writer.put(&[self.role.octet()])?;
        writer.put(self.entries.octets())?;
        writer.put(&self.tag)?;
        Ok(writer.len())
    }
}
