//! What two nodes say to each other: seals and proofs with the key that they share.

use core::fmt;

use ccm::aead::inout::InOutBuf;
use ccm::consts::U13;
use ccm::{AeadInOut, KeyInit, Nonce, Tag};
use zeroize::Zeroize;

use super::{Forged, Purpose, SessionCipher, nonce, nonce_about};
use crate::id::MessageId;
use crate::wire::{FragmentSet, Kind, TAG_OCTETS};

/// Octets of a session's key.
pub(super) const SESSION_KEY_OCTETS: usize = 16;

/// The key that two nodes share. Wiped when dropped; `Debug` shows nothing of it.
///
/// Sixteen octets: the schedule is made anew for each seal, because many sessions must fit into a small memory.
#[derive(Clone)]
pub struct SessionKey([u8; SESSION_KEY_OCTETS]);

impl SessionKey {
    /// The key made of octets that were agreed on before; nodes get theirs from [`agree`](super::agree).
    pub const fn from_bytes(octets: [u8; SESSION_KEY_OCTETS]) -> Self {
        Self(octets)
    }

    /// Seals a text: writes ciphertext and tag, `plaintext.len() + 4` octets, to the start of `out` and returns their
    /// number. `None` if they do not fit there, or if the text is longer than 65,535 octets.
    ///
    /// The same `id` must never be used for two texts; sealing one text again gives the same octets. The kind, the
    /// destination and the source are authenticated with it, the next hop and the hop limit are not.
    pub fn seal_text(&self, id: MessageId, plaintext: &[u8], out: &mut [u8]) -> Option<usize> {
        self.seal(Purpose::Text, Kind::Text, id, plaintext, out)
    }

    /// Opens a text: writes it to the start of `out` and returns its length, `sealed.len() - 4`.
    ///
    /// # Errors
    /// [`Forged`] if the tag does not fit `id` and the rest, also when `sealed` is shorter than a tag or `out` shorter
    /// than the text. Nothing of the text is left in `out` then.
    pub fn open_text(&self, id: MessageId, sealed: &[u8], out: &mut [u8]) -> Result<usize, Forged> {
        self.open(Purpose::Text, Kind::Text, id, sealed, out)
    }

    /// Seals an urgent text, as [`seal_text`](Self::seal_text) does another. One message is either urgent or not.
    pub fn seal_urgent(&self, id: MessageId, plaintext: &[u8], out: &mut [u8]) -> Option<usize> {
        self.seal(Purpose::Text, Kind::Urgent, id, plaintext, out)
    }

    /// Opens an urgent text, as [`open_text`](Self::open_text) does another.
    ///
    /// # Errors
    /// [`Forged`], as there.
    pub fn open_urgent(&self, id: MessageId, sealed: &[u8], out: &mut [u8]) -> Result<usize, Forged> {
        self.open(Purpose::Text, Kind::Urgent, id, sealed, out)
    }

    /// Seals what [`Piece::emit`](crate::wire::Piece::emit) wrote, as [`seal_text`](Self::seal_text) does a text. The
    /// counter of `fragment` is the fragment's own, so the same one must never be used for two pieces.
    pub fn seal_fragment(&self, fragment: MessageId, plaintext: &[u8], out: &mut [u8]) -> Option<usize> {
        self.seal(Purpose::Fragment, Kind::Fragment, fragment, plaintext, out)
    }

    /// Opens a fragment, as [`open_text`](Self::open_text) does a text.
    ///
    /// # Errors
    /// [`Forged`], as there.
    pub fn open_fragment(&self, fragment: MessageId, sealed: &[u8], out: &mut [u8]) -> Result<usize, Forged> {
        self.open(Purpose::Fragment, Kind::Fragment, fragment, sealed, out)
    }

    fn seal(
        &self,
        purpose: Purpose,
        kind: Kind,
        id: MessageId,
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Option<usize> {
        let (ciphertext, rest) = out.split_at_mut_checked(plaintext.len())?;
        let tag_out = rest.first_chunk_mut::<TAG_OCTETS>()?;
        ciphertext.copy_from_slice(plaintext);
        let tag = self
            .cipher()
            .encrypt_inout_detached(
                &nonce(purpose, id),
                &associated(kind, id),
                InOutBuf::from(&mut *ciphertext),
            )
            .ok();
        let Some(tag) = tag else {
            ciphertext.zeroize();
            return None;
        };
        *tag_out = tag.into();
        Some(plaintext.len() + TAG_OCTETS)
    }

    fn open(
        &self,
        purpose: Purpose,
        kind: Kind,
        id: MessageId,
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Forged> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_OCTETS>().ok_or(Forged)?;
        let text = out.get_mut(..ciphertext.len()).ok_or(Forged)?;
        text.copy_from_slice(ciphertext);
        let opened = self.cipher().decrypt_inout_detached(
            &nonce(purpose, id),
            &associated(kind, id),
            InOutBuf::from(&mut *text),
            &Tag::from(*tag),
        );
        match opened {
            Ok(()) => Ok(ciphertext.len()),
            Err(_) => {
                text.zeroize();
                Err(Forged)
            }
        }
    }

    /// What only the two holders of this key can say about a message: the tag of an empty text.
    ///
    /// `purpose` is [`Ack`](Purpose::Ack), [`Receipt`](Purpose::Receipt), [`ReceiptAck`](Purpose::ReceiptAck) or
    /// [`Poll`](Purpose::Poll).
    /// Compare with [`same`](super::same).
    pub fn proof(&self, purpose: Purpose, id: MessageId) -> [u8; TAG_OCTETS] {
        self.tag_of(&nonce(purpose, id), &[])
    }

    /// What only the two holders of this key can say about the fragments of a message that are `missing`.
    pub fn status_proof(&self, id: MessageId, missing: FragmentSet) -> [u8; TAG_OCTETS] {
        self.tag_of(&nonce_about(Purpose::Status, id, missing.0), &[])
    }

    /// The tag of an empty text.
    pub(super) fn tag_of(&self, nonce: &Nonce<U13>, associated: &[u8]) -> [u8; TAG_OCTETS] {
        self.cipher()
            .encrypt_inout_detached(nonce, associated, InOutBuf::from(&mut [][..]))
            .expect("an empty text is not too long")
            .into()
    }

    fn cipher(&self) -> SessionCipher {
        SessionCipher::new(&self.0.into())
    }
}

impl Drop for SessionKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// The octets of the header that no relay changes.
pub(super) fn associated(kind: Kind, id: MessageId) -> [u8; 5] {
    let [destination_0, destination_1] = id.destination.0.to_be_bytes();
    let [source_0, source_1] = id.source.0.to_be_bytes();
    [kind.number(), destination_0, destination_1, source_0, source_1]
}
