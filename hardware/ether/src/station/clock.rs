//! A station's own clock, which counts from its last start and knows nothing of the world's.

use fanal_protocol::time::{Duration, Instant};

/// One instant on both clocks.
#[derive(Clone, Copy)]
pub(super) struct Now {
    /// For the ether, and for the store: what is written there outlives the station's clock.
    pub(super) world: Instant,
    /// For the node and its medium access.
    pub(super) own: Instant,
}

#[derive(Default)]
pub(super) struct Clock {
    started: Instant,
    ahead: Duration,
}

impl Clock {
    /// The power is back: it counts from nothing again.
    pub(super) fn start(&mut self, world: Instant) {
        *self = Self { started: world, ahead: Duration::ZERO };
    }

    pub(super) fn jump(&mut self, ahead: Duration) {
        self.ahead += ahead;
    }

    pub(super) fn read(&self, world: Instant) -> Now {
        Now { world, own: Instant::ZERO + (world - self.started) + self.ahead }
    }

    /// When it shows `own`; at once if it has shown that already.
    pub(super) fn in_world(&self, own: Instant) -> Instant {
        self.started + (own - (Instant::ZERO + self.ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_from_its_start_and_jumps_ahead() {
        let mut clock = Clock::default();
        clock.start(Instant::from_secs(100));
        assert_eq!(clock.read(Instant::from_secs(103)).own, Instant::from_secs(3));
        clock.jump(Duration::from_secs(60));
        assert_eq!(clock.read(Instant::from_secs(103)).own, Instant::from_secs(63));
        assert_eq!(clock.in_world(Instant::from_secs(63)), Instant::from_secs(103));
        assert_eq!(clock.in_world(Instant::from_secs(5)), Instant::from_secs(100));
    }
}
