//! The nodes heard directly, with the quality of the last authenticated frame of each.

use heapless::Vec;

use crate::id::NodeId;
use crate::quality::Quality;
use crate::time::Instant;
use crate::wire::Role;

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
    /// Counter of its last beacon: an older beacon is a replay.
    beacon_counter: Option<u32>,
    /// Not yet reported to the host.
    fresh: bool,
}

/// The neighbor table. When it is full, whoever was silent longest makes room.
#[derive(Debug, Default)]
pub struct Neighbors<const N: usize> {
    entries: Vec<Neighbor, N>,
}

impl<const N: usize> Neighbors<N> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// All neighbors, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Neighbor> {
        self.entries.iter()
    }

    /// An authenticated frame of `node` was heard.
    pub fn heard(&mut self, node: NodeId, quality: Quality, now: Instant) {
        if let Some(entry) = self.entry(node, now) {
            entry.heard_at = now;
            entry.quality = quality;
            entry.fresh = true;
        }
    }

    /// An authenticated beacon was heard. `false`: it is a replay and must be ignored.
    pub fn beacon(&mut self, node: NodeId, role: Role, counter: u32, quality: Quality, now: Instant) -> bool {
        let Some(entry) = self.entry(node, now) else { return false };
        if entry.beacon_counter.is_some_and(|last| counter <= last) {
            return false;
        }
        *entry = Neighbor {
            role: Some(role),
            heard_at: now,
            quality,
            beacon_counter: Some(counter),
            fresh: true,
            ..*entry
        };
        true
    }

    /// The next neighbor heard since it was last taken here.
    pub fn take_fresh(&mut self) -> Option<Neighbor> {
        let entry = self.entries.iter_mut().find(|entry| entry.fresh)?;
        entry.fresh = false;
        Some(*entry)
    }

    fn entry(&mut self, node: NodeId, now: Instant) -> Option<&mut Neighbor> {
        let index = match self.entries.iter().position(|entry| entry.node == node) {
            Some(index) => index,
            None => self.insert(node, now),
        };
        self.entries.get_mut(index)
    }

    fn insert(&mut self, node: NodeId, now: Instant) -> usize {
        if self.entries.is_full() {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.heard_at);
            if let Some((index, _)) = oldest {
                self.entries.swap_remove(index);
            }
        }
        let newcomer = Neighbor {
            node,
            role: None,
            heard_at: now,
            quality: Quality::default(),
            beacon_counter: None,
            fresh: false,
        };
        let index = self.entries.len();
        // Fails only for a table of no entries, which then stays empty.
        let _ = self.entries.push(newcomer);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1);

    #[test]
    fn a_replayed_beacon_is_refused() {
        let mut table = Neighbors::<4>::new();
        let node = NodeId(7);
        assert!(table.beacon(node, Role::Handheld, 5, Quality::default(), NOW));
        assert!(!table.beacon(node, Role::Handheld, 5, Quality::default(), NOW));
        assert!(!table.beacon(node, Role::Handheld, 4, Quality::default(), NOW));
        assert!(table.beacon(node, Role::Handheld, 6, Quality::default(), NOW));
    }

    #[test]
    fn each_heard_frame_is_reported_once() {
        let mut table = Neighbors::<4>::new();
        table.heard(NodeId(1), Quality::default(), NOW);
        table.heard(NodeId(1), Quality::default(), NOW);
        assert_eq!(table.take_fresh().map(|n| n.node), Some(NodeId(1)));
        assert_eq!(table.take_fresh(), None);
    }

    #[test]
    fn the_longest_silent_neighbor_makes_room() {
        let mut table = Neighbors::<2>::new();
        for (node, at) in [(1, 10), (2, 5), (3, 20)] {
            table.heard(NodeId(node), Quality::default(), Instant::from_secs(at));
        }
        let mut nodes: std::vec::Vec<u16> = table.iter().map(|n| n.node.0).collect();
        nodes.sort_unstable();
        assert_eq!(nodes, [1, 3]);
    }
}
