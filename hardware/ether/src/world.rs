//! A world of stations in virtual time: it jumps from one wakeup to the next, so a day takes milliseconds.
//!
//! The world uses the protocol through its public interface alone, as firmware and gateway do, and watches what no
//! station can see. [`Report::violations`] lists every breach of what must always hold ([`watch`](self)):
//! - an ack or a receipt on the air has its cause in the durable store of whoever sends it;
//! - "delivered" is said only of a message whose reader has it;
//! - a message is handed to its reader once;
//! - no nonce is used for two texts, no beacon counter twice;
//! - no station is on the air longer than the law allows.
//!
//! Everything follows from the settings, the seed and the calls: [`World::history`] is the same each time.

mod watch;

use std::collections::BTreeMap;

use fanal_protocol::crypto::{NetworkKey, SecretKey, agree};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::State;
use fanal_protocol::priority::Priority;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::Channel;
use fanal_protocol::time::{Duration, Instant, earliest};

use crate::channel::{Ether, Event, Position, Settings, StationId, What};
use crate::fault::Faults;
use crate::station::{Crash, Input, Letter, Notice, Peer, Setup, Station};
use watch::Watch;
pub use watch::{Report, Violation};

/// A station whose power failed by itself has it back after this time.
pub const RESTART_AFTER: Duration = Duration::from_secs(20);
/// Turns without time passing after which the world is considered stuck.
const STUCK: u32 = 100_000;

/// Stations and the ether they share.
pub struct World {
    ether: Ether,
    channel: Channel,
    seed: u64,
    now: Instant,
    stations: Vec<Station>,
    agenda: BTreeMap<(Instant, u64), Task>,
    planned: u64,
    watch: Watch,
    history: Vec<(Instant, StationId, Happening)>,
}

/// Something to be done later.
enum Task {
    Send(StationId, Letter),
    Power(StationId, bool),
    Read(StationId, MessageId),
    Inject(StationId, std::sync::Arc<[u8]>),
}

/// What became of things, as an onlooker would note it down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happening {
    /// A frame went on the air.
    Transmits(std::sync::Arc<[u8]>),
    /// A person's message was accepted.
    Accepted(MessageId),
    /// A message was stored where it was going.
    Stored(MessageId),
    /// Its reader, beyond the custodian, has it.
    Read(MessageId),
    /// The sender knows this of its message.
    State(MessageId, State),
    /// The power failed at this step.
    Crashed(u64),
    /// The station was switched on or off.
    Power(bool),
}

impl World {
    /// An empty world, all of whose stations share `channel`.
    pub fn new(settings: Settings, channel: Channel, seed: u64) -> Self {
        Self {
            ether: Ether::new(settings, seed),
            channel,
            seed,
            now: Instant::ZERO,
            stations: Vec::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            watch: Watch::new(channel),
            history: Vec::new(),
        }
    }

    /// Adds a station, switched off.
    pub fn add(&mut self, setup: Setup) -> StationId {
        let id = self.ether.join(setup.position);
        // Stations that draw alike would collide for ever.
        let seed = Jitter::new(self.seed ^ Jitter::new(id.0 as u64).next_u64()).next_u64();
        self.stations.push(Station::new(id, setup, self.channel, NetworkKey([7; 16]), seed));
        id
    }

    /// Makes address `near` of station `a` and address `far` of station `b` know each other. An address that
    /// is not the station's own is that of a person behind it. Takes effect when a station is switched on.
    ///
    /// # Panics
    /// As [`station`](World::station).
    pub fn acquaint(&mut self, (a, near): (StationId, NodeId), (b, far): (StationId, NodeId)) {
        let key = |own: NodeId, other: NodeId| {
            agree(&secret(own), own, &secret(other).public(), other).expect("keys made here contribute")
        };
        let own = |stations: &[Station], station: StationId| stations[station.0].setup().node;
        let via = |node: NodeId, address: NodeId| (node != address).then_some(node);
        let (via_near, via_far) = (via(own(&self.stations, a), near), via(own(&self.stations, b), far));
        self.watch.acquaint(near, far, key(near, far));
        let peer = Peer { local: near, remote: far, via: via_far, key: key(near, far) };
        self.stations[a.0].peers.push(peer);
        let peer = Peer { local: far, remote: near, via: via_near, key: key(far, near) };
        self.stations[b.0].peers.push(peer);
    }

    /// A station.
    ///
    /// # Panics
    /// When `id` is not from this world's [`add`](World::add).
    pub fn station(&self, id: StationId) -> &Station {
        &self.stations[id.0]
    }

    /// A station, to plan its crash.
    ///
    /// # Panics
    /// As [`station`](World::station).
    pub fn station_mut(&mut self, id: StationId) -> &mut Station {
        &mut self.stations[id.0]
    }

    /// What goes wrong on the air from now on.
    pub fn faults_mut(&mut self) -> &mut Faults {
        self.ether.faults_mut()
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What happened so far.
    pub fn history(&self) -> &[(Instant, StationId, Happening)] {
        &self.history
    }

    /// Switches a station on or off after `delay`.
    pub fn power(&mut self, station: StationId, on: bool, delay: Duration) {
        self.plan(delay, Task::Power(station, on));
    }

    /// Switches all stations on now.
    pub fn power_all(&mut self) {
        for index in 0..self.stations.len() {
            self.power(StationId(index), true, Duration::ZERO);
        }
    }

    /// A person at `station` sends a text after `delay`. It is not sent if the station has no power then.
    pub fn send(&mut self, station: StationId, letter: Letter, delay: Duration) {
        self.plan(delay, Task::Send(station, letter));
    }

    /// As [`send`](World::send), at ordinary priority and with a lifetime of a day.
    pub fn text(
        &mut self,
        station: StationId,
        source: NodeId,
        destination: NodeId,
        text: &str,
        delay: Duration,
    ) {
        let lifetime = Duration::from_secs(24 * 3600);
        let letter = Letter { source, destination, text: text.into(), lifetime, priority: Priority::Text };
        self.send(station, letter, delay);
    }

    /// Adds somebody who keeps to no protocol: see [`inject`](World::inject).
    pub fn intruder(&mut self, position: Position) -> StationId {
        let id = self.add(Setup::handheld(NodeId::NONE, position));
        self.watch.intruder(id);
        id
    }

    /// Lets an intruder transmit any octets after `delay`, unless it is transmitting already.
    pub fn inject(&mut self, intruder: StationId, frame: &[u8], delay: Duration) {
        self.plan(delay, Task::Inject(intruder, frame.into()));
    }

    fn plan(&mut self, delay: Duration, task: Task) {
        self.planned += 1;
        self.agenda.insert((self.now + delay, self.planned), task);
    }

    /// Lets `duration` pass.
    ///
    /// # Panics
    /// When the stations keep each other busy without time passing.
    pub fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.turn(until) {}
        self.now = until;
    }

    /// Lets time pass until every message has its final state and every receipt its ack, `limit` at most. `true`:
    /// so it is.
    ///
    /// # Panics
    /// As [`run_for`](World::run_for).
    pub fn run_until_settled(&mut self, limit: Duration) -> bool {
        let until = self.now + limit;
        while !self.is_settled() {
            if !self.turn(until) {
                self.now = until;
                return false;
            }
        }
        true
    }

    fn is_settled(&self) -> bool {
        self.agenda.is_empty() && self.stations.iter().all(|s| s.store().is_settled() && !s.waits())
    }

    /// What came of it.
    pub fn report(&self) -> Report {
        self.watch.report(&self.stations)
    }

    /// All that happens at the next instant; `false` when that is after `until`.
    fn turn(&mut self, until: Instant) -> bool {
        let mut turns = 0;
        let Some(instant) = self.next_wakeup().filter(|at| *at <= until) else { return false };
        self.now = self.now.max(instant);
        loop {
            turns += 1;
            assert!(turns < STUCK, "the world stands still at {:?} (seed {})", self.now, self.seed);
            if let Some(event) = self.ether.poll(self.now) {
                self.event(event);
            } else if self.agenda.first_key_value().is_some_and(|((at, _), _)| *at <= self.now) {
                let Some((_, task)) = self.agenda.pop_first() else { continue };
                self.task(task);
            } else {
                let due = |station: &Station| station.poll_timeout().is_some_and(|at| at <= self.now);
                let Some(index) = self.stations.iter().position(due) else { return true };
                self.input(StationId(index), Input::Timeout);
            }
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let stations = self.stations.iter().filter_map(Station::poll_timeout).min();
        let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
        earliest(self.ether.poll_timeout(), earliest(stations, agenda))
    }

    fn event(&mut self, event: Event) {
        let station = event.station;
        match event.what {
            What::Began { frame, channel, .. } => {
                let store = self.stations[station.0].store();
                self.watch.transmission(station, store, &frame, &channel, self.now);
                self.note(station, Happening::Transmits(frame));
            }
            What::Transmitted { .. } => self.input(station, Input::Transmitted),
            What::Cad { busy } => self.input(station, Input::Cad { busy }),
            What::Received { frame, quality, .. } => {
                self.input(station, Input::Frame { octets: &frame, quality });
            }
            What::Missed { .. } => {}
        }
    }

    fn task(&mut self, task: Task) {
        match task {
            Task::Inject(intruder, frame) => {
                // Refused while it transmits: as promised.
                let _ = self.ether.transmit(intruder, &frame, &self.channel, self.now);
            }
            Task::Send(station, letter) => self.input(station, Input::Wanted(letter)),
            Task::Read(station, id) => {
                // While the custodian is off nobody can confirm to it; it forwards again when it is back.
                if self.stations[station.0].is_on() && !self.stations[station.0].store().inbox[&id].read {
                    self.note(station, Happening::Read(id));
                    self.input(station, Input::Read(id));
                }
            }
            Task::Power(station, on) => {
                if self.stations[station.0].is_on() == on {
                    return;
                }
                self.note(station, Happening::Power(on));
                if on {
                    let started = self.stations[station.0].start(&mut self.ether, self.now);
                    self.finish(station, started);
                } else {
                    self.stations[station.0].stop(&mut self.ether, self.now);
                }
            }
        }
    }

    fn input(&mut self, station: StationId, input: Input<'_>) {
        let result = self.stations[station.0].handle(input, &mut self.ether, self.now);
        self.finish(station, result);
    }

    /// Notes what a station did, and that it crashed if it did.
    fn finish(&mut self, id: StationId, result: Result<(), Crash>) {
        while let Some(notice) = self.stations[id.0].notices.pop_front() {
            self.watch.notice(&notice, &self.stations, self.now);
            match notice {
                Notice::Accepted(message) => self.note(id, Happening::Accepted(message)),
                Notice::Stored(message) => self.note(id, Happening::Stored(message)),
                Notice::State(message, state) => self.note(id, Happening::State(message, state)),
                Notice::Forwarded(message) => {
                    let delay = self.stations[id.0].setup().reader_after;
                    self.plan(delay, Task::Read(id, message));
                }
                Notice::StoredAgain(_) | Notice::Refused(_) => {}
            }
        }
        if result == Err(Crash) {
            self.note(id, Happening::Crashed(self.stations[id.0].steps()));
            self.stations[id.0].stop(&mut self.ether, self.now);
            self.plan(RESTART_AFTER, Task::Power(id, true));
        }
    }

    fn note(&mut self, station: StationId, happening: Happening) {
        self.history.push((self.now, station, happening));
    }
}

/// The secret of an address, the same in every world.
fn secret(node: NodeId) -> SecretKey {
    let [high, low] = node.0.to_be_bytes();
    let mut octets = [0x5A; 32];
    // Not in the first octet, whose low bits are the same in all keys.
    octets[1..3].copy_from_slice(&[high, low]);
    SecretKey::from_bytes(octets)
}
