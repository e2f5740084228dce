//! How much is done at the wish of somebody who may be a forger: some in a burst, then a little now and then.

use crate::time::{Duration, Instant};

/// A token bucket.
#[derive(Debug)]
pub(crate) struct Budget {
    burst: u32,
    refill: Duration,
    left: u32,
    counted_to: Instant,
}

impl Budget {
    /// `burst` at once, and one more after each `refill`.
    pub(crate) const fn new(burst: u32, refill: Duration, now: Instant) -> Self {
        Self { burst, refill, left: burst, counted_to: now }
    }

    /// Whether anything is left.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        while self.left < self.burst && now.saturating_since(self.counted_to) >= self.refill {
            self.left += 1;
            self.counted_to += self.refill;
        }
        if self.left == self.burst {
            self.counted_to = now;
        }
        self.left > 0
    }

    /// One is used up.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Uses one up, even of those to come: when it will be there.
    pub(crate) fn reserve(&mut self, now: Instant) -> Instant {
        if self.take(now) {
            return now;
        }
        self.counted_to += self.refill;
        self.counted_to
    }

    /// Uses one up, if one is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let allowed = self.allows(now);
        self.spend();
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: u32 = 64;
    const REFILL: Duration = Duration::from_secs(4);

    #[test]
    fn a_flood_is_cut_off_and_forgiven_slowly() {
        let mut budget = Budget::new(BURST, REFILL, Instant::ZERO);
        for _ in 0..BURST {
            assert!(budget.take(Instant::ZERO));
        }
        assert!(!budget.take(Instant::ZERO + REFILL / 2));
        assert!(budget.take(Instant::ZERO + REFILL));
        assert!(!budget.allows(Instant::ZERO + REFILL));
        assert!(budget.allows(Instant::from_secs(1 << 40)));
    }

    #[test]
    fn what_is_reserved_comes_at_the_pace_of_the_refill() {
        let mut budget = Budget::new(2, REFILL, Instant::ZERO);
        let times = [0; 5].map(|_| budget.reserve(Instant::ZERO));
        let at = |refills| Instant::ZERO + REFILL * refills;
        assert_eq!(times, [at(0), at(0), at(1), at(2), at(3)]);
        assert!(!budget.allows(at(3)), "that one is gone already");
        assert_eq!(budget.reserve(at(4)), at(4));
    }
}
