//! Which messages could arrive at all: whether the network, with the best of protocols, had a way for them.
//!
//! A way is a sequence of usable links; each is passed at an instant when both of its ends have power, in order of time.
//! A node keeps what it carries while it has none, and passing takes no time. It is an upper bound for every protocol.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fanal_protocol::time::Instant;

/// From when until when a node has power, in order.
type Power = Vec<(Instant, Instant)>;

pub(super) struct Reach {
    neighbors: Vec<Vec<usize>>,
    power: Vec<Power>,
    /// Of each node: its part of the network, were all nodes always on.
    parts: Vec<usize>,
    /// The same among the nodes that are always on; `None` for the others.
    steady: Vec<Option<usize>>,
}

impl Reach {
    /// Who hears each node, and when each node is on, up to the end of the simulation.
    pub(super) fn new(neighbors: Vec<Vec<usize>>, power: Vec<Power>) -> Self {
        let end = power.iter().flatten().map(|(_, to)| *to).max().unwrap_or(Instant::ZERO);
        let always = |node: usize| matches!(&power[node][..], [(Instant::ZERO, to)] if *to == end);
        let steady = parts(&neighbors, always);
        let parts = parts(&neighbors, |_| true).into_iter().flatten().collect();
        Self { neighbors, power, parts, steady }
    }

    /// Whether what is written at `source` at this instant can be at `destination` before `until`.
    pub(super) fn connects(&self, source: usize, destination: usize, from: Instant, until: Instant) -> bool {
        if self.parts[source] != self.parts[destination] || until <= from {
            return false;
        }
        if self.steady[source].is_some() && self.steady[source] == self.steady[destination] {
            return true;
        }
        self.arrivals(source, from, until, Some(destination))[destination].is_some()
    }

    /// How many other nodes what is written at `source` can be at before `until`.
    pub(super) fn audience(&self, source: usize, from: Instant, until: Instant) -> usize {
        self.arrivals(source, from, until, None).iter().flatten().count() - 1
    }

    /// The earliest arrivals (Dijkstra's algorithm with instants for distances), as far as `wanted` if that is given.
    fn arrivals(
        &self,
        source: usize,
        from: Instant,
        until: Instant,
        wanted: Option<usize>,
    ) -> Vec<Option<Instant>> {
        let mut arrivals = vec![None; self.neighbors.len()];
        let mut open = BinaryHeap::from([Reverse((from, source))]);
        arrivals[source] = Some(from);
        while let Some(Reverse((at, node))) = open.pop() {
            if Some(node) == wanted {
                break;
            }
            if arrivals[node] != Some(at) {
                continue;
            }
            for neighbor in &self.neighbors[node] {
                let Some(then) = self.both_on(node, *neighbor, at).filter(|then| *then < until) else {
                    continue;
                };
                if arrivals[*neighbor].is_none_or(|known| then < known) {
                    arrivals[*neighbor] = Some(then);
                    open.push(Reverse((then, *neighbor)));
                }
            }
        }
        arrivals
    }

    /// The first instant from `at` on at which both nodes have power.
    fn both_on(&self, a: usize, b: usize, at: Instant) -> Option<Instant> {
        let (mut of_a, mut of_b) = (self.power[a].iter().peekable(), self.power[b].iter().peekable());
        loop {
            let ((from_a, to_a), (from_b, to_b)) = (of_a.peek()?, of_b.peek()?);
            let (from, to) = (at.max(*from_a).max(*from_b), (*to_a).min(*to_b));
            if from < to {
                return Some(from);
            }
            if to_a <= to_b {
                of_a.next();
            } else {
                of_b.next();
            }
        }
    }
}

/// Connected parts of the network among the nodes that `takes_part` is true for.
fn parts(neighbors: &[Vec<usize>], takes_part: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
    let mut parts = vec![None; neighbors.len()];
    for first in (0..neighbors.len()).filter(|node| takes_part(*node)) {
        if parts[first].is_some() {
            continue;
        }
        parts[first] = Some(first);
        let mut open = vec![first];
        while let Some(node) = open.pop() {
            for neighbor in neighbors[node].iter().filter(|neighbor| takes_part(**neighbor)) {
                if parts[*neighbor].is_none() {
                    parts[*neighbor] = Some(first);
                    open.push(*neighbor);
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    /// A chain, each node with its windows.
    fn chain(power: &[&[(u64, u64)]]) -> Reach {
        let last = power.len() - 1;
        let neighbors = (0..=last)
            .map(|node| {
                [node.checked_sub(1), (node < last).then_some(node + 1)].into_iter().flatten().collect()
            })
            .collect();
        let power =
            power.iter().map(|windows| windows.iter().map(|(from, to)| (at(*from), at(*to))).collect());
        Reach::new(neighbors, power.collect())
    }

    #[test]
    fn a_message_waits_for_a_relay_but_not_for_ever() {
        let reach = chain(&[&[(0, 100)], &[(50, 60)], &[(0, 100)]]);
        assert!(reach.connects(0, 2, at(10), at(100)));
        assert!(!reach.connects(0, 2, at(10), at(50)), "expired before");
        assert!(!reach.connects(0, 2, at(60), at(100)), "written too late");
        assert_eq!(reach.audience(0, at(10), at(100)), 2);
        assert_eq!(reach.audience(0, at(60), at(100)), 0);
    }

    #[test]
    fn links_are_passed_in_order_of_time() {
        // The first two meet late, the last two early: only the way back is open.
        let reach = chain(&[&[(50, 100)], &[(0, 100)], &[(0, 20)]]);
        assert!(!reach.connects(0, 2, at(50), at(100)));
        assert!(reach.connects(2, 0, at(10), at(100)));
    }

    #[test]
    fn nobody_writes_to_another_part_of_the_network() {
        let power = vec![vec![(at(0), at(100))]; 4];
        let reach = Reach::new(vec![vec![1], vec![0], vec![3], vec![2]], power);
        assert!(reach.connects(0, 1, at(0), at(100)) && reach.connects(3, 2, at(0), at(100)));
        assert!(!reach.connects(0, 2, at(0), at(100)));
        assert_eq!(reach.audience(0, at(0), at(100)), 1);
    }
}
