//! What two nodes remember of each other: the key, our counter towards them, their counters towards us.

use crate::crypto::{self, Forged, Purpose, SessionKey, Window};
use crate::id::{MessageId, NodeId, SequenceNumber};
use crate::wire::{self, Form, Kind};

/// Counters made durable at a time: one write of a counter pays for this many messages.
pub(crate) const RESERVE_BLOCK: u32 = 32;
/// Ask for the next block when this few counters are left.
const RESERVE_BELOW: u32 = 4;

/// Counters in `next..reserved` may be used; the rest must first be made durable.
///
/// A counter is part of the nonce, so none is ever used that could be used again after a power loss.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reservation {
    next: u32,
    reserved: u32,
    wanted: bool,
    asked: bool,
}

impl Reservation {
    pub(crate) const fn starting_at(next: u32) -> Self {
        Self { next, reserved: next, wanted: false, asked: false }
    }

    pub(crate) const fn next(&self) -> u32 {
        self.next
    }

    /// Uses one counter up; `None` (and a wish for more) when none is reserved.
    pub(crate) fn take(&mut self) -> Option<u32> {
        self.take_run(1)
    }

    /// Uses `count` counters up that follow each other, at most [`RESERVE_BLOCK`], and returns the first; `None` (and a wish
    /// for more) when not so many are reserved.
    pub(crate) fn take_run(&mut self, count: u8) -> Option<u32> {
        let count = u32::from(count);
        let first = (self.reserved.saturating_sub(self.next) >= count).then_some(self.next);
        if first.is_some() {
            self.next += count;
        }
        if first.is_none() || self.reserved.saturating_sub(self.next) < RESERVE_BELOW {
            self.wanted = true;
        }
        first
    }

    /// Uses one counter up that is not below `least`; those in between are left out.
    pub(crate) fn take_from(&mut self, least: u32) -> Option<u32> {
        self.next = self.next.max(least);
        self.take()
    }

    /// The mark that the host must make durable next, once.
    pub(crate) fn poll(&mut self) -> Option<u32> {
        if !self.wanted || self.asked {
            return None;
        }
        self.asked = true;
        Some(self.reserved.max(self.next).saturating_add(RESERVE_BLOCK))
    }

    pub(crate) fn granted(&mut self, until: u32) {
        self.reserved = self.reserved.max(until);
        self.wanted = false;
        self.asked = false;
    }

    /// `counter` is known to be in use by a message of an earlier run.
    pub(crate) fn skip_past(&mut self, counter: u32) {
        self.next = self.next.max(counter.saturating_add(1));
        self.reserved = self.reserved.max(self.next);
    }
}

/// One of our addresses and one remote node, as the host restores them at start.
pub struct Session {
    /// Our address in this session.
    pub local: NodeId,
    /// The other side.
    pub remote: NodeId,
    /// The node that answers for `remote`, when that is not `remote` itself (a gateway for a person).
    pub via: Option<NodeId>,
    /// The key both sides derived.
    pub key: SessionKey,
    pub(crate) counters: Reservation,
    /// The highest counter of ours that `remote` has proven to know in this run.
    pub(crate) proven: Option<u32>,
    pub(crate) window: Window,
}

impl Session {
    /// A session whose counters below `next_counter` may have been used, and whose `window` tells which
    /// messages of the remote were accepted.
    pub const fn new(
        local: NodeId,
        remote: NodeId,
        via: Option<NodeId>,
        key: SessionKey,
        next_counter: u32,
        window: Window,
    ) -> Self {
        Self {
            local,
            remote,
            via,
            key,
            counters: Reservation::starting_at(next_counter),
            proven: None,
            window,
        }
    }

    /// Whether hearing `node` means that `remote` can be reached.
    pub(crate) fn reached_through(&self, node: NodeId) -> bool {
        self.remote == node || self.via == Some(node)
    }

    /// Who keeps a message that the remote side has acknowledged but not yet receipted.
    pub(crate) fn custodian(&self) -> NodeId {
        self.via.unwrap_or(self.remote)
    }

    /// In which form a frame of ours travels, a text, urgent text or fragment: short where `strong` is not asked for and the
    /// remote cannot mistake eight bits of the counter.
    pub(crate) fn form(&self, kind: Kind, id: MessageId, sealed: &[u8], strong: bool) -> Form {
        match kind {
            Kind::Urgent => Form::Urgent(self.key.strengthen(kind, id, sealed)),
            _ if strong || !self.is_near(id.counter) => Form::Strong(self.key.strengthen(kind, id, sealed)),
            _ => Form::Short(SequenceNumber::of(id.counter)),
        }
    }

    /// By which the remote's direct texts name this session.
    pub(crate) fn label_of_remote(&self) -> [u8; wire::LABEL_OCTETS] {
        self.key.label(self.remote, self.local)
    }

    /// Whether the remote cannot mistake the lowest octet of this counter of ours.
    pub(crate) fn is_near(&self, counter: u32) -> bool {
        counter.abs_diff(self.proven.unwrap_or(0)) <= SequenceNumber::UNAMBIGUOUS
    }

    /// Opens a frame of the remote, a text, urgent text or fragment: writes what was sealed to the start of `out`, and says
    /// which counter it has and how long it is.
    pub(crate) fn open(
        &self,
        kind: Kind,
        frame: &wire::Text<'_>,
        out: &mut [u8],
    ) -> Result<(MessageId, usize), Forged> {
        let id = self.meant(kind, frame)?;
        let len = match kind {
            Kind::Fragment => self.key.open_fragment(id, frame.sealed, out)?,
            Kind::Urgent => self.key.open_urgent(id, frame.sealed, out)?,
            _ => self.key.open_text(id, frame.sealed, out)?,
        };
        Ok((id, len))
    }

    /// Checks a poll of the remote, and says which message it is about.
    pub(crate) fn open_poll(
        &self,
        frame: &wire::Text<'_>,
        proof: &[u8; wire::TAG_OCTETS],
    ) -> Result<MessageId, Forged> {
        let id = self.meant(Kind::Fragment, frame)?;
        if crypto::same(&self.key.proof(Purpose::Poll, id), proof) { Ok(id) } else { Err(Forged) }
    }

    /// Which counter a frame of the remote has; a second tag must fit.
    fn meant(&self, kind: Kind, frame: &wire::Text<'_>) -> Result<MessageId, Forged> {
        let counter = frame.form.recover(self.window.top().unwrap_or(0));
        let id = MessageId { source: self.remote, destination: self.local, counter };
        if let Some(strong) = frame.form.strong() {
            self.key.check_strong(kind, id, frame.sealed, &strong.second_tag)?;
        }
        Ok(id)
    }

    pub(crate) fn prove(&mut self, counter: u32) {
        self.proven = Some(self.proven.map_or(counter, |known| known.max(counter)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_counter_is_handed_out_before_it_is_reserved() {
        let mut counters = Reservation::starting_at(40);
        assert_eq!(counters.take(), None);
        assert_eq!(counters.poll(), Some(40 + RESERVE_BLOCK));
        assert_eq!(counters.poll(), None, "asked once");
        counters.granted(40 + RESERVE_BLOCK);
        for expected in 40..40 + RESERVE_BLOCK {
            assert_eq!(counters.take(), Some(expected));
        }
        assert_eq!(counters.take(), None);
    }

    #[test]
    fn the_next_block_is_asked_for_before_the_last_one_ends() {
        let mut counters = Reservation::starting_at(0);
        counters.take();
        counters.poll();
        counters.granted(RESERVE_BLOCK);
        while counters.poll().is_none() {
            assert!(counters.take().is_some(), "asked too late");
        }
    }

    #[test]
    fn a_run_is_taken_whole_or_not_at_all() {
        let mut counters = Reservation::starting_at(0);
        counters.granted(RESERVE_BLOCK);
        assert_eq!(counters.take_run(18), Some(0));
        assert_eq!(counters.take_run(18), None, "14 are left");
        assert_eq!(counters.poll(), Some(2 * RESERVE_BLOCK));
        counters.granted(2 * RESERVE_BLOCK);
        assert_eq!(counters.take_run(18), Some(18), "nothing was skipped");
        assert_eq!(counters.take(), Some(36));
    }

    #[test]
    fn counters_end_instead_of_wrapping() {
        let mut counters = Reservation::starting_at(u32::MAX - 1);
        counters.take();
        let until = counters.poll().unwrap();
        counters.granted(until);
        assert_eq!(counters.take(), Some(u32::MAX - 1));
        assert_eq!(counters.take(), None);
    }
}
