//! How fast the fragments of a long text follow each other, and how long an answer to them takes.
//!
//! All stations of a path share one channel. While a relay forwards a fragment it cannot hear the next one, and its
//! forwarding reaches the station before it as well as the one behind it; so a source that sends without a pause makes
//! its own relays deaf. Three hops apart, two stations can transmit at one time.

use crate::region::Rate;
use crate::time::Duration;
use crate::wire::{self, MAX_FRAME};

/// Transmissions apart that two frames of one path must be, the first one's own included.
const REUSE: u32 = 3;
/// An estimate, as the next one. Between receiving and forwarding: storing, turning around, a few slots of waiting for the channel.
const TURNAROUND: Duration = Duration::from_millis(150);
/// What a relay's own repetition of a frame waits for before it goes out.
const HOP_REPEAT: Duration = Duration::from_millis(900);

/// The times that a path needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// From the end of one fragment to the start of the next. Zero: no pause, the channel alone decides.
    pub spacing: Duration,
    /// What the way to the destination and back takes beyond one hop each way.
    pub flight: Duration,
    /// How long the destination waits for what is missing before it says so: what relays repeat comes late.
    pub patience: Duration,
}

impl Pace {
    /// The pace of a path of this many hops; 0 counts as 1.
    pub const fn over(hops: u8, rate: Rate) -> Self {
        let further = hops.saturating_sub(1) as u32;
        if further == 0 {
            return Self { spacing: Duration::ZERO, flight: Duration::ZERO, patience: Duration::ZERO };
        }
        let forward = rate.time_on_air(MAX_FRAME).saturating_add(TURNAROUND);
        let back = rate.time_on_air(wire::Status::MAX_OCTETS).saturating_add(TURNAROUND);
        let pause = if further < REUSE { further } else { REUSE - 1 };
        let patience = forward.saturating_mul(pause).saturating_add(HOP_REPEAT);
        let flight = forward.saturating_add(back).saturating_mul(further);
        Self { spacing: forward.saturating_mul(pause), flight: flight.saturating_add(patience), patience }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hop_needs_no_pause_and_long_paths_no_longer_one() {
        let pace = |hops| Pace::over(hops, "SF9/500".parse().unwrap());
        assert_eq!(pace(0), pace(1));
        assert_eq!(pace(1).spacing, Duration::ZERO);
        assert!(pace(2).spacing > Duration::ZERO);
        assert!(pace(3).spacing > pace(2).spacing);
        assert_eq!(pace(7).spacing, pace(3).spacing);
        for hops in 1..7 {
            assert!(pace(hops + 1).flight > pace(hops).flight, "{hops} hops");
        }
    }
}
