//! What is on the air: lengths as measured, fields as far as the flood needs them.
//!
//! ```text
//!    0           4        8        12      13        14         15      16      17
//!   +-----------+--------+--------+-------+---------+----------+-------+-------+- - - - - -+
//!   | destinat. | source | number | flags | channel | next hop | relay | kind  | the rest  |
//!   +-----------+--------+--------+-------+---------+----------+-------+-------+- - - - - -+
//! ```
//!
//! Sixteen octets of header, little-endian; the flags hold the hop limit and whether an ack is wanted. Behind them there
//! is ciphertext in reality; here an octet says which of two things it is, and the rest is as long as it would be.

use fanal_protocol::id::{MessageId, NodeId};

/// Octets around a text for one node: header, its own encryption and tag, field numbers.
const DIRECT_OVERHEAD: usize = 34;
/// Octets around a text for everybody.
const ROOM_OVERHEAD: usize = 22;
/// Octets of an ack.
const ACK_OCTETS: usize = 29;
/// The longest text.
pub const MAX_TEXT_OCTETS: usize = 200;

const HEADER_OCTETS: usize = 16;
const WANT_ACK: u8 = 1 << 3;
const HOP_LIMIT: u8 = 0b111;
const TEXT: u8 = 1;
const ACK: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packet {
    pub(super) destination: NodeId,
    pub(super) source: NodeId,
    /// With the source, its name.
    pub(super) number: u32,
    /// Repetitions that are left.
    pub(super) hop_limit: u8,
    pub(super) want_ack: bool,
    pub(super) body: Body,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Body {
    Text { octets: usize },
    Ack { of: u32 },
}

impl Packet {
    pub(super) fn is(&self, name: (NodeId, u32)) -> bool {
        (self.source, self.number) == name
    }

    pub(super) fn message(&self) -> MessageId {
        let Self { source, destination, number, .. } = *self;
        MessageId { source, destination, counter: number }
    }

    /// What goes before what in a queue.
    pub(super) fn urgency(&self) -> u8 {
        match self.body {
            Body::Ack { .. } => 2,
            Body::Text { .. } => u8::from(self.want_ack),
        }
    }

    fn overhead(&self) -> usize {
        if self.destination == NodeId::BROADCAST { ROOM_OVERHEAD } else { DIRECT_OVERHEAD }
    }

    pub(super) fn octets(&self) -> usize {
        match self.body {
            Body::Text { octets } => self.overhead() + octets,
            Body::Ack { .. } => ACK_OCTETS,
        }
    }

    pub(super) fn emit(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.octets());
        for node in [self.destination, self.source] {
            frame.extend_from_slice(&u32::from(node.0).to_le_bytes());
        }
        frame.extend_from_slice(&self.number.to_le_bytes());
        let flags = self.hop_limit & HOP_LIMIT | if self.want_ack { WANT_ACK } else { 0 };
        frame.extend_from_slice(&[flags, 0, 0, 0]);
        match self.body {
            Body::Text { .. } => frame.push(TEXT),
            Body::Ack { of } => {
                frame.push(ACK);
                frame.extend_from_slice(&of.to_le_bytes());
            }
        }
        frame.resize(self.octets(), 0);
        frame
    }

    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(*frame.get(at..)?.first_chunk()?));
        let node = |at: usize| Some(NodeId(u16::try_from(word(at)?).ok()?));
        let (destination, source, number) = (node(0)?, node(4)?, word(8)?);
        let flags = *frame.get(12)?;
        let mut packet = Self {
            destination,
            source,
            number,
            hop_limit: flags & HOP_LIMIT,
            want_ack: flags & WANT_ACK != 0,
            body: Body::Text { octets: 0 },
        };
        packet.body = match *frame.get(HEADER_OCTETS)? {
            TEXT => Body::Text { octets: frame.len().checked_sub(packet.overhead())? },
            ACK => Body::Ack { of: word(HEADER_OCTETS + 1)? },
            _ => return None,
        };
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_survive_the_air() {
        let text = |destination| Packet {
            destination,
            source: NodeId(0x0201),
            number: 0xDEAD_BEEF,
            hop_limit: 3,
            want_ack: true,
            body: Body::Text { octets: 40 },
        };
        let ack = Packet { want_ack: false, body: Body::Ack { of: 7 }, ..text(NodeId(2)) };
        for (packet, octets) in [(text(NodeId(2)), 74), (text(NodeId::BROADCAST), 62), (ack, 29)] {
            let frame = packet.emit();
            assert_eq!(frame.len(), octets);
            assert_eq!(Packet::parse(&frame), Some(packet));
            assert_eq!(Packet::parse(&frame[..16]), None);
        }
    }
}
