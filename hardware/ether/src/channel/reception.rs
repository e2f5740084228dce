//! The steps of the medium: locks, ends, detections and echoes, in order of time.

use std::sync::Arc;

use fanal_protocol::quality::Quality;
use fanal_protocol::region::Channel;
use fanal_protocol::time::Instant;

use super::interference::{rejection_db, same_chirps};
use super::propagation::{End, Position};
use super::{Ether, Event, Miss, Refused, StationId, What};
use crate::fault::{flip_bits, scramble};

/// A station as the medium sees it.
pub(super) struct Listener {
    pub(super) position: Position,
    pub(super) mode: Mode,
    /// Numbers of the transmissions that it has locked on to.
    pub(super) following: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Mode {
    Off,
    Listening { channel: Channel, since: Instant },
    Cad { channel: Channel, since: Instant, until: Instant },
    Transmitting,
}

impl Listener {
    pub(super) fn new(position: Position) -> Self {
        Self { position, mode: Mode::Off, following: Vec::new() }
    }

    /// Takes up `mode` unless it is in the middle of what cannot be interrupted.
    pub(super) fn become_busy(&mut self, mode: Mode) -> Result<(), Refused> {
        if matches!(self.mode, Mode::Transmitting | Mode::Cad { .. }) {
            return Err(Refused::Busy);
        }
        self.mode = mode;
        self.following.clear();
        Ok(())
    }
}

pub(super) struct Transmission {
    pub(super) number: u64,
    pub(super) source: StationId,
    pub(super) channel: Channel,
    pub(super) frame: Arc<[u8]>,
    pub(super) start: Instant,
    /// From here on a receiver needs it.
    pub(super) needed_from: Instant,
    /// The end of the preamble.
    pub(super) lock: Instant,
    pub(super) end: Instant,
    /// The end of the preamble has passed.
    pub(super) locked_on: bool,
    pub(super) ended: bool,
    /// The power failed before the end.
    pub(super) cut: bool,
}

/// A frame that will be heard once more.
pub(super) struct Echo {
    at: Instant,
    station: StationId,
    channel: Channel,
    received: What,
}

/// What happens next. The order decides between steps of the same instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    End(usize),
    Lock(usize),
    Cad(usize),
    Echo(usize),
}

impl Ether {
    /// Carries out all steps up to `now`, which never goes back.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        while let Some((at, step)) = self.next_step().filter(|(at, _)| *at <= now) {
            self.now = self.now.max(at);
            match step {
                Step::End(index) => self.end(index),
                Step::Lock(index) => self.lock(index),
                Step::Cad(index) => self.finish_cad(index),
                Step::Echo(index) => self.echo(index),
            }
        }
        self.now = self.now.max(now);
        self.now
    }

    pub(super) fn next_step(&self) -> Option<(Instant, Step)> {
        let ends = self.air.iter().enumerate().filter(|(_, t)| !t.ended).map(|(i, t)| (t.end, Step::End(i)));
        let locks = self
            .air
            .iter()
            .enumerate()
            .filter(|(_, t)| !t.ended && !t.locked_on)
            .map(|(i, t)| (t.lock, Step::Lock(i)));
        let cads = self.detecting().map(|(station, _, until)| (until, Step::Cad(station)));
        let echoes = self.echoes.iter().enumerate().map(|(i, e)| (e.at, Step::Echo(i)));
        ends.chain(locks).chain(cads).chain(echoes).min()
    }

    /// The preamble is over: whoever could hear the last of it follows the frame.
    fn lock(&mut self, index: usize) {
        let Some(transmission) = self.air.get(index) else { return };
        let (number, until) = (transmission.number, transmission.lock);
        let followers: Vec<usize> = (0..self.listeners.len())
            .filter(|station| {
                let free = self
                    .listeners
                    .get(*station)
                    .is_some_and(|l| l.following.len() < self.settings.reception.demodulators);
                free && self.hears(StationId(*station), transmission)
                    && self.survives(StationId(*station), transmission, until)
            })
            .collect();
        for station in followers {
            if let Some(listener) = self.listeners.get_mut(station) {
                listener.following.push(number);
            }
        }
        if let Some(transmission) = self.air.get_mut(index) {
            transmission.locked_on = true;
        }
    }

    /// Whether `station` has listened to these chirps since they were needed, and they are strong enough.
    fn hears(&self, station: StationId, transmission: &Transmission) -> bool {
        let Some(Mode::Listening { channel, since }) = self.listeners.get(station.0).map(|l| l.mode) else {
            return false;
        };
        same_chirps(&channel, &transmission.channel)
            && since <= transmission.needed_from
            && self.in_range(transmission.source, station, &transmission.channel)
    }

    /// Whether nothing destroys `transmission` at `station` before `until`.
    fn survives(&self, station: StationId, transmission: &Transmission, until: Instant) -> bool {
        let capture_db = self.settings.reception.capture_db;
        let from = if capture_db.is_some() { transmission.needed_from } else { transmission.start };
        let wanted_dbm = self.rssi_dbm(transmission.source, station, &transmission.channel);
        self.air.iter().all(|other| {
            if other.number == transmission.number || other.start >= until || other.end <= from {
                return true;
            }
            let threshold_db = capture_db.unwrap_or(f64::INFINITY);
            let Some(least_db) = rejection_db(&transmission.channel, &other.channel, threshold_db) else {
                return true;
            };
            let other_dbm = self.rssi_dbm(other.source, station, &other.channel);
            other_dbm == f64::NEG_INFINITY || wanted_dbm - other_dbm >= least_db
        })
    }

    fn end(&mut self, index: usize) {
        let Some(transmission) = self.air.get_mut(index) else { return };
        transmission.ended = true;
        let (number, source, cut) = (transmission.number, transmission.source, transmission.cut);
        if !cut {
            if let Some(listener) = self.listeners.get_mut(source.0) {
                listener.mode = Mode::Off;
            }
            let what = What::Transmitted { transmission: number };
            self.events.push_back(Event { at: self.now, station: source, what });
        }
        for station in (0..self.listeners.len()).map(StationId).filter(|station| *station != source) {
            self.end_at(station, index);
        }
        self.forget_the_past();
    }

    /// The frame has ended: what `station` has of it.
    fn end_at(&mut self, station: StationId, index: usize) {
        let Some(transmission) = self.air.get(index) else { return };
        let Some(listener) = self.listeners.get(station.0) else { return };
        let Mode::Listening { channel, .. } = listener.mode else { return };
        if !same_chirps(&channel, &transmission.channel)
            || !self.in_range(transmission.source, station, &transmission.channel)
        {
            return;
        }
        let (number, source) = (transmission.number, transmission.source);
        let miss = |reason| What::Missed { transmission: number, source, reason };
        let what = if !listener.following.contains(&number) {
            let collision =
                self.hears(station, transmission) && !self.survives(station, transmission, transmission.lock);
            miss(if collision { Miss::Collision } else { Miss::Deaf })
        } else {
            let intact = !transmission.cut && self.survives(station, transmission, transmission.end);
            let quality = self.quality(source, station, &transmission.channel);
            let mut frame = transmission.frame.to_vec();
            // Drawn for each frame, so that what happens to one does not shift the fate of the others.
            let fate = self.settings.faults.draw(source, station, &mut self.jitter);
            if let Some(listener) = self.listeners.get_mut(station.0) {
                listener.following.retain(|followed| *followed != number);
            }
            if fate.lost {
                miss(Miss::Fault)
            } else if !intact && !self.settings.reception.failed_crc {
                miss(Miss::Collision)
            } else {
                if !intact {
                    scramble(&mut frame, &mut self.jitter);
                } else if fate.corrupted {
                    flip_bits(&mut frame, &mut self.jitter);
                }
                let intact = intact && !fate.corrupted;
                let received =
                    What::Received { transmission: number, source, frame: frame.into(), quality, intact };
                if let Some(after) = fate.echo {
                    let received = received.clone();
                    self.echoes.push(Echo { at: self.now + after, station, channel, received });
                }
                received
            }
        };
        self.events.push_back(Event { at: self.now, station, what });
    }

    /// The activity detections under way: station, beginning, end.
    fn detecting(&self) -> impl Iterator<Item = (usize, Instant, Instant)> {
        self.detecting.iter().filter_map(|station| match self.listeners.get(*station)?.mode {
            Mode::Cad { since, until, .. } => Some((*station, since, until)),
            _ => None,
        })
    }

    fn finish_cad(&mut self, station: usize) {
        let Some(listener) = self.listeners.get_mut(station) else { return };
        let Mode::Cad { channel, since, until } = listener.mode else { return };
        listener.mode = Mode::Off;
        self.detecting.retain(|detecting| *detecting != station);
        let station = StationId(station);
        let symbol = channel.rate.symbol();
        let busy = self.air.iter().any(|transmission| {
            // At least one whole symbol of it must fall into the window.
            transmission.source != station
                && same_chirps(&channel, &transmission.channel)
                && transmission.end.min(until) - transmission.start.max(since) >= symbol
                && self.in_range(transmission.source, station, &transmission.channel)
        });
        self.events.push_back(Event { at: self.now, station, what: What::Cad { busy } });
        self.forget_the_past();
    }

    fn echo(&mut self, index: usize) {
        let echo = self.echoes.remove(index);
        let listens = self.listeners.get(echo.station.0).is_some_and(
            |listener| matches!(listener.mode, Mode::Listening { channel, .. } if channel == echo.channel),
        );
        if listens {
            self.events.push_back(Event { at: self.now, station: echo.station, what: echo.received });
        }
    }

    /// Drops what has ended before all that is still being judged began.
    fn forget_the_past(&mut self) {
        let frames = self.air.iter().filter(|t| !t.ended).map(|t| t.start);
        let cads = self.detecting().map(|(_, since, _)| since);
        let horizon = frames.chain(cads).min().unwrap_or(Instant::FAR);
        self.air.retain(|transmission| !transmission.ended || transmission.end > horizon);
    }

    pub(super) fn loss_db(&self, source: StationId, destination: StationId, frequency_hz: u32) -> f64 {
        let (Some(from), Some(to)) = (self.listeners.get(source.0), self.listeners.get(destination.0)) else {
            return f64::INFINITY;
        };
        let source = End { station: source, position: from.position };
        let destination = End { station: destination, position: to.position };
        self.settings.propagation.loss_db(source, destination, frequency_hz, self.seed)
    }

    pub(super) fn noise_dbm(&self, channel: &Channel) -> f64 {
        -174.0
            + 10.0 * f64::from(channel.rate.bandwidth.hz()).log10()
            + self.settings.reception.noise_figure_db
    }

    /// As an SX126x reports it: saturating.
    fn quality(&self, source: StationId, destination: StationId, channel: &Channel) -> Quality {
        let rssi_dbm = self.rssi_dbm(source, destination, channel);
        let snr_db = rssi_dbm - self.noise_dbm(channel);
        // `as` saturates.
        Quality { rssi_dbm: rssi_dbm.round() as i16, snr_quarter_db: (snr_db * 4.0).round() as i8 }
    }
}
