//! Who hears whom, and which way leads to whom: routes learned from beacons.
//!
//! A distance vector protocol after Babel (RFC 8966) whose only messages are beacons, sent when Trickle (RFC 6206)
//! says so. `docs/protocol.md`, section 4.4.
//!
//! | file | answers |
//! |---|---|
//! | `trickle` | when is a beacon due? |
//! | `beacon` | what does it say? |
//! | `neighbor`, `link` | who is heard, and what does a hop there and back cost? |
//! | `distance` | what may be used without ever making a loop? |
//! | `route` | which way is used, what is wanted when there is none? |
//!
//! Nothing is promised of routes but this: at no instant do they form a loop, whatever was lost and whoever
//! restarted, as long as frames go to [`Hop`]s and nodes [answer](Network::answers_to) only to names of their own.

mod beacon;
mod distance;
mod link;
mod neighbor;
mod relay;
mod route;
mod trickle;

pub use beacon::ENTRIES_OCTETS;
pub use link::Link;
pub use neighbor::{Neighbor, Neighbors};
pub use relay::{Heard, Lane, Relay, Stuck};

pub use route::{Hop, Route};

use crate::id::NodeId;
use crate::quality::Quality;
use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::wire::{Beacon, Metric, RouteEntry, routed};

use beacon::ROTATION;
use distance::{Distance, is_newer, sequence_of};
use route::{Change, Lifetimes, Routes};
use trickle::Trickle;

/// Beacon counters that stand for one sequence.
pub const BLOCK: u32 = 32;

/// Longest intervals after which a silent node is a neighbor no more: with a link that loses half of all beacons, one
/// time in sixty too early.
const PATIENCE: u32 = 6;
/// Longest intervals that an offer is good for without being repeated: three rotations.
const OFFER: u32 = 3 * ROTATION as u32;
/// Longest intervals that a node holds itself to what it told: an offer, and what a beacon may wait for the air and a
/// neighbor for its next look at the clock.
const MEMORY: u32 = OFFER + 3;
/// A node's own sequence moves on no faster than so many times per longest interval when asked to. It stays well
/// below the 128 that sequences can tell apart for as long as anybody remembers one.
const MOVES: u32 = 4;
/// Requests for a sequence further ahead are nonsense.
const FURTHEST_MOVE: u8 = 8;

/// How a node takes part.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Its address.
    pub node: NodeId,
    /// Whether it passes frames of others on. If not, its beacons offer no ways.
    pub forwards: bool,
    /// The rate of its channel.
    pub rate: Rate,
    /// The shortest interval between beacons of a node without neighbors.
    pub shortest: Duration,
    /// The longest interval between beacons, the same for all nodes of a network; zero for no beacons at all.
    pub longest: Duration,
}

/// The next step of a frame on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Who is to take it.
    pub hop: Hop,
    /// Whether the way ends there: with its destination, or the gateway of its house.
    pub arrives: bool,
}

/// There is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// A beacon is no newer than the last one of its source, or the neighbor table has no room for that node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ignored;

/// What a node knows of the network around it, with room for `NEIGHBORS` neighbors and `ROUTES` destinations.
#[derive(Debug)]
pub struct Network<const NEIGHBORS: usize, const ROUTES: usize> {
    node: NodeId,
    forwards: bool,
    longest: Duration,
    jitter: Jitter,
    neighbors: Neighbors<NEIGHBORS>,
    routes: Routes<ROUTES>,
    trickle: Trickle,
    /// Of this run's beacons: what the next one may have, what the first and the last one had.
    least_counter: u32,
    first_counter: Option<u32>,
    last_counter: u32,
    moved_at: Option<Instant>,
}

impl<const NEIGHBORS: usize, const ROUTES: usize> Network<NEIGHBORS, ROUTES> {
    /// A node that begins at `now` and knows nobody. Beacon counters below `counter` may have been used before. All
    /// jitter follows from `seed`.
    pub fn new(settings: Settings, counter: u32, seed: u64, now: Instant) -> Self {
        let Settings { node, forwards, rate, shortest, longest } = settings;
        let mut jitter = Jitter::new(seed);
        let trickle = Trickle::new(shortest, longest, &mut jitter, now);
        // Without beacons of its own a node does not know how often others speak.
        let times = |count| if longest.is_zero() { Duration::MAX } else { longest.saturating_mul(count) };
        let lifetimes = Lifetimes { offer: times(OFFER), memory: times(MEMORY), request: times(1) };
        Self {
            node,
            forwards,
            longest,
            jitter,
            neighbors: Neighbors::new(rate, times(PATIENCE)),
            routes: Routes::new(lifetimes),
            trickle,
            // No sequence is shared with the run before: names and news of the two are told apart by it.
            least_counter: counter.checked_next_multiple_of(BLOCK).unwrap_or(counter),
            first_counter: None,
            last_counter: 0,
            moved_at: None,
        }
    }

    /// The rate of the channel has changed.
    pub fn set_rate(&mut self, rate: Rate) {
        self.neighbors.set_rate(rate);
    }

    /// An authentic beacon of another node was heard.
    ///
    /// # Errors
    /// [`Ignored`]: nothing was learned from it.
    pub fn handle_beacon(
        &mut self,
        beacon: &Beacon<'_>,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Ignored> {
        let source = beacon.source;
        let known = self.neighbors.find(source).is_some_and(|neighbor| neighbor.role.is_some());
        if !self.neighbors.beacon(source, beacon.role, beacon.counter, quality, now) {
            return Err(Ignored);
        }
        let told_of_us = |entry: &RouteEntry| is_hearing(entry) && entry.node == self.node;
        let ours = beacon.entries.iter().find(told_of_us).map(|entry| entry.metric);
        let speaks_of_neighbors = beacon.entries.iter().any(|entry| is_hearing(&entry));
        if let Some(neighbor) = self.neighbors.find_mut(source) {
            neighbor.link.told(ours, speaks_of_neighbors);
        }
        let sequence = sequence_of(beacon.counter);
        let hop = Hop { node: source, sequence };
        self.offered(hop, source, Distance { sequence, metric: Metric::ZERO }, now);
        for entry in beacon.entries.iter().filter(|entry| !is_hearing(entry)) {
            self.learn(hop, entry, now);
        }
        self.settle(Change::Neighbor(source), !known && ours.is_none(), now);
        Ok(())
    }

    /// Another authentic frame of a node in range was heard.
    pub fn heard(&mut self, node: NodeId, quality: Quality, now: Instant) {
        self.neighbors.heard(node, quality, now);
    }

    /// Several attempts in a row to pass a frame on to `neighbor` were not answered.
    pub fn handle_unreachable(&mut self, neighbor: NodeId, now: Instant) {
        if let Some(neighbor) = self.neighbors.find_mut(neighbor) {
            let heard = now - neighbor.heard_at <= self.longest;
            neighbor.link.unanswered(heard);
        }
        self.settle(Change::Neighbor(neighbor), false, now);
    }

    /// A frame passed on to `neighbor` was answered.
    pub fn handle_reached(&mut self, neighbor: NodeId, now: Instant) {
        if let Some(neighbor) = self.neighbors.find_mut(neighbor) {
            neighbor.link.answered();
        }
        self.settle(Change::Neighbor(neighbor), false, now);
    }

    /// When to call [`Network::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.trickle.poll_timeout()
    }

    /// Time has passed. Calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.trickle.handle_timeout(&mut self.jitter, now);
        self.neighbors.expire(now);
        if self.neighbors.take_departed() {
            let neighbors = &self.neighbors;
            self.routes.depart(|node| neighbors.find(node).is_some());
        }
        self.routes.expire(now);
        self.settle(Change::Time, false, now);
    }

    /// Where to send a frame for `destination` next. A person is reached through the house, unless there is, or lately
    /// was, a way to just that address.
    pub fn next_hop(&self, destination: NodeId) -> Option<Step> {
        self.alternative(destination, &[])
    }

    /// Where to send it when the neighbors in `tried` have not answered. As free of loops as the first choice.
    pub fn alternative(&self, destination: NodeId, tried: &[NodeId]) -> Option<Step> {
        let known = |node| self.routes.find(node).is_some() || self.usable(node, &[]).is_some();
        let end = if known(destination) { destination } else { destination.house() };
        let cost = |node| self.neighbors.cost(node);
        let hop = match self.routes.find(end) {
            Some(record) => record.hop(tried, cost),
            None => self.usable(end, tried),
        }?;
        Some(Step { hop, arrives: hop.node == end })
    }

    /// What the way to `destination` costs.
    pub fn metric(&self, destination: NodeId) -> Option<Metric> {
        let of = |node| match self.routes.find(node) {
            Some(record) => Some(record.route().metric),
            None => self.neighbors.find(node).map(|neighbor| neighbor.link.cost().metric),
        };
        of(destination).or_else(|| of(destination.house())).filter(|metric| metric.is_reachable())
    }

    /// Whether there ever was a way to `destination`, as far as is remembered.
    pub fn has_known(&self, destination: NodeId) -> bool {
        self.routes.find(destination).or_else(|| self.routes.find(destination.house())).is_some()
    }

    /// Whether beacons would have brought a way to every node that there is: false once the table is full.
    pub fn has_room(&self) -> bool {
        !self.routes.is_full()
    }

    /// Somebody here uses the way to `destination`: a full table keeps it rather than others.
    pub fn used(&mut self, destination: NodeId, now: Instant) {
        self.routes.used(destination, now);
        self.routes.used(destination.house(), now);
    }

    /// Whether a frame for the neighbor of this sequence is for this node in this run. What it offered in earlier
    /// runs it has forgotten: frames that rely on that could come back to where they were.
    pub fn answers_to(&self, sequence: u8) -> bool {
        self.first_counter.is_some_and(|first| {
            let sequences = (self.last_counter / BLOCK).saturating_sub(first / BLOCK);
            u32::from(sequence_of(self.last_counter).wrapping_sub(sequence)) <= sequences.min(127)
        })
    }

    /// Whether this next hop of a frame is this node, by a name of its present run.
    pub fn is_called(&self, next_hop: u8, octets: &[u8]) -> bool {
        let ours = |sequence: &u8| routed::name(self.node, *sequence, octets) == next_hop;
        (0..=u8::MAX).filter(|sequence| self.answers_to(*sequence)).any(|sequence| ours(&sequence))
    }

    /// The nodes heard directly, in no particular order.
    pub fn neighbors(&self) -> impl Iterator<Item = &Neighbor> {
        self.neighbors.iter()
    }

    /// The destinations known of, in no particular order.
    pub fn routes(&self) -> impl Iterator<Item = Route> {
        self.routes.iter().map(route::Record::route)
    }

    /// The next neighbor heard since it was last taken here.
    pub fn take_fresh(&mut self) -> Option<Neighbor> {
        self.neighbors.take_fresh()
    }

    fn usable(&self, node: NodeId, tried: &[NodeId]) -> Option<Hop> {
        let neighbor =
            self.neighbors.find(node).filter(|neighbor| neighbor.link.cost().metric.is_reachable())?;
        let sequence = neighbor.sequence()?;
        (!tried.contains(&node)).then_some(Hop { node, sequence })
    }

    /// An entry that is not about how its source hears somebody.
    fn learn(&mut self, hop: Hop, entry: RouteEntry, now: Instant) {
        let RouteEntry { node, sequence, metric, direct } = entry;
        if direct && node == self.node {
            self.move_on(sequence, now);
        } else if direct {
            if let Some(record) = self.routes.find_mut(node) {
                record.handle_request(sequence, now);
            }
        } else if node == hop.node {
            self.routes.handle_restart(node, sequence);
        } else if node != self.node {
            self.offered(hop, node, Distance { sequence, metric }, now);
        }
    }

    fn offered(&mut self, hop: Hop, node: NodeId, distance: Distance, now: Instant) {
        let neighbors = &self.neighbors;
        self.routes.handle_offer(hop, node, distance, |node| neighbors.cost(node), now);
    }

    /// Somebody starves for a newer sequence of ours: the next beacon begins it.
    fn move_on(&mut self, wanted: u8, now: Instant) {
        let own = sequence_of(self.least_counter);
        let rested = self.moved_at.is_none_or(|at| now - at >= self.longest / MOVES);
        if !is_newer(wanted, own) || is_newer(wanted, own.wrapping_add(FURTHEST_MOVE)) || !rested {
            return;
        }
        let blocks = self.least_counter / BLOCK + u32::from(wanted.wrapping_sub(own));
        if let Some(counter) = blocks.checked_mul(BLOCK) {
            self.least_counter = counter;
            self.moved_at = Some(now);
            self.hasten(now);
        }
    }

    /// Something may have changed: chooses ways anew, and says so soon if it matters to others.
    fn settle(&mut self, change: Change, met: bool, now: Instant) {
        let change = if self.neighbors.take_crowded_out() { Change::Everything } else { change };
        let neighbors = &self.neighbors;
        self.routes.select(change, |node| neighbors.cost(node), now);
        if met || self.routes.are_urgent(self.forwards) {
            self.hasten(now);
        }
    }

    fn hasten(&mut self, now: Instant) {
        self.trickle.hasten(self.neighbors.iter().count(), &mut self.jitter, now);
    }
}

/// Whether an entry says how the source of its beacon hears a neighbor.
fn is_hearing(entry: &RouteEntry) -> bool {
    entry.direct && entry.metric.is_reachable()
}

#[cfg(test)]
mod tests;
