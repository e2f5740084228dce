//! Medium access: when may I transmit (`docs/protocol.md`, medium access).
//!
//! ```text
//! mod         one radio, one action at a time
//! queue       what waits, by priority
//! access      carrier sense, backoff, the slot left to answers
//! duty_cycle  the airtime that the law leaves
//! ```
//!
//! ```text
//!            poll_action           handle_cad(clear)       poll_action
//!   Idle ----------------> Cad -----------------------> Clear ----------> OnAir
//!    ^                      | busy: backoff               | too long ago    | handle_transmitted
//!    +----------------------+-----------------------------+-----------------+ handle_radio_failed
//! ```
//!
//! Every frame that was taken ends in exactly one [`Event`]. A radio that does not answer counts as failed after a while,
//! so nothing waits for ever. The device enforces the law here, whatever its host asks.

use core::fmt;

use heapless::Vec;

use crate::priority::Priority;
use crate::region::{Channel, Limit, MAX_FRAME, Unlawful};
use crate::time::{Duration, Instant};

mod access;
mod duty_cycle;
mod queue;

use access::Access;
use duty_cycle::Airtime;
use queue::{Entry, Queue};

/// A frame is given up when the channel was found busy this often. An emergency is sent then all the same.
const MAX_BUSY: u8 = 12;
/// A frame is given up when the radio failed this often before it could be sent.
const MAX_FAILURES: u8 = 3;
/// The longest that channel activity detection may take, with a radio that is slow to answer.
const CAD_LIMIT: Duration = Duration::from_secs(1);
/// The longest that a transmission may take, beyond twice its airtime.
const TRANSMIT_LIMIT: Duration = Duration::from_secs(1);
/// The radio is left alone for this long after a failure, doubled after each further one, up to the second value.
const RADIO_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The caller's name for a frame that it handed over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u32);

/// What the radio must do next. The following action comes only after the call that reports on this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action<'a> {
    /// Detect channel activity, then call [`Mac::handle_cad`], or [`Mac::handle_radio_failed`].
    Cad,
    /// Transmit, then call [`Mac::handle_transmitted`], or [`Mac::handle_radio_failed`]. The airtime is already charged.
    Transmit {
        /// 1 to 255 octets.
        frame: &'a [u8],
        /// Its time on air.
        airtime: Duration,
    },
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// It went out.
    Transmitted {
        /// As given to [`Mac::enqueue`].
        token: Token,
        /// Its time on air.
        airtime: Duration,
    },
    /// It does not go out.
    Dropped {
        /// As given to [`Mac::enqueue`].
        token: Token,
        /// Why.
        reason: Unsent,
    },
}

/// Why a frame that was taken does not go out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unsent {
    /// The radio failed.
    RadioFailed,
    /// The channel was busy for too long.
    ChannelBusy,
    /// [`Mac::flush`], or a change to a channel on which the frame would never be lawful.
    Flushed,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RadioFailed => "the radio failed",
            Self::ChannelBusy => "the channel is busy",
            Self::Flushed => "the queue was flushed",
        })
    }
}

/// Why a frame is not taken. No event will come for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EnqueueError {
    /// No place is left; the last one is only for [`Priority::Emergency`].
    Full,
    /// Not 1 to 255 octets.
    TooLong,
    /// It would last longer than the law allows on this channel, however long it waited.
    Unlawful,
}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the queue is full",
            Self::TooLong => "the frame is empty or too long",
            Self::Unlawful => "the frame would last longer than the law allows",
        })
    }
}

impl core::error::Error for EnqueueError {}

/// Totals since the start; they wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Frames heard.
    pub heard: u32,
    /// Frames transmitted.
    pub transmitted: u32,
    /// Time on air of all transmissions that were begun.
    pub airtime: Duration,
    /// Times that the channel was found busy.
    pub busy: u32,
    /// Frames given up for any reason.
    pub dropped: u32,
    /// Failures of the radio.
    pub radio_failures: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Idle,
    /// For the entry of this `order`; of no use if the channel was changed meanwhile.
    Cad {
        order: u64,
        stale: bool,
        deadline: Instant,
    },
    Clear {
        since: Instant,
    },
    OnAir {
        order: u64,
        deadline: Instant,
    },
}

/// Medium access for one radio, with places for `QUEUE` frames, at least 2.
///
/// After each call poll [`Mac::poll_action`], [`Mac::poll_event`] and [`Mac::poll_timeout`]; calls out of turn are harmless.
#[derive(Debug)]
pub struct Mac<const QUEUE: usize> {
    channel: Channel,
    queue: Queue<QUEUE>,
    access: Access,
    airtime: Airtime,
    state: State,
    /// The radio failed so often in a row.
    failures: u32,
    /// The radio is left alone until then.
    radio_at: Instant,
    stats: Stats,
}

impl<const QUEUE: usize> Mac<QUEUE> {
    /// Medium access on a channel, with jitter from `seed`.
    ///
    /// # Errors
    /// The channel must not be used.
    pub fn new(channel: Channel, seed: u64, now: Instant) -> Result<Self, Unlawful> {
        Ok(Self::with_limit(channel, channel.lawful()?, seed, now))
    }

    /// Medium access with this limit, whatever the law says of the channel: for simulated air and for tests. What drives a
    /// real radio calls [`Mac::new`].
    pub fn with_limit(channel: Channel, limit: Limit, seed: u64, now: Instant) -> Self {
        const { assert!(QUEUE >= 2, "one place for an emergency and one for all else") };
        Self {
            channel,
            queue: Queue::new(),
            access: Access::new(channel.rate, seed),
            airtime: Airtime::new(limit, now),
            state: State::Idle,
            failures: 0,
            radio_at: Instant::ZERO,
            stats: Stats::default(),
        }
    }

    /// The channel in use.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Uses another channel from now on. What waits goes out there, or is dropped as [`Unsent::Flushed`] if it would
    /// never be lawful there. Airtime that was used is not forgotten.
    ///
    /// # Errors
    /// The channel must not be used; nothing has changed.
    pub fn set_channel(&mut self, channel: Channel, now: Instant) -> Result<(), Unlawful> {
        let limit = channel.lawful()?;
        self.channel = channel;
        self.airtime.set_limit(limit, now);
        self.access.set_rate(channel.rate);
        match &mut self.state {
            State::Cad { stale, .. } => *stale = true,
            State::Clear { .. } => self.state = State::Idle,
            State::Idle | State::OnAir { .. } => {}
        }
        for entry in self.queue.waiting_mut() {
            entry.airtime = channel.rate.time_on_air(entry.frame.len());
            if !self.airtime.allows(entry.airtime) {
                entry.drop_for(Unsent::Flushed);
                self.stats.dropped = self.stats.dropped.wrapping_add(1);
            }
        }
        Ok(())
    }

    /// Totals since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Frames that were taken and whose event was not taken yet.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many more frames of any priority will be taken. One emergency more than that will be, too.
    pub fn free(&self) -> usize {
        self.queue.free()
    }

    /// Whether an emergency will be taken.
    pub fn takes_emergency(&self) -> bool {
        self.len() < QUEUE
    }

    /// The airtime that may be used at once; `None` where the law sets no limit.
    pub fn airtime_left(&self, now: Instant) -> Option<Duration> {
        self.airtime.left(now)
    }

    /// Hands over a frame of 1 to 255 octets.
    ///
    /// # Errors
    /// The frame was not taken.
    pub fn enqueue(
        &mut self,
        token: Token,
        priority: Priority,
        frame: &[u8],
        now: Instant,
    ) -> Result<(), EnqueueError> {
        let frame: Vec<u8, MAX_FRAME> = Vec::from_slice(frame).map_err(|_| EnqueueError::TooLong)?;
        if frame.is_empty() {
            return Err(EnqueueError::TooLong);
        }
        let airtime = self.channel.rate.time_on_air(frame.len());
        if !self.airtime.allows(airtime) {
            return Err(EnqueueError::Unlawful);
        }
        let due = self.access.due(priority, now);
        self.queue.push((token, priority), frame, airtime, due).map_err(|queue::Full| EnqueueError::Full)
    }

    /// Drops all that waits, with events. What is on the air stays there.
    pub fn flush(&mut self) {
        for entry in self.queue.waiting_mut() {
            entry.drop_for(Unsent::Flushed);
            self.stats.dropped = self.stats.dropped.wrapping_add(1);
        }
    }

    /// A frame was heard, and ended now: whoever must answer it may do so before we send anything else.
    pub fn handle_frame(&mut self, octets: &[u8], now: Instant) {
        self.stats.heard = self.stats.heard.wrapping_add(1);
        self.access.heard(octets, now);
    }

    /// Channel activity detection ended.
    pub fn handle_cad(&mut self, busy: bool, now: Instant) {
        let State::Cad { order, stale, .. } = self.state else { return };
        self.failures = 0;
        self.state = if busy || stale { State::Idle } else { State::Clear { since: now } };
        if !busy || stale {
            return;
        }
        self.stats.busy = self.stats.busy.wrapping_add(1);
        let Some(entry) = self.queue.find(order).filter(|entry| entry.is_waiting()) else { return };
        entry.busy = entry.busy.saturating_add(1);
        if entry.busy >= MAX_BUSY && entry.priority == Priority::Emergency {
            self.state = State::Clear { since: now };
            return;
        }
        self.access.busy(entry.priority, now);
        if entry.busy >= MAX_BUSY {
            self.access.settled(entry.priority);
            entry.drop_for(Unsent::ChannelBusy);
            self.stats.dropped = self.stats.dropped.wrapping_add(1);
        }
    }

    /// The last symbol of the frame has left.
    pub fn handle_transmitted(&mut self, now: Instant) {
        let State::OnAir { order, .. } = self.state else { return };
        self.state = State::Idle;
        self.failures = 0;
        self.stats.transmitted = self.stats.transmitted.wrapping_add(1);
        if let Some(entry) = self.queue.find(order) {
            let Entry { token, airtime, .. } = *entry;
            entry.state = queue::State::Done(Event::Transmitted { token, airtime });
            self.access.transmitted(entry.priority, &entry.frame, now);
        }
    }

    /// The radio failed at what it was to do. A frame that was to go out may be in pieces on the air: it is given up. One
    /// that was still waiting for a clear channel is tried again, a few times.
    pub fn handle_radio_failed(&mut self, now: Instant) {
        let (order, given_up) = match self.state {
            State::Cad { order, .. } => (order, false),
            State::OnAir { order, .. } => (order, true),
            State::Idle | State::Clear { .. } => return,
        };
        self.state = State::Idle;
        self.stats.radio_failures = self.stats.radio_failures.wrapping_add(1);
        self.radio_at = now + (RADIO_PAUSE.0 * (1 << self.failures.min(8))).min(RADIO_PAUSE.1);
        self.failures = self.failures.saturating_add(1);
        if let Some(entry) = self.queue.find(order) {
            entry.failures = entry.failures.saturating_add(1);
            if given_up || entry.failures >= MAX_FAILURES {
                entry.drop_for(Unsent::RadioFailed);
                self.stats.dropped = self.stats.dropped.wrapping_add(1);
            }
        }
    }

    /// Time passed. Early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Cad { deadline, .. } | State::OnAir { deadline, .. } = self.state
            && deadline <= now
        {
            self.handle_radio_failed(now);
        }
    }

    /// When this entry may try the channel; `None` while others must go first.
    fn ready_at(&self, entry: &Entry) -> Option<Instant> {
        let free = self.airtime.free_at(self.queue.airtime_through(entry));
        Some(free.max(self.access.earliest(entry.priority)).max(entry.not_before).max(self.radio_at))
    }

    /// What the radio must do now, if anything.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action<'_>> {
        let clear = match self.state {
            State::Idle => false,
            State::Clear { since } => self.access.is_recent(since, now),
            State::Cad { .. } | State::OnAir { .. } => return None,
        };
        self.state = State::Idle;
        let first = self.queue.first(|entry| self.ready_at(entry).is_some_and(|at| at <= now))?;
        let Entry { order, airtime, .. } = *first;
        if !clear {
            self.state = State::Cad { order, stale: false, deadline: now + CAD_LIMIT };
            return Some(Action::Cad);
        }
        self.airtime.charge(airtime, now);
        self.stats.airtime = self.stats.airtime.saturating_add(airtime);
        self.state = State::OnAir { order, deadline: now + airtime * 2 + TRANSMIT_LIMIT };
        let entry = self.queue.find(order)?;
        entry.state = queue::State::OnAir;
        Some(Action::Transmit { frame: &entry.frame, airtime })
    }

    /// What became of a frame, if there is news. Its place in the queue is free after that.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.queue.poll_event()
    }

    /// When to call [`Mac::handle_timeout`] and [`Mac::poll_action`] again, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Cad { deadline, .. } | State::OnAir { deadline, .. } => Some(deadline),
            State::Clear { since } => Some(since),
            State::Idle => self.queue.waiting().filter_map(|entry| self.ready_at(entry)).min(),
        }
    }
}

#[cfg(test)]
mod tests;
