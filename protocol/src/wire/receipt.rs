//! End to end: the text has reached its reader.
//!
//! ```text
//!    0        1          2    3    4    5    6    7
//!   +--------+----------+---------+-------------------+
//!   | 3 f hh | next hop | destin. |       proof       |
//!   +--------+----------+---------+-------------------+
//! ```
//!
//! 8 octets, or 12 with a [strong proof](super::Proof). The destination is the source of the text, which knows by the proof whose receipt it is and for what. The
//! flag asks for an ack of this receipt.

use super::proof::STRONG_OCTETS;
use super::{Error, Head, Kind, Proof, Reader, TAG_OCTETS, Writer, check_destination};
use crate::id::NodeId;

/// A receipt on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Hops that remain, 0 to 7.
    pub hop_limit: u8,
    /// Who is to take it next, as of all [routed](super::Routed) frames.
    pub next_hop: u8,
    /// Who wrote the text.
    pub destination: NodeId,
    /// Whether whoever sends this repeats it until it is acknowledged.
    pub acknowledge: bool,
    /// What only the text's destination can make of its id.
    pub proof: Proof,
}

impl Receipt {
    /// Octets of the frame with a short proof.
    pub const OCTETS: usize = 4 + TAG_OCTETS;
    /// Octets of the frame with a strong proof.
    pub const STRONG_OCTETS: usize = 4 + STRONG_OCTETS;

    pub(super) fn parse(octets: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { flag: acknowledge, hop_limit } = Head::of(reader.octet()?);
        let next_hop = reader.octet()?;
        let destination = reader.node()?;
        let proof = Proof::parse(reader.rest())?;
        check_destination(destination)?;
        Ok(Self { hop_limit, next_hop, destination, acknowledge, proof })
    }

    /// Writes the frame to the start of `out` and returns its length, 8 or 12.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        check_destination(self.destination)?;
        let head = Head { flag: self.acknowledge, hop_limit: self.hop_limit };
        let mut writer = Writer::new(out);
        writer.put(&[head.octet(Kind::Receipt)?, self.next_hop])?;
        writer.node(self.destination)?;
        writer.put(self.proof.octets())?;
        Ok(writer.len())
    }
}
