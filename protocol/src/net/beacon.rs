//! What a beacon says.
//!
//! Four sorts of entries (`docs/protocol.md`, section 4.4): how neighbors are heard, ways that are offered, ways
//! that are no more, requests for newer sequences. What has changed comes first; then whatever was said longest
//! ago, as much of it that everything is said once in [`ROTATION`] beacons. So a lost beacon delays news and loses
//! none.
//!
//! For its first beacons a node also says from which sequence on its offers count (an entry about itself): one that
//! restarts has forgotten what it told, and neighbors must not rely on it. The same purpose as the wildcard
//! retraction of RFC 8966.

use heapless::Vec;

use crate::id::NodeId;
use crate::time::Instant;
use crate::wire::beacon::{ENTRY_OCTETS, MAX_ENTRIES};
use crate::wire::{Entries, Metric, RouteEntry};

use super::Network;
use super::distance::{Distance, sequence_of};
use super::neighbor::Neighbor;
use super::route::{Record, differ};

/// Beacons in which everything is said once.
pub(super) const ROTATION: u8 = 4;
/// A beacon of this length costs little more than an empty one: in small networks each beacon says everything.
const FEW_ENTRIES: usize = 24;
/// Beacons that tell of the start.
const OPENING: u32 = 2 * ROTATION as u32;

/// Room for the entries of a beacon.
pub const ENTRIES_OCTETS: usize = MAX_ENTRIES * ENTRY_OCTETS;

type List = Vec<RouteEntry, MAX_ENTRIES>;

impl<const NEIGHBORS: usize, const ROUTES: usize> Network<NEIGHBORS, ROUTES> {
    /// Whether a beacon should go out.
    pub const fn is_due(&self) -> bool {
        self.trickle.is_due()
    }

    /// The least counter that the next beacon may carry. It is ahead of the last one when somebody wants a newer
    /// sequence of this node; all in between are left out.
    pub const fn least_counter(&self) -> u32 {
        self.least_counter
    }

    /// The entries of the beacon with this counter, written to `buf`. The beacon counts as sent: it must not go out
    /// otherwise, and later beacons carry greater counters.
    pub fn compose<'b>(
        &mut self,
        counter: u32,
        buf: &'b mut [u8; ENTRIES_OCTETS],
        now: Instant,
    ) -> Entries<'b> {
        let first = *self.first_counter.get_or_insert(counter);
        self.least_counter = self.least_counter.max(counter.saturating_add(1));
        self.last_counter = counter;
        self.trickle.sent();

        let mut list = List::new();
        if counter.saturating_sub(first) < OPENING {
            push(
                &mut list,
                self.node,
                Distance { sequence: sequence_of(first), metric: Metric::ZERO },
                false,
            );
        }
        self.ask(&mut list);
        self.tell_news(&mut list, now);
        self.tell_in_turn(&mut list, now);

        let (chunks, _) = buf.as_chunks_mut::<ENTRY_OCTETS>();
        for (chunk, entry) in chunks.iter_mut().zip(&list) {
            *chunk = entry.octets();
        }
        Entries::parse(&buf[..list.len() * ENTRY_OCTETS])
            .expect("whole entries about single nodes, no more than fit")
    }

    /// Requests: only a few beacons carry each.
    fn ask(&mut self, list: &mut List) {
        for record in self.routes.iter_mut() {
            if list.is_full() {
                return;
            }
            if let Some(sequence) = record.ask() {
                push(list, record.node, Distance { sequence, metric: Metric::UNREACHABLE }, true);
            }
        }
    }

    /// What differs from what was last said.
    fn tell_news(&mut self, list: &mut List, now: Instant) {
        let is_news =
            |said: Option<(Metric, Instant)>, metric| said.is_none_or(|(old, _)| differ(old, metric, 5, 4));
        for neighbor in self.neighbors.iter_mut() {
            if is_news(neighbor.said, neighbor.link.inward()) {
                tell_of_neighbor(list, neighbor, now);
            }
        }
        if self.forwards {
            for record in self.routes.iter_mut().filter(|record| record.is_news()) {
                tell_of_way(list, record, now);
            }
        }
    }

    /// What was said longest ago, as much as is this beacon's part of everything, and half of that beside any news.
    fn tell_in_turn(&mut self, list: &mut List, now: Instant) {
        let neighbors = self.neighbors.iter().count();
        let ways = self.routes.iter().filter(|record| self.forwards && record.is_worth_telling()).count();
        let part = FEW_ENTRIES.max((neighbors + ways).div_ceil(usize::from(ROTATION)));
        let enough = part.max(list.len() + part / 2).min(MAX_ENTRIES);
        while list.len() < enough && self.tell_oldest(list, now) {}
    }

    /// `false`: everything has been said.
    fn tell_oldest(&mut self, list: &mut List, now: Instant) -> bool {
        let said_before = |said: Option<(Metric, Instant)>| said.map(|(_, at)| at).filter(|at| *at < now);
        let neighbor = self
            .neighbors
            .iter_mut()
            .filter_map(|neighbor| Some((said_before(neighbor.said)?, neighbor)))
            .min_by_key(|(at, _)| *at);
        let way = self
            .routes
            .iter_mut()
            .filter_map(|record| Some((said_before(record.said)?, record)))
            .min_by_key(|(at, _)| *at);
        match (neighbor, way) {
            (Some((at, neighbor)), way) if way.as_ref().is_none_or(|(other, _)| at <= *other) => {
                tell_of_neighbor(list, neighbor, now);
            }
            (_, Some((_, record))) => tell_of_way(list, record, now),
            _ => return false,
        }
        true
    }
}

/// Nothing is marked as said that the list has no room for.
fn tell_of_neighbor(list: &mut List, neighbor: &mut Neighbor, now: Instant) {
    let Some(sequence) = neighbor.sequence() else { return };
    let metric = neighbor.link.inward();
    if push(list, neighbor.node, Distance { sequence, metric }, true) {
        neighbor.said = Some((metric, now));
    }
}

fn tell_of_way(list: &mut List, record: &mut Record, now: Instant) {
    if !list.is_full() {
        let distance = record.tell(now);
        push(list, record.node, distance, false);
    }
}

fn push(list: &mut List, node: NodeId, distance: Distance, direct: bool) -> bool {
    let Distance { sequence, metric } = distance;
    list.push(RouteEntry { node, sequence, metric, direct }).is_ok()
}
