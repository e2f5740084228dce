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
fn after_a_start_a_tenth_is_free_and_the_whole_a_window_later() {
    let start = Instant::from_secs(10_000);
    let mut airtime = ten_percent(start);
    assert_eq!(airtime.left(start), Some(Duration::from_secs(36)));
    assert_eq!(airtime.left(start + HOUR), Some(Duration::from_secs(360)));

    airtime.charge(Duration::from_secs(30), start);
    assert_eq!(airtime.left(start), Some(Duration::from_secs(6)));
    assert!(airtime.free_at(Duration::from_secs(6)).unwrap() <= start);
    let later = airtime.free_at(Duration::from_secs(7)).unwrap();
    assert!(later >= start + HOUR && later <= start + HOUR * 52 / 50, "{later:?}");
    assert_eq!(airtime.free_at(Duration::from_secs(361)), None);
    assert!(!airtime.allows(Duration::from_secs(361)));
    assert!(airtime.allows(Duration::from_secs(360)));
}

#[test]
fn without_a_limit_all_is_free() {
    let airtime = Airtime::new(Limit::Unlimited, Instant::ZERO);
    assert_eq!(airtime.left(Instant::ZERO), None);
    assert_eq!(airtime.free_at(Duration::MAX), Some(Instant::ZERO));
}

#[test]
fn changing_the_channel_to_and_fro_returns_no_airtime() {
    let now = Instant::from_secs(4_000);
    let mut airtime = ten_percent(Instant::ZERO);
    airtime.charge(Duration::from_secs(300), now);
    airtime.set_limit(Limit::Unlimited, now);
    assert_eq!(airtime.left(now), None);
    airtime.set_limit(Limit::DutyCycle { permille: 10, window: HOUR }, now);
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
    airtime
        .set_limit(Limit::Dwell { limit: Duration::from_millis(400), window: Duration::from_secs(20) }, now);
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
    airtime.set_limit(Limit::DutyCycle { permille: 100, window: HOUR }, now);
    assert!(airtime.left(now).unwrap() <= Duration::from_secs(60));
}

#[test]
fn a_clock_that_jumps_either_way_frees_nothing_too_early() {
    let mut airtime = ten_percent(Instant::ZERO);
    let now = Instant::from_secs(100_000);
    airtime.charge(Duration::from_secs(360), now);
    airtime.charge(Duration::from_secs(1), Instant::ZERO);
    assert_eq!(airtime.left(now), Some(Duration::ZERO));
    assert_eq!(airtime.left(now + Duration::from_secs(3_599)), Some(Duration::ZERO));
    assert_eq!(airtime.left(now + HOUR * 2), Some(Duration::from_secs(360)));
    airtime.charge(Duration::from_secs(1), Instant::FAR);
    let _ = airtime.free_at(Duration::from_secs(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever sends as soon as the ledger lets them, from whatever moment on, stays below the limit in every window.
    #[test]
    fn no_window_holds_more_than_the_limit(
        seed: u64,
        start in 0u64..10_000_000_000,
        longest in 20_000u64..4_000_000,
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
            let wanted = Duration::from_micros(1 + jitter.below(longest.min(budget)));
            now = now.max(airtime.free_at(wanted).unwrap());
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
