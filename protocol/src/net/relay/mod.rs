//! Frames of others on their way through this node.
//!
//! **Unicast.** The node that a frame names as its next hop passes it on, and the one before overhears that: in most
//! cases nobody spends a frame on an ack. A copy that comes once more is answered with a hop ack, by a receipt that is
//! remembered, or by passing it on again. Without a sign the frame is repeated, then given to another
//! neighbor; in the end it is [stuck](Relay::poll_stuck).
//!
//! **Flood.** A frame for everybody is passed on once, after a while that is shorter the worse it was heard, unless
//! others were heard passing it on meanwhile.
//!
//! Nothing here is durable and nothing is promised: the source, or whoever has custody, keeps a frame until its
//! destination has proven that it came. So signs that an outsider could forge (an overheard copy, a receipt that
//! only its destination can check) may end the work here, and delay a message, but never lose it.
//!
//! Implements `docs/protocol.md`, "Relaying".

mod memory;
mod passing;
mod places;

#[cfg(test)]
mod tests;

use heapless::{Deque, Vec};

use crate::budget::Budget;
use crate::id::NodeId;
use crate::quality::Quality;
use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::wire::routed::{DIRECT, FLOOD, FULL_HOP_LIMIT, Routed};
use crate::wire::{Frame, Kind, MAX_FRAME, Receipt};

use super::Step;
use memory::{Fate, Memory};
use passing::{Passing, Phase, Way};
pub use places::Lane;
use places::{Place, place_for};

/// Hop acks that may wait for the air.
const ACKS: usize = 4;
/// So many copies of a flooded frame make another one needless.
const ENOUGH_COPIES: u8 = 2;

/// Frames that pass as urgent in a burst, and the time after which one more does. Others pass like ordinary texts.
const URGENT_PACE: (u32, Duration) = (8, Duration::from_secs(10));

/// Floods that are passed on in a burst, and the time after which one more is: each makes every relay transmit.
const FLOOD_PACE: (u32, Duration) = (16, Duration::from_secs(2));

/// A frame for another node, as it was heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// All of it.
    pub octets: &'a [u8],
    /// Its start.
    pub routed: Routed,
    /// Whether it names this node as its next hop.
    pub ours: bool,
    /// How well it was heard.
    pub quality: Quality,
}

/// A frame that can go no further from here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stuck {
    /// The frame, as it would have gone on.
    pub frame: Vec<u8, MAX_FRAME>,
    /// The last neighbor that did not react, if there was a route at all.
    pub unreachable: Option<NodeId>,
}

/// The relay of one node: at most `PASSING` frames under way, `MEMORY` frames remembered.
/// `PASSING` x 310 + `MEMORY` x 40 octets.
#[derive(Debug)]
pub struct Relay<const PASSING: usize, const MEMORY: usize> {
    passing: Vec<Passing, PASSING>,
    memory: Memory<MEMORY>,
    acks: Deque<u32, ACKS>,
    /// Neighbors that were seen to have taken a frame.
    reached: Deque<NodeId, ACKS>,
    stuck: Deque<Stuck, 2>,
    urgent_pace: Budget,
    flood_pace: Budget,
}

impl<const PASSING: usize, const MEMORY: usize> Default for Relay<PASSING, MEMORY> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const PASSING: usize, const MEMORY: usize> Relay<PASSING, MEMORY> {
    /// A relay with nothing under way.
    pub const fn new() -> Self {
        Self {
            passing: Vec::new(),
            memory: Memory::new(),
            acks: Deque::new(),
            reached: Deque::new(),
            stuck: Deque::new(),
            urgent_pace: Budget::new(URGENT_PACE.0, URGENT_PACE.1, Instant::ZERO),
            flood_pace: Budget::new(FLOOD_PACE.0, FLOOD_PACE.1, Instant::ZERO),
        }
    }

    /// How many frames are under way.
    pub fn len(&self) -> usize {
        self.passing.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.passing.is_empty()
    }

    /// A frame for another node was heard. `true`: it is passed on, or answered.
    pub fn handle_frame(&mut self, heard: Heard<'_>, rate: Rate, jitter: &mut Jitter, now: Instant) -> bool {
        let Heard { octets, routed, ours, quality } = heard;
        let identity = Routed::identity(octets);
        let ours = ours || self.is_answer_to_ours(routed);
        if routed.kind == Kind::Receipt {
            self.note_receipt(octets, routed.destination);
        }
        if let Some(index) = self.passing.iter().position(|entry| entry.identity == identity) {
            return self.handle_copy(index, routed, ours);
        }
        let flood = routed.next_hop == FLOOD;
        let Some(hop_limit) = onward(routed.hop_limit, flood).filter(|_| ours || flood) else { return false };
        if flood && (self.memory.is_recent(identity, now) || !self.flood_pace.take(now)) {
            return false;
        }
        match self.memory.recall(identity, now) {
            Some(Fate::Receipted(receipt)) => {
                return self.has(Routed::identity(&receipt))
                    || self.pass(&receipt, Way::unicast(), None, FULL_HOP_LIMIT - 1, Lane::Ordinary).is_ok();
            }
            Some(Fate::JustPassed) => {
                self.acknowledge(identity);
                return true;
            }
            Some(Fate::Old) | None => {}
        }
        let (way, due) = if flood {
            (Way::Flood { copies: 0 }, Some(now + passing::flood_delay(quality, rate, jitter)))
        } else {
            (Way::unicast(), None)
        };
        let urgent = routed.kind == Kind::Urgent && self.urgent_pace.take(now);
        let lane = if urgent { Lane::Urgent } else { Lane::Ordinary };
        let taken = self.pass(octets, way, due, hop_limit, lane).is_ok();
        if taken {
            self.memory.remember(identity, source_of(octets), now);
        }
        taken
    }

    /// A frame of this node's own, or one that it has kept, goes on its way like one to be passed on, with so many hops
    /// to go.
    ///
    /// # Errors
    /// There is no room.
    pub fn send(
        &mut self,
        octets: &[u8],
        hop_limit: u8,
        lane: Lane,
        now: Instant,
    ) -> Result<(), super::Full> {
        let flood = Routed::read(octets).is_some_and(|routed| routed.next_hop == FLOOD);
        let way = if flood { Way::Flood { copies: 0 } } else { Way::unicast() };
        self.pass(octets, way, None, hop_limit, lane)?;
        self.memory.remember(Routed::identity(octets), None, now);
        Ok(())
    }

    /// Whether a neighbor was asked for something and has given no sign yet.
    pub fn awaits_sign(&self) -> bool {
        self.passing.iter().any(|entry| matches!(entry.phase, Phase::OnAir(_) | Phase::Waiting(_)))
    }

    /// Whether this is a receipt for a text that this node has just given to its destination, which knows no way back.
    fn is_answer_to_ours(&self, routed: Routed) -> bool {
        let asked = |entry: &Passing| {
            entry.awaits_destination() && source_of(&entry.frame) == Some(routed.destination)
        };
        routed.kind == Kind::Receipt && routed.next_hop == DIRECT && self.passing.iter().any(asked)
    }

    /// Whether the frame with this identity is under way.
    pub fn has(&self, identity: u32) -> bool {
        self.passing.iter().any(|entry| entry.identity == identity)
    }

    /// A receipt of this node's own to which it knows no way: the relay that has just brought the text takes it.
    ///
    /// # Errors
    /// There is no room.
    pub fn send_back(&mut self, octets: &[u8], lane: Lane) -> Result<(), super::Full> {
        self.pass(octets, Way::Back, None, FULL_HOP_LIMIT, lane)
    }

    /// Whether a receipt was heard that may be for the frame with this identity.
    pub fn has_receipt(&self, identity: u32) -> bool {
        self.memory.has_receipt(identity)
    }

    /// Answers a copy of the frame with this identity: this node has it.
    pub fn acknowledge(&mut self, identity: u32) {
        // When full, whoever waits for it will ask again.
        let _ = self.acks.push_back(identity);
    }

    fn pass(
        &mut self,
        octets: &[u8],
        way: Way,
        due: Option<Instant>,
        hop_limit: u8,
        lane: Lane,
    ) -> Result<(), super::Full> {
        let entry = Passing::new(octets, way, due, hop_limit, lane).ok_or(super::Full)?;
        match place_for(octets, lane, &self.passing, PASSING) {
            Place::Free => {}
            Place::Of(index) => drop(self.passing.remove(index)),
            Place::None => return Err(super::Full),
        }
        self.passing.push(entry).map_err(|_| super::Full)
    }

    /// A copy of a frame that is under way here.
    fn handle_copy(&mut self, index: usize, routed: Routed, ours: bool) -> bool {
        let Some(entry) = self.passing.get_mut(index) else { return false };
        let (sent, further) = (entry.was_transmitted(), is_further(routed.hop_limit, entry.hop_limit));
        match &mut entry.way {
            Way::Flood { copies } => {
                *copies += 1;
                if *copies >= ENOUGH_COPIES && matches!(entry.phase, Phase::Delayed(_)) {
                    self.passing.swap_remove(index);
                }
            }
            Way::Unicast { .. } if sent && further => {
                self.conclude(index);
            }
            // Whoever gave it to us has not heard us pass it on.
            Way::Unicast { .. } if sent && ours => {
                let identity = entry.identity;
                self.acknowledge(identity);
            }
            Way::Unicast { .. } | Way::Back => {}
        }
        true
    }

    /// A receipt for the source of texts that went through here was heard. Which text it is for only the source can
    /// tell; the one that waits longest, best for its destination itself, is the likely one.
    fn note_receipt(&mut self, octets: &[u8], source: NodeId) {
        // One that asks for an ack may be about a text that was taken over long ago.
        let Ok(Frame::Receipt(Receipt { acknowledge: false, .. })) = Frame::parse(octets) else { return };
        let Ok(receipt) = memory::ReceiptFrame::from_slice(octets) else { return };
        let likely = |entry: &Passing| {
            let of_source = source_of(&entry.frame) == Some(source);
            of_source && entry.was_transmitted()
        };
        let waiting = self.passing.iter().position(|entry| likely(entry) && entry.awaits_destination());
        match waiting.or_else(|| self.passing.iter().position(likely)) {
            Some(index) => {
                let identity = self.conclude(index);
                self.memory.note_receipt(identity, receipt);
            }
            None => self.memory.note_receipt_for(source, receipt),
        }
    }

    /// A hop ack was heard; `matches` says whether it is that of a neighbor for a frame, by the frame's identity.
    /// If it was for a frame under way here: the neighbor whose it is.
    pub fn handle_ack(&mut self, matches: impl Fn(NodeId, u32) -> bool) -> Option<NodeId> {
        let asked = |entry: &Passing| {
            entry.next_hop().map(|step| step.hop.node).filter(|node| matches(*node, entry.identity))
        };
        let index = self.passing.iter().position(|entry| asked(entry).is_some())?;
        let neighbor = self.passing.get(index).and_then(asked);
        self.conclude(index);
        neighbor
    }

    /// A frame has been taken by the neighbor that was asked. Returns its identity.
    fn conclude(&mut self, index: usize) -> u32 {
        let entry = self.passing.swap_remove(index);
        if let Some(step) = entry.next_hop() {
            // When full, a link is thought a little worse than it is.
            let _ = self.reached.push_back(step.hop.node);
        }
        entry.identity
    }

    /// The next neighbor that was seen to have taken a frame.
    pub fn poll_reached(&mut self) -> Option<NodeId> {
        self.reached.pop_front()
    }

    /// The identity of the next frame whose repetition is to be answered with a hop ack.
    pub fn poll_ack(&mut self) -> Option<u32> {
        self.acks.pop_front()
    }

    /// The next frame that can go no further from here.
    pub fn poll_stuck(&mut self) -> Option<Stuck> {
        self.stuck.pop_front()
    }

    /// The next frame for the air of at least that lane, urgent ones first, written to the start of `buf`; returns its length and lane. `token` is for
    /// [`Relay::handle_transmitted`]. `route` finds the neighbor on the way to a node, other than those given.
    pub fn poll_transmit(
        &mut self,
        token: u32,
        least: Lane,
        route: impl Fn(NodeId, &[NodeId]) -> Option<Step>,
        now: Instant,
        buf: &mut [u8],
    ) -> Option<(usize, Lane)> {
        while let Some(index) = self.next_due(least) {
            let entry = self.passing.get_mut(index)?;
            if entry.choose_hop(&route) {
                return entry.transmit(token, buf).map(|len| (len, entry.lane));
            }
            if !entry.wait_for_way(now) {
                self.give_up(index);
            }
        }
        None
    }

    /// One of the most urgent that are due.
    fn next_due(&self, least: Lane) -> Option<usize> {
        let is_due = |entry: &Passing| entry.phase == Phase::Due && entry.lane >= least;
        let due = self.passing.iter().enumerate().rev().filter(|(_, entry)| is_due(entry));
        // Of equals the last is kept, hence the reversal.
        due.max_by_key(|(_, entry)| entry.lane).map(|(index, _)| index)
    }

    fn give_up(&mut self, index: usize) {
        let entry = self.passing.swap_remove(index);
        let unreachable = entry.unreachable();
        if entry.kind() == Some(Kind::Receipt) {
            // Its text will be asked for again.
            return;
        }
        // When nobody takes them, the oldest is forgotten: its source will ask again.
        if self.stuck.is_full() {
            self.stuck.pop_front();
        }
        let _ = self.stuck.push_back(Stuck { frame: entry.frame, unreachable });
    }

    /// The frame handed out under `token` has left the antenna. Unknown tokens are ignored.
    pub fn handle_transmitted(&mut self, token: u32, rate: Rate, jitter: &mut Jitter, now: Instant) {
        let Some(index) = self.passing.iter().position(|entry| entry.phase == Phase::OnAir(token)) else {
            return;
        };
        if self.passing.get_mut(index).is_some_and(|entry| !entry.transmitted(rate, jitter, now)) {
            self.passing.swap_remove(index);
        }
    }

    /// The frame handed out under `token` was not transmitted: it is handed out again a little later.
    pub fn handle_dropped(&mut self, token: u32, jitter: &mut Jitter, now: Instant) {
        if let Some(entry) = self.passing.iter_mut().find(|entry| entry.phase == Phase::OnAir(token)) {
            entry.dropped(jitter, now);
        }
    }

    /// When to call [`Relay::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.passing.iter().filter_map(|entry| entry.deadline()).min()
    }

    /// Time has passed; early calls are harmless. Calls `silent` with each neighbor that did not react to several attempts.
    pub fn handle_timeout(&mut self, now: Instant, mut silent: impl FnMut(NodeId)) {
        for entry in &mut self.passing {
            if let Some(neighbor) = entry.handle_timeout(now) {
                silent(neighbor);
            }
        }
    }
}

/// The hop limit with which a frame goes on that arrived with this one; `None` if it goes no further. On a known way
/// the distance to the destination is what ends it, as every neighbor on it is nearer: the count begins anew.
fn onward(hop_limit: u8, flood: bool) -> Option<u8> {
    match hop_limit.checked_sub(1) {
        None if !flood => Some(FULL_HOP_LIMIT - 1),
        less => less,
    }
}

/// Whether a copy heard with one hop limit has gone further than ours, which went out with the other: by up to three
/// hops, and the count may have begun anew on the way.
fn is_further(heard: u8, ours: u8) -> bool {
    let hops = (ours + FULL_HOP_LIMIT).wrapping_sub(heard) % FULL_HOP_LIMIT;
    heard < FULL_HOP_LIMIT && (ours == FULL_HOP_LIMIT || matches!(hops, 1..=3))
}

/// Who wrote the message in a frame; `None` for kinds that do not say.
fn source_of(octets: &[u8]) -> Option<NodeId> {
    match Frame::parse(octets) {
        Ok(Frame::Text(text)) => Some(text.source),
        _ => None,
    }
}

const _: () = assert!(DIRECT != FLOOD);
