//! What a received frame means.

use crate::crypto::{self, Freshness, Purpose};
use crate::id::{MessageId, NodeId};
use crate::quality::Quality;
use crate::time::Instant;
use crate::transport::{Arriving, Custody, Phase, Progress, State, Text};
use crate::wire::{self, Frame, Role};

use super::transmit::Answer;
use super::{Acceptance, Discard, Node};

/// How many of our last counters are tried for a receipt that nothing here waits for any more: as many as a node may
/// have in custody, and the blocks of counters that a few restarts skip.
const FORGOTTEN: u32 = 256;

impl<const SESSIONS: usize, const PENDING: usize> Node<SESSIONS, PENDING> {
    /// A frame was heard.
    ///
    /// # Errors
    /// [`Discard`]: the frame was rightly ignored, and counted.
    pub fn handle_frame(&mut self, octets: &[u8], quality: Quality, now: Instant) -> Result<(), Discard> {
        self.stats.frames = self.stats.frames.wrapping_add(1);
        let result = match Frame::parse(octets) {
            Ok(Frame::Text(text)) => self.handle_text(text, quality, now),
            Ok(Frame::Ack(ack)) => self.handle_ack(ack, quality, now),
            Ok(Frame::Receipt(receipt)) => self.handle_receipt(receipt, quality, now),
            Ok(Frame::Beacon(beacon)) => self.handle_beacon(beacon, quality, now),
            Ok(Frame::Unknown { .. }) => Err(Discard::Unknown),
            Err(error) => Err(Discard::Malformed(error)),
        };
        result.inspect_err(|discard| self.stats.count(*discard))
    }

    /// A received message is durable: its source may know. Unknown ids are ignored.
    pub fn accept(&mut self, id: MessageId, _now: Instant) {
        let Some(index) = self.arriving.iter().position(|entry| entry.id == id) else { return };
        let window = self.arriving[index].window;
        self.arriving.remove(index);
        if let Some(session) = self.session(id.destination, id.source) {
            session.window = window;
        }
        self.answer_message(id);
    }

    /// A received message could not be made durable: no answer goes out, and a repetition will be a fresh
    /// [`Event::Received`](super::Event::Received).
    pub fn refuse(&mut self, id: MessageId) {
        self.arriving.retain(|entry| entry.id != id);
    }

    fn handle_text(&mut self, frame: wire::Text<'_>, quality: Quality, now: Instant) -> Result<(), Discard> {
        if self.is_own(frame.source) {
            return Err(Discard::OwnSource);
        }
        let room = !self.arriving.is_full();
        let (local, remote) = (frame.destination, frame.source);
        let storing = self.arriving.iter().any(|e| e.id.destination == local && e.id.source == remote);
        if self.session(local, remote).is_none() {
            return Err(Discard::Foreign);
        }
        if !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let session = self.session(local, remote).ok_or(Discard::Foreign)?;
        let counter = session.recover(frame.counter);
        let id = MessageId { source: remote, destination: local, counter };
        let mut plain = [0u8; wire::MAX_FRAME];
        let opened = session.key.open_text(id, frame.sealed, &mut plain);
        let freshness = session.window.check(counter);
        let mut window = session.window;
        window.mark(counter);
        let Ok(len) = opened else {
            self.forgeries.spend();
            return Err(Discard::Forged);
        };
        self.heard(remote, quality, now);
        match freshness {
            Freshness::Seen => {
                self.answer_message(id);
                return Err(Discard::Duplicate);
            }
            Freshness::TooOld => return Err(Discard::Replayed),
            Freshness::Fresh => {}
        }
        // One at a time per session: `window` then always says just what the store will hold.
        if storing || !room {
            return Err(Discard::Busy);
        }
        let text = plain.get(..len).and_then(|octets| core::str::from_utf8(octets).ok());
        let text = text.and_then(|text| Text::try_from(text).ok());
        let text = text.ok_or(Discard::Unreadable)?;
        let arriving = Arriving { id, text, quality, window, told: false };
        self.arriving.push(arriving).map_err(|_| Discard::Busy)?;
        self.stats.received = self.stats.received.wrapping_add(1);
        Ok(())
    }

    /// Says of a durable message of somebody else's what is true now.
    fn answer_message(&mut self, id: MessageId) {
        if let Some(entry) = self.confirming.iter_mut().find(|entry| entry.id == id) {
            if matches!(entry.progress, Progress::Waiting(_)) {
                entry.progress = Progress::Due;
            }
            return;
        }
        let purpose = match self.config.acceptance {
            Acceptance::Delivered => Purpose::Receipt,
            Acceptance::Custody => Purpose::Ack,
        };
        let Some(proof) = self.proof(purpose, id) else { return };
        self.answer(match self.config.acceptance {
            Acceptance::Delivered => Answer::Receipt { destination: id.source, proof },
            Acceptance::Custody => Answer::Ack { proof },
        });
    }

    fn handle_ack(&mut self, ack: wire::Ack, quality: Quality, now: Instant) -> Result<(), Discard> {
        let closing = self
            .confirming
            .iter_mut()
            .find(|entry| entry.progress != Progress::Closed && crypto::same(&entry.ack, &ack.proof));
        if let Some(entry) = closing {
            entry.progress = Progress::Closed;
            let source = entry.id.source;
            self.heard(source, quality, now);
            return Ok(());
        }
        let awaited = |phase| matches!(phase, Phase::OnAir(_) | Phase::Waiting(_) | Phase::Due);
        let taken = self
            .outgoing
            .iter()
            .position(|entry| awaited(entry.phase) && crypto::same(&entry.ack, &ack.proof));
        let index = taken.ok_or(Discard::Foreign)?;
        let id = self.outgoing[index].id;
        let custody = Custody {
            id,
            receipt: self.outgoing[index].receipt,
            expires_at: self.outgoing[index].expires_at,
            settled: None,
            acknowledge: false,
            told: false,
        };
        // With no room to remember it, the message stays ours and is repeated: slower, never lost.
        if self.in_custody.push(custody).is_ok() {
            self.outgoing.remove(index);
        }
        let session = self.session_of(id).ok_or(Discard::Foreign)?;
        session.prove(id.counter);
        let custodian = session.custodian();
        self.heard(custodian, quality, now);
        Ok(())
    }

    fn handle_receipt(
        &mut self,
        frame: wire::Receipt,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        if !self.is_own(frame.destination) {
            return Err(Discard::Foreign);
        }
        if !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let matches = |id: MessageId, proof: &[u8; 4]| {
            id.source == frame.destination && crypto::same(proof, &frame.proof)
        };
        let mut delivered = None;
        if let Some(entry) = self.outgoing.iter_mut().find(|entry| {
            entry.is_open() && entry.phase != Phase::Storing && matches(entry.id, &entry.receipt)
        }) {
            entry.settle(State::Delivered, frame.acknowledge);
            delivered = Some(entry.id);
        } else if let Some(entry) = self
            .in_custody
            .iter_mut()
            .find(|entry| entry.settled.is_none() && matches(entry.id, &entry.receipt))
        {
            entry.settled = Some(State::Delivered);
            entry.acknowledge = frame.acknowledge;
            entry.told = false;
            delivered = Some(entry.id);
        }
        let Some(id) = delivered else { return self.handle_late_receipt(frame, quality, now) };
        self.stats.delivered = self.stats.delivered.wrapping_add(1);
        let session = self.session_of(id).ok_or(Discard::Foreign)?;
        session.prove(id.counter);
        let through = session.custodian();
        self.heard(if frame.acknowledge { through } else { id.destination }, quality, now);
        Ok(())
    }

    /// A receipt for a message that is settled here (perhaps in an earlier run): the other side only waits to
    /// hear that we know.
    fn handle_late_receipt(
        &mut self,
        frame: wire::Receipt,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        let known =
            self.sessions.iter().filter(|session| session.local == frame.destination).find_map(|session| {
                let next = session.counters.next();
                (next.saturating_sub(FORGOTTEN)..next)
                    .rev()
                    .map(|counter| MessageId { source: session.local, destination: session.remote, counter })
                    .find(|id| crypto::same(&session.key.proof(Purpose::Receipt, *id), &frame.proof))
                    .map(|id| (id, session.custodian()))
            });
        let Some((id, custodian)) = known else {
            self.forgeries.spend();
            return Err(Discard::Forged);
        };
        self.heard(custodian, quality, now);
        // Still waiting for the host to make "delivered" durable: it will be acknowledged then.
        let settling = self.outgoing.iter().any(|entry| entry.id == id)
            || self.in_custody.iter().any(|entry| entry.id == id);
        if frame.acknowledge
            && !settling
            && let Some(proof) = self.proof(Purpose::ReceiptAck, id)
        {
            self.answer(Answer::Ack { proof });
        }
        Err(Discard::Duplicate)
    }

    fn handle_beacon(
        &mut self,
        beacon: wire::Beacon<'_>,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        let wire::Beacon { source, counter, role, entries, tag, .. } = beacon;
        if self.is_own(source) {
            return Err(Discard::OwnSource);
        }
        if self.config.network_key.open_beacon(source, counter, role.octet(), entries, &tag).is_err() {
            return Err(Discard::Forged);
        }
        if !self.neighbors.beacon(source, role, counter, quality, now) {
            return Err(Discard::Replayed);
        }
        self.bring_forward(source, now);
        Ok(())
    }

    fn heard(&mut self, node: NodeId, quality: Quality, now: Instant) {
        self.neighbors.heard(node, quality, now);
        self.bring_forward(node, now);
    }

    /// `node` is in range: what waits for it need not wait for its next probe.
    fn bring_forward(&mut self, node: NodeId, now: Instant) {
        for entry in &mut self.outgoing {
            let Phase::Waiting(planned) = entry.phase else { continue };
            let through = self.sessions.iter().any(|session| {
                session.local == entry.id.source
                    && session.remote == entry.id.destination
                    && session.reached_through(node)
            });
            if !through {
                continue;
            }
            if let Some(at) = entry.schedule.heard(planned, &mut self.jitter, now) {
                entry.phase = Phase::Waiting(at);
            }
        }
        for entry in &mut self.confirming {
            let Progress::Waiting(planned) = entry.progress else { continue };
            if entry.id.source != node {
                continue;
            }
            if let Some(at) = entry.schedule.heard(planned, &mut self.jitter, now) {
                entry.progress = Progress::Waiting(at);
            }
        }
    }

    fn is_own(&self, node: NodeId) -> bool {
        node == self.config.node || self.sessions.iter().any(|session| session.local == node)
    }

    /// The role a neighbor last told.
    pub(super) fn role_of(&self, node: NodeId) -> Option<Role> {
        self.neighbors.iter().find(|neighbor| neighbor.node == node).and_then(|neighbor| neighbor.role)
    }
}
