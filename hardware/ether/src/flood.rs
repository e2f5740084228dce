//! The managed flood of other LoRa meshes, beside our protocol in the same ether, so that a comparison is one run.
//!
//! What is modelled, after the published firmware of Meshtastic (RadioInterface, FloodingRouter, ReliableRouter):
//! - Who hears a packet for the first time repeats it, [`HOP_LIMIT`] times at most along a way, after
//!   2 · CWmax + random(0..2^CW) slots, where CW grows from 3 to 8 with an SNR from -20 to +10 dB: the farthest go first.
//! - Who hears a packet repeated while its own repetition still waits lets it go.
//! - A text for one node asks for an ack, which is flooded back. Its source repeats it [`RETRIES`] times at most, and
//!   stops when it hears anybody repeat it: it then shows the text as acknowledged. So do we; whether it
//!   has arrived is another matter, and is counted.
//! - Everything is kept in memory: a power cut forgets it.
//!
//! What is not: cryptography, telemetry, the learned next hops of late versions, duty cycle. All of that would cost
//! airtime or spare some, and none of it changes what "acknowledged" means.

mod backoff;
mod packet;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::{SendError, State};
use fanal_protocol::quality::Quality;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::Channel;
use fanal_protocol::time::{Duration, Instant, earliest};

use crate::channel::{Ether, Position, Settings, StationId};
use crate::occupant::{Crash, Input, Notice, Occupant};
use crate::station::{Letter, Store};
use crate::world::World;
use backoff::Backoff;
pub use packet::MAX_TEXT_OCTETS;
use packet::{Body, Packet};

/// Symbols of preamble before each frame.
pub const PREAMBLE_SYMBOLS: u16 = 16;
/// Repetitions of a packet along one way.
pub const HOP_LIMIT: u8 = 3;
/// Times that a source sends a text again.
pub const RETRIES: u8 = 3;
/// Packets that a node recognises as heard before.
const REMEMBERED: usize = 256;
/// Packets that may wait for the air.
const WAITING: usize = 16;

/// The physics that this protocol meets: longer preambles, and a driver that drops what fails its CRC.
pub fn settings(mut settings: Settings) -> Settings {
    settings.preamble_symbols = PREAMBLE_SYMBOLS;
    settings.reception.failed_crc = false;
    settings
}

impl World<Flooder> {
    /// An empty world of flooding nodes that share `channel`.
    pub fn flooding(settings: Settings, channel: Channel, seed: u64) -> Self {
        Self::empty(self::settings(settings), channel, seed)
    }

    /// Adds a node, switched off.
    pub fn add_flooder(&mut self, node: NodeId, position: Position) -> StationId {
        let channel = self.channel();
        self.settle(position, node, |id, seed| Flooder::new(id, node, channel, seed))
    }
}

/// A node of the managed flood.
pub struct Flooder {
    id: StationId,
    node: NodeId,
    channel: Channel,
    jitter: Jitter,
    on: bool,
    memory: Memory,
    notices: VecDeque<Notice>,
}

/// What is lost with the power.
struct Memory {
    backoff: Backoff,
    seen: VecDeque<(NodeId, u32)>,
    waiting: VecDeque<Waiting>,
    /// When the first of them may try the channel.
    due: Option<Instant>,
    radio: Radio,
    unacknowledged: Vec<Unacknowledged>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Radio {
    Listening,
    Detecting,
    Transmitting,
}

struct Waiting {
    packet: Packet,
    /// How well it was heard, when it is somebody else's.
    snr_db: Option<i8>,
}

/// A text of ours that nobody was heard to repeat yet.
struct Unacknowledged {
    packet: Packet,
    retries: u8,
    again_at: Instant,
}

impl Flooder {
    fn new(id: StationId, node: NodeId, channel: Channel, seed: u64) -> Self {
        let memory = Memory::new(channel);
        Self { id, node, channel, jitter: Jitter::new(seed), on: false, memory, notices: VecDeque::new() }
    }

    /// Its address.
    pub fn node(&self) -> NodeId {
        self.node
    }

    fn wanted(&mut self, letter: &Letter, now: Instant) {
        let octets = letter.text.len();
        if octets > MAX_TEXT_OCTETS {
            return self.notices.push_back(Notice::Refused(SendError::TooLong { max: MAX_TEXT_OCTETS }));
        }
        let packet = self.packet(letter.destination, true, Body::Text { octets });
        self.notices.push_back(Notice::Accepted(packet.message()));
        let again_at = now + self.memory.backoff.patience(&packet, now);
        self.memory.unacknowledged.push(Unacknowledged { packet, retries: 0, again_at });
        self.enqueue(Waiting { packet, snr_db: None }, now);
    }

    fn packet(&mut self, destination: NodeId, want_ack: bool, body: Body) -> Packet {
        // As theirs: any number, for it must differ from those of before the last power cut.
        let number = self.jitter.next_u64() as u32;
        Packet { destination, source: self.node, number, hop_limit: HOP_LIMIT, want_ack, body }
    }

    fn heard(&mut self, octets: &[u8], quality: Quality, now: Instant) {
        self.memory.backoff.on_air(octets.len(), now);
        let Some(packet) = Packet::parse(octets) else { return };
        if packet.source == self.node {
            return self.repeated(&packet);
        }
        let name = (packet.source, packet.number);
        let for_us = packet.destination == self.node;
        if self.memory.seen.contains(&name) {
            let from_its_source = packet.hop_limit == HOP_LIMIT;
            let waits = self.memory.waiting.iter().any(|waiting| waiting.packet.is(name));
            match (from_its_source, for_us) {
                (true, true) => self.acknowledge(&packet, now),
                (true, false) if !waits => self.repeat(packet, quality, now),
                (true, false) => {}
                // Somebody was faster.
                (false, _) => self.memory.waiting.retain(|waiting| !waiting.packet.is(name)),
            }
            return;
        }
        if self.memory.seen.len() == REMEMBERED {
            self.memory.seen.pop_front();
        }
        self.memory.seen.push_back(name);
        match packet.body {
            Body::Text { .. } if for_us || packet.destination == NodeId::BROADCAST => {
                self.notices.push_back(Notice::Stored(packet.message()));
            }
            Body::Ack { of } if for_us => self.acknowledged(of),
            Body::Text { .. } | Body::Ack { .. } => {}
        }
        if for_us {
            self.acknowledge(&packet, now);
        } else {
            self.repeat(packet, quality, now);
        }
    }

    /// Somebody repeats a packet of ours.
    fn repeated(&mut self, packet: &Packet) {
        self.acknowledged(packet.number);
    }

    /// As far as its source knows, the packet of this number has arrived. Of a text for everybody nothing is said.
    fn acknowledged(&mut self, number: u32) {
        let unacknowledged = &mut self.memory.unacknowledged;
        let Some(index) = unacknowledged.iter().position(|entry| entry.packet.number == number) else {
            return;
        };
        let packet = unacknowledged.swap_remove(index).packet;
        self.memory.waiting.retain(|waiting| !waiting.packet.is((packet.source, number)));
        if packet.destination != NodeId::BROADCAST {
            self.notices.push_back(Notice::State(packet.message(), State::Delivered));
        }
    }

    fn acknowledge(&mut self, packet: &Packet, now: Instant) {
        if packet.want_ack {
            let ack = self.packet(packet.source, false, Body::Ack { of: packet.number });
            self.enqueue(Waiting { packet: ack, snr_db: None }, now);
        }
    }

    fn repeat(&mut self, packet: Packet, quality: Quality, now: Instant) {
        if let Some(hop_limit) = packet.hop_limit.checked_sub(1) {
            let packet = Packet { hop_limit, ..packet };
            self.enqueue(Waiting { packet, snr_db: Some(quality.snr_db()) }, now);
        }
    }

    fn enqueue(&mut self, entry: Waiting, now: Instant) {
        let waiting = &mut self.memory.waiting;
        if waiting.len() == WAITING {
            return;
        }
        let place = waiting.iter().position(|other| other.packet.urgency() < entry.packet.urgency());
        waiting.insert(place.unwrap_or(waiting.len()), entry);
        if self.memory.due.is_none() {
            self.delay(now);
        }
    }

    /// The first packet in line waits as long as packets of its kind do.
    fn delay(&mut self, now: Instant) {
        let memory = &mut self.memory;
        memory.due = memory.waiting.front().map(|first| {
            let slots = match first.snr_db {
                Some(snr_db) => backoff::repetition_slots(snr_db, &mut self.jitter),
                None => memory.backoff.own_slots(&mut self.jitter, now),
            };
            now + memory.backoff.slot() * slots
        });
    }

    fn timeout(&mut self, ether: &mut Ether, now: Instant) {
        let mut again = Vec::new();
        let mut expired = Vec::new();
        for entry in self.memory.unacknowledged.iter_mut().filter(|entry| entry.again_at <= now) {
            if entry.retries == RETRIES {
                expired.push(entry.packet);
                continue;
            }
            entry.again_at = now + self.memory.backoff.patience(&entry.packet, now);
            let name = (entry.packet.source, entry.packet.number);
            // While the last copy still waits for the air, another one would only make the queue longer.
            if !self.memory.waiting.iter().any(|waiting| waiting.packet.is(name)) {
                entry.retries += 1;
                again.push(entry.packet);
            }
        }
        for packet in expired {
            self.memory.unacknowledged.retain(|entry| entry.packet.number != packet.number);
            self.notices.push_back(Notice::State(packet.message(), State::Expired));
        }
        for packet in again {
            self.enqueue(Waiting { packet, snr_db: None }, now);
        }
        if self.memory.radio == Radio::Listening && self.memory.due.is_some_and(|due| due <= now) {
            if self.memory.waiting.is_empty() {
                self.memory.due = None;
            } else if ether.cad(self.id, &self.channel, now).is_ok() {
                self.memory.radio = Radio::Detecting;
            }
        }
    }

    fn detected(&mut self, busy: bool, ether: &mut Ether, now: Instant) {
        self.memory.radio = Radio::Listening;
        // What waited may have been cancelled meanwhile.
        let first = self.memory.waiting.front().filter(|_| !busy).map(|first| first.packet.emit());
        if let Some(frame) = first
            && ether.transmit(self.id, &frame, &self.channel, now).is_ok()
        {
            self.memory.waiting.pop_front();
            self.memory.backoff.on_air(frame.len(), now);
            self.memory.radio = Radio::Transmitting;
            self.memory.due = None;
        } else {
            self.delay(now);
        }
    }
}

impl Memory {
    fn new(channel: Channel) -> Self {
        Self {
            backoff: Backoff::new(channel.rate),
            seen: VecDeque::new(),
            waiting: VecDeque::new(),
            due: None,
            radio: Radio::Listening,
            unacknowledged: Vec::new(),
        }
    }
}

impl Occupant for Flooder {
    fn start(&mut self, ether: &mut Ether, now: Instant) -> Result<(), Crash> {
        self.on = true;
        // Cannot be refused: the radio did nothing before.
        let _ = ether.listen(self.id, &self.channel, now);
        Ok(())
    }

    fn stop(&mut self, ether: &mut Ether, now: Instant) {
        self.on = false;
        self.memory = Memory::new(self.channel);
        ether.stop(self.id, now);
    }

    fn handle(&mut self, input: Input<'_>, ether: &mut Ether, now: Instant) -> Result<(), Crash> {
        if !self.on {
            return Ok(());
        }
        match input {
            Input::Frame { octets, quality } => self.heard(octets, quality, now),
            Input::Cad { busy } => self.detected(busy, ether, now),
            Input::Transmitted => {
                self.memory.radio = Radio::Listening;
                self.delay(now);
            }
            Input::Timeout => self.timeout(ether, now),
            Input::Wanted(letter) => self.wanted(&letter, now),
            // Readers are where the node is.
            Input::Read(_) => {}
        }
        if self.memory.radio == Radio::Listening {
            // Cannot be refused: the radio does nothing else.
            let _ = ether.listen(self.id, &self.channel, now);
        }
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let again = self.memory.unacknowledged.iter().map(|entry| entry.again_at).min();
        let due = self.memory.due.filter(|_| self.memory.radio == Radio::Listening);
        earliest(again, due).filter(|_| self.on)
    }

    fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    fn is_on(&self) -> bool {
        self.on
    }

    /// Whatever was stored here is on the screen of whoever is here.
    fn has_read(&self, _: MessageId) -> bool {
        true
    }

    fn pursues(&self, id: MessageId) -> bool {
        self.memory.unacknowledged.iter().any(|entry| entry.packet.message() == id)
    }

    fn read_after(&self) -> Duration {
        Duration::ZERO
    }

    fn evidence(&self) -> Option<&Store> {
        None
    }
}
