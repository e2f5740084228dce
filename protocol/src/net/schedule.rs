//! When the next beacon is due.
//!
//! The first one follows shortly after the start, so that whoever keeps messages for this node learns that it
//! is back; later ones come once an interval, with a fifth of it as jitter so that nodes switched on by the
//! same return of power drift apart.

use crate::rand::Jitter;
use crate::time::{Duration, Instant};

/// The first beacon goes out within this time of the start.
const FIRST_WITHIN: Duration = Duration::from_secs(4);

/// The timer of a node's beacon.
#[derive(Debug)]
pub struct BeaconSchedule {
    interval: Duration,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Never,
    Waiting(Instant),
    Due,
}

impl BeaconSchedule {
    /// A schedule that starts at `now`. An `interval` of zero means that this node sends no beacons.
    pub fn new(interval: Duration, jitter: &mut Jitter, now: Instant) -> Self {
        let phase = if interval.is_zero() {
            Phase::Never
        } else {
            Phase::Waiting(now + jitter.duration_up_to(FIRST_WITHIN))
        };
        Self { interval, phase }
    }

    /// Whether a beacon should go out.
    pub fn is_due(&self) -> bool {
        self.phase == Phase::Due
    }

    /// When to call [`BeaconSchedule::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting(at) => Some(at),
            Phase::Never | Phase::Due => None,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Waiting(at) if at <= now) {
            self.phase = Phase::Due;
        }
    }

    /// A beacon has been handed out: plan the next one.
    pub fn sent(&mut self, jitter: &mut Jitter, now: Instant) {
        let wait = self.interval - self.interval / 10 + jitter.duration_up_to(self.interval / 5);
        self.phase = Phase::Waiting(now + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beacons_come_soon_after_the_start_and_then_once_an_interval() {
        let mut jitter = Jitter::new(1);
        let mut schedule = BeaconSchedule::new(Duration::from_secs(600), &mut jitter, Instant::ZERO);
        let first = schedule.poll_timeout().unwrap();
        assert!(first <= Instant::ZERO + FIRST_WITHIN);
        schedule.handle_timeout(first);
        assert!(schedule.is_due() && schedule.poll_timeout().is_none());
        schedule.sent(&mut jitter, first);
        let second = schedule.poll_timeout().unwrap() - first;
        assert!(second >= Duration::from_secs(540) && second <= Duration::from_secs(660));
    }

    #[test]
    fn a_zero_interval_means_silence() {
        let mut schedule = BeaconSchedule::new(Duration::ZERO, &mut Jitter::new(1), Instant::ZERO);
        schedule.handle_timeout(Instant::FAR);
        assert!(!schedule.is_due() && schedule.poll_timeout().is_none());
    }
}
