//! What a hop costs: the transmissions that it takes until a frame is across and the answer back.
//!
//! Expected transmissions (De Couto et al., "A high-throughput path metric for multi-hop wireless routing", 2003):
//! one over the share of frames that arrive there, times one over the share that arrives here. The share that
//! arrives here is measured, by the gaps between the counters of a neighbor's beacons; how much of ours arrives
//! there is what its beacons say. Until enough beacons have been counted, the margin of the signal over what the
//! rate needs stands in.

use crate::quality::Quality;
use crate::region::Rate;
use crate::wire::Metric;

use super::{BLOCK, ROTATION};

/// All frames arrive.
const WHOLE: u32 = 0xFFFF;
/// One beacon moves the measured share by 1/8 of what is missing to it.
const WEIGHT: u32 = 8;
/// Margin, in quarter decibels, from which on nearly every frame is read: fading spreads a signal by some 3.6 dB
/// (Bor et al., "Do LoRa low-power wide-area networks scale?", 2016), and this is twice that.
const SAFE_MARGIN: i32 = 28;
/// So many beacons of a neighbor in a row that speak of others and not of us mean that it hears us no more: thrice
/// what it takes to speak of everybody once.
const PATIENCE: u8 = 3 * ROTATION;
/// The most that an inward loss is said to cost, eighths: all that is short of "unreachable".
const LONGEST_INWARD: u32 = 126;
/// A hop that remains unanswered quadruples what the link is felt to cost. A second one lets a link rest whose neighbor
/// has not been heard lately, until it is heard to hear us; else the channel is to blame rather than the neighbor.
const UNANSWERED: u8 = 2;
const RESTS: u8 = 2 * UNANSWERED;

/// What a link costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Expected transmissions of a frame and its answer.
    pub metric: Metric,
    /// Doublings for as long as frames remain unanswered. For a node's own choice; others are not told of it, since it comes and goes
    /// with the traffic.
    pub strain: u8,
}

impl Cost {
    /// No way.
    pub(super) const NONE: Self = Self { metric: Metric::UNREACHABLE, strain: 0 };

    /// Eighths of a transmission, as felt by those who must use it.
    pub(super) fn felt(self) -> u32 {
        u32::from(self.metric.eighths()) << self.strain
    }
}

/// The link to a neighbor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// Share of its frames that arrive here.
    share: u16,
    heard_there: HeardThere,
    /// Doublings of the cost since a hop remained unanswered.
    unanswered: u8,
}

/// What a neighbor's beacons say of our frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum HeardThere {
    /// Nothing: no beacon yet, or it speaks of others only.
    No,
    /// It speaks of nobody yet, as after a start: as many may arrive as the other way.
    Perhaps,
    /// They arrive, at this cost; so many beacons since did not say so.
    At { metric: Metric, silent: u8 },
}

impl Link {
    /// The link over which the first frame came with this quality.
    pub(super) fn new(quality: Quality, rate: Rate) -> Self {
        let margin = i32::from(quality.snr_quarter_db) - i32::from(rate.snr_limit_quarter_db());
        let whole = WHOLE as i32;
        let share = (whole / 2 + whole / 2 * margin / SAFE_MARGIN).clamp(whole / 8, whole - whole / 32);
        Self { share: share as u16, heard_there: HeardThere::No, unanswered: 0 }
    }

    /// A beacon came after the one with counter `last`.
    ///
    /// A counter that jumps into a later block tells of a restart, not of losses: only its own block is counted.
    pub(super) fn counted(&mut self, last: u32, counter: u32) {
        let sent = counter.saturating_sub(last).min(counter % BLOCK + 1);
        for lost in (0..sent).rev() {
            let share = u32::from(self.share);
            let moved = if lost > 0 { share - share / WEIGHT } else { share + (WHOLE - share) / WEIGHT };
            self.share = moved as u16;
        }
    }

    /// A beacon said at which cost it hears us: `ours`; or spoke of others, or of nobody.
    pub(super) fn told(&mut self, ours: Option<Metric>, speaks_of_neighbors: bool) {
        self.heard_there = match (ours, self.heard_there) {
            (Some(metric), _) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                HeardThere::At { metric, silent: 0 }
            }
            (None, HeardThere::At { metric, silent }) if silent < PATIENCE => {
                HeardThere::At { metric, silent: silent + u8::from(speaks_of_neighbors) }
            }
            (None, _) if speaks_of_neighbors => HeardThere::No,
            (None, _) => HeardThere::Perhaps,
        };
    }

    /// Several attempts in a row over this link were not answered. `heard`: the neighbor has been heard lately.
    pub(super) fn unanswered(&mut self, heard: bool) {
        let most = if heard { UNANSWERED } else { RESTS };
        self.unanswered = self.unanswered.max(most.min(self.unanswered + UNANSWERED));
    }

    /// An attempt over this link was answered.
    pub(super) const fn answered(&mut self) {
        self.unanswered = 0;
    }

    /// Expected transmissions until a frame of the neighbor arrives here: what our beacons say of it. Never
    /// unreachable, since it has been heard.
    pub fn inward(&self) -> Metric {
        let share = u32::from(self.share).max(1);
        let eighths = (u32::from(Metric::HOP.eighths()) * WHOLE + share / 2) / share;
        Metric::of_eighths(eighths.min(LONGEST_INWARD))
    }

    /// Expected transmissions until a frame of ours arrives there; unreachable while nothing says that any does.
    pub fn outward(&self) -> Metric {
        match self.heard_there {
            HeardThere::No => Metric::UNREACHABLE,
            HeardThere::Perhaps => self.inward(),
            HeardThere::At { metric, .. } => metric,
        }
    }

    /// A link that carries one way only is no way.
    pub fn cost(&self) -> Cost {
        let (inward, outward) = (self.inward(), self.outward());
        if !outward.is_reachable() || self.unanswered >= RESTS {
            return Cost::NONE;
        }
        let hop = u32::from(Metric::HOP.eighths());
        let eighths = (u32::from(inward.eighths()) * u32::from(outward.eighths()) + hop / 2) / hop;
        Cost { metric: Metric::of_eighths(eighths.max(hop)), strain: self.unanswered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(crate::region::SpreadingFactor::Sf9, crate::region::Bandwidth::Khz500);

    fn quality(snr_db: i8) -> Quality {
        Quality { rssi_dbm: -100, snr_quarter_db: snr_db * 4 }
    }

    /// A link that both sides hear well.
    fn link() -> Link {
        let mut link = Link::new(quality(10), RATE);
        link.told(Some(Metric::HOP), true);
        link
    }

    #[test]
    fn a_strong_signal_promises_a_good_link_and_a_weak_one_does_not() {
        assert_eq!(Link::new(quality(10), RATE).inward(), Metric::HOP);
        assert_eq!(Link::new(quality(-12), RATE).inward().eighths(), 15);
        assert_eq!(Link::new(quality(-30), RATE).inward().eighths(), 64);
    }

    #[test]
    fn counted_beacons_outweigh_the_signal() {
        let mut link = Link::new(quality(10), RATE);
        for counter in (3..200).step_by(3) {
            link.counted(counter - 3, counter);
        }
        let eighths = link.inward().eighths();
        assert!((18..=32).contains(&eighths), "one in three arrives: {eighths}");
        for counter in 200..250 {
            link.counted(counter - 1, counter);
        }
        assert_eq!(link.inward(), Metric::HOP, "and now all do");
    }

    #[test]
    fn the_counters_that_a_restart_skips_are_not_losses() {
        let mut link = link();
        link.counted(5, 32);
        link.counted(32, 64);
        assert_eq!(link.cost().metric, Metric::HOP);
    }

    #[test]
    fn a_link_that_carries_one_way_is_no_way() {
        let mut link = Link::new(quality(10), RATE);
        assert_eq!(link.cost().metric, Metric::UNREACHABLE, "it may not even send beacons");
        link.told(None, false);
        assert_eq!(link.cost().metric, Metric::HOP, "it has heard nobody yet");
        link.told(None, true);
        assert_eq!(link.cost().metric, Metric::UNREACHABLE, "it hears others");
        link.told(Some(Metric::of_eighths(16)), true);
        assert_eq!(link.cost().metric, Metric::of_eighths(16));
        for _ in 0..PATIENCE {
            link.told(None, true);
            assert!(link.cost().metric.is_reachable(), "not every beacon speaks of everybody");
        }
        link.told(None, true);
        assert_eq!(link.cost().metric, Metric::UNREACHABLE);
    }

    #[test]
    fn losses_of_both_directions_multiply() {
        let mut link = Link::new(quality(-12), RATE);
        link.told(Some(Metric::of_eighths(16)), true);
        assert_eq!(link.cost().metric.eighths(), 30);
        link.told(Some(Metric::of_eighths(100)), true);
        assert_eq!(link.cost().metric, Metric::UNREACHABLE, "longer than a metric can say");
    }

    #[test]
    fn unanswered_hops_make_a_link_dear_to_its_node_and_let_it_rest_when_the_neighbor_is_silent() {
        let mut link = link();
        link.unanswered(true);
        assert_eq!((link.cost().metric, link.cost().felt()), (Metric::HOP, 32));
        link.unanswered(true);
        assert_eq!(
            (link.cost().metric, link.cost().felt()),
            (Metric::HOP, 32),
            "the channel may be to blame"
        );
        link.unanswered(false);
        assert_eq!(link.cost(), Cost::NONE);
        link.unanswered(true);
        assert_eq!(link.cost(), Cost::NONE, "until it is heard to hear us");
        link.told(Some(Metric::HOP), true);
        assert_eq!((link.cost().metric, link.cost().felt()), (Metric::HOP, 64));
        link.answered();
        assert_eq!((link.cost().metric, link.cost().felt()), (Metric::HOP, 8));
    }
}
