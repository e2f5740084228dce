//! What a community knows: the key that authenticates its beacons. It opens nobody's texts.

use core::fmt;
use core::str::FromStr;

use ccm::aead::inout::InOutBuf;
use ccm::{AeadInOut, KeyInit, Tag};
use zeroize::Zeroize;

use super::hex::{self, InvalidKey};
use super::{Forged, NetworkCipher, Purpose, nonce};
use crate::id::{MessageId, NodeId};
use crate::wire::beacon::{ENTRY_OCTETS, MAX_ENTRIES};
use crate::wire::{BEACON_TAG_OCTETS, Entries, TAG_OCTETS};

/// Octets of a beacon that its tag covers beside those in the nonce, at most.
const ASSOCIATED: usize = 1 + MAX_ENTRIES * ENTRY_OCTETS;

/// The key that the nodes of a community share: 16 octets, written as 32 hexadecimal digits. Wiped when dropped;
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct NetworkKey(pub [u8; 16]);

impl NetworkKey {
    /// The tag of a beacon. Every beacon of a source needs a greater `counter` than all before.
    pub fn seal_beacon(
        &self,
        source: NodeId,
        counter: u32,
        role: u8,
        entries: Entries<'_>,
    ) -> [u8; BEACON_TAG_OCTETS] {
        let mut buf = [0; ASSOCIATED];
        let associated = associated(role, entries, &mut buf);
        self.cipher()
            .encrypt_inout_detached(&beacon_nonce(source, counter), associated, InOutBuf::from(&mut [][..]))
            .expect("an empty text is not too long")
            .into()
    }

    /// Checks the tag of a beacon, in a time that tells nothing about where it differs. Whether the beacon is new is
    /// for a [`Window`](super::Window) to say.
    ///
    /// # Errors
    /// [`Forged`] if the tag does not fit the rest.
    pub fn open_beacon(
        &self,
        source: NodeId,
        counter: u32,
        role: u8,
        entries: Entries<'_>,
        tag: &[u8; BEACON_TAG_OCTETS],
    ) -> Result<(), Forged> {
        let mut buf = [0; ASSOCIATED];
        let associated = associated(role, entries, &mut buf);
        self.cipher()
            .decrypt_inout_detached(
                &beacon_nonce(source, counter),
                associated,
                InOutBuf::from(&mut [][..]),
                &Tag::from(*tag),
            )
            .map_err(|_| Forged)
    }

    /// What `node` says of somebody else's frame, by the frame's [`identity`](crate::wire::Routed::identity):
    /// [`HopAck`](Purpose::HopAck), [`Custody`](Purpose::Custody) or [`Release`](Purpose::Release).
    pub fn proof(&self, purpose: Purpose, node: NodeId, identity: u32) -> [u8; TAG_OCTETS] {
        let id = MessageId { source: node, destination: NodeId::BROADCAST, counter: identity };
        let tag: [u8; BEACON_TAG_OCTETS] = self
            .cipher()
            .encrypt_inout_detached(&nonce(purpose, id), &[], InOutBuf::from(&mut [][..]))
            .expect("an empty text is not too long")
            .into();
        let [a, b, c, d, ..] = tag;
        [a, b, c, d]
    }

    fn cipher(&self) -> NetworkCipher {
        NetworkCipher::new(&self.0.into())
    }
}

impl Drop for NetworkKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkKey(..)")
    }
}

impl FromStr for NetworkKey {
    type Err = InvalidKey;

    /// Reads exactly 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        hex::parse(text).map(Self)
    }
}

fn beacon_nonce(source: NodeId, counter: u32) -> ccm::Nonce<ccm::consts::U13> {
    nonce(Purpose::Beacon, MessageId { source, destination: NodeId::BROADCAST, counter })
}

/// Role and entries as they follow each other on the air.
fn associated<'b>(role: u8, entries: Entries<'_>, buf: &'b mut [u8; ASSOCIATED]) -> &'b [u8] {
    let len = entries.octets().len();
    buf[0] = role;
    buf[1..=len].copy_from_slice(entries.octets());
    &buf[..=len]
}
