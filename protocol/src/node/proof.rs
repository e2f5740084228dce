//! Acks and receipts: what a proof says of a message of ours, or of a receipt of ours.

use crate::crypto::{self, Purpose};
use crate::id::{MessageId, NodeId};
use crate::quality::Quality;
use crate::time::{Duration, Instant};
use crate::transport::{Custody, Phase, Progress, Session, State, Wish};
use crate::wire::{self, FULL_HOP_LIMIT, Proof};

use super::{Discard, Node};

/// How many of our last counters are tried for a receipt that nothing here waits for any more: as many as a node may
/// have in custody, and the blocks of counters that a few restarts skip.
const FORGOTTEN: u32 = 256;
/// So long after the last attempt an ack in the short form may still be the one that is waited for.
const ACKS_WITHIN: Duration = Duration::from_secs(10);

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// An ack names nobody, so it was sent by a neighbor. Most acks are for others: one in the short form is looked at only
    /// just after there was something to acknowledge, and only while few such were wrong.
    pub(super) fn handle_ack(
        &mut self,
        ack: wire::Ack,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        let guessable = !ack.proof.is_strong();
        if guessable && !self.awaits_ack(now) {
            return Err(Discard::Foreign);
        }
        if guessable && !self.stray_acks.allows(now) {
            return Err(Discard::OverBudget);
        }
        let mut known = self.prove(&ack.proof, Wish::Nothing, |_| true);
        if let (None, Proof::Short(proof)) = (known, &ack.proof) {
            known = self.handle_hop_ack(proof, now);
        }
        let Some(neighbor) = known else {
            if guessable {
                self.stray_acks.spend();
            }
            return Err(Discard::Foreign);
        };
        self.network.handle_reached(neighbor, now);
        self.heard(neighbor, quality, now);
        Ok(())
    }

    fn awaits_ack(&self, now: Instant) -> bool {
        let text = self.outgoing.iter().any(|entry| {
            entry.is_open()
                && (matches!(entry.phase, Phase::OnAir(_)) || entry.schedule.tried_within(ACKS_WITHIN, now))
        });
        let receipt = self.confirming.iter().any(|entry| {
            matches!(entry.progress, Progress::OnAir(_)) || entry.schedule.tried_within(ACKS_WITHIN, now)
        });
        text || receipt || self.long.awaits_answer(ACKS_WITHIN, now) || self.relay.awaits_sign()
    }

    /// A receipt, or an ack that had several hops to go.
    pub(super) fn handle_receipt(
        &mut self,
        frame: wire::Receipt,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        if !frame.proof.is_strong() && !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let direct = frame.hop_limit == FULL_HOP_LIMIT;
        let wish = Wish::of(&frame, direct);
        let fresh = self.prove(&frame.proof, wish, |local| local == frame.destination);
        let neighbor = match fresh {
            Some(neighbor) => neighbor,
            None => self.handle_late_receipt(frame, wish, now)?,
        };
        if direct {
            self.heard(neighbor, quality, now);
        }
        if fresh.is_some() { Ok(()) } else { Err(Discard::Duplicate) }
    }

    /// Looks for what waits for this proof at one of the addresses that are `ours`, and settles it. Returns who must have
    /// made the proof.
    fn prove(&mut self, proof: &Proof, wish: Wish, ours: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        if let Some(entry) = self.confirming.iter_mut().find(|entry| {
            entry.progress != Progress::Closed
                && ours(entry.id.destination)
                && crypto::proves(proof, &entry.ack)
        }) {
            entry.progress = Progress::Closed;
            return Some(entry.id.source);
        }
        let id = match self.outgoing.iter().position(|entry| {
            entry.is_open()
                && entry.phase != Phase::Storing
                && ours(entry.id.source)
                && (crypto::proves(proof, &entry.receipt) || crypto::proves(proof, &entry.ack))
        }) {
            Some(index) if crypto::proves(proof, &self.outgoing[index].receipt) => {
                self.outgoing[index].settle(State::Delivered, wish);
                self.stats.delivered = self.stats.delivered.wrapping_add(1);
                self.outgoing[index].id
            }
            Some(index) => return self.hand_over(index),
            None => {
                let entry = self.in_custody.iter_mut().find(|entry| {
                    entry.settled.is_none() && ours(entry.id.source) && crypto::proves(proof, &entry.receipt)
                })?;
                entry.settled = Some(State::Delivered);
                entry.wish = wish;
                entry.told = false;
                self.stats.delivered = self.stats.delivered.wrapping_add(1);
                entry.id
            }
        };
        let session = self.session_of(id)?;
        session.prove(id.counter);
        Some(if wish == Wish::Nothing { id.destination } else { session.custodian() })
    }

    /// The custodian of its destination has this message of ours.
    fn hand_over(&mut self, index: usize) -> Option<NodeId> {
        let entry = &self.outgoing[index];
        let (id, receipt, expires_at) = (entry.id, entry.receipt, entry.expires_at);
        let session = self.session_of(id)?;
        session.prove(id.counter);
        let keeper = session.custodian();
        let custody = Custody {
            id,
            receipt,
            expires_at,
            keeper,
            identity: None,
            settled: None,
            wish: Wish::Nothing,
            told: false,
        };
        // With no room to remember it, the message stays ours and is repeated: slower, never lost.
        if self.in_custody.push(custody).is_ok() {
            self.outgoing.remove(index);
        }
        Some(keeper)
    }

    /// A receipt for a message that is settled here (perhaps in an earlier run): the other side only waits to
    /// hear that we know. Returns who that is.
    fn handle_late_receipt(
        &mut self,
        frame: wire::Receipt,
        wish: Wish,
        now: Instant,
    ) -> Result<NodeId, Discard> {
        // Hundreds of proofs are made for each that comes: so much work is not done at the rate of a forger, in either form.
        if !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let is_receipt = |session: &Session, id: MessageId| match &frame.proof {
            Proof::Short(proof) => crypto::same(&session.key.proof(Purpose::Receipt, id), proof),
            strong => crypto::proves(strong, &session.key.strong_proof(Purpose::Receipt, id)),
        };
        let known =
            self.sessions.iter().filter(|session| session.local == frame.destination).find_map(|session| {
                let next = session.counters.next();
                (next.saturating_sub(FORGOTTEN)..next)
                    .rev()
                    .map(|counter| MessageId { source: session.local, destination: session.remote, counter })
                    .find(|id| is_receipt(session, *id))
                    .map(|id| (id, session.custodian()))
            });
        let Some((id, custodian)) = known else {
            self.forgeries.spend();
            return Err(Discard::Forged);
        };
        // Still waiting for the host to make "delivered" durable: it will be acknowledged then.
        let settling = self.outgoing.iter().any(|entry| entry.id == id)
            || self.in_custody.iter().any(|entry| entry.id == id);
        if !settling {
            self.grant(wish, id, now);
        }
        Ok(custodian)
    }

    /// Tells whoever sent a receipt what it wants to hear.
    pub(super) fn grant(&mut self, wish: Wish, id: MessageId, now: Instant) {
        if let Wish::Ack(heard) = wish
            && let Some(proof) = self.proof(Purpose::ReceiptAck, id)
        {
            self.answer(id.destination, Proof::of(proof, heard.strong), heard, now);
        }
    }
}
