//! When the channel may be tried: turnaround, the slot kept for an answer, random backoff.
//!
//! A station that hears a text leaves the channel to the answer; a station that sent one listens for it. What else waits
//! then goes in random slots, so that those who waited for the same moment do not meet. A channel found busy doubles the
//! number of slots to choose from, within bounds (as IEEE 802.11 and 802.15.4 do).

use crate::budget::Budget;
use crate::priority::Priority;
use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::wire::{Ack, DIRECT, FLOOD, FULL_HOP_LIMIT, Form, Frame, Receipt, Routed, Status};

/// From the end of a frame until its sender listens again.
pub(super) const TURNAROUND: Duration = Duration::from_millis(10);
/// An answer comes up to this much later still.
pub(super) const ANSWER_JITTER: Duration = Duration::from_millis(6);
/// What the destination may need to store a text durably, and to pass it through a serial link, before it answers.
pub(super) const STORING: Duration = Duration::from_millis(50);

/// So many answers have the channel left to them in a burst, and one more after each such time: who hears frames that nobody will
/// answer, because they are invented, does not fall silent for them.
const LEFT_TO_ANSWERS: (u32, Duration) = (16, Duration::from_millis(500));

/// Slots to choose from at first, and at most.
pub(super) const SLOTS: (u16, u16) = (8, 128);
/// The same for answers, which somebody is waiting for.
pub(super) const ANSWER_SLOTS: (u16, u16) = (4, 16);

const PRIORITIES: [Priority; 4] =
    [Priority::Background, Priority::Text, Priority::Receipt, Priority::Emergency];

fn bounds(priority: Priority) -> (u16, u16) {
    if priority == Priority::Receipt { ANSWER_SLOTS } else { SLOTS }
}

#[derive(Clone, Copy, Debug)]
struct Contention {
    until: Instant,
    slots: u16,
}

impl Contention {
    fn new(priority: Priority) -> Self {
        Self { until: Instant::ZERO, slots: bounds(priority).0 }
    }
}

#[derive(Debug)]
pub(super) struct Access {
    rate: Rate,
    jitter: Jitter,
    /// By priority.
    contention: [Contention; 4],
    /// Our own frame is being answered: not even an answer of ours may disturb that.
    listen_until: Instant,
    /// The last frame that was heard ended then.
    heard_at: Option<Instant>,
    /// For slots that are left to answers of others.
    answers: Budget,
}

impl Access {
    pub(super) fn new(rate: Rate, seed: u64) -> Self {
        Self {
            rate,
            jitter: Jitter::new(seed),
            contention: PRIORITIES.map(Contention::new),
            listen_until: Instant::ZERO,
            heard_at: None,
            answers: Budget::new(LEFT_TO_ANSWERS.0, LEFT_TO_ANSWERS.1, Instant::ZERO),
        }
    }

    /// Another channel: what was heard on the old one does not count.
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
        self.contention = PRIORITIES.map(Contention::new);
        self.listen_until = Instant::ZERO;
        self.heard_at = None;
    }

    /// Long enough for channel activity detection and for the radio to turn around.
    pub(super) fn slot(&self) -> Duration {
        self.rate.symbol() * 4 + Duration::from_millis(2)
    }

    fn of(&mut self, priority: Priority) -> Option<&mut Contention> {
        self.contention.get_mut(priority as usize)
    }

    /// The earliest instant at which a frame of this priority may try the channel.
    pub(super) fn earliest(&self, priority: Priority) -> Instant {
        let until = self.contention.get(priority as usize).map_or(Instant::ZERO, |own| own.until);
        until.max(self.listen_until)
    }

    /// When a frame that is handed over now is due.
    pub(super) fn due(&mut self, priority: Priority, now: Instant) -> Instant {
        if priority != Priority::Receipt {
            return now;
        }
        let turned = self.heard_at.map_or(now, |at| now.max(at + TURNAROUND));
        turned + self.jitter.duration_up_to(ANSWER_JITTER)
    }

    /// How long the channel is left to the answer to this frame, if it is one that is answered: by an ack, a receipt, or
    /// by the relay that passes it on.
    pub(super) fn answer_slot(&self, frame: &[u8]) -> Option<Duration> {
        let parsed = Frame::parse(frame);
        if let Ok(Frame::Direct(_)) = parsed {
            return Some(self.answered_by(Ack::OCTETS));
        }
        let routed = Routed::read(frame)?;
        let octets = match (routed.next_hop, parsed) {
            (FLOOD, _) => return None,
            (DIRECT, Ok(Frame::Text(text))) => {
                let (short, near) = (matches!(text.form, Form::Short(_)), text.hop_limit == FULL_HOP_LIMIT);
                match (short, near) {
                    (true, true) => Ack::OCTETS,
                    (true, false) => Receipt::OCTETS,
                    (false, true) => Ack::STRONG_OCTETS,
                    (false, false) => Receipt::STRONG_OCTETS,
                }
            }
            (DIRECT, Ok(Frame::Receipt(receipt))) if receipt.acknowledge => {
                if receipt.proof.is_strong() {
                    Ack::STRONG_OCTETS
                } else {
                    Ack::OCTETS
                }
            }
            // Of fragments nobody but the ends knows which is the last; a status that finds no room is asked for by a poll.
            (DIRECT, Ok(Frame::Fragment(fragment))) if fragment.poll_proof().is_some() => Status::MAX_OCTETS,
            (DIRECT, _) => return None,
            _ => frame.len(),
        };
        Some(self.answered_by(octets))
    }

    fn answered_by(&self, octets: usize) -> Duration {
        TURNAROUND + ANSWER_JITTER + STORING + self.rate.time_on_air(octets)
    }

    /// A frame was heard, and ended now.
    pub(super) fn heard(&mut self, frame: &[u8], now: Instant) {
        self.heard_at = Some(now);
        let slot = self.answer_slot(frame).filter(|_| self.answers.take(now));
        let free_at = now + slot.unwrap_or_default();
        self.defer_others(free_at);
    }

    /// Our own frame went out, and ended now.
    pub(super) fn transmitted(&mut self, priority: Priority, frame: &[u8], now: Instant) {
        self.settled(priority);
        let free_at = now + self.answer_slot(frame).unwrap_or_default();
        self.listen_until = self.listen_until.max(free_at);
        self.defer_others(free_at);
    }

    /// Everything but answers waits until then and some slots more, the same for all: the more important stays first.
    fn defer_others(&mut self, free_at: Instant) {
        let until = free_at + self.slot() * self.jitter.below(SLOTS.0.into()) as u32;
        for priority in PRIORITIES.into_iter().filter(|&priority| priority != Priority::Receipt) {
            if let Some(own) = self.of(priority) {
                own.until = own.until.max(until);
            }
        }
    }

    /// The channel is in use: wait, and longer the next time.
    pub(super) fn busy(&mut self, priority: Priority, now: Instant) {
        let slot = self.slot();
        let slots = self.of(priority).map_or(1, |own| own.slots);
        let chosen = 1 + self.jitter.below(slots.into()) as u32;
        if let Some(own) = self.of(priority) {
            own.until = own.until.max(now + slot * chosen);
            own.slots = slots.saturating_mul(2).min(bounds(priority).1);
        }
    }

    /// A frame of this priority went out or was given up: the next one starts with few slots.
    pub(super) fn settled(&mut self, priority: Priority) {
        if let Some(own) = self.of(priority) {
            own.slots = bounds(priority).0;
        }
    }

    /// Whether a channel found clear then is likely to be so still.
    pub(super) fn is_recent(&self, found: Instant, now: Instant) -> bool {
        now.saturating_since(found) <= self.slot()
    }
}
