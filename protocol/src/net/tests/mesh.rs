//! A mesh in virtual time: `Network`s that hear each other's beacons over lossy links. After every step no chain of
//! next hops may come back to where it was.

use std::collections::BTreeSet;
use std::vec::Vec;
use std::{format, vec};

use super::super::*;
use crate::region::{Bandwidth, SpreadingFactor};
use crate::wire::{Entries, MAX_FRAME, Role};

pub(super) const RATE: Rate = Rate::new(SpreadingFactor::Sf9, Bandwidth::Khz500);
pub(super) const SHORTEST: Duration = Duration::from_secs(15);
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// Room for everybody.
pub(super) type Station = Network<64, 128>;
pub(super) type Roomy = Mesh<64, 128>;

/// Octets of a beacon and all the time it takes.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Traffic {
    pub(super) beacons: u32,
    pub(super) octets: u32,
    pub(super) airtime: Duration,
}

pub(super) struct Mesh<const NEIGHBORS: usize, const ROUTES: usize> {
    pub(super) now: Instant,
    pub(super) traffic: Traffic,
    seed: u64,
    dice: Jitter,
    stations: Vec<Option<Network<NEIGHBORS, ROUTES>>>,
    counters: Vec<u32>,
    /// Share of frames of the first that the second reads.
    links: Vec<Vec<f64>>,
    /// Next hops as of the last step, by station and destination.
    hops: Vec<Vec<Option<Hop>>>,
}

pub(super) fn id(index: usize) -> NodeId {
    NodeId(0x1000 + 16 * index as u16)
}

fn index(node: NodeId) -> usize {
    usize::from(node.0 - 0x1000) / 16
}

impl<const NEIGHBORS: usize, const ROUTES: usize> Mesh<NEIGHBORS, ROUTES> {
    /// All stations are switched on within a minute; no link carries anything yet.
    pub(super) fn new(size: usize, seed: u64) -> Self {
        let mut mesh = Self {
            now: Instant::ZERO,
            traffic: Traffic::default(),
            seed,
            dice: Jitter::new(seed),
            stations: (0..size).map(|_| None).collect(),
            counters: vec![0; size],
            links: vec![vec![0.0; size]; size],
            hops: vec![vec![None; size]; size],
        };
        for station in 0..size {
            let at = Instant::ZERO + mesh.dice.duration_up_to(Duration::from_secs(60));
            mesh.switch_on_at(station, at);
        }
        mesh
    }

    /// Stations in the unit square. Links lose little up to `reach`, all from twice as far on; each direction by
    /// itself.
    pub(super) fn scattered(size: usize, reach: f64, seed: u64) -> Self {
        let mut mesh = Self::new(size, seed);
        let places: Vec<(f64, f64)> = (0..size).map(|_| (mesh.chance(), mesh.chance())).collect();
        for (a, (xa, ya)) in places.iter().enumerate() {
            for (b, (xb, yb)) in places.iter().enumerate() {
                let distance = (xa - xb).hypot(ya - yb) / reach;
                let luck = 0.9 + 0.1 * mesh.chance();
                mesh.links[a][b] = if a == b { 0.0 } else { luck * (2.0 - distance).clamp(0.0, 1.0) };
            }
        }
        mesh
    }

    pub(super) fn len(&self) -> usize {
        self.stations.len()
    }

    pub(super) fn chance(&mut self) -> f64 {
        self.dice.below(1 << 32) as f64 / (1u64 << 32) as f64
    }

    pub(super) fn pick(&mut self) -> usize {
        self.dice.below(self.len() as u64) as usize
    }

    pub(super) fn station(&mut self, station: usize) -> &mut Network<NEIGHBORS, ROUTES> {
        self.stations[station].as_mut().expect("switched on")
    }

    pub(super) fn is_on(&self, station: usize) -> bool {
        self.stations[station].is_some()
    }

    pub(super) fn link(&mut self, a: usize, b: usize, there: f64, back: f64) {
        self.links[a][b] = there;
        self.links[b][a] = back;
    }

    pub(super) fn quality(&self, a: usize, b: usize) -> (f64, f64) {
        (self.links[a][b], self.links[b][a])
    }

    pub(super) fn switch_off(&mut self, station: usize) {
        self.stations[station] = None;
        self.look(&BTreeSet::from([station]));
    }

    /// After a restart, a station knows its reserved counter mark and nothing else.
    pub(super) fn switch_on(&mut self, station: usize) {
        self.switch_on_at(station, self.now);
        self.look(&BTreeSet::from([station]));
    }

    fn switch_on_at(&mut self, station: usize, at: Instant) {
        let settings =
            Settings { node: id(station), forwards: true, rate: RATE, shortest: SHORTEST, longest: LONGEST };
        self.counters[station] = self.counters[station].next_multiple_of(BLOCK);
        self.stations[station] =
            Some(Network::new(settings, self.counters[station], self.dice.next_u64(), at));
    }

    pub(super) fn run_until(&mut self, until: Instant) {
        while self.step(until) {}
        self.now = until;
    }

    /// The next thing that happens before `until`.
    fn step(&mut self, until: Instant) -> bool {
        let deadlines = self
            .stations
            .iter()
            .enumerate()
            .filter_map(|(index, station)| Some((station.as_ref()?.poll_timeout()?, index)));
        let Some((at, speaker)) = deadlines.min().filter(|(at, _)| *at <= until) else { return false };
        self.now = self.now.max(at);
        let now = self.now;
        let mut touched = BTreeSet::from([speaker]);
        self.station(speaker).handle_timeout(now);
        if self.station(speaker).is_due() {
            self.speak(speaker, &mut touched);
        }
        self.look(&touched);
        true
    }

    fn speak(&mut self, speaker: usize, touched: &mut BTreeSet<usize>) {
        let now = self.now;
        let least = self.station(speaker).least_counter();
        let counter = self.counters[speaker].max(least);
        self.counters[speaker] = counter + 1;
        let mut buf = [0; ENTRIES_OCTETS];
        let entries = self.station(speaker).compose(counter, &mut buf, now);
        let octets = 16 + entries.octets().len();
        assert!(octets <= MAX_FRAME);
        self.traffic.beacons += 1;
        self.traffic.octets += octets as u32;
        self.traffic.airtime += RATE.time_on_air(octets);
        let beacon = beacon(id(speaker), counter, entries);
        for listener in 0..self.len() {
            let share = self.links[speaker][listener];
            let heard = self.chance() < share;
            // The margin from which such a share follows.
            let snr_quarter_db = (-50.0 + 56.0 * (share - 0.5)) as i8;
            let quality = Quality { rssi_dbm: -100, snr_quarter_db };
            if let Some(station) = self.stations[listener].as_mut().filter(|_| heard) {
                let learned = station.handle_beacon(&beacon, quality, now);
                assert!(learned.is_ok() || station.neighbors().count() == NEIGHBORS, "each counter is new");
                touched.insert(listener);
            }
        }
    }

    /// Reads the next hops of these stations anew and looks for loops.
    pub(super) fn look(&mut self, touched: &BTreeSet<usize>) {
        for station in touched {
            for destination in 0..self.len() {
                let known = self.stations[*station].as_ref();
                self.hops[*station][destination] =
                    known.and_then(|known| known.next_hop(id(destination))).map(|step| step.hop);
            }
        }
        for destination in 0..self.len() {
            for station in 0..self.len() {
                self.chain(station, destination);
            }
        }
    }

    /// The stations on the way, and whether it ends at the destination.
    ///
    /// # Panics
    /// When it comes back to where it was.
    pub(super) fn chain(&self, from: usize, destination: usize) -> (Vec<usize>, bool) {
        let mut way = vec![from];
        let mut at = from;
        while at != destination {
            let Some(hop) = self.hops[at][destination] else { return (way, false) };
            at = index(hop.node);
            if !self.stations[at].as_ref().is_some_and(|station| station.answers_to(hop.sequence)) {
                return (way, false);
            }
            assert!(
                !way.contains(&at),
                "seed {}, {:?}: a loop to {destination}: {way:?} {at}",
                self.seed,
                self.now
            );
            way.push(at);
        }
        (way, true)
    }

    /// Pairs of stations with a way over good links, and how many of them have a route.
    pub(super) fn coverage(&self) -> (usize, usize) {
        let (mut connected, mut routed) = (0, 0);
        for from in 0..self.len() {
            for to in self.reachable(from) {
                connected += 1;
                routed += usize::from(self.chain(from, to).1);
            }
        }
        (connected, routed)
    }

    /// Whom a flood over links that carry at least 80 % both ways reaches, in at most eight hops.
    pub(super) fn reachable(&self, from: usize) -> Vec<usize> {
        let mut reached: BTreeSet<usize> = BTreeSet::new();
        let mut edge = BTreeSet::from([from]);
        for _ in 0..8 {
            reached.extend(&edge);
            edge = (0..self.len())
                .filter(|to| self.is_on(*to) && !reached.contains(to))
                .filter(|to| edge.iter().any(|at| self.links[*at][*to] >= 0.8 && self.links[*to][*at] >= 0.8))
                .collect();
        }
        reached.extend(&edge);
        reached.remove(&from);
        if self.is_on(from) { reached.into_iter().collect() } else { Vec::new() }
    }

    /// Runs until every connected pair has a route.
    pub(super) fn converge(&mut self, within: Duration) -> Duration {
        let start = self.now;
        loop {
            let (connected, routed) = self.coverage();
            if connected == routed {
                return self.now - start;
            }
            assert!(self.now - start < within, "{}", self.missing());
            self.run_until(self.now + Duration::from_secs(5));
        }
    }

    fn missing(&self) -> std::string::String {
        let mut text = format!("seed {}: no route after {:?}, {:?}:", self.seed, self.now, self.traffic);
        for from in 0..self.len() {
            for to in self.reachable(from) {
                if let (way, false) = self.chain(from, to) {
                    text += &format!(" {from}->{to} {way:?}");
                }
            }
        }
        text
    }
}

pub(super) fn beacon(source: NodeId, counter: u32, entries: Entries<'_>) -> Beacon<'_> {
    Beacon { hop_limit: 0, source, counter, role: Role::Relay, entries, tag: [0; 8] }
}
