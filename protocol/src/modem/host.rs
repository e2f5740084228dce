//! The host's side of the link.

use core::fmt;

use heapless::{Deque, String, Vec};

use super::PROTOCOL_VERSION;
use super::codec::{Deframer, Garbled, Line, MAX_PACKET};
use super::message::{
    Command, Counters, MAX_FIRMWARE, MAX_LOG, Reason, Refusal, Report, Status, hello_version,
};
use crate::priority::Priority;
use crate::quality::Quality;
use crate::region::{Channel, MAX_FRAME};
use crate::time::{Duration, Instant, earliest};

mod tokens;
use tokens::{Fate, Tokens};

/// An unanswered `Hello` or `Configure` is repeated after this.
const RETRY: Duration = Duration::from_millis(500);
/// A modem that refused the channel or speaks another version is asked again after this: it may have been mended.
const RETRY_REFUSED: Duration = Duration::from_secs(10);
/// From one `Ping` to the next.
const PING: Duration = Duration::from_secs(2);
/// The next `Ping` comes this soon when the credit is used up: news of more may have been lost.
const PING_WITHOUT_CREDIT: Duration = Duration::from_millis(250);
/// So many unanswered pings mean that nobody is there.
const MISSED_PINGS: u8 = 3;
/// Frames and log heard and not yet taken by the caller. A caller that drains after each 512 octets loses none.
const HEARD: usize = 32;

/// What happened on the link. See [`Host::poll_event`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostEvent {
    /// The modem has the channel: [`Host::transmit`] works.
    Ready {
        /// Name and version of its firmware.
        firmware: String<MAX_FIRMWARE>,
        /// What it can do beyond this version of the link; no bit is assigned yet.
        capabilities: u32,
        /// How many frames it can hold, one of them kept for an emergency.
        queue: u16,
        /// The channel in use.
        channel: Channel,
    },
    /// The modem was unplugged, reset, or has fallen silent. What became of each token was told before.
    Lost,
    /// A frame was heard.
    Received {
        /// Unverified octets.
        frame: Vec<u8, MAX_FRAME>,
        /// How well.
        quality: Quality,
        /// When it ended, microseconds of the modem's clock.
        at_us: u64,
    },
    /// The frame of this token went out.
    Transmitted {
        /// As given to [`Host::transmit`].
        token: u32,
        /// Its time on air.
        airtime: Duration,
    },
    /// The frame of this token did not go out, or (with [`Reason::Lost`]) nobody knows.
    Dropped {
        /// As given to [`Host::transmit`].
        token: u32,
        /// Why.
        reason: Reason,
    },
    /// The modem does not use the channel. It is asked again every ten seconds.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// The modem speaks another version of this link: nothing is sent to it but the question for its version.
    Incompatible {
        /// Its version.
        version: u16,
    },
    /// Octets of the firmware's log, in order; some may be missing.
    Log {
        /// As the firmware wrote them.
        octets: Vec<u8, MAX_LOG>,
    },
    /// What the modem's radio is at; about every two seconds. Only the latest is kept for the caller.
    Status {
        /// Frames waiting for the air.
        queued: u16,
        /// Airtime that may be used at once; `None` where the law sets no limit.
        airtime_left: Option<Duration>,
        /// Packets that the modem could not read, since its boot.
        garbled: u32,
        /// The modem's clock, microseconds; compare with `at_us` of received frames.
        at_us: u64,
        /// Totals since its boot.
        counters: Counters,
    },
}

/// Why a frame is not taken. The caller still has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransmitError {
    /// No modem is configured: wait for [`HostEvent::Ready`].
    NotReady,
    /// The modem has no room now. The last place is for [`Priority::Emergency`].
    NoCredit,
    /// The frame is empty, or longer than the modem can send.
    TooLong,
}

impl fmt::Display for TransmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReady => "no modem is ready",
            Self::NoCredit => "the modem has no room",
            Self::TooLong => "the frame is empty or too long",
        })
    }
}

impl core::error::Error for TransmitError {}

/// What the host's side of the link counted since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostStats {
    /// Packets that could not be read.
    pub garbled: u32,
    /// Readable packets that mean nothing to this version.
    pub unknown: u32,
    /// Frames and pieces of log thrown away because the caller did not take them.
    pub overruns: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Disconnected,
    Greeting,
    Incompatible,
    Configuring,
    Refused,
    Ready,
}

impl Phase {
    /// Whether the modem has agreed to the session.
    fn is_open(self) -> bool {
        matches!(self, Self::Configuring | Self::Refused | Self::Ready)
    }
}

#[derive(Debug)]
struct Modem {
    boot: u32,
    firmware: String<MAX_FIRMWARE>,
    capabilities: u32,
    max_frame: u16,
    queue: u16,
}

/// The host's side of the link, as a value: octets and commands go in, octets and events come out.
///
/// After each call take what [`Host::poll_event`] and [`Host::poll_octets`] have, then wait for the line, the caller or
/// [`Host::poll_timeout`]. No call can panic, and calls out of turn are harmless.
#[derive(Debug)]
pub struct Host {
    channel: Channel,
    session: u32,
    phase: Phase,
    modem: Option<Modem>,
    deframer: Deframer<MAX_PACKET>,
    stats: HostStats,
    tokens: Tokens,

    retry_at: Option<Instant>,
    ping_at: Option<Instant>,
    nonce: u32,
    awaiting_pong: bool,
    missed: u8,

    // Commands that wait for the line.
    hello: bool,
    configure: bool,
    ping: bool,
    reboot: bool,

    // Events.
    lost: bool,
    ready: bool,
    incompatible: Option<u16>,
    refused: Option<Refusal>,
    status: Option<HostEvent>,
    heard: Deque<HostEvent, HEARD>,

    line: Line,
}

impl Host {
    /// A host whose line is open, with a `Hello` to say.
    ///
    /// `session` should differ from those of the runs before: a random number. Later sessions count up from it.
    pub fn new(channel: Channel, session: u32, now: Instant) -> Self {
        let mut host = Self {
            channel,
            // The one before, because greeting moves on to the next.
            session: session.wrapping_sub(1),
            phase: Phase::Disconnected,
            modem: None,
            deframer: Deframer::new(),
            stats: HostStats::default(),
            tokens: Tokens::default(),
            retry_at: None,
            ping_at: None,
            nonce: 0,
            awaiting_pong: false,
            missed: 0,
            hello: false,
            configure: false,
            ping: false,
            reboot: false,
            lost: false,
            ready: false,
            incompatible: None,
            refused: None,
            status: None,
            heard: Deque::new(),
            line: Line::default(),
        };
        host.handle_connected(now);
        host
    }

    /// The line was opened, perhaps again.
    pub fn handle_connected(&mut self, now: Instant) {
        self.hang_up();
        self.incompatible = None;
        // Whatever the modem has read so far ends here.
        self.line = Line::delimited();
        self.greet(now);
    }

    /// The line was closed: the modem is unplugged. Nothing is said until [`Host::handle_connected`].
    pub fn handle_disconnected(&mut self, _now: Instant) {
        self.hang_up();
        self.phase = Phase::Disconnected;
    }

    fn hang_up(&mut self) {
        self.close();
        self.line = Line::default();
        self.deframer.reset();
    }

    /// Ends the session, if one is open. What is being sent at this moment is sent to its end.
    fn close(&mut self) {
        self.tokens.lose_all();
        self.lost |= self.phase == Phase::Ready;
        self.ready = false;
        self.refused = None;
        self.modem = None;
        self.retry_at = None;
        self.ping_at = None;
        self.awaiting_pong = false;
        self.missed = 0;
        self.hello = false;
        self.configure = false;
        self.ping = false;
        self.reboot = false;
    }

    /// Opens a new session.
    fn greet(&mut self, now: Instant) {
        self.close();
        self.phase = Phase::Greeting;
        // 0 means "none" on the line.
        self.session = self.session.checked_add(1).unwrap_or(1);
        self.hello = true;
        self.retry_at = Some(now + RETRY);
    }

    /// Whether a modem is configured, so that [`Host::transmit`] does not answer [`TransmitError::NotReady`].
    pub fn ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether a frame of this priority would be taken now.
    pub fn can_transmit(&self, priority: Priority) -> bool {
        self.ready() && self.tokens.has_room(priority)
    }

    /// Totals since this host was made.
    pub fn stats(&self) -> &HostStats {
        &self.stats
    }

    /// Hands over a frame. What becomes of it is told once, by [`HostEvent::Transmitted`] or [`HostEvent::Dropped`] with
    /// this token.
    ///
    /// # Errors
    /// The frame was not taken, and nothing will be told about it.
    pub fn transmit(
        &mut self,
        token: u32,
        priority: Priority,
        frame: &[u8],
        now: Instant,
    ) -> Result<(), TransmitError> {
        let modem =
            self.modem.as_ref().filter(|_| self.phase == Phase::Ready).ok_or(TransmitError::NotReady)?;
        if frame.is_empty() || frame.len() > usize::from(modem.max_frame) {
            return Err(TransmitError::TooLong);
        }
        let airtime = self.channel.rate.time_on_air(frame.len());
        let frame = Vec::from_slice(frame).map_err(|_| TransmitError::TooLong)?;
        self.tokens.add(token, priority, frame, airtime).map_err(|_| TransmitError::NoCredit)?;
        if !self.tokens.has_room(Priority::Text) && !self.awaiting_pong {
            self.ping_at = earliest(self.ping_at, Some(now + PING_WITHOUT_CREDIT));
        }
        Ok(())
    }

    /// Has the modem start anew. It says `Hello` afterwards, and the session ends with [`HostEvent::Lost`].
    pub fn reboot(&mut self) {
        self.reboot = self.phase.is_open();
    }

    /// The line brought octets.
    pub fn handle_octets(&mut self, octets: &[u8], now: Instant) {
        if self.phase == Phase::Disconnected {
            return;
        }
        // The deframer lends out its buffer: it leaves the host while it is at work.
        let mut deframer = core::mem::take(&mut self.deframer);
        for &octet in octets {
            match deframer.push(octet) {
                Some(Ok(message)) => self.handle_message(message, now),
                Some(Err(Garbled)) => self.stats.garbled = self.stats.garbled.wrapping_add(1),
                None => {}
            }
        }
        self.deframer = deframer;
    }

    fn handle_message(&mut self, octets: &[u8], now: Instant) {
        if let Some(version) = hello_version(octets)
            && version != PROTOCOL_VERSION
        {
            return self.handle_stranger(version, now);
        }
        let Ok(report) = postcard::from_bytes(octets) else {
            self.stats.unknown = self.stats.unknown.wrapping_add(1);
            return;
        };
        match report {
            Report::Hello { .. } => self.handle_hello(&report, now),
            Report::Log { octets } => {
                if let Ok(octets) = Vec::from_slice(octets) {
                    self.hear(HostEvent::Log { octets });
                }
            }
            // The rest means nothing outside of a session.
            _ if !self.phase.is_open() => {}
            Report::Configured { channel } => self.handle_configured(channel),
            Report::Refused { reason } => self.handle_refused(reason, now),
            Report::Received { quality, at_us, frame } => {
                if let Ok(frame) = Vec::from_slice(frame) {
                    self.hear(HostEvent::Received { frame, quality, at_us });
                }
            }
            Report::Credit { session, limit } if session == self.session => self.tokens.raise_limit(limit),
            Report::Transmitted { session, sequence, airtime_us, .. } if session == self.session => {
                let airtime = Duration::from_micros(airtime_us.into());
                self.tokens.settle(sequence, Fate::Transmitted { airtime });
            }
            Report::Dropped { session, sequence, reason } if session == self.session => {
                self.handle_dropped(sequence, reason, now);
            }
            Report::Pong { session, nonce, limit, next, held, sent, at_us, garbled, status }
                if session == self.session =>
            {
                self.tokens.raise_limit(limit);
                if self.awaiting_pong && !self.ping && nonce == self.nonce {
                    self.awaiting_pong = false;
                    self.missed = 0;
                    self.tokens.reconcile(next, held, sent);
                    let Status { queued, airtime_left_us, counters } = status;
                    let airtime_left = airtime_left_us.map(Duration::from_micros);
                    self.status = Some(HostEvent::Status { queued, airtime_left, garbled, at_us, counters });
                }
            }
            // Of another session.
            _ => {}
        }
    }

    fn handle_stranger(&mut self, version: u16, now: Instant) {
        if self.phase == Phase::Incompatible {
            return;
        }
        self.close();
        self.phase = Phase::Incompatible;
        self.incompatible = Some(version);
        self.retry_at = Some(now + RETRY_REFUSED);
    }

    fn handle_hello(&mut self, report: &Report<'_>, now: Instant) {
        let Report::Hello { session, boot, firmware, capabilities, max_frame, queue, .. } = *report else {
            return;
        };
        if self.phase.is_open() {
            // Otherwise a late answer, or a late word of an earlier session.
            if self.modem.as_ref().is_some_and(|modem| modem.boot != boot) {
                self.greet(now);
            }
        } else if session == self.session && self.phase == Phase::Greeting {
            let firmware = firmware.get(..firmware.floor_char_boundary(MAX_FIRMWARE)).unwrap_or_default();
            let firmware = String::try_from(firmware).unwrap_or_default();
            self.modem = Some(Modem { boot, firmware, capabilities, max_frame, queue });
            self.tokens.start(queue);
            self.phase = Phase::Configuring;
            self.hello = false;
            self.configure = true;
            self.retry_at = Some(now + RETRY);
            self.ping_at = Some(now + PING);
        } else if session == 0 || self.phase == Phase::Incompatible {
            // It has just started, or was replaced by one that speaks this version.
            self.greet(now);
        }
    }

    fn handle_configured(&mut self, channel: Channel) {
        if channel == self.channel && self.phase != Phase::Ready {
            self.phase = Phase::Ready;
            self.retry_at = None;
            self.configure = false;
            self.refused = None;
            self.ready = true;
        }
    }

    fn handle_refused(&mut self, reason: Refusal, now: Instant) {
        if self.phase == Phase::Configuring {
            self.phase = Phase::Refused;
            self.retry_at = Some(now + RETRY_REFUSED);
            self.refused = Some(reason);
        }
    }

    fn handle_dropped(&mut self, sequence: u32, reason: Reason, now: Instant) {
        self.tokens.settle(sequence, Fate::Dropped(reason));
        if reason == Reason::NotConfigured && self.phase == Phase::Ready {
            self.phase = Phase::Configuring;
            self.configure = true;
            self.retry_at = Some(now + RETRY);
        }
    }

    fn hear(&mut self, event: HostEvent) {
        if self.heard.push_back(event).is_err() {
            self.stats.overruns = self.stats.overruns.wrapping_add(1);
        }
    }

    /// When [`Host::handle_timeout`] is due, if ever.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.retry_at, self.ping_at)
    }

    /// Time passed. Early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = match self.phase {
                Phase::Greeting | Phase::Incompatible => {
                    self.hello = true;
                    Some(now + if self.phase == Phase::Greeting { RETRY } else { RETRY_REFUSED })
                }
                Phase::Configuring | Phase::Refused => {
                    self.configure = true;
                    self.phase = Phase::Configuring;
                    Some(now + RETRY)
                }
                Phase::Ready | Phase::Disconnected => None,
            };
        }
        if self.ping_at.is_some_and(|at| at <= now) {
            self.missed += u8::from(self.awaiting_pong);
            if self.missed >= MISSED_PINGS {
                return self.greet(now);
            }
            self.awaiting_pong = true;
            self.nonce = self.nonce.wrapping_add(1);
            self.ping = true;
            self.ping_at = Some(now + PING);
        }
    }

    /// What happened, if anything. The fate of tokens comes first, so that [`HostEvent::Lost`] finds none open.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        if let Some((token, fate)) = self.tokens.poll() {
            return Some(match fate {
                Fate::Transmitted { airtime } => HostEvent::Transmitted { token, airtime },
                Fate::Dropped(reason) => HostEvent::Dropped { token, reason },
            });
        }
        if core::mem::take(&mut self.lost) {
            return Some(HostEvent::Lost);
        }
        if let Some(version) = self.incompatible.take() {
            return Some(HostEvent::Incompatible { version });
        }
        if let Some(reason) = self.refused.take() {
            return Some(HostEvent::Refused { reason });
        }
        if core::mem::take(&mut self.ready)
            && let Some(Modem { firmware, capabilities, queue, .. }) = &self.modem
        {
            return Some(HostEvent::Ready {
                firmware: firmware.clone(),
                capabilities: *capabilities,
                queue: *queue,
                channel: self.channel,
            });
        }
        self.heard.pop_front().or_else(|| self.status.take())
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

    fn next_packet(&mut self) -> bool {
        let session = self.session;
        if core::mem::take(&mut self.hello) {
            return self.write(&Command::Hello { version: PROTOCOL_VERSION, session });
        }
        if core::mem::take(&mut self.reboot) {
            return self.write(&Command::Reboot);
        }
        if core::mem::take(&mut self.configure) {
            return self.write(&Command::Configure { channel: self.channel });
        }
        if core::mem::take(&mut self.ping) {
            let next = self.tokens.ping();
            return self.write(&Command::Ping { session, nonce: self.nonce, next });
        }
        // While the modem is being configured anew, frames would only be refused.
        if self.phase != Phase::Ready {
            return false;
        }
        let Some((sequence, priority, frame)) = self.tokens.poll_frame() else { return false };
        self.write(&Command::Transmit { session, sequence, priority, frame: &frame })
    }

    fn write(&mut self, command: &Command<'_>) -> bool {
        self.line.send(command)
    }
}
