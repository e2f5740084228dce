//! End to end: which fragments of a long text its destination still lacks.
//!
//! ```text
//!    0        1          2    3    4    5    6    7    8 .. 11
//!   +--------+----------+---------+-------------------+---------+
//!   | 8 0 hh | next hop | destin. |       proof       | missing |
//!   +--------+----------+---------+-------------------+---------+
//! ```
//!
//! 9 to 12 octets. The destination is the source of the text, as in a [receipt](super::Receipt). Bit b of octet o
//! of `missing` is set while the fragment with index 8 o + b is missing. The last octet is never zero: octets that
//! would be are left out, and a message that misses nothing gets its receipt instead.

use super::{Error, FragmentSet, Head, Kind, Reader, TAG_OCTETS, Writer, check_destination};
use crate::id::NodeId;

/// A fragment status on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Hops that remain, 0 to 7.
    pub hop_limit: u8,
    /// Who is to take it next, as in a receipt.
    pub next_hop: u8,
    /// Who wrote the text.
    pub destination: NodeId,
    /// What only the text's destination can make of its id and of `missing`.
    pub proof: [u8; TAG_OCTETS],
    /// What has not arrived; never empty.
    pub missing: FragmentSet,
}

impl Status {
    /// The most octets of the frame.
    pub const MAX_OCTETS: usize = 4 + TAG_OCTETS + size_of::<u32>();

    pub(super) fn parse(octets: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(octets);
        let Head { hop_limit, .. } = Head::of(reader.octet()?);
        let next_hop = reader.octet()?;
        let destination = reader.node()?;
        let proof = reader.array()?;
        let bitmap = reader.rest();
        let mut missing = [0; size_of::<u32>()];
        missing.get_mut(..bitmap.len()).ok_or(Error::TooLong)?.copy_from_slice(bitmap);
        match bitmap.last() {
            None => return Err(Error::Truncated),
            Some(0) => return Err(Error::InvalidBitmap),
            Some(_) => {}
        }
        check_destination(destination)?;
        let missing = FragmentSet(u32::from_le_bytes(missing));
        Ok(Self { hop_limit, next_hop, destination, proof, missing })
    }

    /// Writes the frame to the start of `out` and returns its length, at most [`MAX_OCTETS`](Self::MAX_OCTETS).
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], or what `parse` would say of the frame.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        let highest = self.missing.highest().ok_or(Error::InvalidBitmap)?;
        check_destination(self.destination)?;
        let mut writer = Writer::new(out);
        writer.put(&[Head { flag: false, hop_limit: self.hop_limit }.octet(Kind::Status)?, self.next_hop])?;
        writer.node(self.destination)?;
        writer.put(&self.proof)?;
        let bitmap = self.missing.0.to_le_bytes();
        writer.put(bitmap.get(..=usize::from(highest) / 8).ok_or(Error::InvalidBitmap)?)?;
        Ok(writer.len())
    }
}
