//! When to try again: soon at first, twice as late each time, then an occasional probe, and at once when the
//! destination is heard.

use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::wire;

/// Room for the other side to make a message durable and for both radios to turn around.
const STORING: Duration = Duration::from_millis(900);
/// Unanswered attempts before the other side counts as absent.
const ABSENT_AFTER: u8 = 6;
/// Time between probes of an absent node. Its beacon, or that of somebody who knows a way to it, brings the next one
/// forward.
const PROBE_EVERY: Duration = Duration::from_secs(15 * 60);
/// Between two searches for a node to which nobody knows a way: at first, then ten times as long each time up to the second value.
const SEARCH_EVERY: (Duration, Duration) = (Duration::from_secs(10 * 60), Duration::from_secs(12 * 3600));
/// A source asks relays again no sooner than this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// After the node is heard, the next attempt follows within this time.
const HEARD_WITHIN: Duration = Duration::from_millis(1_500);
/// Hearing a node brings an attempt forward only when the last one is older than this.
const HEARD_HOLDOFF: Duration = Duration::from_secs(10);

/// Attempts in the short form before those in the strong one: the first is as often lost in a collision as to a forger, and the
/// seven octets of the strong form are spent where something is wrong.
pub const SHORT_ATTEMPTS: u8 = 2;

/// The attempts of one thing that waits for an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule {
    attempts: u8,
    /// How often a relay was seen to have taken it on.
    taken: u8,
    last: Option<Instant>,
}

impl Schedule {
    /// No attempt made yet.
    pub const fn new() -> Self {
        Self { attempts: 0, taken: 0, last: None }
    }

    /// Attempts so far, at most 255.
    pub const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// Whether the next attempt is to be one that no forger can keep from being looked at.
    pub const fn wants_strong(&self) -> bool {
        self.attempts.saturating_add(self.taken) >= SHORT_ATTEMPTS
    }

    /// Whether an attempt left the antenna no longer than `period` ago.
    pub fn tried_within(&self, period: Duration, now: Instant) -> bool {
        self.last.is_some_and(|last| now - last <= period)
    }

    /// An attempt left the antenna at `now`; when to make the next if nothing of `octets` octets answers it.
    pub fn transmitted(&mut self, octets: usize, rate: Rate, jitter: &mut Jitter, now: Instant) -> Instant {
        self.attempts = self.attempts.saturating_add(1);
        self.last = Some(now);
        let answer = rate.time_on_air(octets.max(wire::Receipt::OCTETS)) * 3 + STORING;
        let wait = match self.attempts.checked_sub(ABSENT_AFTER) {
            Some(_) => PROBE_EVERY,
            None => answer * (1 << (self.attempts - 1)),
        };
        now + wait + jitter.duration_up_to(wait / 2)
    }

    /// An attempt left the antenna at `now` that everybody was to pass on; when to make the next if no answer comes.
    pub fn searched(&mut self, jitter: &mut Jitter, now: Instant) -> Instant {
        self.last = Some(now);
        let wait = (SEARCH_EVERY.0 * 10_u32.pow(self.attempts.min(4).into())).min(SEARCH_EVERY.1);
        self.attempts = self.attempts.saturating_add(1);
        now + wait + jitter.duration_up_to(wait / 2)
    }

    /// There is a way now where there was none: when to try.
    pub fn routed(&mut self, jitter: &mut Jitter, now: Instant) -> Instant {
        self.attempts = 0;
        now + jitter.duration_up_to(HEARD_WITHIN)
    }

    /// A relay has taken the frame of `octets` octets on at `now`, with some `hops` to go: when to ask again if no
    /// receipt comes. Relays take a copy that comes sooner for a repetition by its last hop. The first hop works, so the
    /// attempts over it begin anew.
    pub fn relayed(
        &mut self,
        octets: usize,
        hops: u32,
        rate: Rate,
        jitter: &mut Jitter,
        now: Instant,
    ) -> Instant {
        let hop = rate.time_on_air(octets) + rate.time_on_air(wire::Receipt::OCTETS) + STORING;
        let wait = (hop * hops * 2).max(ASK_AGAIN_AFTER) * (1 << self.taken.min(ABSENT_AFTER));
        self.taken = self.taken.saturating_add(1);
        self.attempts = self.attempts.min(1);
        now + wait + jitter.duration_up_to(wait / 2)
    }

    /// The other side was heard at `now`: when to try, if that is worth bringing forward.
    pub fn heard(&mut self, planned: Instant, jitter: &mut Jitter, now: Instant) -> Option<Instant> {
        if self.last.is_some_and(|last| now - last < HEARD_HOLDOFF) {
            return None;
        }
        let at = now + jitter.duration_up_to(HEARD_WITHIN);
        if at >= planned {
            return None;
        }
        self.attempts = 0;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> Rate {
        "SF9/500".parse().unwrap()
    }

    #[test]
    fn gaps_double_and_then_become_probes() {
        let (mut schedule, mut jitter) = (Schedule::new(), Jitter::new(3));
        let mut now = Instant::from_secs(1);
        let mut floor = Duration::ZERO;
        for _ in 0..ABSENT_AFTER - 1 {
            let next = schedule.transmitted(0, rate(), &mut jitter, now);
            assert!(next - now > floor);
            floor = (next - now) * 4 / 3 - Duration::from_micros(1);
            now = next;
        }
        let probe = schedule.transmitted(0, rate(), &mut jitter, now) - now;
        assert!(probe >= PROBE_EVERY && probe <= PROBE_EVERY * 3 / 2);
    }

    #[test]
    fn hearing_the_node_brings_a_probe_forward_but_not_a_fresh_attempt() {
        let (mut schedule, mut jitter) = (Schedule::new(), Jitter::new(3));
        let now = Instant::from_secs(100);
        let planned = schedule.transmitted(0, rate(), &mut jitter, now);
        assert_eq!(schedule.heard(planned, &mut jitter, now + Duration::from_secs(1)), None);
        let later = now + Duration::from_secs(60);
        let at = schedule.heard(later + PROBE_EVERY, &mut jitter, later).unwrap();
        assert!(at >= later && at <= later + HEARD_WITHIN);
    }
}
