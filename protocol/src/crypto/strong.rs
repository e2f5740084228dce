//! The second half of what shall not be guessed: with it, tags and proofs have 64 bits.
//!
//! The first half is that of the short form, made as ever. The second is a tag of its own, over the same header and the sealed
//! octets, under a nonce that says which purpose the first half had: no nonce is used twice.
//! Implements `docs/protocol.md`, "Keys".

use super::session::associated;
use super::{Forged, Purpose, SessionKey, nonce_about, same};
use crate::id::{MessageId, NodeId};
use crate::wire::{Kind, LABEL_OCTETS, MAX_FRAME, Proof, STRONG_OCTETS, Strong, TAG_OCTETS};

impl SessionKey {
    /// What the strong form of a text, urgent text, fragment or poll has besides the short one. `sealed`: ciphertext and first
    /// tag, at most [`MAX_FRAME`] octets.
    ///
    /// # Panics
    /// If `sealed` is longer.
    pub fn strengthen(&self, kind: Kind, id: MessageId, sealed: &[u8]) -> Strong {
        let first = match kind {
            Kind::Fragment if sealed.len() == TAG_OCTETS => Purpose::Poll,
            Kind::Fragment => Purpose::Fragment,
            _ => Purpose::Text,
        };
        let header = associated(kind, id);
        let mut covered = [0; 5 + MAX_FRAME];
        let len = header.len() + sealed.len();
        covered[..header.len()].copy_from_slice(&header);
        covered[header.len()..len].copy_from_slice(sealed);
        let second_tag = self.tag_of(&nonce_about(Purpose::Strong, id, first as u32), &covered[..len]);
        Strong { counter: id.counter, second_tag }
    }

    /// Checks what the strong form of a frame has besides the short one; the first tag is still to be checked.
    ///
    /// # Errors
    /// [`Forged`] if it does not fit the rest.
    pub fn check_strong(
        &self,
        kind: Kind,
        id: MessageId,
        sealed: &[u8],
        second_tag: &[u8; TAG_OCTETS],
    ) -> Result<(), Forged> {
        if sealed.len() <= MAX_FRAME && same(&self.strengthen(kind, id, sealed).second_tag, second_tag) {
            Ok(())
        } else {
            Err(Forged)
        }
    }

    /// What source and destination call the direction from the one to the other in [direct](crate::wire::direct) texts. Not secret;
    /// without the key nobody can tell whose it is.
    pub fn label(&self, source: NodeId, destination: NodeId) -> [u8; LABEL_OCTETS] {
        let [a, b, ..] =
            self.tag_of(&nonce_about(Purpose::Strong, MessageId { source, destination, counter: 0 }, 0), &[]);
        [a, b]
    }

    /// A [proof](Self::proof) and its second half. The purpose is one of those that acks and receipts have.
    pub fn strong_proof(&self, purpose: Purpose, id: MessageId) -> [u8; STRONG_OCTETS] {
        let [a, b, c, d] = self.proof(purpose, id);
        let [e, f, g, h] = self.tag_of(&nonce_about(Purpose::Strong, id, purpose as u32), &[]);
        [a, b, c, d, e, f, g, h]
    }
}

/// Whether a proof that came, in whatever form, is the one that was waited for; in a time that tells nothing about where they
/// differ.
pub fn proves(proof: &Proof, awaited: &[u8; STRONG_OCTETS]) -> bool {
    let octets = proof.octets();
    awaited.get(..octets.len()).is_some_and(|awaited| same(awaited, octets))
}
