//! A node is there.
//!
//! ```text
//!    0        1    2    3    4    5    6    7      8 .. 15
//!   +--------+---------+-------------------+------+---------+
//!   | 4 0 hh | source  |      counter      | role |  tag 8  |
//!   +--------+---------+-------------------+------+---------+
//! ```
//!
//! 16 octets. The tag is made with the network's key and covers all but the hop limit.

use super::{BEACON_TAG_OCTETS, Error, Head, Kind, Reader, Writer, check_source};
use crate::id::NodeId;

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

/// A beacon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beacon {
    /// Hops that remain, 0 to 7. Not covered by the tag.
    pub hop_limit: u8,
    /// Who is there.
    pub source: NodeId,
    /// How many beacons the source has sent, ever.
    pub counter: u32,
    /// What the source does for others.
    pub role: Role,
    /// What only the holders of the network's key can make of the rest.
    pub tag: [u8; BEACON_TAG_OCTETS],
}

impl Beacon {
    pub(super) fn parse(octets: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { hop_limit, .. } = Head::of(reader.octet()?);
        let source = reader.node()?;
        let counter = u32::from_be_bytes(reader.array()?);
        let role = Role::of(reader.octet()?);
        let tag = reader.array()?;
        reader.end()?;
        check_source(source)?;
        Ok(Self { hop_limit, source, counter, role, tag })
    }

    /// Writes the frame to the start of `out` and returns its length, 16.
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
        writer.put(&self.tag)?;
        Ok(writer.len())
    }
}
