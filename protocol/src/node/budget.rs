//! How many wrong tags are looked at: with a tag of 32 bits, guessing must be slow.

use crate::time::{Duration, Instant};

/// Wrong tags that may come in a burst.
const BURST: u32 = 64;
/// One more is looked at after this time: guessing one 32-bit tag takes 272 years on average.
const REFILL: Duration = Duration::from_secs(4);

/// A token bucket of forgeries.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    counted_to: Instant,
}

impl Budget {
    pub(super) const fn new(now: Instant) -> Self {
        Self { left: BURST, counted_to: now }
    }

    /// Whether a tag may be looked at.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        while self.left < BURST && now - self.counted_to >= REFILL {
            self.left += 1;
            self.counted_to += REFILL;
        }
        if self.left == BURST {
            self.counted_to = now;
        }
        self.left > 0
    }

    /// One was wrong.
    pub(super) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_forgeries_is_cut_off_and_forgiven_slowly() {
        let mut budget = Budget::new(Instant::ZERO);
        for _ in 0..BURST {
            assert!(budget.allows(Instant::ZERO));
            budget.spend();
        }
        assert!(!budget.allows(Instant::ZERO + REFILL / 2));
        assert!(budget.allows(Instant::ZERO + REFILL));
        budget.spend();
        assert!(!budget.allows(Instant::ZERO + REFILL));
        assert!(budget.allows(Instant::from_secs(1 << 40)));
    }
}
