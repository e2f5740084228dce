use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::rand::Jitter;

const HOUR: Duration = Duration::from_secs(3_600);

fn ten_percent(now: Instant) -> Airtime {
    Airtime::new(Limit::DutyCycle { permille: 100, window: HOUR }, now)
}

/// The most airtime in any window, exactly: the worst window ends where a transmission ends, or begins where one begins.
pub(in crate::mac) fn worst_window(sent: &[(u64, u64)], window: u64) -> u64 {
    let within = |from: u64, to: u64| -> u64 {
        sent.iter().map(|&(start, end)| end.min(to).saturating_sub(start.max(from))).sum()
    };
    let ending = sent.iter().map(|&(_, end)| within(end.saturating_sub(window), end));
    let beginning = sent.iter().map(|&(start, _)| within(start, start + window));
    ending.chain(beginning).max().unwrap_or(0)
}

#[test]
fn after_a_start_airtime_gathers_and_no_more_than_a_tenth_of_the_budget() {
    let start = Instant::from_secs(10_000);
    let mut airtime = ten_percent(start);
    assert_eq!(airtime.left(start), Some(Duration::ZERO));
    assert_eq!(airtime.left(start + Duration::from_secs(8)), Some(Duration::from_millis(700)));
    assert_eq!(airtime.free_at(Duration::from_millis(700)), start + Duration::from_secs(8));
    assert_eq!(airtime.left(start + HOUR), Some(Duration::from_secs(36)));

    airtime.charge(Duration::from_secs(30), start + HOUR);
    assert_eq!(airtime.left(start + HOUR), Some(Duration::from_secs(6)));
    assert_eq!(airtime.free_at(Duration::from_secs(13)), start + HOUR + Duration::from_secs(80));
    assert!(!airtime.allows(Duration::from_secs(37)));
    assert!(airtime.allows(Duration::from_secs(36)));
    // More than it ever holds: as soon as it is full.
    assert_eq!(airtime.free_at(Duration::from_secs(361)), airtime.free_at(Duration::from_secs(36)));
}

#[test]
fn without_a_limit_all_is_free() {
    let airtime = Airtime::new(Limit::Unlimited, Instant::ZERO);
    assert_eq!(airtime.left(Instant::ZERO), None);
    assert_eq!(airtime.free_at(Duration::MAX), Instant::ZERO);
}

#[test]
fn changing_the_channel_to_and_fro_returns_no_airtime() {
    let now = Instant::from_secs(4_000);
    let mut airtime = ten_percent(Instant::ZERO);
    airtime.charge(Duration::from_secs(36), now);
    airtime.set_limit(Limit::Unlimited, now);
    assert_eq!(airtime.left(now), None);
    airtime.set_limit(Limit::DutyCycle { permille: 10, window: HOUR }, now);
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
    let dwell = Limit::Dwell { limit: Duration::from_millis(400), window: Duration::from_secs(20) };
    airtime.set_limit(dwell, now);
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
    airtime.set_limit(Limit::DutyCycle { permille: 100, window: HOUR }, now);
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
}

#[test]
fn a_clock_that_jumps_either_way_frees_nothing_too_early() {
    let mut airtime = ten_percent(Instant::ZERO);
    let now = Instant::from_secs(100_000);
    airtime.charge(Duration::from_secs(36), now);
    airtime.charge(Duration::from_secs(1), Instant::ZERO);
    assert_eq!(airtime.left(Instant::ZERO), Some(Duration::ZERO));
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
    assert_eq!(airtime.left(now + HOUR), Some(Duration::from_secs(36)));
    airtime.charge(Duration::from_secs(1), Instant::FAR);
    let _ = airtime.free_at(Duration::from_secs(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever sends as soon as the reservoir lets them, from whatever moment on and through any number of power cuts,
    /// stays below the limit in every window.
    #[test]
    fn no_window_holds_more_than_the_limit(
        seed: u64,
        start in 0u64..10_000_000_000,
        longest in 20_000u64..4_000_000,
        cuts in 0u64..20,
        limit in prop_oneof![
            Just((Limit::DutyCycle { permille: 100, window: HOUR }, 360_000_000u64, 3_600_000_000u64)),
            Just((Limit::DutyCycle { permille: 10, window: HOUR }, 36_000_000, 3_600_000_000)),
            Just((Limit::DutyCycle { permille: 1, window: HOUR }, 3_600_000, 3_600_000_000)),
            Just((
                Limit::Dwell { limit: Duration::from_millis(400), window: Duration::from_secs(20) },
                400_000, 20_000_000,
            )),
        ],
    ) {
        let (limit, budget, window) = limit;
        let mut jitter = Jitter::new(seed);
        let start = Instant::from_micros(start);
        let mut now = start;
        let mut airtime = Airtime::new(limit, now);
        let mut sent = Vec::new();
        while now < start + Duration::from_micros(4 * window) && sent.len() < 2_000 {
            let wanted = Duration::from_micros(1 + jitter.below(longest));
            if !airtime.allows(wanted) {
                continue;
            }
            if jitter.below(1_000) < cuts {
                airtime = Airtime::new(limit, now);
            }
            now = now.max(airtime.free_at(wanted));
            prop_assert!(airtime.left(now).unwrap() >= wanted);
            airtime.charge(wanted, now);
            // The radio begins a little after it was told to.
            let begin = now.as_micros() + jitter.below(window / 100);
            let end = begin + wanted.as_micros() as u64;
            sent.push((begin, end));
            now = Instant::from_micros(end + jitter.below(window / 200));
        }
        prop_assert!(worst_window(&sent, window) <= budget);
    }
}
