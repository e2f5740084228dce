//! The gateway's clocks: one that only runs forward, for the protocol; one that shows the date, for people.
//!
//! The date is read from the system once and then follows the first clock, so that nothing expires because somebody
//! set the time. A box without a battery-backed clock starts in 1970: [`Clock::settle`] carries the latest date that
//! the store has seen over such a start, and [`Clock::adjust`] notices when the date becomes known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use fanal_protocol::time::Instant;

/// 2026-01-01: a system that shows an earlier date does not know the date.
const PLAUSIBLE_MS: u64 = 1_767_225_600_000;

/// Both clocks; clones show the same.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: tokio::time::Instant,
    unix_origin_ms: Arc<AtomicU64>,
}

impl Clock {
    /// Starts the clocks: it is `unix_ms` now.
    pub fn start(unix_ms: u64) -> Self {
        Self { origin: tokio::time::Instant::now(), unix_origin_ms: Arc::new(AtomicU64::new(unix_ms)) }
    }

    /// What the date is, UNIX ms, and by how much everything remembered must be moved, given what the system shows and
    /// the latest date remembered (0: none).
    pub fn settle(system_ms: u64, seen_ms: u64) -> (u64, u64) {
        if seen_ms != 0 && seen_ms < PLAUSIBLE_MS && system_ms >= PLAUSIBLE_MS {
            return (system_ms, system_ms - seen_ms);
        }
        (system_ms.max(seen_ms), 0)
    }

    /// Time for the protocol.
    pub fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// When `at` will be, for a timer. Instants beyond a year count as that.
    pub fn deadline(&self, at: Instant) -> tokio::time::Instant {
        const YEAR: fanal_protocol::time::Duration =
            fanal_protocol::time::Duration::from_secs(365 * 24 * 3_600);
        let from_now = at.saturating_since(self.now()).min(YEAR);
        tokio::time::Instant::now() + from_now
    }

    /// The date, UNIX ms.
    pub fn unix_ms(&self) -> u64 {
        self.unix_origin_ms.load(Ordering::Relaxed).saturating_add(self.now().as_millis())
    }

    /// The least counter to begin with: four for each second since 2026 (until 2043), 0 while the date is unknown.
    ///
    /// Counters are nonces and must never repeat under one key. The store remembers them; should it be lost, or an old
    /// copy come back, they still do not repeat, for one pair of nodes never has four texts a second on the air.
    pub fn least_counter(&self) -> u32 {
        let quarters = self.unix_ms().saturating_sub(PLAUSIBLE_MS) / 250;
        u32::try_from(quarters).unwrap_or(u32::MAX).min(u32::MAX / 2)
    }

    /// Takes over the system's date if ours was unknown and the system's is not; by how many ms it moved.
    pub fn adjust(&self, system_ms: u64) -> Option<u64> {
        let shown = self.unix_ms();
        if shown >= PLAUSIBLE_MS || system_ms < PLAUSIBLE_MS {
            return None;
        }
        let by = system_ms - shown;
        self.unix_origin_ms.fetch_add(by, Ordering::Relaxed);
        Some(by)
    }
}

/// What the system shows, UNIX ms.
pub fn system_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u64 = PLAUSIBLE_MS + 1;

    #[test]
    fn a_box_that_starts_in_1970_goes_on_where_it_stopped() {
        assert_eq!(Clock::settle(TODAY, 0), (TODAY, 0));
        assert_eq!(Clock::settle(TODAY + 5, TODAY), (TODAY + 5, 0));
        assert_eq!(Clock::settle(7_000, TODAY), (TODAY, 0));
        assert_eq!(Clock::settle(7_000, 0), (7_000, 0));
    }

    #[test]
    fn a_date_that_becomes_known_moves_what_was_remembered() {
        assert_eq!(Clock::settle(TODAY, 7_000), (TODAY, TODAY - 7_000));
        let clock = Clock::start(7_000);
        assert_eq!(clock.adjust(8_000), None);
        let by = clock.adjust(TODAY).unwrap();
        assert!(by <= TODAY - 7_000);
        assert_eq!(clock.adjust(TODAY + 9_000), None, "only once");
    }

    #[test]
    fn counters_begin_where_no_earlier_run_can_have_been() {
        assert_eq!(Clock::start(7_000).least_counter(), 0);
        assert_eq!(Clock::start(PLAUSIBLE_MS + 90_000).least_counter(), 360);
        assert_eq!(Clock::start(u64::MAX).least_counter(), u32::MAX / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn both_clocks_run_at_one_speed() {
        let clock = Clock::start(TODAY);
        tokio::time::advance(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), Instant::from_millis(1_500));
        assert_eq!(clock.unix_ms(), TODAY + 1_500);
        assert_eq!(clock.deadline(Instant::ZERO), tokio::time::Instant::now());
        assert!(clock.deadline(Instant::FAR) > tokio::time::Instant::now());
    }
}
