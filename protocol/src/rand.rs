//! Seeded randomness for jitter and backoff. Not for keys or nonces: those come from the caller's CSPRNG.

use crate::time::Duration;

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// A generator whose whole output follows from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Sixty-four uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A duration in `0..=bound`, in whole microseconds; bounds above 584,000 years count as that.
    pub fn duration_up_to(&mut self, bound: Duration) -> Duration {
        let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_outputs_match_the_published_generator() {
        let mut jitter = Jitter::new(1_234_567);
        assert_eq!(jitter.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(jitter.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bounds_hold() {
        let mut jitter = Jitter::new(7);
        assert_eq!(jitter.below(0), 0);
        for _ in 0..1_000 {
            assert!(jitter.below(10) < 10);
            assert!(jitter.duration_up_to(Duration::from_millis(3)) <= Duration::from_millis(3));
        }
    }
}
