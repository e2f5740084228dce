//! The airtime that the law leaves: a ledger over a sliding window.
//!
//! Airtime is charged before it is used, to a bucket of a fiftieth of the window, and returns only when the whole bucket
//! has left the window; the ledger errs toward silence by two buckets at most. After a start nobody knows what was sent
//! just before it, so during the first window only a tenth of the budget is free.

use crate::region::Limit;
use crate::time::{Duration, Instant};

/// Buckets per window.
const BUCKETS: u64 = 50;
/// Buckets kept: a window, the one under way, one more in case that the radio begins late, and those in which a long
/// frame may end.
const KEPT: u64 = 64;
/// How many buckets ahead of now a frame may end.
const AHEAD: u64 = KEPT - BUCKETS - 2;

/// What may be used of a channel's time.
#[derive(Debug)]
pub(super) struct Airtime {
    /// Kept when a channel without limit is chosen: the way back must not forget.
    ledger: Option<Ledger>,
    limited: bool,
}

impl Airtime {
    pub(super) fn new(limit: Limit, now: Instant) -> Self {
        let mut airtime = Self { ledger: None, limited: false };
        airtime.set_limit(limit, now);
        airtime
    }

    /// Another channel is used from now on. What was charged stays charged, whichever sub-band it was in: simpler than
    /// the law, and stricter.
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
        match &mut self.ledger {
            Some(ledger) if ledger.window == micros(window) => ledger.budget = micros(budget),
            other => {
                let charged = other.as_ref().map_or(0, |old| old.used_at(now.as_micros()));
                other.insert(Ledger::new(budget, window, now)).charge(Duration::from_micros(charged), now);
            }
        }
    }

    fn in_force(&self) -> Option<&Ledger> {
        self.ledger.as_ref().filter(|_| self.limited)
    }

    /// Whether a frame of this airtime may ever be sent.
    pub(super) fn allows(&self, airtime: Duration) -> bool {
        self.in_force().is_none_or(|ledger| micros(airtime) <= ledger.budget)
    }

    /// When so much airtime is free; `None` if never. The instant may have passed.
    pub(super) fn free_at(&self, airtime: Duration) -> Option<Instant> {
        self.in_force().map_or(Some(Instant::ZERO), |ledger| ledger.free_at(airtime))
    }

    /// A frame of this airtime is about to be sent.
    pub(super) fn charge(&mut self, airtime: Duration, now: Instant) {
        if let Some(ledger) = self.ledger.as_mut().filter(|_| self.limited) {
            ledger.charge(airtime, now);
        }
    }

    /// What is free now; `None` without a limit.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.in_force().map(|ledger| ledger.left(now))
    }
}

/// Times in microseconds.
#[derive(Debug)]
struct Ledger {
    budget: u64,
    window: u64,
    /// Length of a bucket: a fiftieth of the window, rounded up.
    bucket: u64,
    /// Until then only a tenth is free.
    unknown_until: u64,
    /// Number of the latest bucket that `used` has a place for; bucket n lies at n modulo [`KEPT`].
    newest: u64,
    used: [u64; KEPT as usize],
}

impl Ledger {
    fn new(budget: Duration, window: Duration, now: Instant) -> Self {
        let window = micros(window);
        let bucket = window.div_ceil(BUCKETS).max(1);
        Self {
            budget: micros(budget),
            window,
            bucket,
            unknown_until: now.as_micros().saturating_add(window),
            newest: now.as_micros() / bucket,
            used: [0; KEPT as usize],
        }
    }

    fn allowance(&self, now: u64) -> u64 {
        if now < self.unknown_until { self.budget / 10 } else { self.budget }
    }

    /// What each bucket holds and when that is free again, the oldest first.
    fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        (0..KEPT).rev().filter_map(|age| {
            let number = self.newest.checked_sub(age)?;
            let used = self.used.get((number % KEPT) as usize)?;
            Some((*used, number.saturating_add(BUCKETS + 2).saturating_mul(self.bucket)))
        })
    }

    fn used_at(&self, now: u64) -> u64 {
        self.buckets().filter(|&(_, free)| now < free).fold(0, |sum, (used, _)| sum.saturating_add(used))
    }

    fn left(&self, now: Instant) -> Duration {
        let now = now.as_micros();
        Duration::from_micros(self.allowance(now).saturating_sub(self.used_at(now)))
    }

    fn free_at(&self, airtime: Duration) -> Option<Instant> {
        let airtime = micros(airtime);
        let mut used = self.buckets().fold(0u64, |sum, (used, _)| sum.saturating_add(used));
        let mut found: Option<u64> = None;
        for (returned, since) in core::iter::once((0, 0)).chain(self.buckets()) {
            used = used.saturating_sub(returned);
            let wanted = used.saturating_add(airtime);
            let candidate = if wanted <= self.budget / 10 {
                since
            } else if wanted <= self.budget {
                since.max(self.unknown_until)
            } else {
                continue;
            };
            found = Some(found.map_or(candidate, |found| found.min(candidate)));
        }
        found.map(Instant::from_micros)
    }

    fn charge(&mut self, airtime: Duration, now: Instant) {
        let airtime = micros(airtime);
        let now = now.as_micros();
        let end = (now.saturating_add(airtime) / self.bucket).min((now / self.bucket).saturating_add(AHEAD));
        // A clock that went back must not write into the past.
        let number = if end.saturating_add(AHEAD) < self.newest { self.newest } else { end };
        if number > self.newest {
            for fresh in (self.newest + 1..=number).take(KEPT as usize) {
                if let Some(used) = self.used.get_mut((fresh % KEPT) as usize) {
                    *used = 0;
                }
            }
            self.newest = number;
        }
        if let Some(used) = self.used.get_mut((number % KEPT) as usize) {
            *used = used.saturating_add(airtime);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests;
