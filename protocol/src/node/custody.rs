//! Texts of others that are kept for an absent destination, and our own that others keep.
//!
//! A relay that can take a text no further offers it to its host ([`Event::Keep`](super::Event::Keep)). Once it is durable there
//! ([`Node::kept`]), a notice goes to the source, which leaves it at that. The node only remembers which texts there are; when the destination
//! may be reached it asks for one ([`Event::Fetch`](super::Event::Fetch), [`Node::hand_on`]). A receipt can be
//! checked by the source alone, so a text is kept until the source says that it has one, or for [`KEEP_FOR`].
//!
//! `docs/protocol.md`, section "Custody".

use crate::crypto::{self, Purpose};
use crate::id::NodeId;
use crate::net::{Lane, Stuck};
use crate::rand::Jitter;
use crate::time::{Duration, Instant};
use crate::transport::{Custody, Outgoing, Wish};
use crate::wire::{self, FULL_HOP_LIMIT, Frame, Kind, MAX_FRAME, Routed};

use super::{Discard, Event, Full, Node};

/// A text is kept for this long.
pub const KEEP_FOR: Duration = Duration::from_secs(3 * 24 * 3600);
/// The destination is tried after this time, then three times as late each time up to the second value.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_secs(2 * 60), Duration::from_secs(12 * 3600));
/// After it is heard, the next attempt follows within this time.
const HEARD_WITHIN: Duration = Duration::from_secs(3);
/// Hearing the destination brings an attempt forward only when the last one is older than this.
const HEARD_HOLDOFF: Duration = Duration::from_secs(30);
/// A source that does not know yet that its text is kept here is told again after this time.
const NOTICE_AGAIN: Duration = Duration::from_secs(10 * 60);
/// At most this share of the room is for the texts of one source, and as much for all those for destinations of which no
/// beacon has told.
const SHARE: usize = 4;
/// At most this share is for the texts for one destination.
const DESTINATION_SHARE: usize = 2;
/// This share is for urgent texts alone.
const URGENT_SHARE: usize = 8;

/// What a text that is kept waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// That it is durable.
    Storing,
    /// Until then, or until its destination is heard.
    Waiting(Instant),
    /// That the host hands it over.
    Fetching,
    /// That the relay is through with it.
    Passing,
    /// That the host forgets it.
    Done,
}

/// A text that is kept here, less its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    identity: u32,
    source: NodeId,
    destination: NodeId,
    urgent: bool,
    /// Whether a beacon had told of the destination when it was taken.
    known: bool,
    phase: Phase,
    tries: u8,
    last: Option<Instant>,
    noticed_at: Option<Instant>,
    expires_at: Instant,
    /// Whether the host has been told of the phase.
    told: bool,
}

impl Kept {
    /// A text in a frame; `None` if it is none.
    fn read(octets: &[u8], phase: Phase, lifetime_left: Duration, now: Instant) -> Option<Self> {
        let Ok(Frame::Text(text)) = Frame::parse(octets) else { return None };
        Some(Self {
            identity: Routed::identity(octets),
            source: text.source,
            destination: text.destination,
            urgent: text.form.kind() == Kind::Urgent,
            known: true,
            phase,
            tries: 0,
            last: None,
            noticed_at: None,
            expires_at: now + lifetime_left,
            told: false,
        })
    }

    fn set(&mut self, phase: Phase) {
        self.phase = phase;
        self.told = false;
    }

    /// A receipt went by, perhaps for this text: then its source will say so.
    fn wait_longer(&mut self, jitter: &mut Jitter, now: Instant) {
        self.tries = self.tries.saturating_add(1);
        self.wait(jitter, now);
    }

    /// An attempt has ended, whatever came of it.
    fn wait(&mut self, jitter: &mut Jitter, now: Instant) {
        let (first, longest) = TRY_AGAIN;
        let wait = (first * 3_u32.pow(self.tries.min(6).into())).min(longest);
        self.tries = self.tries.saturating_add(1);
        self.last = Some(now);
        self.set(Phase::Waiting(now + wait + jitter.duration_up_to(wait / 4)));
    }

    fn is_on_its_way(&self) -> bool {
        matches!(self.phase, Phase::Fetching | Phase::Passing)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting(at) => Some(at.min(self.expires_at)),
            Phase::Storing | Phase::Fetching | Phase::Passing | Phase::Done => None,
        }
    }
}

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// The text that was offered for keeping is durable: its source is told. Unknown identities are ignored.
    pub fn kept(&mut self, identity: u32, now: Instant) {
        let Some(entry) = self.kept.iter_mut().find(|entry| entry.identity == identity) else { return };
        if entry.phase == Phase::Storing {
            entry.wait(&mut self.jitter, now);
            entry.noticed_at = Some(now);
            let source = entry.source;
            self.notify(source, identity, Purpose::Custody, now);
        }
    }

    /// The text that was offered for keeping cannot be made durable.
    pub fn not_kept(&mut self, identity: u32) {
        self.kept.retain(|entry| entry.identity != identity);
    }

    /// Takes up a text that was kept in an earlier run.
    ///
    /// # Errors
    /// [`Full`]: there is no room, or this is no frame with a text.
    pub fn resume_kept(&mut self, frame: &[u8], lifetime_left: Duration, now: Instant) -> Result<(), Full> {
        let entry = Kept::read(frame, Phase::Waiting(now), lifetime_left, now).ok_or(Full)?;
        if self.kept.iter().any(|other| other.identity == entry.identity) {
            return Ok(());
        }
        self.kept.push(entry).map_err(|_| Full)
    }

    /// A text that was asked for goes on its way. Unknown ones are ignored.
    pub fn hand_on(&mut self, frame: &[u8], now: Instant) {
        let identity = Routed::identity(frame);
        let Some(entry) = self.kept.iter_mut().find(|entry| entry.identity == identity) else { return };
        if entry.phase != Phase::Fetching {
            return;
        }
        let mut octets = [0; MAX_FRAME];
        let Some(copy) = octets.get_mut(..frame.len()) else { return };
        copy.copy_from_slice(frame);
        Routed::redirect(copy, FULL_HOP_LIMIT, wire::DIRECT);
        // One hop less than from the source itself, for which it would be taken otherwise.
        let lane = if entry.urgent { Lane::Urgent } else { Lane::Ordinary };
        match self.relay.send(copy, FULL_HOP_LIMIT - 1, lane, now) {
            Ok(()) => entry.set(Phase::Passing),
            Err(_) => entry.wait(&mut self.jitter, now),
        }
    }

    /// A text can go no further: keep it, if that is what this node does.
    pub(super) fn handle_stuck(&mut self, now: Instant) {
        while let Some(Stuck { frame, .. }) = self.relay.poll_stuck() {
            self.stats.stuck = self.stats.stuck.wrapping_add(1);
            let identity = Routed::identity(&frame);
            if let Some(entry) = self.kept.iter_mut().find(|entry| entry.identity == identity) {
                if entry.phase != Phase::Storing {
                    entry.wait(&mut self.jitter, now);
                }
                continue;
            }
            let Some(mut entry) = Kept::read(&frame, Phase::Storing, KEEP_FOR, now) else { continue };
            entry.known = self.network.has_known(entry.destination);
            if self.config.keeps
                && self.offered.is_none()
                && self.has_room_for(&entry)
                && self.kept.push(entry).is_ok()
            {
                self.offered = Some(frame);
            }
        }
    }

    /// Addresses in frames can be invented, so it takes more than one share to fill the room.
    fn has_room_for(&self, entry: &Kept) -> bool {
        let share = |part: usize, alike: &dyn Fn(&Kept) -> bool| {
            let alike = self.kept.iter().filter(|other| other.urgent == entry.urgent && alike(other));
            alike.count() < KEPT / part
        };
        let kept_free = if entry.urgent { 0 } else { KEPT / URGENT_SHARE };
        self.kept.len() + kept_free < KEPT
            && share(SHARE, &|other| other.source == entry.source)
            && share(DESTINATION_SHARE, &|other| other.destination == entry.destination)
            && (entry.known || share(SHARE, &|other| !other.known))
    }

    /// A text that is kept here comes again: from its source, which does not know, or from another node that keeps it.
    /// `true`: whoever brought it is told, and its source unless it was lately.
    pub(super) fn is_kept(&mut self, identity: u32, now: Instant) -> bool {
        let durable = |entry: &&mut Kept| !matches!(entry.phase, Phase::Storing | Phase::Done);
        let kept = self.kept.iter_mut().find(|entry| entry.identity == identity).filter(durable);
        let Some(entry) = kept else { return false };
        self.relay.acknowledge(identity);
        if entry.noticed_at.is_none_or(|at| now - at >= NOTICE_AGAIN) {
            entry.noticed_at = Some(now);
            let source = entry.source;
            self.notify(source, identity, Purpose::Custody, now);
        }
        true
    }

    /// Tells `destination` what we do with a text.
    pub(super) fn notify(&mut self, destination: NodeId, identity: u32, purpose: Purpose, now: Instant) {
        if self.network.next_hop(destination).is_none() {
            // The text will come again.
            return;
        }
        let notice = wire::Custody {
            hop_limit: FULL_HOP_LIMIT,
            next_hop: wire::DIRECT,
            destination,
            release: purpose == Purpose::Release,
            about: self.config.node,
            proof: self.config.network_key.proof(purpose, self.config.node, identity),
        };
        let mut octets = [0; wire::Custody::OCTETS];
        if notice.emit(&mut octets).is_ok() {
            // When there is no room, the text will come again.
            let _ = self.relay.send(&octets, FULL_HOP_LIMIT, Lane::Ordinary, now);
        }
    }

    /// A custody notice for us.
    pub(super) fn handle_custody(&mut self, notice: wire::Custody, now: Instant) -> Result<(), Discard> {
        if !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let known = self.find_custody(notice);
        if known.is_err() {
            self.forgeries.spend();
        }
        known
    }

    fn find_custody(&mut self, notice: wire::Custody) -> Result<(), Discard> {
        let key = self.config.network_key.clone();
        let matches = |purpose: Purpose, identity: u32| {
            crypto::same(&key.proof(purpose, notice.about, identity), &notice.proof)
        };
        if notice.release {
            let arrived = self
                .kept
                .iter_mut()
                .find(|entry| entry.phase != Phase::Done && matches(Purpose::Release, entry.identity));
            arrived.ok_or(Discard::Foreign)?.set(Phase::Done);
            return Ok(());
        }
        let kept = |entry: &Outgoing| {
            entry.is_open() && entry.last.is_some_and(|attempt| matches(Purpose::Custody, attempt.identity))
        };
        let index = self.outgoing.iter().position(kept).ok_or(Discard::Foreign)?;
        let entry = &self.outgoing[index];
        let custody = Custody {
            id: entry.id,
            receipt: entry.receipt,
            expires_at: entry.expires_at,
            keeper: notice.about,
            identity: entry.last.map(|attempt| attempt.identity),
            settled: None,
            wish: Wish::Nothing,
            told: false,
        };
        // With no room to remember it, the message stays ours and is repeated: slower, never lost.
        if self.in_custody.push(custody).is_ok() {
            self.outgoing.remove(index);
        }
        Ok(())
    }

    /// `node` was heard: what it can take, for itself or further on, need not wait.
    pub(super) fn bring_kept_forward(&mut self, node: NodeId, now: Instant) {
        let network = &self.network;
        let leads_to = |destination| network.next_hop(destination).is_some_and(|step| step.hop.node == node);
        for entry in self.kept.iter_mut().filter(|entry| leads_to(entry.destination)) {
            let Phase::Waiting(planned) = entry.phase else { continue };
            let lately = entry.tries > 1 && entry.last.is_some_and(|last| now - last < HEARD_HOLDOFF);
            let at = now + self.jitter.duration_up_to(HEARD_WITHIN);
            if !lately && at < planned {
                entry.phase = Phase::Waiting(at);
            }
        }
    }

    pub(super) fn kept_deadline(&self) -> Option<Instant> {
        match self.kept.iter().find(|entry| entry.is_on_its_way()) {
            Some(entry) if entry.phase == Phase::Passing && !self.relay.has(entry.identity) => {
                Some(Instant::ZERO)
            }
            Some(_) => None,
            None => self.kept.iter().filter_map(Kept::deadline).min(),
        }
    }

    pub(super) fn handle_kept_timeout(&mut self, now: Instant) {
        for entry in &mut self.kept {
            match entry.phase {
                Phase::Waiting(_) if entry.expires_at <= now => entry.set(Phase::Done),
                Phase::Passing if self.relay.has(entry.identity) => {}
                Phase::Passing if self.relay.has_receipt(entry.identity) => {
                    entry.wait_longer(&mut self.jitter, now);
                }
                Phase::Passing => entry.wait(&mut self.jitter, now),
                _ => {}
            }
        }
        // One after the other: all at once they would be in each other's way.
        if self.kept.iter().any(Kept::is_on_its_way) {
            return;
        }
        let due = |entry: &&mut Kept| matches!(entry.phase, Phase::Waiting(at) if at <= now);
        if let Some(entry) = self.kept.iter_mut().filter(due).min_by_key(|entry| !entry.urgent) {
            entry.set(Phase::Fetching);
        }
    }

    /// What the host is to do with a text that is kept.
    pub(super) fn poll_kept(&mut self) -> Option<Event> {
        let index = self.kept.iter().position(|entry| {
            !entry.told && matches!(entry.phase, Phase::Storing | Phase::Fetching | Phase::Done)
        })?;
        let entry = self.kept.get_mut(index)?;
        entry.told = true;
        let identity = entry.identity;
        match entry.phase {
            Phase::Storing => self.offered.take().map(|frame| Event::Keep { identity, frame }),
            Phase::Fetching => Some(Event::Fetch { identity }),
            _ => {
                self.kept.swap_remove(index);
                Some(Event::Forget { identity })
            }
        }
    }
}
