//! What must hold of the fragments of long texts, of polls and of statuses.

use fanal_protocol::crypto::{Purpose, SessionKey};
use fanal_protocol::id::MessageId;
use fanal_protocol::region::MAX_FRAME;
use fanal_protocol::time::Instant;
use fanal_protocol::transport::Cut;
use fanal_protocol::wire::{Fragment, Piece, Status};

use super::Watch;
use crate::station::Store;

impl Watch {
    /// A fragment is the piece of a stored message that its counter says, a poll is about one.
    pub(super) fn fragment(&mut self, fragment: &Fragment<'_>, store: &Store, now: Instant) {
        if let Some(proof) = fragment.poll_proof() {
            let id = self.named(&fragment.0, now, |key, id| key.proof(Purpose::Poll, id) == proof);
            if let Some(id) = id
                && !store.outbox.contains_key(&id)
            {
                self.violation(now, format!("{id} is asked for and not stored"));
            }
            return;
        }
        let sealed = fragment.0.sealed;
        let open = |key: &SessionKey, id: MessageId| {
            let mut plain = [0; MAX_FRAME];
            let len = key.open_fragment(id, sealed, &mut plain).ok()?;
            plain.get(..len).map(<[u8]>::to_vec)
        };
        let Some(id) = self.named(&fragment.0, now, |key, id| open(key, id).is_some()) else { return };
        self.sealed_once(id, sealed, now);
        let plain = self.keys.get(&(id.source, id.destination)).and_then(|key| open(key, id));
        let is_right = Piece::parse(&plain.unwrap_or_default()).is_ok_and(|piece| {
            let row = piece.message(id).and_then(|message| store.outbox.get(&message));
            let text = row.map_or(&[][..], |row| row.text.as_bytes());
            Cut::of(text.len()).and_then(|cut| cut.piece(text, piece.index)) == Some(piece)
        });
        if !is_right {
            self.violation(now, format!("{id} is on the air and no fragment of what is stored"));
        }
    }

    /// A status is about a message that was sent.
    pub(super) fn status(&mut self, status: &Status, now: Instant) {
        let is_about = |id: &MessageId| {
            let key = self.keys.get(&(id.source, id.destination));
            id.source == status.destination
                && key.is_some_and(|key| key.status_proof(*id, status.missing) == status.proof)
        };
        if !self.accepted.iter().any(is_about) {
            self.violation(now, "something is said to be missing of nothing that was sent".to_owned());
        }
    }
}
