//! One simulated station: a node, its medium access and a store in memory that survives what the rest does not.
//!
//! The pump follows the drain rule of `fanal_protocol::node`, and reads like those of the firmware and the gateway.
//! Before and after each write to the store, and before each input, the station takes a *step*; it can be told to
//! lose its power at any of them ([`Station::crash_at`]).

mod clock;
mod setup;
mod store;

use std::collections::VecDeque;

use fanal_protocol::crypto::{NetworkKey, Window};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::mac::{self, Action, Mac, Token};
use fanal_protocol::node::{Acceptance, Config, Draft, Event, KEEP_FOR, Node, SendError, Session, State};
use fanal_protocol::priority::Priority;
use fanal_protocol::region::{Channel, Limit, MAX_FRAME};
use fanal_protocol::time::{Duration, Instant, earliest};

use crate::channel::{Ether, StationId};
use crate::occupant::{Crash, Input, Notice, Occupant};
use clock::{Clock, Now};
pub(crate) use setup::Peer;
pub use setup::{Letter, Setup};
pub use store::{InboxRow, KeptRow, OutboxRow, Store};

/// Pairs of addresses that a simulated node has room for.
pub const MOST_PEERS: usize = 512;
/// Messages that it may have under way. A box in the real world has more; a handheld has fewer.
const MOST_PENDING: usize = 128;
/// Long texts that it may have under way each way.
const MOST_LONG: usize = 4;

/// A station, running or not.
pub struct Station {
    id: StationId,
    setup: Setup,
    channel: Channel,
    network_key: NetworkKey,
    seed: u64,
    pub(crate) peers: Vec<Peer>,
    store: Store,
    starts: u64,
    steps: u64,
    crash_at: Option<u64>,
    clock: Clock,
    letters: VecDeque<Letter>,
    running: Option<Box<Running>>,
    notices: VecDeque<Notice>,
}

/// What is lost with the power.
struct Running {
    node: Node<MOST_PEERS, MOST_PENDING, 64, MOST_LONG>,
    mac: Mac<8>,
    /// The radio is busy with an action of the mac.
    acting: bool,
    to_resume: VecDeque<MessageId>,
    to_confirm: VecDeque<MessageId>,
}

impl Station {
    pub(crate) fn new(
        id: StationId,
        setup: Setup,
        channel: Channel,
        network_key: NetworkKey,
        seed: u64,
    ) -> Self {
        Self {
            id,
            setup,
            channel,
            network_key,
            seed,
            peers: Vec::new(),
            store: Store::default(),
            starts: 0,
            steps: 0,
            crash_at: None,
            clock: Clock::default(),
            letters: VecDeque::new(),
            running: None,
            notices: VecDeque::new(),
        }
    }

    /// What it is.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What survives a loss of power.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The power fails at this step (counted from the beginning of the world); `None`: it does not.
    pub fn crash_at(&mut self, step: Option<u64>) {
        self.crash_at = step;
    }

    /// From now on its own clock is ahead by this much more, as after a host that slept without counting the time.
    pub(crate) fn jump(&mut self, ahead: Duration) {
        self.clock.jump(ahead);
    }

    /// Whether it can get to know somebody else.
    pub(crate) fn has_room(&self) -> bool {
        self.peers.len() < MOST_PEERS
    }

    /// From now on one of its addresses knows somebody else.
    ///
    /// # Panics
    /// When there is no room.
    pub(crate) fn meet(&mut self, peer: Peer) {
        let session = self.session(peer.clone());
        self.peers.push(peer);
        assert!(self.peers.len() <= MOST_PEERS, "{} knows too many people", self.setup.node);
        if let Some(running) = &mut self.running {
            running.node.add_session(session).expect("a station knows no more than fit");
        }
    }

    fn session(&self, Peer { local, remote, via, key }: Peer) -> Session {
        let (counter, window) = (self.store.counter(local, remote), self.store.window(local, remote));
        Session::new(local, remote, via, key, counter, window)
    }

    /// The power is switched on: the store is read, and everything in it that is not settled is taken up again.
    fn switch_on(&mut self, ether: &mut Ether, now: Instant) -> Result<(), Crash> {
        self.starts += 1;
        self.clock.start(now);
        let Now { world, own } = self.clock.read(now);
        // Another seed each time, as from a generator in hardware.
        let seed = self.seed ^ self.starts.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let config = Config {
            node: self.setup.node,
            role: self.setup.role,
            network_key: self.network_key.clone(),
            rate: self.channel.rate,
            beacon_interval: self.setup.beacon_interval,
            relays: true,
            keeps: self.setup.keeps,
            acceptance: self.setup.acceptance,
        };
        let beacon_counter = self.store.counter(self.setup.node, NodeId::BROADCAST);
        let mut node = Node::new(config, beacon_counter, seed, own);
        for peer in &self.peers {
            node.add_session(self.session(peer.clone())).expect("a station knows no more than fit");
        }
        // Simulated air may be used against the law, too.
        let limit = self.channel.lawful().unwrap_or(Limit::Unlimited);
        let mac = Mac::with_limit(self.channel, limit, seed, own);
        for row in self.store.kept.values() {
            // What finds no room is not lost: its source still has it.
            let _ = node.resume_kept(&row.frame, row.expires_at - world, own);
        }
        let (to_resume, to_confirm) = (self.store.unsettled(), self.store.unclosed());
        self.notices.extend(self.store.unread().map(Notice::Forwarded));
        self.running = Some(Box::new(Running { node, mac, acting: false, to_resume, to_confirm }));
        self.handle(Input::Timeout, ether, now)
    }

    /// Letters that the node has not accepted yet, and answers that it has had no room for.
    pub(crate) fn waits(&self) -> bool {
        !self.letters.is_empty()
            || self.running.as_ref().is_some_and(|r| !r.to_resume.is_empty() || !r.to_confirm.is_empty())
    }

    fn input(&mut self, running: &mut Running, input: Input<'_>, now: Now) -> Result<(), Crash> {
        self.step()?;
        match input {
            Input::Frame { octets, quality } => {
                running.mac.handle_frame(octets, now.own);
                // Counted by the node itself.
                let _ = running.node.handle_frame(octets, quality, now.own);
            }
            Input::Cad { busy } => {
                running.acting = false;
                running.mac.handle_cad(busy, now.own);
            }
            Input::Transmitted => {
                running.acting = false;
                running.mac.handle_transmitted(now.own);
            }
            Input::Timeout => {
                running.node.handle_timeout(now.own);
                running.mac.handle_timeout(now.own);
            }
            Input::Read(id) => {
                self.store.confirm(id, &self.peers);
                self.step()?;
                running.to_confirm.push_back(id);
            }
            Input::Wanted(letter) => self.letters.push_back(letter),
        }
        Ok(())
    }

    fn drain(&mut self, running: &mut Running, ether: &mut Ether, now: Now) -> Result<(), Crash> {
        loop {
            let mut done = self.take_up(running, now)?;
            while let Some(event) = running.mac.poll_event() {
                done = false;
                match event {
                    mac::Event::Transmitted { token, .. } => {
                        running.node.handle_transmitted(token.0, now.own)
                    }
                    mac::Event::Dropped { token, .. } => running.node.handle_dropped(token.0, now.own),
                }
            }
            let mut frame = [0; MAX_FRAME];
            loop {
                let next = match running.mac.free() {
                    0 | 1 if running.mac.takes_emergency() => running.node.poll_urgent(now.own, &mut frame),
                    0 | 1 => None,
                    _ => running.node.poll_transmit(now.own, &mut frame),
                };
                let Some(next) = next else { break };
                done = false;
                let octets = frame.get(..next.len).unwrap_or_default();
                if running.mac.enqueue(Token(next.token), next.priority, octets, now.own).is_err() {
                    running.node.handle_dropped(next.token, now.own);
                }
            }
            while let Some(event) = running.node.poll_event() {
                done = false;
                self.event(running, event, now)?;
            }
            if !running.acting
                && let Some(action) = running.mac.poll_action(now.own)
            {
                done = false;
                running.acting = true;
                let begun = match action {
                    Action::Cad => ether.cad(self.id, &self.channel, now.world),
                    Action::Transmit { frame, .. } => {
                        ether.transmit(self.id, frame, &self.channel, now.world)
                    }
                };
                if begun.is_err() {
                    running.acting = false;
                    running.mac.handle_radio_failed(now.own);
                }
            }
            if done {
                break;
            }
        }
        if !running.acting {
            // Cannot be refused: the radio does nothing else.
            let _ = ether.listen(self.id, &self.channel, now.world);
        }
        Ok(())
    }

    /// Work left over from an earlier run or a full queue, oldest first; `true` when there was none to do.
    fn take_up(&mut self, running: &mut Running, now: Now) -> Result<bool, Crash> {
        let mut done = true;
        while let Some(id) = running.to_resume.front() {
            let Some(row) = self.store.outbox.get(id) else { break };
            let left = row.expires_at - now.world;
            let in_custody = matches!(row.state, State::InCustody(_));
            if running.node.resume(*id, &row.text, left, row.priority, in_custody, now.own).is_err() {
                break;
            }
            running.to_resume.pop_front();
            done = false;
        }
        while let Some(id) = running.to_confirm.front() {
            if running.node.confirm(*id, now.own).is_err() {
                break;
            }
            running.to_confirm.pop_front();
            done = false;
        }
        // New messages keep behind the old ones.
        let mut next = 0;
        while running.to_resume.is_empty()
            && let Some(letter) = self.letters.get(next)
        {
            let Letter { source, destination, lifetime, priority, .. } = *letter;
            let text = letter.text.clone();
            let draft = Draft { source, destination, text: &text, lifetime, priority };
            match running.node.send(draft, now.own) {
                Ok(id) => {
                    self.step()?;
                    let expires_at = now.world + lifetime;
                    let row = OutboxRow { text, priority, expires_at, state: State::Queued };
                    self.store.outbox.insert(id, row);
                    self.letters.remove(next);
                    self.notices.push_back(Notice::Accepted(id));
                    self.step()?;
                    running.node.handle_stored(id, now.own);
                }
                // Few urgent ones of one source are under way at a time; that keeps no ordinary one waiting.
                Err(SendError::QueueFull) if priority == Priority::Emergency => {
                    let ordinary = |letter: &Letter| letter.priority < Priority::Emergency;
                    let Some(other) = self.letters.iter().position(ordinary).filter(|other| *other > next)
                    else {
                        break;
                    };
                    next = other;
                    continue;
                }
                Err(SendError::QueueFull | SendError::LongTextsUnderWay | SendError::CountersNotReserved) => {
                    break;
                }
                Err(error) => {
                    self.letters.remove(next);
                    self.notices.push_back(Notice::Refused(error));
                }
            }
            done = false;
        }
        Ok(done)
    }

    fn event(&mut self, running: &mut Running, event: Event, now: Now) -> Result<(), Crash> {
        match event {
            Event::Reserve { local, remote, until } => {
                self.step()?;
                self.store.reserve(local, remote, until);
                self.step()?;
                running.node.handle_reserved(local, remote, until, now.own);
            }
            Event::Received { id, text, window, .. } => {
                self.receive(id, &text, window)?;
                running.node.accept(id, now.own);
            }
            Event::ReceivedLong { id, window, .. } => {
                let text = running.node.long_text(id).expect("it is there until it is accepted");
                self.receive(id, text, window)?;
                running.node.accept(id, now.own);
            }
            Event::State { id, state } => {
                self.step()?;
                self.store.set_state(id, state, &self.peers);
                self.notices.push_back(Notice::State(id, state));
                self.step()?;
                if state.is_final() {
                    running.node.handle_stored(id, now.own);
                }
            }
            Event::Closed { id } => {
                self.step()?;
                self.store.close(id);
                self.step()?;
            }
            Event::Keep { identity, frame } => {
                self.step()?;
                let row = KeptRow { frame: frame.to_vec(), expires_at: now.world + KEEP_FOR };
                self.store.kept.insert(identity, row);
                self.step()?;
                running.node.kept(identity, now.own);
            }
            Event::Fetch { identity } => {
                if let Some(row) = self.store.kept.get(&identity) {
                    running.node.hand_on(&row.frame, now.own);
                }
            }
            Event::Forget { identity } => {
                self.step()?;
                self.store.kept.remove(&identity);
            }
            Event::Heard { .. } => {}
        }
        Ok(())
    }

    /// A message for one of its addresses becomes durable.
    fn receive(&mut self, id: MessageId, text: &str, window: Window) -> Result<(), Crash> {
        self.step()?;
        let fresh = self.store.receive(id, text, window, self.setup.acceptance, &self.peers);
        self.notices.push_back(if fresh { Notice::Stored(id) } else { Notice::StoredAgain(id) });
        if fresh && self.setup.acceptance == Acceptance::Custody {
            self.notices.push_back(Notice::Forwarded(id));
        }
        self.step()
    }

    fn step(&mut self) -> Result<(), Crash> {
        self.steps += 1;
        if self.crash_at == Some(self.steps) { Err(Crash { step: self.steps }) } else { Ok(()) }
    }
}

impl Occupant for Station {
    fn start(&mut self, ether: &mut Ether, now: Instant) -> Result<(), Crash> {
        self.switch_on(ether, now)
    }

    /// The power is gone, and with it all that is not in the store. Letters not yet accepted are gone, too.
    fn stop(&mut self, ether: &mut Ether, now: Instant) {
        self.running = None;
        self.letters.clear();
        self.crash_at = None;
        ether.stop(self.id, now);
    }

    /// One input, then the drain rule.
    fn handle(&mut self, input: Input<'_>, ether: &mut Ether, now: Instant) -> Result<(), Crash> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let now = self.clock.read(now);
        let result = self.input(&mut running, input, now).and_then(|()| self.drain(&mut running, ether, now));
        self.running = Some(running);
        result
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let running = self.running.as_ref()?;
        earliest(running.node.poll_timeout(), running.mac.poll_timeout()).map(|own| self.clock.in_world(own))
    }

    fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    fn is_on(&self) -> bool {
        self.running.is_some()
    }

    fn has_read(&self, id: MessageId) -> bool {
        self.store.inbox.get(&id).is_some_and(|row| row.read)
    }

    fn pursues(&self, id: MessageId) -> bool {
        self.store.outbox.get(&id).is_some_and(|row| !row.state.is_final())
    }

    fn read_after(&self) -> Duration {
        self.setup.reader_after
    }

    fn evidence(&self) -> Option<&Store> {
        Some(&self.store)
    }
}
