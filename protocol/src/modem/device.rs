//! The modem's side of the link.
//!
//! Reports are made when the line has room for them, from the state of that moment: what can be said again later
//! (credit, what became of which frame) takes no queue, and the queues for the rest are short and bounded.

use heapless::{Deque, Vec};

use super::PROTOCOL_VERSION;
use super::codec::{Deframer, Garbled, Line, MAX_PACKET};
use super::message::{Command, MAX_FIRMWARE, MAX_LOG, Reason, Refusal, Report, Status, hello_version};
use crate::priority::Priority;
use crate::quality::Quality;
use crate::region::{Channel, MAX_FRAME};
use crate::time::{Duration, Instant};

mod frames;
use frames::{Frames, Outcome};

/// Frames heard and not yet told to the host.
const HEARD: usize = 4;
/// Octets of log not yet told to the host.
const LOG: usize = 512;

/// What the firmware must do. See [`Device::poll_event`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to put a frame on")]
pub enum DeviceEvent {
    /// A host opened a session: throw away what waits for the air.
    Attached {
        /// The number of the session.
        session: u32,
    },
    /// Set the radio, then call [`Device::configured`].
    Configure {
        /// To this channel.
        channel: Channel,
    },
    /// Transmit a frame, then call [`Device::transmitted`] or [`Device::dropped`].
    Transmit {
        /// Names the frame in those calls. Unlike the number on the line it does not start anew with a session, so a
        /// late answer about a frame of an earlier session harms nobody.
        sequence: u32,
        /// What may overtake it.
        priority: Priority,
        /// 1 to 255 octets.
        frame: Vec<u8, MAX_FRAME>,
    },
    /// Start anew.
    Reboot,
}

#[derive(Debug)]
struct Heard {
    quality: Quality,
    at: Instant,
    frame: Vec<u8, MAX_FRAME>,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    nonce: u32,
    at: Instant,
}

/// The modem's side of the link, as a value: octets and what the radio did go in, octets and events come out.
///
/// After each call take what [`Device::poll_event`] and [`Device::poll_octets`] have. No call can panic, and calls that
/// were not asked for are harmless.
#[derive(Debug)]
pub struct Device {
    boot: u32,
    firmware: &'static str,
    deframer: Deframer<MAX_PACKET>,
    garbled: u32,
    status: Status,
    overruns: u32,

    /// 0 for none.
    session: u32,
    frames: Frames,
    channel: Option<Channel>,
    configured: bool,

    // Events.
    attached: bool,
    configure: bool,
    reboot: bool,

    // Reports.
    hello: bool,
    answer: Option<Result<Channel, Refusal>>,
    credit: Option<u32>,
    ping: Option<Ping>,
    heard: Deque<Heard, HEARD>,
    log: Deque<u8, LOG>,

    line: Line,
}

impl Device {
    /// The greatest number of frames that a modem holds for its host.
    pub const MAX_QUEUE: u16 = frames::CAPACITY as u16;

    /// A modem that has just started, with a `Hello` to say.
    ///
    /// `boot` must differ from that of the boot before: a random or a counted number. `firmware` is shortened to
    /// [`MAX_FIRMWARE`] octets. `queue` is how many frames the firmware can keep waiting for the air (the size of its
    /// `Mac`), of which [`Device::MAX_QUEUE`] are used at most.
    pub fn new(boot: u32, firmware: &'static str, queue: u16) -> Self {
        Self {
            boot,
            firmware: shortened(firmware),
            deframer: Deframer::new(),
            garbled: 0,
            status: Status::default(),
            overruns: 0,
            session: 0,
            frames: Frames::new(queue),
            channel: None,
            configured: false,
            attached: false,
            configure: false,
            reboot: false,
            hello: true,
            answer: None,
            credit: None,
            ping: None,
            heard: Deque::new(),
            log: Deque::new(),
            // Whatever the boot loader has written to the line ends here.
            line: Line::delimited(),
        }
    }

    /// The session that is open, if one is.
    pub fn session(&self) -> Option<u32> {
        (self.session != 0).then_some(self.session)
    }

    /// The line brought octets.
    pub fn handle_octets(&mut self, octets: &[u8], now: Instant) {
        // The deframer lends out its buffer: it leaves the device while it is at work.
        let mut deframer = core::mem::take(&mut self.deframer);
        for &octet in octets {
            match deframer.push(octet) {
                Some(Ok(message)) => self.handle_message(message, now),
                Some(Err(Garbled)) => self.garbled = self.garbled.wrapping_add(1),
                None => {}
            }
        }
        self.deframer = deframer;
    }

    fn handle_message(&mut self, octets: &[u8], now: Instant) {
        if let Some(version) = hello_version(octets)
            && version != PROTOCOL_VERSION
        {
            return self.handle_stranger();
        }
        match postcard::from_bytes(octets) {
            Ok(Command::Hello { session, .. }) => self.handle_hello(session),
            Ok(Command::Configure { channel }) => self.handle_configure(channel),
            Ok(Command::Transmit { session, sequence, priority, frame }) => {
                self.handle_transmit(session, sequence, priority, frame);
            }
            Ok(Command::Ping { session, nonce, next }) => {
                if self.is_open(session) {
                    self.frames.skip_to(next);
                    self.ping = Some(Ping { nonce, at: now });
                }
            }
            Ok(Command::Reboot) => self.reboot = true,
            // From a later host of the same version, which expects no answer.
            Err(_) => {}
        }
    }

    /// A host of another version: say which version this is, and do nothing for it.
    fn handle_stranger(&mut self) {
        self.close();
        self.hello = true;
    }

    fn handle_hello(&mut self, session: u32) {
        self.hello = true;
        if session != 0 && session != self.session {
            self.close();
            self.session = session;
            self.attached = true;
            self.heard.clear();
        }
    }

    fn close(&mut self) {
        self.session = 0;
        self.frames.restart();
        self.configured = false;
        self.configure = false;
        self.channel = None;
        self.answer = None;
        self.credit = None;
        self.ping = None;
    }

    /// Whether `session` is the one that is open. If not, the host is told which one is.
    fn is_open(&mut self, session: u32) -> bool {
        let open = session != 0 && session == self.session;
        self.hello |= !open;
        open
    }

    fn handle_configure(&mut self, channel: Channel) {
        if self.session == 0 {
            self.hello = true;
        } else if self.channel != Some(channel) {
            self.channel = Some(channel);
            self.configured = false;
            self.configure = true;
        } else if self.configured {
            self.answer = Some(Ok(channel));
        }
    }

    fn handle_transmit(&mut self, session: u32, sequence: u32, priority: Priority, frame: &[u8]) {
        if !self.is_open(session) {
            return;
        }
        let refusal = if !self.configured { Some(Reason::NotConfigured) } else { None };
        self.frames.take(sequence, priority, frame, refusal);
    }

    /// What the firmware must do next, if anything. In this order: a new session, a reboot, a channel, frames.
    pub fn poll_event(&mut self) -> Option<DeviceEvent> {
        if core::mem::take(&mut self.attached) {
            return Some(DeviceEvent::Attached { session: self.session });
        }
        if core::mem::take(&mut self.reboot) {
            return Some(DeviceEvent::Reboot);
        }
        if core::mem::take(&mut self.configure)
            && let Some(channel) = self.channel
        {
            return Some(DeviceEvent::Configure { channel });
        }
        let (sequence, priority, frame) = self.frames.poll()?;
        Some(DeviceEvent::Transmit { sequence, priority, frame })
    }

    /// The radio was set to the channel of the last [`DeviceEvent::Configure`], or could not be.
    pub fn configured(&mut self, result: Result<(), Refusal>) {
        // An answer to a channel that was replaced while the radio was being set is not for the host.
        if let Some(channel) = self.channel
            && !self.configure
        {
            self.configured = result.is_ok();
            if result.is_err() {
                self.channel = None;
            }
            self.answer = Some(result.map(|()| channel));
        }
    }

    /// The frame of [`DeviceEvent::Transmit`] went out in `airtime` and ended at `at`.
    pub fn transmitted(&mut self, sequence: u32, airtime: Duration, at: Instant) {
        self.frames.settle(sequence, Outcome::Transmitted { airtime, at });
    }

    /// The frame of [`DeviceEvent::Transmit`] does not go out.
    pub fn dropped(&mut self, sequence: u32, reason: Reason) {
        self.frames.settle(sequence, Outcome::Dropped(reason));
    }

    /// A frame was heard, and ended at `at`. While the host does not read, only the last few are kept.
    ///
    /// Frames of more than 255 octets are ignored: LoRa has none.
    pub fn received(&mut self, frame: &[u8], quality: Quality, at: Instant) {
        let Ok(frame) = Vec::from_slice(frame) else { return };
        if self.heard.is_full() {
            self.heard.pop_front();
            self.overruns = self.overruns.wrapping_add(1);
        }
        let _ = self.heard.push_back(Heard { quality, at, frame });
    }

    /// Octets of the firmware's log. What does not fit is left out.
    pub fn log(&mut self, octets: &[u8]) {
        for &octet in octets {
            if self.log.push_back(octet).is_err() {
                break;
            }
        }
    }

    /// What the radio is at, for the next `Pong`. The device itself counts `overruns`.
    pub fn status(&mut self, status: Status) {
        self.status = status;
    }

    /// Fills `out` with octets for the line and returns how many there are; 0 when there is nothing to say.
    pub fn poll_octets(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            if self.line.is_idle() && !self.next_packet() {
                break;
            }
            filled += self.line.fill(out.get_mut(filled..).unwrap_or_default());
        }
        filled
    }

    /// Makes the most urgent report. The outcomes of frames come before the credit that follows from them, and before
    /// the `Pong`, which counts as known whatever it says was sent.
    fn next_packet(&mut self) -> bool {
        let session = self.session;
        if core::mem::take(&mut self.hello) {
            let (version, boot, firmware) = (PROTOCOL_VERSION, self.boot, self.firmware);
            let (max_frame, queue) = (MAX_FRAME as u16, self.frames.queue());
            let hello = Report::Hello { version, session, boot, firmware, capabilities: 0, max_frame, queue };
            return self.write(&hello);
        }
        if let Some(answer) = self.answer.take() {
            return match answer {
                Ok(channel) => self.write(&Report::Configured { channel }),
                Err(reason) => self.write(&Report::Refused { reason }),
            };
        }
        if let Some((sequence, outcome)) = self.frames.poll_outcome() {
            return match outcome {
                Outcome::Transmitted { airtime, at } => {
                    let airtime_us = u32::try_from(airtime.as_micros()).unwrap_or(u32::MAX);
                    self.write(&Report::Transmitted { session, sequence, airtime_us, at_us: at.as_micros() })
                }
                Outcome::Dropped(reason) => self.write(&Report::Dropped { session, sequence, reason }),
            };
        }
        let limit = self.frames.limit();
        if let Some(Ping { nonce, at }) = self.ping.take() {
            self.credit = Some(limit);
            let mut status = self.status;
            status.counters.overruns = self.overruns;
            return self.write(&Report::Pong {
                session,
                nonce,
                limit,
                next: self.frames.next(),
                held: self.frames.held(),
                sent: self.frames.sent(),
                at_us: at.as_micros(),
                garbled: self.garbled,
                status,
            });
        }
        if session != 0 && self.credit.unwrap_or(u32::from(self.frames.queue())) != limit {
            self.credit = Some(limit);
            return self.write(&Report::Credit { session, limit });
        }
        if let Some(Heard { quality, at, frame }) = self.heard.pop_front() {
            return self.write(&Report::Received { quality, at_us: at.as_micros(), frame: &frame });
        }
        if self.log.is_empty() {
            return false;
        }
        let mut octets = Vec::<u8, MAX_LOG>::new();
        while !octets.is_full()
            && let Some(octet) = self.log.pop_front()
        {
            let _ = octets.push(octet);
        }
        self.write(&Report::Log { octets: &octets })
    }

    fn write(&mut self, report: &Report<'_>) -> bool {
        self.line.send(report)
    }
}

/// As much of `text` as a `Hello` carries, cut between characters.
fn shortened(text: &'static str) -> &'static str {
    text.get(..text.floor_char_boundary(MAX_FIRMWARE)).unwrap_or_default()
}
