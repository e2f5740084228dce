//! The frames that a modem has from its host, and what is known of those it had.

use heapless::{Deque, Vec};

use crate::modem::message::{Reason, bit};
use crate::priority::Priority;
use crate::region::MAX_FRAME;
use crate::time::{Duration, Instant};

/// How many frames are held at most.
pub(super) const CAPACITY: usize = 8;

/// How many of the latest sequence numbers a `Pong` tells about.
const REMEMBERED: u32 = u64::BITS;

/// What became of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Transmitted { airtime: Duration, at: Instant },
    Dropped(Reason),
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to put a frame on")]
enum State {
    /// The firmware has not seen it yet.
    New(Priority, Vec<u8, MAX_FRAME>),
    /// The firmware is at work on it.
    Taken,
    /// The host does not know yet.
    Settled(Outcome),
}

#[derive(Debug)]
struct Slot {
    sequence: u32,
    state: State,
}

/// The frames of one session. A place is taken from the arrival of a frame until its outcome is on the line.
#[derive(Debug)]
pub(super) struct Frames {
    queue: u16,
    /// What sequence number 0 of this session is called in the firmware.
    base: u32,
    /// One more than the highest sequence number that arrived, or that the host says it used.
    next: u32,
    slots: [Option<Slot>; CAPACITY],
    /// Those beyond the credit; if even more come, the next `Pong` tells that nothing is known of them.
    excess: Deque<u32, CAPACITY>,
    /// Bit n: `next - 1 - n` went out.
    sent: u64,
}

impl Frames {
    pub(super) fn new(queue: u16) -> Self {
        let queue = queue.clamp(1, CAPACITY as u16);
        let slots = [const { None }; CAPACITY];
        Self { queue, base: 0, next: 0, slots, excess: Deque::new(), sent: 0 }
    }

    /// Forgets all frames, and counts from 0 again.
    pub(super) fn restart(&mut self) {
        let base = self.base.wrapping_add(self.next);
        *self = Self { base, ..Self::new(self.queue) };
    }

    pub(super) fn queue(&self) -> u16 {
        self.queue
    }

    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// The host may use sequence numbers below this. It never falls within a session.
    pub(super) fn limit(&self) -> u32 {
        let held = self.slots.iter().flatten().count() as u32;
        let room = self.next.saturating_add(u32::from(self.queue).saturating_sub(held));
        // A frame that waits long must not fall out of what a `Pong` can tell.
        let oldest = self.slots.iter().flatten().map(|slot| slot.sequence).min();
        oldest.map_or(room, |oldest| room.min(oldest.saturating_add(REMEMBERED)))
    }

    fn advance(&mut self, next: u32) {
        if let Some(steps) = next.checked_sub(self.next) {
            self.sent = self.sent.checked_shl(steps).unwrap_or(0);
            self.next = next;
        }
    }

    /// What the host has counted up to. An honest one stays within its credit; nothing else can make the numbers jump.
    pub(super) fn skip_to(&mut self, next: u32) {
        self.advance(next.min(self.limit()));
    }

    /// A frame arrived. Numbers that were passed already are duplicates, or late on a line that keeps order: ignored.
    pub(super) fn take(&mut self, sequence: u32, priority: Priority, frame: &[u8], refusal: Option<Reason>) {
        if sequence < self.next {
            return;
        }
        let within = sequence < self.limit();
        let free = self.slots.iter_mut().find(|slot| slot.is_none());
        let (true, Some(free)) = (within, free) else {
            let _ = self.excess.push_back(sequence);
            return;
        };
        let state = match (refusal, Vec::from_slice(frame)) {
            (Some(reason), _) => State::Settled(Outcome::Dropped(reason)),
            (None, Ok(frame)) if !frame.is_empty() => State::New(priority, frame),
            (None, _) => State::Settled(Outcome::Dropped(Reason::TooLong)),
        };
        *free = Some(Slot { sequence, state });
        self.advance(sequence.saturating_add(1));
    }

    /// The next frame for the firmware, and what it is called there.
    pub(super) fn poll(&mut self) -> Option<(u32, Priority, Vec<u8, MAX_FRAME>)> {
        let new = self.slots.iter_mut().flatten().filter(|slot| matches!(slot.state, State::New(..)));
        let slot = new.min_by_key(|slot| slot.sequence)?;
        match core::mem::replace(&mut slot.state, State::Taken) {
            State::New(priority, frame) => Some((self.base.wrapping_add(slot.sequence), priority, frame)),
            _ => None,
        }
    }

    /// The firmware knows what became of the frame that it calls `name`.
    pub(super) fn settle(&mut self, name: u32, outcome: Outcome) {
        let sequence = name.wrapping_sub(self.base);
        let mut slots = self.slots.iter_mut().flatten();
        let slot = slots.find(|slot| slot.sequence == sequence && matches!(slot.state, State::Taken));
        let Some(slot) = slot else { return };
        slot.state = State::Settled(outcome);
        if let Outcome::Transmitted { .. } = outcome {
            self.sent |= bit(self.next, sequence);
        }
    }

    /// What the host must be told of a frame. Its place is free after that.
    pub(super) fn poll_outcome(&mut self) -> Option<(u32, Outcome)> {
        if let Some(sequence) = self.excess.pop_front() {
            return Some((sequence, Outcome::Dropped(Reason::QueueFull)));
        }
        self.slots.iter_mut().find_map(|slot| match slot {
            Some(Slot { sequence, state: State::Settled(outcome) }) => {
                let found = (*sequence, *outcome);
                *slot = None;
                Some(found)
            }
            _ => None,
        })
    }

    /// Bit n: `next - 1 - n` is held.
    pub(super) fn held(&self) -> u64 {
        let held = self.slots.iter().flatten().filter(|slot| !matches!(slot.state, State::Settled(_)));
        held.fold(0, |bits, slot| bits | bit(self.next, slot.sequence))
    }

    /// Bit n: `next - 1 - n` went out.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}
