//! The time, as a seam: a board's timer, or a simulated one.

use fanal_protocol::time::Instant;

/// A monotonic clock that one can sleep by.
pub trait Clock {
    /// The time now; it never goes backwards.
    fn now(&self) -> Instant;

    /// Waits until `at`; returns at once when that has passed.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    async fn sleep_until(&self, at: Instant);
}

/// The board's clock by way of `embassy-time`.
#[cfg(feature = "qemu")]
#[derive(Clone, Copy, Debug, Default)]
pub struct BoardClock;

#[cfg(feature = "qemu")]
impl Clock for BoardClock {
    fn now(&self) -> Instant {
        Instant::from_micros(embassy_time::Instant::now().as_micros())
    }

    async fn sleep_until(&self, at: Instant) {
        embassy_time::Timer::at(embassy_time::Instant::from_micros(at.as_micros())).await;
    }
}
