//! When to speak: Trickle (RFC 6206), without suppression.
//!
//! An interval doubles from the shortest to the longest while nothing changes; in the second half of each there is
//! one beacon, at random, so that nodes switched on by the same return of power drift apart. A change that matters
//! begins anew with a short interval. Nothing is suppressed (RFC 6206, section 4.1, with an infinite `k`): each
//! beacon says what its own source hears, which nobody else can say.
//!
//! Beginning anew is rationed, which RFC 6206 leaves open: [`BURST`] times at once, and once more per longest
//! interval. A link that comes and goes all day then costs a few beacons per longest interval, not one per
//! shortest.

use crate::rand::Jitter;
use crate::time::{Duration, Instant, earliest};

/// The first beacon goes out within this time of the start: whoever keeps messages for this node learns that it is
/// back.
const FIRST_WITHIN: Duration = Duration::from_secs(4);
/// How often the interval may be shortened in quick succession.
const BURST: u32 = 8;

/// The timer of a node's beacon.
#[derive(Debug)]
pub(super) struct Trickle {
    shortest: Duration,
    longest: Duration,
    interval: Duration,
    ends_at: Instant,
    speaks_at: Option<Instant>,
    due: bool,
    /// When the ration of shortened intervals will be whole again.
    rested_at: Instant,
}

impl Trickle {
    /// A timer that starts at `now`. A `longest` interval of zero means silence.
    pub(super) fn new(shortest: Duration, longest: Duration, jitter: &mut Jitter, now: Instant) -> Self {
        let interval = shortest.min(longest);
        Self {
            shortest,
            longest,
            interval,
            ends_at: now + interval,
            speaks_at: Some(now + jitter.duration_up_to(FIRST_WITHIN.min(interval))),
            due: false,
            rested_at: now,
        }
    }

    /// Whether a beacon should go out.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// The beacon has gone out.
    pub(super) const fn sent(&mut self) {
        self.due = false;
    }

    /// When to call [`Trickle::handle_timeout`].
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.longest.is_zero() {
            return None;
        }
        earliest(self.speaks_at, Some(self.ends_at))
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, jitter: &mut Jitter, now: Instant) {
        if self.longest.is_zero() {
            return;
        }
        if self.speaks_at.is_some_and(|at| at <= now) {
            self.speaks_at = None;
            self.due = true;
        }
        if self.ends_at <= now {
            self.begin((self.interval * 2).min(self.longest), jitter, now);
        }
    }

    /// Something has changed that others should know soon. The new interval is the shortest one, longer by an eighth
    /// of it for each of `neighbors`: what all of them together may take of the air stays bounded.
    pub(super) fn hasten(&mut self, neighbors: usize, jitter: &mut Jitter, now: Instant) {
        let crowd = u32::try_from(neighbors).unwrap_or(u32::MAX);
        let interval =
            self.shortest.saturating_add(self.shortest.saturating_mul(crowd) / 8).min(self.longest);
        if interval >= self.interval || self.rested_at > now + self.longest * (BURST - 1) {
            return;
        }
        self.rested_at = self.rested_at.max(now) + self.longest;
        self.begin(interval, jitter, now);
    }

    fn begin(&mut self, interval: Duration, jitter: &mut Jitter, now: Instant) {
        self.interval = interval;
        self.ends_at = now + interval;
        self.speaks_at = Some(now + interval / 2 + jitter.duration_up_to(interval / 2));
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const SHORTEST: Duration = Duration::from_secs(10);
    const LONGEST: Duration = Duration::from_secs(160);

    /// The instants of the beacons up to `until`.
    fn run(trickle: &mut Trickle, jitter: &mut Jitter, until: Instant) -> Vec<Instant> {
        let mut beacons = Vec::new();
        while let Some(now) = trickle.poll_timeout().filter(|at| *at <= until) {
            trickle.handle_timeout(jitter, now);
            if trickle.is_due() {
                trickle.sent();
                beacons.push(now);
            }
        }
        beacons
    }

    #[test]
    fn one_beacon_falls_into_the_second_half_of_each_doubling_interval() {
        for seed in 0..50 {
            let mut jitter = Jitter::new(seed);
            let mut trickle = Trickle::new(SHORTEST, LONGEST, &mut jitter, Instant::ZERO);
            let beacons = run(&mut trickle, &mut jitter, Instant::from_secs(10 + 20 + 40 + 80 + 160 + 160));
            assert!(beacons[0] <= Instant::ZERO + FIRST_WITHIN);
            let mut begins = 10;
            for (beacon, interval) in beacons[1..].iter().zip([20, 40, 80, 160, 160]) {
                assert!(*beacon >= Instant::from_secs(begins + interval / 2), "seed {seed}");
                assert!(*beacon <= Instant::from_secs(begins + interval), "seed {seed}");
                begins += interval;
            }
            assert_eq!(beacons.len(), 6);
        }
    }

    #[test]
    fn a_change_is_told_within_the_shortest_interval_and_later_in_a_crowd() {
        let mut jitter = Jitter::new(1);
        for (neighbors, within) in [(0, 10), (8, 20), (1_000_000, 160)] {
            let mut trickle = Trickle::new(SHORTEST, LONGEST, &mut jitter, Instant::ZERO);
            let now = Instant::from_secs(1_000);
            run(&mut trickle, &mut jitter, now);
            trickle.hasten(neighbors, &mut jitter, now);
            let beacons = run(&mut trickle, &mut jitter, now + Duration::from_secs(within));
            assert!(!beacons.is_empty(), "{neighbors} neighbors");
        }
    }

    #[test]
    fn changes_without_end_do_not_make_a_storm() {
        let mut jitter = Jitter::new(1);
        let mut trickle = Trickle::new(SHORTEST, LONGEST, &mut jitter, Instant::ZERO);
        let mut beacons = 0;
        for second in 0..160 * 100 {
            let now = Instant::from_secs(second);
            trickle.hasten(0, &mut jitter, now);
            beacons += run(&mut trickle, &mut jitter, now).len();
        }
        // Hastened once per longest interval, a timer speaks five times in it.
        assert!(beacons <= 5 * 100 + 2 * BURST as usize, "{beacons} beacons in 100 longest intervals");
    }

    #[test]
    fn a_longest_interval_of_zero_means_silence() {
        let mut jitter = Jitter::new(1);
        let mut trickle = Trickle::new(SHORTEST, Duration::ZERO, &mut jitter, Instant::ZERO);
        trickle.hasten(3, &mut jitter, Instant::from_secs(1));
        trickle.handle_timeout(&mut jitter, Instant::FAR);
        assert!(!trickle.is_due() && trickle.poll_timeout().is_none());
    }
}
