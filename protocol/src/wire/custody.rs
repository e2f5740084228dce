//! Who keeps a text for an absent destination, and that nobody needs to any more.
//!
//! ```text
//!    0        1          2    3    4    5    6    7    8    9
//!   +--------+----------+---------+---------+-------------------+
//!   | 6 f hh | next hop | destin. |  about  |       proof       |
//!   +--------+----------+---------+---------+-------------------+
//! ```
//!
//! 10 octets. Without the flag a custodian (`about`) tells the source of a text (the destination of this frame) that it has
//! the text in durable storage. With the flag the source (`about`) tells the custodian that the text has arrived.

use super::{Error, Head, Kind, Reader, TAG_OCTETS, Writer, check_destination, check_source};
use crate::id::NodeId;

/// A custody notice on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Custody {
    /// Hops that remain, 0 to 7.
    pub hop_limit: u8,
    /// Who is to take it next, as of all [routed](super::Routed) frames.
    pub next_hop: u8,
    /// Whom it is for.
    pub destination: NodeId,
    /// Whether the text may be forgotten; else it is being kept.
    pub release: bool,
    /// Who says so.
    pub about: NodeId,
    /// What only those who hold the network's key can make of the identity of the text's frame.
    pub proof: [u8; TAG_OCTETS],
}

impl Custody {
    /// Octets of the frame.
    pub const OCTETS: usize = 6 + TAG_OCTETS;

    pub(super) fn parse(octets: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { flag: release, hop_limit } = Head::of(reader.octet()?);
        let next_hop = reader.octet()?;
        let destination = reader.node()?;
        let about = reader.node()?;
        let proof = reader.array()?;
        reader.end()?;
        check_destination(destination)?;
        check_source(about)?;
        Ok(Self { hop_limit, next_hop, destination, release, about, proof })
    }

    /// Writes the frame to the start of `out` and returns its length, 10.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        check_destination(self.destination)?;
        check_source(self.about)?;
        let head = Head { flag: self.release, hop_limit: self.hop_limit };
        let mut writer = Writer::new(out);
        writer.put(&[head.octet(Kind::Custody)?, self.next_hop])?;
        writer.node(self.destination)?;
        writer.node(self.about)?;
        writer.put(&self.proof)?;
        Ok(writer.len())
    }
}
