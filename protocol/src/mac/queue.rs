//! What waits for the air, and in which order it goes.

use heapless::Vec;

use super::{Event, Token, Unsent};
use crate::priority::Priority;
use crate::region::MAX_FRAME;
use crate::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) token: Token,
    pub(super) priority: Priority,
    pub(super) frame: Vec<u8, MAX_FRAME>,
    pub(super) airtime: Duration,
    /// Not to be sent before this, whatever the channel is like.
    pub(super) not_before: Instant,
    /// How often the channel was found busy for it.
    pub(super) busy: u8,
    /// How often the radio failed before it could be sent.
    pub(super) failures: u8,
    /// Grows from entry to entry: the older goes first, and an entry is known by it.
    pub(super) order: u64,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Waiting,
    OnAir,
    /// The caller does not know yet.
    Done(Event),
}

impl Entry {
    pub(super) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    pub(super) fn drop_for(&mut self, reason: Unsent) {
        self.state = State::Done(Event::Dropped { token: self.token, reason });
    }

    fn goes_before(&self, other: &Entry) -> bool {
        self.priority > other.priority || (self.priority == other.priority && self.order < other.order)
    }
}

/// A place is taken from [`Queue::push`] until the caller has taken the event about the frame.
#[derive(Debug)]
pub(super) struct Queue<const N: usize> {
    slots: [Option<Entry>; N],
    order: u64,
}

/// No place is left.
#[derive(Debug)]
pub(super) struct Full;

impl<const N: usize> Queue<N> {
    pub(super) fn new() -> Self {
        Self { slots: [const { None }; N], order: 0 }
    }

    /// Places taken.
    pub(super) fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Places left for frames that are no emergency: the last one is kept for those.
    pub(super) fn free(&self) -> usize {
        (N - self.len()).saturating_sub(1)
    }

    pub(super) fn push(
        &mut self,
        (token, priority): (Token, Priority),
        frame: Vec<u8, MAX_FRAME>,
        airtime: Duration,
        not_before: Instant,
    ) -> Result<(), Full> {
        if self.free() == 0 && priority < Priority::Emergency {
            return Err(Full);
        }
        let slot = self.slots.iter_mut().find(|slot| slot.is_none()).ok_or(Full)?;
        let (order, state) = (self.order, State::Waiting);
        self.order += 1;
        *slot =
            Some(Entry { token, priority, frame, airtime, not_before, busy: 0, failures: 0, order, state });
        Ok(())
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten().filter(|entry| entry.is_waiting())
    }

    pub(super) fn waiting_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.slots.iter_mut().flatten().filter(|entry| entry.is_waiting())
    }

    /// The entry of this `order`, while it is not done.
    pub(super) fn find(&mut self, order: u64) -> Option<&mut Entry> {
        let mut entries = self.slots.iter_mut().flatten();
        entries.find(|entry| entry.order == order && !matches!(entry.state, State::Done(_)))
    }

    /// The airtime of `entry` and of all that goes before it. Who asks for that much cannot use up, with many small
    /// frames, what a more important one is waiting for.
    pub(super) fn airtime_through(&self, entry: &Entry) -> Duration {
        let before = self.waiting().filter(|other| other.goes_before(entry));
        before.fold(entry.airtime, |sum, other| sum.saturating_add(other.airtime))
    }

    /// Of the waiting entries that `ready` is true for, the one to go first.
    pub(super) fn first(&self, ready: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        self.waiting()
            .filter(|entry| ready(entry))
            .reduce(|best, entry| if entry.goes_before(best) { entry } else { best })
    }

    /// What became of a frame, the oldest first. Its place is free after that.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        let done = self.slots.iter_mut().filter_map(|slot| match slot {
            Some(Entry { state: State::Done(event), order, .. }) => Some((*order, *event, slot)),
            _ => None,
        });
        let (_, event, slot) = done.min_by_key(|(order, ..)| *order)?;
        *slot = None;
        Some(event)
    }
}
