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

mod deadlines;
mod ledger;
mod ours;
mod watch;

use std::collections::BTreeMap;

use fanal_protocol::crypto::NetworkKey;
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::State;
use fanal_protocol::priority::Priority;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::Channel;
use fanal_protocol::time::{Duration, Instant, earliest};

use crate::channel::{Ether, Event, Position, Settings, StationId, What};
use crate::fault::Faults;
use crate::occupant::{Crash, Input, Notice, Occupant};
use crate::station::{Letter, Station};
use deadlines::Deadlines;
pub use ledger::{Ledger, Written};
use watch::Watch;
pub use watch::{Report, Violation};

/// A station whose power failed by itself has it back after this time.
pub const RESTART_AFTER: Duration = Duration::from_secs(20);
/// What the community of a world shares, and an intruder may have got hold of.
pub const NETWORK_KEY: NetworkKey = NetworkKey([7; 16]);
/// Turns without time passing after which the world is considered stuck.
const STUCK: u32 = 100_000;

/// Stations and the ether they share.
pub struct World<S = Station> {
    ether: Ether,
    channel: Channel,
    seed: u64,
    now: Instant,
    stations: Vec<S>,
    /// At which station an address is.
    homes: BTreeMap<NodeId, StationId>,
    deadlines: Deadlines,
    agenda: BTreeMap<(Instant, u64), Task>,
    planned: u64,
    watch: Watch,
    ledger: Ledger,
    history: Option<Vec<(Instant, StationId, Happening)>>,
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

impl<S: Occupant> World<S> {
    /// An empty world, all of whose stations share `channel`.
    pub(crate) fn empty(settings: Settings, channel: Channel, seed: u64) -> Self {
        Self {
            ether: Ether::new(settings, seed),
            channel,
            seed,
            now: Instant::ZERO,
            stations: Vec::new(),
            homes: BTreeMap::new(),
            deadlines: Deadlines::default(),
            agenda: BTreeMap::new(),
            planned: 0,
            watch: Watch::new(channel, NETWORK_KEY),
            ledger: Ledger::default(),
            history: Some(Vec::new()),
        }
    }

    /// Adds what `occupy` makes of its place in the ether and a seed of its own, switched off.
    pub(crate) fn settle(
        &mut self,
        position: Position,
        node: NodeId,
        occupy: impl FnOnce(StationId, u64) -> S,
    ) -> StationId {
        let id = self.ether.join(position);
        // Stations that draw alike would collide for ever.
        let seed = Jitter::new(self.seed ^ Jitter::new(id.0 as u64).next_u64()).next_u64();
        self.stations.push(occupy(id, seed));
        // Of two with one address the first is the one that people mean.
        self.homes.entry(node).or_insert(id);
        self.watch.resident(id, node);
        id
    }

    /// How many stations there are.
    pub(crate) fn len(&self) -> usize {
        self.stations.len()
    }

    /// Where an address is.
    pub(crate) fn home(&self, address: NodeId) -> Option<StationId> {
        self.homes.get(&address).copied()
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel
    }

    /// Keeps no [`history`](World::history): that of a long day of a large field fills the memory.
    pub fn without_history(mut self) -> Self {
        self.history = None;
        self
    }

    /// A station.
    ///
    /// # Panics
    /// When `id` is not from this world's [`add`](World::add).
    pub fn station(&self, id: StationId) -> &S {
        &self.stations[id.0]
    }

    /// A station, to plan its crash.
    ///
    /// # Panics
    /// As [`station`](World::station).
    pub fn station_mut(&mut self, id: StationId) -> &mut S {
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
        self.history.as_deref().unwrap_or_default()
    }

    /// What people wrote so far, and what became of it.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The stations that can hear `station` in silence.
    pub fn audience(&mut self, station: StationId) -> Vec<StationId> {
        self.ether.audience(station, &self.channel)
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
                let due = self.deadlines.first().filter(|(at, _)| *at <= self.now);
                let Some((_, station)) = due else { return true };
                self.input(station, Input::Timeout);
            }
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let stations = self.deadlines.first().map(|(at, _)| at);
        let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
        earliest(self.ether.poll_timeout(), earliest(stations, agenda))
    }

    fn event(&mut self, event: Event) {
        let station = event.station;
        match event.what {
            What::Began { frame, channel, until, .. } => {
                self.ledger.transmission(until - event.at);
                if let Some(store) = self.stations[station.0].evidence() {
                    self.watch.transmission(station, store, &frame, &channel, self.now);
                }
                self.note(station, Happening::Transmits(frame));
            }
            What::Transmitted { .. } => self.input(station, Input::Transmitted),
            What::Cad { busy } => self.input(station, Input::Cad { busy }),
            What::Received { frame, quality, intact, .. } => {
                if !intact {
                    self.watch.heard_damaged(station, &frame);
                }
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
            Task::Send(station, letter) => {
                if self.stations[station.0].is_on() {
                    self.ledger.wrote(station, letter.destination, letter.lifetime, self.now);
                    self.input(station, Input::Wanted(letter));
                }
            }
            Task::Read(station, id) => {
                // While the custodian is off nobody can confirm to it; it forwards again when it is back.
                if self.stations[station.0].is_on() && !self.stations[station.0].has_read(id) {
                    self.ledger.read(station, id, self.now);
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
                    self.stop(station);
                }
            }
        }
    }

    fn stop(&mut self, station: StationId) {
        self.stations[station.0].stop(&mut self.ether, self.now);
        self.deadlines.set(station, None);
        self.ledger.stopped(station);
    }

    fn input(&mut self, station: StationId, input: Input<'_>) {
        let result = self.stations[station.0].handle(input, &mut self.ether, self.now);
        self.finish(station, result);
    }

    /// Notes what a station did, and that it crashed if it did.
    fn finish(&mut self, id: StationId, result: Result<(), Crash>) {
        self.deadlines.set(id, self.stations[id.0].poll_timeout());
        while let Some(notice) = self.stations[id.0].poll_notice() {
            if self.stations[id.0].evidence().is_some() {
                let read = |message| is_read(&self.stations, &self.homes, message);
                self.watch.notice(&notice, read, self.now);
            }
            let here = matches!(notice, Notice::Stored(message) if self.stations[id.0].has_read(message));
            self.ledger.notice(id, &notice, here, self.now);
            match notice {
                Notice::Accepted(message) => self.note(id, Happening::Accepted(message)),
                Notice::Stored(message) => self.note(id, Happening::Stored(message)),
                Notice::State(message, state) => self.note(id, Happening::State(message, state)),
                Notice::Forwarded(message) => {
                    let delay = self.stations[id.0].read_after();
                    self.plan(delay, Task::Read(id, message));
                }
                Notice::StoredAgain(_) | Notice::Refused(_) => {}
            }
        }
        if let Err(Crash { step }) = result {
            self.note(id, Happening::Crashed(step));
            self.stop(id);
            self.plan(RESTART_AFTER, Task::Power(id, true));
        }
    }

    fn note(&mut self, station: StationId, happening: Happening) {
        if let Some(history) = &mut self.history {
            history.push((self.now, station, happening));
        }
    }
}

/// Whether a message has reached its reader.
fn is_read<S: Occupant>(stations: &[S], homes: &BTreeMap<NodeId, StationId>, id: MessageId) -> bool {
    let home = homes.get(&id.destination).and_then(|home| stations.get(home.0));
    home.is_some_and(|station| station.has_read(id))
}
