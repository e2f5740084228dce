//! How long a packet waits before its node looks whether the channel is free.

use std::collections::VecDeque;

use fanal_protocol::rand::Jitter;
use fanal_protocol::region::Rate;
use fanal_protocol::region::airtime::{Header, time_on_air};
use fanal_protocol::time::{Duration, Instant};

use super::PREAMBLE_SYMBOLS;
use super::packet::Packet;

/// Exponents of the contention window.
const CW_MIN: u32 = 3;
const CW_MAX: u32 = 8;
/// Signal-to-noise ratios that these belong to, dB.
const SNR_DB: (i32, i32) = (-20, 10);
/// Propagation, turnaround and processing within a slot, beside two and a half symbols.
const SLOT_EXTRA: Duration = Duration::from_micros(7_600);
/// What a node takes to make up its mind about a packet, in the eyes of who waits for it.
const PROCESSING: Duration = Duration::from_millis(4_500);
/// Over which the use of the channel is averaged.
const MINUTE: Duration = Duration::from_secs(60);

/// What a node knows of its channel.
pub(super) struct Backoff {
    rate: Rate,
    /// What was on the air in the last minute.
    lately: VecDeque<(Instant, Duration)>,
}

impl Backoff {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, lately: VecDeque::new() }
    }

    pub(super) fn slot(&self) -> Duration {
        self.rate.symbol() * 5 / 2 + SLOT_EXTRA
    }

    /// A frame of so many octets was heard or sent.
    pub(super) fn on_air(&mut self, octets: usize, now: Instant) {
        self.lately.push_back((now, self.airtime(octets)));
        self.forget(now);
    }

    fn forget(&mut self, now: Instant) {
        while self.lately.front().is_some_and(|(at, _)| now - *at >= MINUTE) {
            self.lately.pop_front();
        }
    }

    fn airtime(&self, octets: usize) -> Duration {
        time_on_air(self.rate, PREAMBLE_SYMBOLS, octets, Header::Explicit, true)
    }

    /// The exponent for packets of one's own: the busier the channel, the greater.
    fn own_window(&mut self, now: Instant) -> u32 {
        self.forget(now);
        let used: Duration = self.lately.iter().map(|(_, airtime)| *airtime).sum();
        let percent = (used.as_millis() * 100 / MINUTE.as_millis()).min(100) as u32;
        CW_MIN + percent * (CW_MAX - CW_MIN) / 100
    }

    /// Slots before a packet of one's own.
    pub(super) fn own_slots(&mut self, jitter: &mut Jitter, now: Instant) -> u32 {
        let window = self.own_window(now);
        below(1 << window, jitter)
    }

    /// How long a source waits for somebody to repeat its packet.
    pub(super) fn patience(&mut self, packet: &Packet, now: Instant) -> Duration {
        let slots = (1 << self.own_window(now)) + 2 * CW_MAX + (1 << ((CW_MAX + CW_MIN) / 2));
        self.airtime(packet.octets()) * 2 + self.slot() * slots + PROCESSING
    }
}

/// Slots before the repetition of a packet that was heard this well.
pub(super) fn repetition_slots(snr_db: i8, jitter: &mut Jitter) -> u32 {
    2 * CW_MAX + below(1 << window(snr_db), jitter)
}

/// From [`CW_MIN`] to [`CW_MAX`], in whole steps, rounded down.
fn window(snr_db: i8) -> u32 {
    let above = i32::from(snr_db).clamp(SNR_DB.0, SNR_DB.1) - SNR_DB.0;
    CW_MIN + above.unsigned_abs() * (CW_MAX - CW_MIN) / (SNR_DB.1 - SNR_DB.0).unsigned_abs()
}

fn below(bound: u32, jitter: &mut Jitter) -> u32 {
    jitter.below(bound.into()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_hears_worst_goes_first() {
        for (snr_db, expected) in [(-30, 3), (-20, 3), (-15, 3), (-14, 4), (0, 6), (9, 7), (10, 8), (40, 8)] {
            assert_eq!(window(snr_db), expected, "{snr_db} dB");
        }
        let mut jitter = Jitter::new(1);
        for _ in 0..1_000 {
            assert!((16..24).contains(&repetition_slots(-20, &mut jitter)));
            assert!((16..272).contains(&repetition_slots(10, &mut jitter)));
        }
    }

    #[test]
    fn a_slot_is_two_and_a_half_symbols_and_a_little() {
        // A symbol of SF11/250 lasts 8.192 ms.
        let mut backoff = Backoff::new("SF11/250".parse().unwrap());
        assert_eq!(backoff.slot(), Duration::from_micros(28_080));
        // 30 s of 60 are half: half way from 3 to 8, rounded down.
        assert_eq!(backoff.own_window(Instant::ZERO), 3);
        backoff.lately.push_back((Instant::from_secs(1), Duration::from_secs(30)));
        assert_eq!(backoff.own_window(Instant::from_secs(2)), 5);
        assert_eq!(backoff.own_window(Instant::from_secs(61)), 3);
    }
}
