//! The steps of the medium: locks, ends, detections and echoes, in order of time.

use std::sync::Arc;

use fanal_protocol::quality::Quality;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::Channel;
use fanal_protocol::time::{Instant, earliest};
use libm::log10;

use super::interference::{rejection_db, same_chirps};
use super::links::{Link, Row};
use super::propagation::{End, Position};
use super::{Ether, Event, LOCK_SYMBOLS, Miss, Refused, StationId, What};
use crate::fault::{flip_bits, scramble};

/// A station as the medium sees it.
pub(super) struct Listener {
    pub(super) position: Position,
    pub(super) mode: Mode,
    /// Numbers of the transmissions that it has locked on to.
    pub(super) following: Vec<u64>,
    /// All of the air that matters here.
    pub(super) around: Vec<Around>,
}

/// A transmission as it arrives at one station.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub(super) number: u64,
    pub(super) rssi_dbm: f64,
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
        Self { position, mode: Mode::Off, following: Vec::new(), around: Vec::new() }
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
    /// Where it arrives.
    pub(super) row: Row,
    pub(super) start: Instant,
    /// From here on a receiver needs it.
    pub(super) needed_from: Instant,
    /// The end of the preamble.
    pub(super) lock: Instant,
    pub(super) end: Instant,
    pub(super) ended: bool,
    /// The power failed before the end.
    pub(super) cut: bool,
}

impl Transmission {
    /// Its strength at the end of a link.
    fn rssi_dbm(&self, link: &Link) -> f64 {
        f64::from(self.channel.power_dbm) - link.loss_db
    }
}

/// A frame that will be heard once more.
pub(super) struct Echo {
    station: StationId,
    channel: Channel,
    received: What,
}

/// What happens next. The order decides between steps of the same instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    End(u64),
    Lock(u64),
    Cad(StationId),
    Echo(u64),
}

impl Ether {
    /// Carries out all steps up to `now`, which never goes back.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        while self.steps.first().is_some_and(|(at, _)| *at <= now) {
            let Some((at, step)) = self.steps.pop_first() else { break };
            self.now = self.now.max(at);
            match step {
                Step::End(number) => self.end(number),
                Step::Lock(number) => self.lock(number),
                Step::Cad(station) => self.finish_cad(station),
                Step::Echo(number) => self.echo(number),
            }
        }
        self.now = self.now.max(now);
        self.now
    }

    /// The preamble is over: whoever could hear the last of it follows the frame.
    fn lock(&mut self, number: u64) {
        let Some(transmission) = self.air.get(&number).filter(|transmission| !transmission.ended) else {
            return;
        };
        let row = transmission.row.clone();
        let follows = |link: &&Link| {
            let Some(transmission) = self.air.get(&number) else { return false };
            let Some(listener) = self.listeners.get(link.to.0) else { return false };
            let rssi_dbm = transmission.rssi_dbm(link);
            listener.following.len() < self.settings.reception.demodulators
                && self.hears(listener, transmission, rssi_dbm)
                && self.survives(listener, transmission, rssi_dbm, transmission.lock)
        };
        let followers: Vec<StationId> = row.iter().filter(follows).map(|link| link.to).collect();
        for station in followers {
            if let Some(listener) = self.listeners.get_mut(station.0) {
                listener.following.push(number);
            }
        }
    }

    /// Whether a station has listened to these chirps since they were needed, and they are strong enough.
    fn hears(&self, listener: &Listener, transmission: &Transmission, rssi_dbm: f64) -> bool {
        let Mode::Listening { channel, since } = listener.mode else { return false };
        same_chirps(&channel, &transmission.channel)
            && since <= transmission.needed_from
            && self.is_heard(rssi_dbm, &transmission.channel)
    }

    /// Whether a station is following a frame, or has heard enough of a preamble to expect one.
    pub(super) fn is_receiving(&self, listener: &Listener, channel: &Channel, now: Instant) -> bool {
        let Mode::Listening { since, channel: tuned } = listener.mode else { return false };
        if !listener.following.is_empty() {
            return true;
        }
        let noticed = channel.rate.symbol() * u32::from(LOCK_SYMBOLS);
        same_chirps(&tuned, channel)
            && listener.around.iter().any(|around| {
                let Some(transmission) = self.air.get(&around.number) else { return false };
                let heard_since = transmission.start.max(since);
                same_chirps(channel, &transmission.channel)
                    && self.is_heard(around.rssi_dbm, &transmission.channel)
                    && heard_since + noticed <= now
                    && now < transmission.lock.min(transmission.end)
            })
    }

    /// Whether nothing around a station destroys `transmission` there before `until`.
    fn survives(
        &self,
        listener: &Listener,
        transmission: &Transmission,
        rssi_dbm: f64,
        until: Instant,
    ) -> bool {
        let capture_db = self.settings.reception.capture_db;
        let from = if capture_db.is_some() { transmission.needed_from } else { transmission.start };
        listener.around.iter().filter(|around| around.number != transmission.number).all(|around| {
            let Some(other) = self.air.get(&around.number) else { return true };
            if other.start >= until || other.end <= from {
                return true;
            }
            let threshold_db = capture_db.unwrap_or(f64::INFINITY);
            let least_db = rejection_db(&transmission.channel, &other.channel, threshold_db);
            least_db.is_none_or(|least_db| rssi_dbm - around.rssi_dbm >= least_db)
        })
    }

    fn end(&mut self, number: u64) {
        let Some(transmission) = self.air.get_mut(&number) else { return };
        transmission.ended = true;
        self.ended.insert((transmission.end, number));
        self.steps.remove(&(transmission.lock, Step::Lock(number)));
        let (source, row) = (transmission.source, transmission.row.clone());
        if !transmission.cut {
            if let Some(listener) = self.listeners.get_mut(source.0) {
                listener.mode = Mode::Off;
            }
            let what = What::Transmitted { transmission: number };
            self.events.push_back(Event { at: self.now, station: source, what });
        }
        for link in &*row {
            self.end_at(link, number);
        }
        self.forget_the_past();
    }

    /// The frame has ended: what one station has of it.
    fn end_at(&mut self, link: &Link, number: u64) {
        let Some(transmission) = self.air.get(&number) else { return };
        let (station, rssi_dbm) = (link.to, transmission.rssi_dbm(link));
        let Some(listener) = self.listeners.get(station.0) else { return };
        let Mode::Listening { channel, .. } = listener.mode else { return };
        if !same_chirps(&channel, &transmission.channel) || !self.is_heard(rssi_dbm, &transmission.channel) {
            return;
        }
        let source = transmission.source;
        let miss = |reason| What::Missed { transmission: number, source, reason };
        let survives = |until| self.survives(listener, transmission, rssi_dbm, until);
        let what = if !listener.following.contains(&number) {
            let collision = self.hears(listener, transmission, rssi_dbm) && !survives(transmission.lock);
            miss(if collision { Miss::Collision } else { Miss::Deaf })
        } else {
            let intact = !transmission.cut && survives(transmission.end);
            let quality = self.quality(rssi_dbm, &transmission.channel);
            let sent = transmission.frame.clone();
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
                let mut damaged = |damage: fn(&mut [u8], &mut Jitter)| {
                    let mut frame = sent.to_vec();
                    damage(&mut frame, &mut self.jitter);
                    frame.into()
                };
                let frame = match (intact, fate.corrupted) {
                    (false, _) => damaged(scramble),
                    (true, true) => damaged(flip_bits),
                    (true, false) => sent,
                };
                let intact = intact && !fate.corrupted;
                let received = What::Received { transmission: number, source, frame, quality, intact };
                if let Some(after) = fate.echo {
                    // One for each frame and station at most.
                    let echo = self.next_echo;
                    self.next_echo += 1;
                    self.steps.insert((self.now + after, Step::Echo(echo)));
                    self.echoes.insert(echo, Echo { station, channel, received: received.clone() });
                }
                received
            }
        };
        self.events.push_back(Event { at: self.now, station, what });
    }

    fn finish_cad(&mut self, station: StationId) {
        let Some(listener) = self.listeners.get_mut(station.0) else { return };
        let Mode::Cad { channel, since, until } = listener.mode else { return };
        listener.mode = Mode::Off;
        self.detecting.remove(&(since, station));
        let symbol = channel.rate.symbol();
        let busy = self.listeners.get(station.0).is_some_and(|listener| {
            listener.around.iter().any(|around| {
                let Some(transmission) = self.air.get(&around.number) else { return false };
                // At least one whole symbol of it must fall into the window.
                same_chirps(&channel, &transmission.channel)
                    && transmission.end.min(until) - transmission.start.max(since) >= symbol
                    && self.is_heard(around.rssi_dbm, &transmission.channel)
            })
        });
        self.events.push_back(Event { at: self.now, station, what: What::Cad { busy } });
        self.forget_the_past();
    }

    fn echo(&mut self, number: u64) {
        let Some(echo) = self.echoes.remove(&number) else { return };
        let listens = self.listeners.get(echo.station.0).is_some_and(
            |listener| matches!(listener.mode, Mode::Listening { channel, .. } if channel == echo.channel),
        );
        if listens {
            self.events.push_back(Event { at: self.now, station: echo.station, what: echo.received });
        }
    }

    /// Drops what has ended before all that is still being judged began.
    fn forget_the_past(&mut self) {
        // Numbers grow with time: the first that has not ended is the oldest.
        let frame = self.air.values().find(|transmission| !transmission.ended).map(|t| t.start);
        let cad = self.detecting.first().map(|(since, _)| *since);
        let horizon = earliest(frame, cad).unwrap_or(Instant::FAR);
        while let Some((end, number)) = self.ended.first().copied().filter(|(end, _)| *end <= horizon) {
            self.ended.remove(&(end, number));
            let Some(transmission) = self.air.remove(&number) else { continue };
            for link in &*transmission.row {
                if let Some(listener) = self.listeners.get_mut(link.to.0) {
                    listener.around.retain(|around| around.number != number);
                }
            }
        }
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
            + 10.0 * log10(f64::from(channel.rate.bandwidth.hz()))
            + self.settings.reception.noise_figure_db
    }

    /// As an SX126x reports it: saturating.
    fn quality(&self, rssi_dbm: f64, channel: &Channel) -> Quality {
        let snr_db = rssi_dbm - self.noise_dbm(channel);
        // `as` saturates.
        Quality { rssi_dbm: rssi_dbm.round() as i16, snr_quarter_db: (snr_db * 4.0).round() as i8 }
    }
}
