//! What a received frame means.

use crate::crypto::{Freshness, Purpose};
use crate::id::{MessageId, NodeId};
use crate::quality::Quality;
use crate::time::Instant;
use crate::transport::{Arriving, Asked, Came, Heard, Phase, Progress, Text};
use crate::wire::{self, Frame, Kind, Proof, Role, Routed};

use super::{Acceptance, Discard, Node};

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// A frame was heard.
    ///
    /// # Errors
    /// [`Discard`]: the frame was rightly ignored, and counted.
    pub fn handle_frame(&mut self, octets: &[u8], quality: Quality, now: Instant) -> Result<(), Discard> {
        self.stats.frames = self.stats.frames.wrapping_add(1);
        let result = match Frame::parse(octets) {
            Ok(Frame::Text(text)) if self.is_own(text.source) => self.handle_echo(octets, now),
            Ok(Frame::Text(text)) if self.session(text.destination, text.source).is_some() => {
                self.handle_text(text, quality, now)
            }
            Ok(Frame::Direct(direct)) => self.handle_direct(direct, quality, now),
            Ok(Frame::Receipt(receipt)) if self.is_own(receipt.destination) => {
                self.handle_receipt(receipt, quality, now)
            }
            Ok(Frame::Ack(ack)) => self.handle_ack(ack, quality, now),
            Ok(Frame::Beacon(beacon)) => self.handle_beacon(beacon, quality, now),
            Ok(Frame::Fragment(fragment)) if self.is_own(fragment.0.source) => {
                self.handle_piece_echo(octets, now)
            }
            Ok(Frame::Fragment(fragment)) if self.is_own(fragment.0.destination) => {
                self.handle_fragment(fragment, quality, now)
            }
            Ok(Frame::Status(status)) if self.is_own(status.destination) => {
                self.handle_status(status, quality, now)
            }
            Ok(Frame::Custody(notice)) if self.is_own(notice.destination) => self.handle_custody(notice, now),
            Ok(Frame::Text(_) | Frame::Receipt(_) | Frame::Custody(_)) => self.pass_on(octets, quality, now),
            Ok(Frame::Fragment(_) | Frame::Status(_) | Frame::Unknown { .. }) => match Routed::read(octets) {
                Some(routed) if !self.is_own(routed.destination) => self.pass_on(octets, quality, now),
                _ => Err(Discard::Unknown),
            },
            Err(error) => Err(Discard::Malformed(error)),
        };
        result.inspect_err(|discard| self.stats.count(*discard))
    }

    /// A received message is durable: its source may know. Unknown ids are ignored.
    pub fn accept(&mut self, id: MessageId, now: Instant) {
        let Some(index) = self.arriving.iter().position(|entry| entry.id == id) else { return };
        let Arriving { window, heard, .. } = self.arriving[index];
        self.arriving.remove(index);
        self.release_long(id);
        if let Some(session) = self.session(id.destination, id.source) {
            session.window = window;
        }
        self.answer_message(id, heard, now);
    }

    /// A received message could not be made durable: no answer goes out, and a repetition will be a fresh
    /// [`Event::Received`](super::Event::Received).
    pub fn refuse(&mut self, id: MessageId) {
        self.arriving.retain(|entry| entry.id != id);
        self.release_long(id);
    }

    fn handle_text(&mut self, frame: wire::Text<'_>, quality: Quality, now: Instant) -> Result<(), Discard> {
        let heard = Heard {
            came: Came::of(frame.hop_limit, frame.next_hop),
            strong: frame.form.strong().is_some(),
            urgent: frame.form.kind() == Kind::Urgent,
        };
        if !heard.strong && !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let session = self.session(frame.destination, frame.source).ok_or(Discard::Foreign)?;
        let mut plain = [0u8; wire::MAX_FRAME];
        let Ok((id, len)) = session.open(frame.form.kind(), &frame, &mut plain) else {
            if !heard.strong {
                self.forgeries.spend();
            }
            return Err(Discard::Forged);
        };
        self.take_text(id, &plain[..len], heard, quality, now)
    }

    /// A text that its source has sealed, in whatever frame it came.
    pub(super) fn take_text(
        &mut self,
        id: MessageId,
        text: &[u8],
        heard: Heard,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        let (local, remote) = (id.destination, id.source);
        let session = self.session(local, remote).ok_or(Discard::Foreign)?;
        let (mut window, custodian) = (session.window, session.custodian());
        if heard.came == Came::Directly {
            self.heard(custodian, quality, now);
        }
        match window.check(id.counter) {
            Freshness::Seen => {
                self.answer_message(id, heard, now);
                return Err(Discard::Duplicate);
            }
            Freshness::TooOld => return Err(Discard::Replayed),
            Freshness::Fresh => window.mark(id.counter),
        }
        // One at a time per session: `window` then always says just what the store will hold.
        let storing = self.arriving.iter().any(|e| e.id.destination == local && e.id.source == remote);
        if storing || !self.may_arrive(heard.urgent) {
            return Err(Discard::Busy);
        }
        let text = core::str::from_utf8(text).ok().and_then(|text| Text::try_from(text).ok());
        let text = text.ok_or(Discard::Unreadable)?;
        let arriving = Arriving { id, text: Some(text), quality, heard, window, told: false };
        self.arriving.push(arriving).map_err(|_| Discard::Busy)?;
        self.stats.received = self.stats.received.wrapping_add(1);
        Ok(())
    }

    /// Says of a durable message of somebody else's what is true now.
    pub(super) fn answer_message(&mut self, id: MessageId, heard: Heard, now: Instant) {
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
        if let Some(proof) = self.proof(purpose, id) {
            self.answer(id.source, Proof::of(proof, heard.strong), heard, now);
        }
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
        self.network.handle_beacon(&beacon, quality, now).map_err(|_| Discard::Replayed)?;
        self.bring_forward(source, now);
        self.bring_routed_forward(now);
        Ok(())
    }

    pub(super) fn heard(&mut self, node: NodeId, quality: Quality, now: Instant) {
        self.network.heard(node, quality, now);
        self.bring_forward(node, now);
    }

    /// `node` is in range: what waits for it need not wait for its next probe.
    fn bring_forward(&mut self, node: NodeId, now: Instant) {
        self.bring_kept_forward(node, now);
        self.bring_long_forward(node, now);
        for entry in &mut self.outgoing {
            let Phase::Waiting(planned) = entry.phase else { continue };
            let pair = (entry.id.source, entry.id.destination);
            let session =
                self.sessions.binary_search_by_key(&pair, |session| (session.local, session.remote));
            if !session.is_ok_and(|index| self.sessions[index].reached_through(node)) {
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

    /// A beacon was heard: there may be a way now for what waits because there was none.
    fn bring_routed_forward(&mut self, now: Instant) {
        self.bring_long_routed_forward(now);
        for entry in &mut self.outgoing {
            let searching = entry.last.is_some_and(|last| {
                matches!(last.asked, Asked::Everybody | Asked::Nobody | Asked::End(None))
            });
            if let Phase::Waiting(planned) = entry.phase
                && searching
                && self.network.next_hop(entry.id.destination).is_some()
            {
                let at = entry.schedule.routed(&mut self.jitter, now);
                entry.phase = Phase::Waiting(at.min(planned));
                entry.last = None;
            }
        }
    }

    pub(super) fn is_own(&self, node: NodeId) -> bool {
        let first = self.sessions.partition_point(|session| session.local < node);
        node == self.config.node || self.sessions.get(first).is_some_and(|session| session.local == node)
    }

    /// The role a neighbor last told.
    pub(super) fn role_of(&self, node: NodeId) -> Option<Role> {
        self.network.neighbors().find(|neighbor| neighbor.node == node).and_then(|neighbor| neighbor.role)
    }
}
