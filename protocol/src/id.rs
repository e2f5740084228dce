//! Names on the air: who, and which message.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A radio address: 16 bits, written as four hexadecimal digits.
///
/// A handheld has one. A gateway has one of its own and answers for one more per person behind it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u16);

impl NodeId {
    /// Nobody. Never a source or a destination.
    pub const NONE: NodeId = NodeId(0);
    /// Everybody in range. Never a source.
    pub const BROADCAST: NodeId = NodeId(0xFFFF);

    /// Whether one single node can have this address.
    pub const fn is_unicast(self) -> bool {
        self.0 != Self::NONE.0 && self.0 != Self::BROADCAST.0
    }

    /// The gateway that answers for this address if it is a person's: the address whose lowest four bits are 0. A gateway is
    /// its own house.
    pub const fn house(self) -> NodeId {
        NodeId(self.0 & 0xFFF0)
    }

    /// Whether what this node takes has arrived at `destination`: it is that node, or the gateway of its house.
    pub fn answers_for(self, destination: NodeId) -> bool {
        self == destination || self == destination.house()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

/// The text is not a unicast node id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidNodeId;

impl fmt::Display for InvalidNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node id is four hexadecimal digits from 0001 to fffe")
    }
}

impl core::error::Error for InvalidNodeId {}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    /// Reads exactly four hexadecimal digits of a unicast address.
    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidNodeId);
        }
        let id = NodeId(u16::from_str_radix(text, 16).map_err(|_| InvalidNodeId)?);
        if id.is_unicast() { Ok(id) } else { Err(InvalidNodeId) }
    }
}

/// One message for ever: its source, its destination, and the source's counter towards that destination.
///
/// The counter never repeats for a pair (it is also the nonce), so the triple identifies the message across
/// retransmissions, reboots and paths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// Who wrote it.
    pub source: NodeId,
    /// Whom it is for.
    pub destination: NodeId,
    /// The source's counter for this destination, from 0.
    pub counter: u32,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.source, self.destination, self.counter)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The low eight bits of a counter, as they travel; serial-number arithmetic after RFC 1982.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SequenceNumber(pub u8);

impl SequenceNumber {
    /// How far a counter may run ahead of the last one that the other side has proven to know, if its low
    /// eight bits are to name it without doubt.
    pub const UNAMBIGUOUS: u32 = 127;

    /// The part of `counter` that travels.
    pub const fn of(counter: u32) -> Self {
        Self(counter as u8)
    }

    /// The counter closest to `expected` whose low eight bits are these. Half-way cases resolve upwards,
    /// and results stay within `u32`.
    pub const fn recover(self, expected: u32) -> u32 {
        let ahead = self.0.wrapping_sub(expected as u8);
        if ahead <= 128 {
            match expected.checked_add(ahead as u32) {
                Some(counter) => counter,
                None => expected.wrapping_add(ahead as u32).wrapping_sub(256),
            }
        } else {
            let behind = 256 - ahead as u32;
            match expected.checked_sub(behind) {
                Some(counter) => counter,
                None => expected + ahead as u32,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_read_as_they_are_written() {
        assert_eq!("01aF".parse(), Ok(NodeId(0x01AF)));
        assert_eq!(NodeId(0x01AF).to_string_for_test().as_str(), "01af");
        for bad in ["0000", "ffff", "1", "00001", "+001", "zzzz", ""] {
            assert_eq!(bad.parse::<NodeId>(), Err(InvalidNodeId), "{bad}");
        }
    }

    #[test]
    fn a_house_has_room_for_fifteen_persons() {
        assert_eq!([0x0100, 0x0101, 0x010F].map(|id| NodeId(id).house()), [NodeId(0x0100); 3]);
        assert_eq!(NodeId(0x0110).house(), NodeId(0x0110));
    }

    impl NodeId {
        fn to_string_for_test(self) -> heapless::String<4> {
            let mut text = heapless::String::new();
            core::fmt::Write::write_fmt(&mut text, format_args!("{self}")).unwrap();
            text
        }
    }

    #[test]
    fn recovery_finds_the_nearest_counter() {
        assert_eq!(SequenceNumber(5).recover(0), 5);
        assert_eq!(SequenceNumber(0).recover(255), 256);
        assert_eq!(SequenceNumber(255).recover(256), 255);
        assert_eq!(SequenceNumber(250).recover(3), 250);
        assert_eq!(SequenceNumber(0).recover(u32::MAX), 0xFFFF_FF00);
    }

    #[test]
    fn every_counter_within_reach_is_recovered() {
        for expected in [0u32, 1, 127, 128, 255, 256, 1_000, 1 << 31] {
            for distance in 0..=SequenceNumber::UNAMBIGUOUS {
                let ahead = expected + distance;
                assert_eq!(SequenceNumber::of(ahead).recover(expected), ahead);
                if let Some(behind) = expected.checked_sub(distance) {
                    assert_eq!(SequenceNumber::of(behind).recover(expected), behind);
                }
            }
        }
    }
}
