//! The airtime that the law leaves: a reservoir that fills at a steady rate and is empty after a start.
//!
//! Airtime is taken from the reservoir before it is used. The reservoir holds a tenth of the budget of a window, and seven
//! eighths of the budget flow in during a window (half and half where the budget is small): whatever is sent, no window sees
//! more than the two together, which is less than what is allowed. Because it is empty after a start, that also holds across any number of power cuts, with
//! nothing to remember: a cut only loses what had gathered. (Of the tenth of an hour that is
//! allowed at 869.5 MHz, 0.0875 s gather in a second: a first beacon leaves after three seconds.)

use crate::region::Limit;
use crate::time::{Duration, Instant};

/// Thousandths of the budget that the reservoir holds, and that flow in during a window.
const USUAL: (u64, u64) = (100, 875);
/// The same for a budget of which a tenth would not hold the longest frame.
const SMALL: (u64, u64) = (480, 480);
/// Budgets below this are small: a frame can last nine seconds.
const SMALL_BELOW: Duration = Duration::from_secs(90);

/// What may be used of a channel's time.
#[derive(Debug)]
pub(super) struct Airtime {
    /// Kept when a channel without limit is chosen: the way back must not fill it.
    reservoir: Option<Reservoir>,
    limited: bool,
}

impl Airtime {
    pub(super) fn new(limit: Limit, now: Instant) -> Self {
        let mut airtime = Self { reservoir: None, limited: false };
        airtime.set_limit(limit, now);
        airtime
    }

    /// Another channel is used from now on. The reservoir takes along no more than it held, whichever sub-band that was
    /// for: simpler than the law, and stricter.
    pub(super) fn set_limit(&mut self, limit: Limit, now: Instant) {
        let (budget, window) = match limit {
            Limit::Unlimited => {
                self.limited = false;
                return;
            }
            Limit::DutyCycle { permille, window } => {
                (window * u32::from(permille.min(1_000)) / 1_000, window)
            }
            Limit::Dwell { limit, window } => (limit, window),
        };
        self.limited = true;
        let level = self.reservoir.as_ref().map_or(0, |old| old.level(now));
        let (held, flow) = if budget < SMALL_BELOW { SMALL } else { USUAL };
        let budget = micros(budget);
        let capacity = budget / 1_000 * held;
        self.reservoir = Some(Reservoir {
            capacity,
            inflow: budget / 1_000 * flow,
            window: micros(window).max(1),
            level: level.min(capacity),
            at: now,
        });
    }

    fn in_force(&self) -> Option<&Reservoir> {
        self.reservoir.as_ref().filter(|_| self.limited)
    }

    /// Whether a frame of this airtime may ever be sent.
    pub(super) fn allows(&self, airtime: Duration) -> bool {
        self.in_force().is_none_or(|reservoir| micros(airtime) <= reservoir.capacity)
    }

    /// When so much airtime is free, or as much as ever is. The instant may have passed.
    pub(super) fn free_at(&self, airtime: Duration) -> Instant {
        self.in_force().map_or(Instant::ZERO, |reservoir| reservoir.reaches(micros(airtime)))
    }

    /// A frame of this airtime is about to be sent.
    pub(super) fn charge(&mut self, airtime: Duration, now: Instant) {
        if let Some(reservoir) = self.reservoir.as_mut().filter(|_| self.limited) {
            let now = now.max(reservoir.at);
            reservoir.level = reservoir.level(now).saturating_sub(micros(airtime));
            reservoir.at = now;
        }
    }

    /// What is free now; `None` without a limit.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.in_force().map(|reservoir| Duration::from_micros(reservoir.level(now)))
    }
}

/// Times in microseconds.
#[derive(Debug)]
struct Reservoir {
    capacity: u64,
    /// Airtime that flows in during a window.
    inflow: u64,
    window: u64,
    /// What it held at `at`.
    level: u64,
    at: Instant,
}

impl Reservoir {
    /// A clock that went back adds nothing.
    fn level(&self, now: Instant) -> u64 {
        let elapsed = u128::from(micros(now - self.at));
        let gathered = elapsed * u128::from(self.inflow) / u128::from(self.window);
        u64::try_from(gathered).unwrap_or(u64::MAX).saturating_add(self.level).min(self.capacity)
    }

    fn reaches(&self, level: u64) -> Instant {
        let missing = u128::from(level.min(self.capacity).saturating_sub(self.level));
        let inflow = u128::from(self.inflow).max(1);
        let wait = (missing * u128::from(self.window)).div_ceil(inflow);
        self.at + Duration::from_micros(u64::try_from(wait).unwrap_or(u64::MAX))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests;
