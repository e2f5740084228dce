//! What relays read and change of a frame that travels over several hops.
//!
//! ```text
//!    0        1          2    3    4 ..
//!   +--------+----------+---------+- - - -
//!   | k f hh | next hop | destin. |
//!   +--------+----------+---------+- - - -
//! ```
//!
//! Hop limit and next hop change from hop to hop. All else stays and is the frame's [identity](Routed::identity): by it
//! a node recognises the copies of one frame, whatever its kind, also of kinds that are not known here. What the strong form of
//! a text adds is left out of it, so that all attempts of one message are one.

use super::text::{HEADER, UPPER_OCTETS};
use super::{FLAG, Head, Kind, Reader, TAG_OCTETS};
use crate::id::NodeId;

/// The next hop that stands for the destination itself.
pub const DIRECT: u8 = 0;
/// The next hop that stands for everybody: whoever hears the frame passes it on once.
pub const FLOOD: u8 = 255;
/// The hop limit with which a source sends; on arrival it says that the source itself was heard.
pub const FULL_HOP_LIMIT: u8 = super::MAX_HOP_LIMIT;

/// Octets that are read here.
const OCTETS: usize = 4;

/// The start of a frame that relays pass on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Routed {
    /// What it is.
    pub kind: Kind,
    /// Hops that remain, 0 to 7.
    pub hop_limit: u8,
    /// Who is to take it next: [`DIRECT`], [`FLOOD`], or the [`name`] of a node.
    pub next_hop: u8,
    /// Whom it is for.
    pub destination: NodeId,
}

impl Routed {
    /// Reads the start of a frame; `None` if its kind is not passed on, or if it is too short.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let kind = super::kind_of(octets).filter(|kind| kind.is_routed())?;
        let mut reader = Reader(octets);
        let Head { hop_limit, .. } = Head::of(reader.octet().ok()?);
        let next_hop = reader.octet().ok()?;
        let destination = reader.node().ok().filter(|node| node.is_unicast())?;
        Some(Self { kind, hop_limit, next_hop, destination })
    }

    /// Writes another hop limit and next hop into a frame.
    pub fn redirect(octets: &mut [u8], hop_limit: u8, next_hop: u8) {
        if let [head, next, ..] = octets {
            *head = *head & !super::MAX_HOP_LIMIT | hop_limit & super::MAX_HOP_LIMIT;
            *next = next_hop;
        }
    }

    /// What all copies of a frame have in common, whatever path and form they took: FNV-1a (RFC 9923) over the octets that
    /// no relay changes, less what only the strong form has. Tells copies apart, not friend from foe.
    pub fn identity(octets: &[u8]) -> u32 {
        let (changes, header, sealed) = match both_forms_have(octets) {
            Some((header, sealed)) => (super::MAX_HOP_LIMIT | FLAG, header, sealed),
            None => (super::MAX_HOP_LIMIT, octets.get(2..).unwrap_or_default(), &[][..]),
        };
        let head = octets.first().map(|head| head & !changes);
        head.iter()
            .chain(header)
            .chain(sealed)
            .fold(0x811C_9DC5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
    }
}

/// Of a text or fragment in the strong form, what its short form has, too: header and sealed octets.
fn both_forms_have(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let has_forms = matches!(super::kind_of(octets)?, Kind::Text | Kind::Fragment);
    if !has_forms || !Head::of(*octets.first()?).flag {
        return None;
    }
    let (start, _) = octets.split_last_chunk::<TAG_OCTETS>()?;
    Some((octets.get(2..HEADER)?, start.get(HEADER + UPPER_OCTETS..)?))
}

/// How a frame names a node as its next hop, under the sequence with which it offered the way: one octet, 1 to 254, which
/// also depends on the frame. Two neighbors may have the same name in one frame, and both take it; they will not have it in
/// the next.
pub fn name(node: NodeId, sequence: u8, octets: &[u8]) -> u8 {
    let salt = octets.get(OCTETS..).unwrap_or_default().iter().take(4);
    let start = (u32::from(node.0) << 8 | u32::from(sequence)).wrapping_mul(0x9E37_79B1);
    let mixed = salt.fold(start, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193));
    1 + (mixed >> 16) as u8 % FLOOD.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 9] = [0x17, 0x40, 0x02, 0x01, 0x01, 0x01, 7, 8, 9];

    #[test]
    fn only_hop_limit_and_next_hop_leave_the_identity_alone() {
        let identity = Routed::identity(&FRAME);
        let mut frame = FRAME;
        Routed::redirect(&mut frame, 2, 0x99);
        assert_eq!(Routed::identity(&frame), identity);
        assert_eq!(frame, [0x12, 0x99, 0x02, 0x01, 0x01, 0x01, 7, 8, 9]);
        for place in 2..FRAME.len() {
            let mut other = FRAME;
            other[place] ^= 1;
            assert_ne!(Routed::identity(&other), identity, "octet {place}");
        }
        assert_ne!(
            Routed::identity(&[0x3F, 0x40, 0x02, 0x01, 0x01, 0x01, 7, 8, 9]),
            identity,
            "another kind"
        );
        let flag = |head| Routed::identity(&[head, 0, 2, 1, 1, 1, 7, 8, 9]);
        assert_ne!(flag(0x30), flag(0x38), "a flag with another meaning");
    }

    #[test]
    fn both_forms_of_a_message_have_one_identity() {
        let (text, strong) = (
            [0x10, 0, 2, 1, 1, 1, 7, 20, 21, 22, 23, 24],
            [0x1F, 0x40, 2, 1, 1, 1, 7, 0, 1, 2, 20, 21, 22, 23, 24, 40, 41, 42, 43],
        );
        assert_eq!(Routed::identity(&text), Routed::identity(&strong));
        let (mut fragment, mut strong_fragment) = (text, strong);
        (fragment[0], strong_fragment[0]) = (0x70, 0x7F);
        assert_eq!(Routed::identity(&fragment), Routed::identity(&strong_fragment));
        assert_ne!(Routed::identity(&fragment), Routed::identity(&text));
        let mut urgent = strong;
        urgent[0] = 0xA7;
        assert_ne!(Routed::identity(&urgent), Routed::identity(&strong));
        for place in [2, 3, 4, 5, 6, 10, 14] {
            let mut other = strong;
            other[place] ^= 1;
            assert_ne!(Routed::identity(&other), Routed::identity(&text), "octet {place}");
        }
    }

    #[test]
    fn octets_too_few_for_a_form_have_an_identity_all_the_same() {
        for len in 0..24 {
            Routed::identity(&[0x1F; 24][..len]);
        }
    }

    #[test]
    fn no_node_is_called_direct_or_flood() {
        for node in 1..u16::MAX {
            assert!(!matches!(name(NodeId(node), 0, &FRAME), DIRECT | FLOOD));
        }
    }

    #[test]
    fn two_nodes_with_one_name_have_two_in_most_other_frames() {
        let mut frame = FRAME;
        let same = |frame: &[u8]| name(NodeId(0x0201), 3, frame) == name(NodeId(0x0404), 3, frame);
        let alike = (0..=255)
            .filter(|octet| {
                frame[6] = *octet;
                same(&frame)
            })
            .count();
        assert!(alike < 8, "{alike} of 256");
    }

    #[test]
    fn kinds_from_the_future_are_read_and_short_frames_are_not() {
        assert_eq!(Routed::read(&[0xC3, 1, 2, 3]).map(|routed| routed.hop_limit), Some(3));
        assert_eq!(Routed::read(&[0xC3, 1, 2]), None);
        assert_eq!(Routed::read(&[0x23, 1, 2, 3]), None, "an ack");
        assert_eq!(Routed::read(&[0xC3, 1, 0xFF, 0xFF]), None, "for everybody");
    }
}
