//! A field of nodes and what happens in it: who stands where, who is on when, who writes what, what breaks.
//!
//! A scenario is a value that has been checked: its indices are those of its nodes. [`load`] reads one from a file
//! (`docs/simulator.md` describes it); telling people what is wrong with it is for who talks to people.
//!
//! ```text
//! file   the scenario as it is written      read   what it means, checked      problem   what can be wrong with it
//! ```

mod file;
mod problem;
mod read;

use fanal_protocol::region::Channel;
use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::Role;

use crate::channel::{Position, Propagation};
pub use problem::{Flaw, Flaws, Problem};
pub use read::{load, parse};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the nodes speak.
    pub protocol: Protocol,
    /// How long it lasts.
    pub duration: Duration,
    /// How long a text is tried.
    pub lifetime: Duration,
    /// What all radios are set to, lawful or not.
    pub channel: Channel,
    /// Who hears whom.
    pub path: Path,
    /// Who takes part.
    pub nodes: Vec<Node>,
    /// What everybody writes.
    pub traffic: Option<Traffic>,
    /// What somebody writes.
    pub sends: Vec<Send>,
    /// What happens to the nodes.
    pub faults: Vec<Fault>,
}

/// What nodes speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// Ours.
    Fanal,
    /// That of other meshes: [`crate::flood`].
    ManagedFlood,
}

/// Who hears whom.
#[derive(Clone, Debug)]
pub enum Path {
    /// Whoever is near enough.
    Model(Propagation),
    /// Whoever is listed, both ways and equally loud; nobody else.
    Table(Vec<Link>),
}

/// Two nodes that hear each other.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Link {
    /// One of them.
    pub a: usize,
    /// The other one.
    pub b: usize,
    /// Share of the frames that get lost on the way, 0 to 1, beside those that collide.
    pub loss: f64,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub position: Position,
    /// What it is. Somebody writes and reads at each of them, behind a gateway too.
    pub role: Role,
    /// From when until when it has power; `None`: always. Until its first window it has none.
    pub on: Option<Vec<(Instant, Instant)>>,
}

/// Each node that is on writes, after random gaps that are exponentially distributed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Traffic {
    /// For whom.
    pub kind: TrafficKind,
    /// The mean gap.
    pub period: Duration,
    /// Length of each text.
    pub text_octets: usize,
    /// When the last text may be written.
    pub until: Instant,
}

/// For whom a node writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrafficKind {
    /// Another node, drawn anew each time.
    Direct,
    /// Everybody.
    Room,
}

/// One text.
#[derive(Clone, PartialEq, Debug)]
pub struct Send {
    /// When.
    pub at: Instant,
    /// Who writes. Nothing happens if this node is off then.
    pub source: usize,
    /// For whom; `None`: everybody.
    pub destination: Option<usize>,
    /// What.
    pub text: String,
}

/// Something that happens to a node.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fault {
    /// When.
    pub at: Instant,
    /// To which.
    pub node: usize,
    /// What.
    pub what: FaultKind,
}

/// What may happen to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// The power fails, and is back after [`RESTART_AFTER`](crate::world::RESTART_AFTER).
    Crash,
    /// It is switched off.
    Off,
    /// It is switched on.
    On,
}

/// The most nodes that get addresses: each gateway takes sixteen.
pub const MOST_ADDRESSES: usize = 0xFE00;

impl Scenario {
    /// Addresses that its nodes need; no more than [`MOST_ADDRESSES`] may be.
    pub fn addresses(&self) -> usize {
        let of = |node: &Node| if node.role == Role::Gateway { 16 } else { 1 };
        self.nodes.iter().map(of).sum()
    }

    /// Whether anybody writes to everybody.
    pub fn has_rooms(&self) -> bool {
        self.traffic.is_some_and(|traffic| traffic.kind == TrafficKind::Room)
            || self.sends.iter().any(|send| send.destination.is_none())
    }

    /// From when until when each node has power, within the time that is simulated.
    pub fn power(&self) -> Vec<Vec<(Instant, Instant)>> {
        let mut power: Vec<_> = self.nodes.iter().map(Switch::of).collect();
        for fault in &self.faults {
            if let Some(switch) = power.get_mut(fault.node) {
                switch.events.push((fault.at, fault.what));
            }
        }
        let end = Instant::ZERO + self.duration;
        power.into_iter().map(|switch| switch.intervals(end)).collect()
    }
}

/// What happens to the power of one node.
struct Switch {
    events: Vec<(Instant, FaultKind)>,
}

impl Switch {
    fn of(node: &Node) -> Self {
        let events = match &node.on {
            None => vec![(Instant::ZERO, FaultKind::On)],
            Some(windows) => windows
                .iter()
                .flat_map(|(from, to)| [(*from, FaultKind::On), (*to, FaultKind::Off)])
                .collect(),
        };
        Self { events }
    }

    fn intervals(mut self, end: Instant) -> Vec<(Instant, Instant)> {
        // Stable: a window that begins where another ends stays on, and faults come after the windows.
        self.events.sort_by_key(|(at, _)| *at);
        let mut intervals: Vec<(Instant, Instant)> = Vec::new();
        let mut on_since = None;
        let mut restart_at: Option<Instant> = None;
        for (at, what) in self.events.into_iter().chain([(end, FaultKind::Off)]) {
            let at = at.min(end);
            if let Some(restart) = restart_at.take_if(|restart| *restart <= at) {
                on_since = Some(restart);
            }
            match (what, on_since) {
                (FaultKind::On, None) => (on_since, restart_at) = (Some(at), None),
                (FaultKind::Off | FaultKind::Crash, Some(since)) => {
                    if since < at {
                        intervals.push((since, at));
                    }
                    on_since = None;
                    restart_at = (what == FaultKind::Crash).then_some(at + crate::world::RESTART_AFTER);
                }
                (FaultKind::Off, None) => restart_at = None,
                (FaultKind::On, Some(_)) | (FaultKind::Crash, None) => {}
            }
        }
        intervals
    }
}

#[cfg(test)]
mod reading;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn intervals(on: Option<Vec<(u64, u64)>>, faults: &[(u64, FaultKind)]) -> Vec<(u64, u64)> {
        let on = on.map(|windows| windows.iter().map(|(from, to)| (at(*from), at(*to))).collect());
        let mut switch = Switch::of(&Node { position: Position::default(), role: Role::Handheld, on });
        switch.events.extend(faults.iter().map(|(seconds, what)| (at(*seconds), *what)));
        let seconds = |instant: Instant| instant.as_millis() / 1_000;
        switch.intervals(at(100)).iter().map(|(from, to)| (seconds(*from), seconds(*to))).collect()
    }

    #[test]
    fn power_follows_the_windows_and_the_faults() {
        use FaultKind::{Crash, Off, On};
        assert_eq!(intervals(None, &[]), [(0, 100)]);
        assert_eq!(intervals(Some(vec![]), &[]), []);
        assert_eq!(intervals(Some(vec![(5, 10), (20, 500)]), &[]), [(5, 10), (20, 100)]);
        assert_eq!(intervals(None, &[(10, Off), (30, On)]), [(0, 10), (30, 100)]);
        assert_eq!(intervals(None, &[(10, Crash)]), [(0, 10), (30, 100)]);
        assert_eq!(intervals(None, &[(10, Crash), (20, Off)]), [(0, 10)]);
        assert_eq!(intervals(None, &[(10, Crash), (20, On)]), [(0, 10), (20, 100)]);
        assert_eq!(intervals(None, &[(90, Crash)]), [(0, 90)]);
        assert_eq!(intervals(Some(vec![(5, 10)]), &[(20, On)]), [(5, 10), (20, 100)]);
    }
}
