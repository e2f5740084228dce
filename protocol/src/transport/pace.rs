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
/// Relays take a copy of a frame that comes sooner for a repetition by their last hop, and do not pass it on: eight seconds, and
/// some for what one copy may be delayed more than the other.
const SAME_AGAIN: Duration = Duration::from_secs(10);

/// The times that a path needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// From the end of one fragment to the start of the next. Zero: no pause, the channel alone decides.
    pub spacing: Duration,
    /// From the last fragment of a round to the first of the next, which repeats some of them.
    pub recess: Duration,
    /// What an answer may take beyond that over one hop each way. No shorter than the recess.
    pub flight: Duration,
    /// How long the destination waits for what is missing before it says so: what relays repeat comes late.
    pub patience: Duration,
}

impl Pace {
    /// The pace of a path of this many hops; 0 counts as 1.
    pub const fn over(hops: u8, rate: Rate) -> Self {
        let further = hops.saturating_sub(1) as u32;
        if further == 0 {
            let none = Duration::ZERO;
            return Self { spacing: none, recess: none, flight: none, patience: none };
        }
        let forward = rate.time_on_air(MAX_FRAME).saturating_add(TURNAROUND);
        let back = rate.time_on_air(wire::Status::MAX_OCTETS).saturating_add(TURNAROUND);
        let pause = if further < REUSE { further } else { REUSE - 1 };
        let patience = forward.saturating_mul(pause).saturating_add(HOP_REPEAT);
        let flight = forward.saturating_add(back).saturating_mul(further);
        let flight = flight.saturating_add(patience);
        Self {
            spacing: forward.saturating_mul(pause),
            recess: SAME_AGAIN,
            flight: if flight.as_micros() < SAME_AGAIN.as_micros() { SAME_AGAIN } else { flight },
            patience,
        }
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
            assert!(pace(hops + 1).flight >= pace(hops).flight, "{hops} hops");
            assert!(pace(hops).flight >= pace(hops).recess, "a poll is no repetition of the last hop");
        }
        let slow = |hops| Pace::over(hops, "SF12/125".parse().unwrap()).flight;
        assert!(slow(7) > slow(2) && slow(2) > pace(2).flight);
    }
}
