//! The nodes heard directly, with the quality of the last authenticated frame of each and what the link to it costs.

use heapless::Vec;

use crate::id::NodeId;
use crate::quality::Quality;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::wire::{Metric, Role};

use super::distance::sequence_of;
use super::link::{Cost, Link};

/// A node heard directly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Neighbor {
    /// Its address.
    pub node: NodeId,
    /// What it said it is; `None` until its first beacon.
    pub role: Option<Role>,
    /// When an authenticated frame of it was last heard.
    pub heard_at: Instant,
    /// How well that frame was heard.
    pub quality: Quality,
    /// What the way to it and back costs.
    pub link: Link,
    /// Counter of its last beacon: an older beacon is a replay.
    beacon_counter: Option<u32>,
    /// Not yet reported to the host.
    fresh: bool,
    /// What our beacons last said of how it is heard, and when.
    pub(super) said: Option<(Metric, Instant)>,
}

impl Neighbor {
    fn new(node: NodeId, quality: Quality, rate: Rate, now: Instant) -> Self {
        Self {
            node,
            role: None,
            heard_at: now,
            quality,
            link: Link::new(quality, rate),
            beacon_counter: None,
            fresh: false,
            said: None,
        }
    }

    /// The sequence that its last beacon stood for.
    pub(super) fn sequence(&self) -> Option<u8> {
        self.beacon_counter.map(sequence_of)
    }

    fn heard(&mut self, quality: Quality, now: Instant) {
        self.heard_at = now;
        self.quality = quality;
        self.fresh = true;
    }
}

/// The neighbor table.
///
/// A full table makes room only for who will be of more use than whoever goes: first go those not heard lately,
/// then those heard with half the signal-to-noise ratio or less. In a crowd the table thus settles on the near
/// nodes instead of turning over with every beacon.
#[derive(Debug)]
pub struct Neighbors<const N: usize> {
    entries: Vec<Neighbor, N>,
    rate: Rate,
    patience: Duration,
}

/// Signal-to-noise ratio by which a newcomer must surpass a neighbor heard lately, quarter decibels.
const PREFERENCE: i16 = 12;

impl<const N: usize> Neighbors<N> {
    /// An empty table of what is heard at `rate`. Who is silent for longer than `patience` is a neighbor no more.
    pub const fn new(rate: Rate, patience: Duration) -> Self {
        Self { entries: Vec::new(), rate, patience }
    }

    /// The rate of the channel has changed.
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// All neighbors, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Neighbor> {
        self.entries.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Neighbor> {
        self.entries.iter_mut()
    }

    pub(super) fn find(&self, node: NodeId) -> Option<&Neighbor> {
        self.entries.iter().find(|entry| entry.node == node)
    }

    pub(super) fn find_mut(&mut self, node: NodeId) -> Option<&mut Neighbor> {
        self.entries.iter_mut().find(|entry| entry.node == node)
    }

    /// What the link to `node` costs; no way for who is no neighbor.
    pub(super) fn cost(&self, node: NodeId) -> Cost {
        self.find(node).map_or(Cost::NONE, |neighbor| neighbor.link.cost())
    }

    /// An authenticated frame of `node` was heard.
    pub fn heard(&mut self, node: NodeId, quality: Quality, now: Instant) {
        if let Some(entry) = self.entry(node, quality, now) {
            entry.heard(quality, now);
        }
    }

    /// An authenticated beacon was heard. `false`: it must be ignored, because it is a replay or because the table
    /// is full of nearer nodes.
    pub fn beacon(&mut self, node: NodeId, role: Role, counter: u32, quality: Quality, now: Instant) -> bool {
        let Some(entry) = self.entry(node, quality, now) else { return false };
        if let Some(last) = entry.beacon_counter {
            if counter <= last {
                return false;
            }
            entry.link.counted(last, counter);
        }
        entry.heard(quality, now);
        entry.role = Some(role);
        entry.beacon_counter = Some(counter);
        true
    }

    /// The next neighbor heard since it was last taken here.
    pub fn take_fresh(&mut self) -> Option<Neighbor> {
        let entry = self.entries.iter_mut().find(|entry| entry.fresh)?;
        entry.fresh = false;
        Some(*entry)
    }

    /// Forgets who has been silent for too long.
    pub(super) fn expire(&mut self, now: Instant) {
        let patience = self.patience;
        self.entries.retain(|entry| now - entry.heard_at <= patience);
    }

    fn entry(&mut self, node: NodeId, quality: Quality, now: Instant) -> Option<&mut Neighbor> {
        let index = match self.entries.iter().position(|entry| entry.node == node) {
            Some(index) => index,
            None => {
                self.make_room(quality, now);
                self.entries.push(Neighbor::new(node, quality, self.rate, now)).ok()?;
                self.entries.len() - 1
            }
        };
        self.entries.get_mut(index)
    }

    fn make_room(&mut self, quality: Quality, now: Instant) {
        if !self.entries.is_full() {
            return;
        }
        let silent = |entry: &Neighbor| now - entry.heard_at > self.patience / 2;
        let snr = |entry: &Neighbor| i16::from(entry.quality.snr_quarter_db);
        let longest_silent =
            self.entries.iter().enumerate().filter(|(_, e)| silent(e)).min_by_key(|(_, e)| e.heard_at);
        let weaker = |entry: &Neighbor| snr(entry) + PREFERENCE <= i16::from(quality.snr_quarter_db);
        let weakest = self.entries.iter().enumerate().filter(|(_, e)| weaker(e)).min_by_key(|(_, e)| snr(e));
        if let Some((index, _)) = longest_silent.or(weakest) {
            self.entries.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Bandwidth, SpreadingFactor};

    const NOW: Instant = Instant::from_secs(1);
    const RATE: Rate = Rate::new(SpreadingFactor::Sf9, Bandwidth::Khz500);

    fn table<const N: usize>() -> Neighbors<N> {
        Neighbors::new(RATE, Duration::from_secs(20))
    }

    fn nodes<const N: usize>(table: &Neighbors<N>) -> std::vec::Vec<u16> {
        let mut nodes: std::vec::Vec<u16> = table.iter().map(|n| n.node.0).collect();
        nodes.sort_unstable();
        nodes
    }

    #[test]
    fn a_replayed_beacon_is_refused() {
        let mut table = table::<4>();
        let node = NodeId(7);
        assert!(table.beacon(node, Role::Handheld, 5, Quality::default(), NOW));
        assert!(!table.beacon(node, Role::Handheld, 5, Quality::default(), NOW));
        assert!(!table.beacon(node, Role::Handheld, 4, Quality::default(), NOW));
        assert!(table.beacon(node, Role::Handheld, 6, Quality::default(), NOW));
    }

    #[test]
    fn each_heard_frame_is_reported_once() {
        let mut table = table::<4>();
        table.heard(NodeId(1), Quality::default(), NOW);
        table.heard(NodeId(1), Quality::default(), NOW);
        assert_eq!(table.take_fresh().map(|n| n.node), Some(NodeId(1)));
        assert_eq!(table.take_fresh(), None);
    }

    #[test]
    fn the_longest_silent_neighbor_makes_room() {
        let mut table = table::<2>();
        for (node, at) in [(1, 10), (2, 5), (3, 20)] {
            table.heard(NodeId(node), Quality::default(), Instant::from_secs(at));
        }
        assert_eq!(nodes(&table), [1, 3]);
    }

    #[test]
    fn in_a_crowd_the_near_nodes_stay() {
        let mut table = table::<2>();
        for (node, snr_quarter_db) in [(1, 0), (2, 20), (3, 8), (4, 12), (5, 16)] {
            table.heard(NodeId(node), Quality { snr_quarter_db, ..Quality::default() }, NOW);
        }
        assert_eq!(nodes(&table), [2, 4]);
    }

    #[test]
    fn who_is_silent_for_too_long_is_no_neighbor() {
        let mut table = table::<2>();
        table.heard(NodeId(1), Quality::default(), Instant::from_secs(0));
        table.heard(NodeId(2), Quality::default(), Instant::from_secs(10));
        table.expire(Instant::from_secs(21));
        assert_eq!(nodes(&table), [2]);
        assert_eq!(table.cost(NodeId(1)), Cost::NONE);
    }
}
