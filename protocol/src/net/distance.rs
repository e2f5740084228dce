//! What makes routes free of loops at every instant: the feasibility condition of Babel (RFC 8966, section 3.5.1).
//!
//! A node remembers, for each destination, the best distance that it has ever told others: its *feasibility
//! distance*. It uses a neighbor's offer only if that is strictly better. The neighbor's own feasibility distance
//! is no worse than its offer; so it gets strictly better with each hop of a route, and no route comes back to
//! where it was. This holds whatever is lost, late or told in what order, since each node looks at its own memory
//! only.
//!
//! A newer sequence is better than any older one, and only the destination makes new ones: this is how a node gets
//! past its own memory when all that is offered to it is longer than what it once told (RFC 8966, section 2.6).

use crate::wire::Metric;

use super::BLOCK;

/// The sequence that a beacon counter stands for: it moves on with each block of counters, hence with each restart.
pub(super) const fn sequence_of(counter: u32) -> u8 {
    (counter / BLOCK) as u8
}

/// Whether `a` is newer than `b`, of two sequences less than 128 apart (RFC 1982).
pub(super) const fn is_newer(a: u8, b: u8) -> bool {
    a.wrapping_sub(b) as i8 > 0
}

/// How far a node is, and how recent that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Distance {
    pub(super) sequence: u8,
    pub(super) metric: Metric,
}

impl Distance {
    /// Whether an offer of this distance is feasible for who has told `limit`.
    pub(super) fn is_better_than(self, limit: Distance) -> bool {
        is_newer(self.sequence, limit.sequence)
            || self.sequence == limit.sequence && self.metric < limit.metric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(sequence: u8, eighths: u32) -> Distance {
        Distance { sequence, metric: Metric::of_eighths(eighths) }
    }

    #[test]
    fn sequences_move_on_with_the_blocks_of_counters_and_wrap() {
        assert_eq!([0, 31, 32, 8_191, 8_192].map(sequence_of), [0, 0, 1, 255, 0]);
        assert!(is_newer(1, 0) && is_newer(0, 255) && is_newer(127, 0));
        assert!(!is_newer(0, 0) && !is_newer(255, 0) && !is_newer(128, 0) && !is_newer(0, 128));
    }

    #[test]
    fn newer_is_better_than_nearer() {
        let told = distance(7, 20);
        assert!(distance(7, 19).is_better_than(told));
        assert!(distance(8, 126).is_better_than(told));
        assert!(!distance(7, 20).is_better_than(told));
        assert!(!distance(6, 0).is_better_than(told));
    }
}
