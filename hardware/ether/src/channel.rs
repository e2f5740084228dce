//! The shared medium: who is on the air, who hears it, and what destroys what. A value without I/O.
//!
//! Calls say what stations do and when; [`Ether::poll`] gives what follows from it, in order of time;
//! [`Ether::poll_timeout`] says when to poll next. Everything follows from the settings, the seed and the calls.
//!
//! # The model
//! - A frame arrives with its sender's power less the path loss ([`Propagation`]). It can be received where its
//!   SNR reaches the limit of its spreading factor over the thermal noise (-174 dBm/Hz and the noise figure).
//! - A receiver must have been listening on the same chirps for the last five preamble symbols, and locks on
//!   at the end of the preamble. While locked it follows no other frame ([`Reception::demodulators`]).
//! - Interference before those five symbols does no harm (Bor et al. 2016, section 3.3: an overlap within the first
//!   Npre - 5 symbols). After them the frame survives each overlapping one that it exceeds by the capture
//!   threshold (same chirps) or by the rejection of Croce et al. 2018 (others), pair by pair.
//! - A frame destroyed after the lock fails its CRC; it is handed over in that state if the settings say so.
//! - Stations are half duplex. Channel activity detection hears the channel's own chirps, above
//!   sensitivity and only while they last. A station that is receiving a frame, or five symbols of its preamble, knows
//!   it and answers "busy" without giving the frame up, as a driver can that watches the preamble interrupt.

mod interference;
mod links;
mod propagation;
mod reception;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use fanal_protocol::quality::Quality;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::airtime::{Header, time_on_air};
use fanal_protocol::region::{Channel, MAX_FRAME, PREAMBLE_SYMBOLS, Rate};
use fanal_protocol::time::{Duration, Instant};

use crate::fault::Faults;
use links::Links;
pub(crate) use propagation::uniform;
pub use propagation::{PathLoss, Position, Propagation};
use reception::{Echo, Listener, Mode, Step, Transmission};

/// Symbols that a channel activity detection listens.
pub const CAD_SYMBOLS: u32 = 4;

/// Preamble symbols that a receiver needs to lock on.
const LOCK_SYMBOLS: u16 = 5;

/// A station's place in the ether, in the order of [`Ether::join`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StationId(pub usize);

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "station {}", self.0)
    }
}

/// The physics of one ether.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// How signals fade.
    pub propagation: Propagation,
    /// How receivers cope.
    pub reception: Reception,
    /// What goes wrong besides.
    pub faults: Faults,
    /// Symbols of preamble before each frame: 8 in Fanal, more or less in other protocols; at least 6.
    pub preamble_symbols: u16,
}

impl Settings {
    /// Everybody hears everybody, nothing goes wrong but collisions.
    pub const fn room() -> Self {
        use crate::fault::Fault;
        let faults = Faults::everywhere(Fault { loss: 0.0, duplication: 0.0, corruption: 0.0 });
        Self {
            propagation: Propagation::room(),
            reception: Reception::SX126X,
            faults,
            preamble_symbols: PREAMBLE_SYMBOLS,
        }
    }

    /// Time on air of a frame of so many octets.
    pub const fn time_on_air(&self, rate: Rate, octets: usize) -> Duration {
        time_on_air(rate, self.preamble_symbols, octets, Header::Explicit, true)
    }
}

/// What receivers can do.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reception {
    /// Noise that a receiver adds, dB.
    pub noise_figure_db: f64,
    /// How much stronger a frame must be than another of the same chirps to survive it, dB. `None`: it never does,
    /// whatever overlaps destroys, from the first symbol on.
    pub capture_db: Option<f64>,
    /// Frames that a station can follow at once: 1 for a transceiver, 8 for a concentrator.
    pub demodulators: usize,
    /// Hand over frames whose CRC failed, as a radio does whose driver does not look at it.
    pub failed_crc: bool,
}

impl Reception {
    /// A transceiver of the SX126x family as `lora-phy` drives it.
    pub const SX126X: Reception =
        Reception { noise_figure_db: 6.0, capture_db: Some(6.0), demodulators: 1, failed_crc: false };
}

/// Something that came to pass.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// At which station.
    pub station: StationId,
    /// What.
    pub what: What,
}

/// The kinds of [`Event`].
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// The station began to transmit.
    Began {
        /// The number of the transmission.
        transmission: u64,
        /// The frame.
        frame: Arc<[u8]>,
        /// Where, how fast and how loud.
        channel: Channel,
        /// When the last symbol will have left.
        until: Instant,
    },
    /// The station's last symbol has left; it listens again only when told to.
    Transmitted {
        /// The number of the transmission.
        transmission: u64,
    },
    /// The station heard a frame.
    Received {
        /// The number of the transmission.
        transmission: u64,
        /// Who sent it.
        source: StationId,
        /// What was heard: not what was sent, unless `intact`.
        frame: Arc<[u8]>,
        /// How well.
        quality: Quality,
        /// Nothing was damaged. For observers: a radio does not know.
        intact: bool,
    },
    /// A frame strong enough to be heard was not, although the station listened when it ended.
    Missed {
        /// The number of the transmission.
        transmission: u64,
        /// Who sent it.
        source: StationId,
        /// Why.
        reason: Miss,
    },
    /// The station's channel activity detection has ended; it listens again only when told to, unless
    /// it was receiving a frame.
    Cad {
        /// Chirps were heard.
        busy: bool,
    },
}

/// Why a frame was not heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Miss {
    /// Another frame destroyed it, and failed CRCs are not handed over; or it could not be told apart.
    Collision,
    /// The station did not listen from the start, or was following another frame.
    Deaf,
    /// A fault of the link.
    Fault,
}

/// Why a station cannot do as it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It is transmitting, or looking for activity.
    Busy,
    /// The frame is empty or longer than 255 octets.
    Length,
    /// No such station.
    Unknown,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Busy => "the station is busy",
            Refused::Length => "a frame has 1 to 255 octets",
            Refused::Unknown => "there is no such station",
        })
    }
}

impl std::error::Error for Refused {}

/// One shared medium and the stations in it.
pub struct Ether {
    settings: Settings,
    seed: u64,
    jitter: Jitter,
    now: Instant,
    listeners: Vec<Listener>,
    links: Links,
    /// By number: those on the air, and those that have ended and may still have overlapped with what is.
    air: BTreeMap<u64, Transmission>,
    /// The latter, by their ends.
    ended: BTreeSet<(Instant, u64)>,
    transmissions: u64,
    /// Since when which stations are in the middle of a CAD.
    detecting: BTreeSet<(Instant, StationId)>,
    echoes: BTreeMap<u64, Echo>,
    next_echo: u64,
    /// What is to come.
    steps: BTreeSet<(Instant, Step)>,
    events: VecDeque<Event>,
}

impl Ether {
    /// A silent medium.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            seed,
            jitter: Jitter::new(seed),
            now: Instant::ZERO,
            listeners: Vec::new(),
            links: Links::default(),
            air: BTreeMap::new(),
            ended: BTreeSet::new(),
            transmissions: 0,
            detecting: BTreeSet::new(),
            echoes: BTreeMap::new(),
            next_echo: 0,
            steps: BTreeSet::new(),
            events: VecDeque::new(),
        }
    }

    /// Adds a station, which neither listens nor transmits.
    pub fn join(&mut self, position: Position) -> StationId {
        self.listeners.push(Listener::new(position));
        self.rearrange();
        StationId(self.listeners.len() - 1)
    }

    /// Moves a station; frames on the air are heard as from the new place.
    pub fn move_to(&mut self, station: StationId, position: Position) {
        if let Some(listener) = self.listeners.get_mut(station.0) {
            listener.position = position;
            self.rearrange();
        }
    }

    /// What goes wrong from now on.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.settings.faults
    }

    /// Begins to transmit `frame`; returns the instant at which its last symbol leaves. The station stops
    /// listening; a reception is given up.
    ///
    /// # Errors
    /// [`Refused`] when the station is transmitting or in the middle of a CAD, does not exist, or the frame is
    /// empty or too long.
    pub fn transmit(
        &mut self,
        station: StationId,
        frame: &[u8],
        channel: &Channel,
        now: Instant,
    ) -> Result<Instant, Refused> {
        let now = self.advance(now);
        if frame.is_empty() || frame.len() > MAX_FRAME {
            return Err(Refused::Length);
        }
        let until = now + self.settings.time_on_air(channel.rate, frame.len());
        let listener = self.listeners.get_mut(station.0).ok_or(Refused::Unknown)?;
        listener.become_busy(Mode::Transmitting)?;
        let transmission = self.transmissions;
        self.transmissions += 1;
        let symbol = channel.rate.symbol();
        let preamble = self.settings.preamble_symbols;
        let frame: Arc<[u8]> = frame.into();
        let lock = now + symbol * u32::from(preamble);
        let row = self.spread(transmission, station, channel);
        self.steps.insert((lock, Step::Lock(transmission)));
        self.steps.insert((until, Step::End(transmission)));
        let begun = Transmission {
            number: transmission,
            source: station,
            channel: *channel,
            frame: frame.clone(),
            row,
            start: now,
            needed_from: now + symbol * u32::from(preamble.saturating_sub(LOCK_SYMBOLS)),
            lock,
            end: until,
            ended: false,
            cut: false,
        };
        self.air.insert(transmission, begun);
        let what = What::Began { transmission, frame, channel: *channel, until };
        self.events.push_back(Event { at: now, station, what });
        Ok(until)
    }

    /// Listens on `channel` until told otherwise. A reception on the same channel goes on.
    ///
    /// # Errors
    /// [`Refused`] when the station is transmitting or in the middle of a CAD, or does not exist.
    pub fn listen(&mut self, station: StationId, channel: &Channel, now: Instant) -> Result<(), Refused> {
        let now = self.advance(now);
        let listener = self.listeners.get_mut(station.0).ok_or(Refused::Unknown)?;
        match listener.mode {
            Mode::Listening { channel: current, .. } if current == *channel => Ok(()),
            _ => listener.become_busy(Mode::Listening { channel: *channel, since: now }),
        }
    }

    /// Falls silent and deaf, as by a power cut: the rest of a frame on the air is never sent.
    pub fn stop(&mut self, station: StationId, now: Instant) {
        let now = self.advance(now);
        let Some(listener) = self.listeners.get_mut(station.0) else { return };
        match listener.mode {
            Mode::Cad { since, until, .. } => {
                self.detecting.remove(&(since, station));
                self.steps.remove(&(until, Step::Cad(station)));
            }
            Mode::Transmitting => {
                for transmission in self.air.values_mut().filter(|t| t.source == station && !t.ended) {
                    self.steps.remove(&(transmission.end, Step::End(transmission.number)));
                    self.steps.insert((now, Step::End(transmission.number)));
                    transmission.cut = true;
                    transmission.end = now;
                }
            }
            Mode::Off | Mode::Listening { .. } => {}
        }
        listener.mode = Mode::Off;
        listener.following.clear();
    }

    /// Looks for chirps of `channel` for [`CAD_SYMBOLS`]; the answer is an event at the instant that is returned.
    ///
    /// # Errors
    /// [`Refused`] when the station is transmitting or in the middle of a CAD, or does not exist.
    pub fn cad(&mut self, station: StationId, channel: &Channel, now: Instant) -> Result<Instant, Refused> {
        let now = self.advance(now);
        let until = now + channel.rate.symbol() * CAD_SYMBOLS;
        let listener = self.listeners.get(station.0).ok_or(Refused::Unknown)?;
        if self.is_receiving(listener, channel, now) {
            self.events.push_back(Event { at: now, station, what: What::Cad { busy: true } });
            return Ok(now);
        }
        let listener = self.listeners.get_mut(station.0).ok_or(Refused::Unknown)?;
        listener.become_busy(Mode::Cad { channel: *channel, since: now, until })?;
        self.detecting.insert((now, station));
        self.steps.insert((until, Step::Cad(station)));
        Ok(until)
    }

    /// The next thing that has come to pass by `now`.
    pub fn poll(&mut self, now: Instant) -> Option<Event> {
        self.advance(now);
        self.events.pop_front()
    }

    /// When to call [`poll`](Ether::poll) next; `None` while nothing is on the air.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.events.front() {
            Some(event) => Some(event.at),
            None => self.steps.first().map(|(at, _)| *at),
        }
    }

    /// Strength of `source` at `destination` on `channel`, dBm; `-inf` where there is no link.
    pub fn rssi_dbm(&self, source: StationId, destination: StationId, channel: &Channel) -> f64 {
        f64::from(channel.power_dbm) - self.loss_db(source, destination, channel.frequency_hz)
    }

    /// Whether `destination` can receive `source` on `channel` in silence.
    pub fn in_range(&self, source: StationId, destination: StationId, channel: &Channel) -> bool {
        self.is_heard(self.rssi_dbm(source, destination, channel), channel)
    }

    /// The stations that can receive `source` on `channel` in silence.
    pub fn audience(&mut self, source: StationId, channel: &Channel) -> Vec<StationId> {
        let row = self.row(source, channel);
        let heard = |loss_db: f64| self.is_heard(f64::from(channel.power_dbm) - loss_db, channel);
        row.iter().filter(|link| heard(link.loss_db)).map(|link| link.to).collect()
    }

    fn is_heard(&self, rssi_dbm: f64, channel: &Channel) -> bool {
        rssi_dbm - self.noise_dbm(channel) >= f64::from(channel.rate.snr_limit_quarter_db()) / 4.0
    }
}
