//! A host, a modem with a simulated radio, and a line between them that spoils what it carries, in virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec::Vec;

use crate::modem::*;
use crate::priority::Priority;
use crate::quality::Quality;
use crate::rand::Jitter;
use crate::region::{Channel, RegionCode};
use crate::time::{Duration, Instant};

pub(super) const TICK: Duration = Duration::from_millis(10);
pub(super) const QUEUE: u16 = 6;

/// What a line does to what it carries, each in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// Of octets: changed.
    pub(super) changed: u64,
    /// Of octets: swallowed.
    pub(super) swallowed: u64,
    /// Of octets: followed by a random one.
    pub(super) inserted: u64,
    /// Of packets.
    pub(super) lost: u64,
    /// Of packets.
    pub(super) duplicated: u64,
    /// Of packets: late by up to 200 ms, so that others overtake.
    pub(super) late: u64,
}

#[derive(Debug, Default)]
struct Pipe {
    /// What has not been seen to end in a zero.
    partial: Vec<u8>,
    /// Due time, order, octets.
    packets: Vec<(Instant, u64, Vec<u8>)>,
    order: u64,
}

impl Pipe {
    fn put(&mut self, octets: &[u8], faults: &Faults, jitter: &mut Jitter, now: Instant) {
        let mut happens = |thousandths: u64| jitter.below(1_000) < thousandths;
        for &octet in octets {
            if happens(faults.swallowed) {
                continue;
            }
            self.partial.push(if happens(faults.changed) { octet ^ 0x11 } else { octet });
            if happens(faults.inserted) {
                self.partial.push(octet.wrapping_mul(37));
            }
            if octet != 0 {
                continue;
            }
            let packet = std::mem::take(&mut self.partial);
            let copies = match (happens(faults.lost), happens(faults.duplicated)) {
                (true, _) => 0,
                (false, false) => 1,
                (false, true) => 2,
            };
            for _ in 0..copies {
                let delay = if happens(faults.late) { 20 } else { 0 };
                self.order += 1;
                let due = now + TICK * (self.order % 21).min(delay) as u32;
                self.packets.push((due, self.order, packet.clone()));
            }
        }
    }

    fn take(&mut self, now: Instant) -> Vec<u8> {
        self.packets.sort();
        let count = self.packets.iter().take_while(|(due, ..)| *due <= now).count();
        self.packets.drain(..count).flat_map(|(.., octets)| octets).collect()
    }
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) host: Host,
    pub(super) device: Device,
    pub(super) faults: Faults,
    jitter: Jitter,
    to_device: Pipe,
    to_host: Pipe,
    boot: u32,
    pub(super) plugged: bool,

    // The modem's radio.
    waiting: VecDeque<(u32, u32)>,
    on_air: Option<(u32, u32, Instant)>,
    refuse_next_channel: bool,
    /// Tokens whose frame went out.
    aired: BTreeSet<u32>,

    // The host's caller.
    next_token: u32,
    open: BTreeSet<u32>,
    pub(super) fates: BTreeMap<u32, Option<Reason>>,
    pub(super) events: Vec<HostEvent>,
    pub(super) sending: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let now = Instant::from_secs(5);
        Self {
            now,
            host: Host::new(Channel::home(RegionCode::Ca), 0xFFFF_FFFE, now),
            device: Device::new(1, "test 1.0", QUEUE),
            faults: Faults::default(),
            jitter: Jitter::new(seed),
            to_device: Pipe::default(),
            to_host: Pipe::default(),
            boot: 1,
            plugged: true,
            waiting: VecDeque::new(),
            on_air: None,
            refuse_next_channel: false,
            aired: BTreeSet::new(),
            next_token: 0,
            open: BTreeSet::new(),
            fates: BTreeMap::new(),
            events: Vec::new(),
            sending: true,
        }
    }

    pub(super) fn refuse_next_channel(&mut self) {
        self.refuse_next_channel = true;
    }

    /// The modem loses all it knew.
    pub(super) fn reset_device(&mut self) {
        self.boot += 1;
        self.device = Device::new(self.boot, "test 1.0", QUEUE);
        self.waiting.clear();
        self.on_air = None;
        self.to_host.partial.clear();
    }

    /// The host's program starts anew: what it had is closed first.
    pub(super) fn restart_host(&mut self) {
        self.host.handle_disconnected(self.now);
        self.drain_host();
        let session = self.jitter.next_u64() as u32;
        self.host = Host::new(*self.channel(), session, self.now);
        self.to_device.partial.clear();
    }

    fn channel(&self) -> &'static Channel {
        &crate::region::Region::of(RegionCode::Ca).home
    }

    pub(super) fn unplug(&mut self) {
        self.plugged = false;
        self.host.handle_disconnected(self.now);
        (self.to_host, self.to_device) = Default::default();
    }

    pub(super) fn plug(&mut self) {
        self.plugged = true;
        self.host.handle_connected(self.now);
    }

    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.now += TICK;
            self.step();
        }
    }

    /// Runs until the line does what it should again, and checks that it does so soon.
    pub(super) fn recover(&mut self) {
        self.faults = Faults::default();
        self.sending = true;
        self.run(Duration::from_secs(9));
        assert!(self.host.ready(), "the link recovers");
        let had = self.next_token;
        self.run(Duration::from_secs(10));
        assert!(self.next_token > had + 150, "the link does not stall: {} after {had}", self.next_token);
        self.sending = false;
        self.run(Duration::from_secs(8));
        assert_eq!(self.open, BTreeSet::new(), "every token is told of");
        for (token, fate) in &self.fates {
            match fate {
                None => assert!(self.aired.contains(token), "{token} was said to be on the air"),
                Some(Reason::Lost) => assert!(*token < had, "a good line loses nothing"),
                Some(reason) => {
                    assert!(!self.aired.contains(token), "{token}: {reason}, but it was on the air")
                }
            }
        }
    }

    pub(super) fn fates_of(&self, reason: Option<Reason>) -> usize {
        self.fates.values().filter(|fate| **fate == reason).count()
    }

    fn step(&mut self) {
        if self.plugged {
            let octets = self.to_device.take(self.now);
            self.device.handle_octets(&octets, self.now);
            let octets = self.to_host.take(self.now);
            self.host.handle_octets(&octets, self.now);
        }
        self.run_radio();
        if self.host.poll_timeout().is_some_and(|at| at <= self.now) {
            self.host.handle_timeout(self.now);
        }
        self.drain_host();
        if self.sending && self.jitter.below(2) == 0 {
            self.send();
        }
        let mut buffer = [0; 100];
        loop {
            let count = self.host.poll_octets(&mut buffer);
            self.to_device.put(&buffer[..count], &self.faults, &mut self.jitter, self.now);
            if count < buffer.len() {
                break;
            }
        }
        // About 115,200 baud.
        let count = if self.plugged { self.device.poll_octets(&mut buffer) } else { 0 };
        self.to_host.put(&buffer[..count], &self.faults, &mut self.jitter, self.now);
        assert!(self.host.poll_timeout().is_none_or(|at| at > self.now || !self.plugged));
    }

    fn send(&mut self) {
        let priority = if self.jitter.below(9) == 0 { Priority::Emergency } else { Priority::Text };
        let mut frame = [0; 60];
        frame[..4].copy_from_slice(&self.next_token.to_be_bytes());
        let frame = &frame[..4 + self.jitter.below(56) as usize];
        let may = self.host.can_transmit(priority);
        let result = self.host.transmit(self.next_token, priority, frame, self.now);
        assert_eq!(result.is_ok(), may);
        if may {
            self.open.insert(self.next_token);
            self.next_token += 1;
        }
    }

    fn drain_host(&mut self) {
        while let Some(event) = self.host.poll_event() {
            match event {
                HostEvent::Transmitted { token, airtime } => {
                    assert!(self.open.remove(&token), "{token} is told of twice");
                    assert!(airtime > Duration::ZERO);
                    self.fates.insert(token, None);
                }
                HostEvent::Dropped { token, reason } => {
                    assert!(self.open.remove(&token), "{token} is told of twice");
                    assert_ne!(reason, Reason::QueueFull, "an honest host stays within its credit");
                    self.fates.insert(token, Some(reason));
                }
                HostEvent::Lost => {
                    assert!(self.open.is_empty(), "no token outlives its session");
                    self.events.push(event);
                }
                event => self.events.push(event),
            }
        }
    }

    fn run_radio(&mut self) {
        while let Some(event) = self.device.poll_event() {
            match event {
                DeviceEvent::Attached { .. } => {
                    while let Some((name, _)) = self.waiting.pop_front() {
                        self.device.dropped(name, Reason::Flushed);
                    }
                }
                DeviceEvent::Configure { channel } => {
                    assert_eq!(&channel, self.channel());
                    let refused = std::mem::take(&mut self.refuse_next_channel);
                    self.device.configured(if refused { Err(Refusal::RadioFailed) } else { Ok(()) });
                }
                DeviceEvent::Transmit { sequence, frame, .. } => {
                    let token = u32::from_be_bytes(*frame.first_chunk().unwrap());
                    self.waiting.push_back((sequence, token));
                    assert!(self.waiting.len() <= usize::from(QUEUE), "the modem is asked to hold too much");
                }
                DeviceEvent::Reboot => return self.reset_device(),
            }
        }
        if let Some((name, token, end)) = self.on_air
            && end <= self.now
        {
            self.on_air = None;
            assert!(self.aired.insert(token), "{token} is transmitted twice");
            self.device.transmitted(name, Duration::from_millis(40), end);
            self.device.log(b"sent");
        }
        if self.on_air.is_none()
            && let Some((name, token)) = self.waiting.pop_front()
        {
            match self.jitter.below(20) {
                0 => self.device.dropped(name, Reason::ChannelBusy),
                _ => self.on_air = Some((name, token, self.now + Duration::from_millis(40))),
            }
        }
        if self.jitter.below(20) == 0 {
            self.device.received(b"heard", Quality::default(), self.now);
        }
        self.device.status(Status { queued: self.waiting.len() as u16, ..Status::default() });
    }
}
