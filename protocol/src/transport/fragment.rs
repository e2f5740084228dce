//! A long text, on its source's side: how it is cut, and which of its fragments go out when.
//!
//! `docs/protocol.md`, section "Long texts". All fragments go out once, in order; the last one asks the destination
//! what is missing, and its status is answered with just that. Silence is answered with a poll, which is short, and never
//! with fragments: most often it is the answer that got lost.
//!
//! ```text
//!   source                                   destination
//!     0 1 2 3 4  ------------------------->    0 . 2 . 4      4 is the last: something is missing
//!                <-- status: missing 1, 3 --
//!     1 3        ------------------------->    0 1 2 . 4      3 was to ask, and got lost
//!       (silence)
//!     poll       ------------------------->
//!                <----- status: missing 3 --
//!     3          ------------------------->    0 1 2 3 4      complete; made durable
//!                <---------------- receipt --
//! ```

use core::ops::Range;

use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant, earliest};
use crate::wire::{FragmentSet, MAX_FRAGMENTS, MAX_PIECE_OCTETS, Piece};

use super::{Pace, Schedule};

/// The longest text, octets of UTF-8.
pub const MAX_LONG_TEXT_OCTETS: usize = 4096;
/// Fragments of one message that may wait for the air at one time: one on the air, one behind it.
pub const WINDOW: usize = 2;

const _: () = assert!(MAX_LONG_TEXT_OCTETS.div_ceil(MAX_PIECE_OCTETS) <= MAX_FRAGMENTS as usize);

/// Where a text is cut into pieces: as few as possible, all of the same length but the last, which is the rest.
///
/// This follows from the length alone, neither from the rate nor from the counter. It has to: after a restart, the
/// same message is sent again under the same counters, and another cut would seal other octets under a used nonce.
/// Equal pieces cost 0.5 to 0.8 % more airtime than the best cut for each rate and length would; full frames and a
/// short rest cost 0.3 to 1.6 % more, and their long frames are lost more easily.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    len: u16,
    count: u8,
}

impl Cut {
    /// The cut of a text of `len` octets; `None` for one that fits a single piece or exceeds
    /// [`MAX_LONG_TEXT_OCTETS`].
    pub const fn of(len: usize) -> Option<Self> {
        if len <= MAX_PIECE_OCTETS || len > MAX_LONG_TEXT_OCTETS {
            return None;
        }
        Some(Self { len: len as u16, count: len.div_ceil(MAX_PIECE_OCTETS) as u8 })
    }

    /// How many pieces there are: at least 2. The message uses as many counters, without a gap.
    pub const fn count(self) -> u8 {
        self.count
    }

    /// The index of the last piece.
    pub const fn last(self) -> u8 {
        self.count - 1
    }

    /// The octets of the text that this piece holds; empty from [`count`](Self::count) on.
    pub fn range(self, index: u8) -> Range<usize> {
        let (len, stride) = (usize::from(self.len), usize::from(self.len.div_ceil(self.count.into())));
        let start = (stride * usize::from(index)).min(len);
        start..(start + stride).min(len)
    }

    /// One piece of `text`; `None` if there is none with that index, or if the text is not as long as the one that
    /// was to be cut.
    pub fn piece(self, text: &[u8], index: u8) -> Option<Piece<'_>> {
        if text.len() != usize::from(self.len) || index >= self.count {
            return None;
        }
        Some(Piece { index, is_last: index == self.last(), octets: text.get(self.range(index))? })
    }
}

/// What to put on the air next for a long text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The fragment with this index, under the counter of its own.
    Fragment(u8),
    /// A poll, under the counter of the message.
    Poll,
}

/// A long text of ours on its way: what is still to be sent, and when to ask.
///
/// Any receipt or ack of the message ends it; that is for its owner to see. Of the methods that change it, only
/// [`handed_out`](Self::handed_out) and the report of what became of it must be called for things to go on; the others
/// may come early, twice or never.
#[derive(Clone, Debug)]
pub struct Sending {
    cut: Cut,
    pace: Pace,
    to_send: FragmentSet,
    poll_due: bool,
    /// What was handed out and not reported on, with its token.
    on_air: [Option<(u32, Due)>; WINDOW],
    /// Nothing is handed out before.
    not_before: Option<Instant>,
    /// What the destination lacked when it was last heard of.
    lacking: FragmentSet,
    stage: Stage,
    schedule: Schedule,
}

/// What the frames that go out are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// To bring what is missing. What the destination says meanwhile is about the past.
    Round,
    /// To get an answer. At this instant a poll goes out; `None` while one does.
    Asking(Option<Instant>),
}

impl Sending {
    /// All fragments are to be sent, in order.
    pub const fn new(cut: Cut, pace: Pace) -> Self {
        let all = FragmentSet::first(cut.count);
        Self {
            cut,
            pace,
            to_send: all,
            poll_due: false,
            on_air: [None; WINDOW],
            not_before: None,
            lacking: all,
            stage: Stage::Round,
            schedule: Schedule::new(),
        }
    }

    /// Begins with a poll, and goes on with what the destination then says is missing: for one that may be absent, and
    /// after a restart, when it may have nearly everything or even the whole message.
    pub const fn asking_first(cut: Cut, pace: Pace) -> Self {
        let mut sending = Self::new(cut, pace);
        sending.to_send = FragmentSet::EMPTY;
        sending.poll_due = true;
        sending.stage = Stage::Asking(None);
        sending
    }

    /// How the text is cut.
    pub const fn cut(&self) -> Cut {
        self.cut
    }

    /// Another path: from here on fragments follow each other at this pace.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// What to hand out next, if anything may be now.
    pub fn next(&self, now: Instant) -> Option<Due> {
        let room = self.on_air.iter().any(Option::is_none);
        // On a path of several hops the next one waits until this one has left the neighborhood.
        let spaced = self.pace.spacing.is_zero() || self.on_air.iter().all(Option::is_none);
        if !room || !spaced || self.not_before.is_some_and(|at| now < at) {
            return None;
        }
        self.to_send.lowest().map(Due::Fragment).or(self.poll_due.then_some(Due::Poll))
    }

    /// What [`next`](Self::next) named was handed out under this token.
    pub fn handed_out(&mut self, due: Due, token: u32) {
        if let Some(place) = self.on_air.iter_mut().find(|place| place.is_none()) {
            *place = Some((token, due));
            match due {
                Due::Fragment(index) => self.to_send = self.to_send.without(FragmentSet::only(index)),
                Due::Poll => self.poll_due = false,
            }
        }
    }

    /// Whether something may be answered that left the antenna no longer than `period` ago.
    pub fn awaits_answer(&self, period: Duration, now: Instant) -> bool {
        self.on_air.iter().any(Option::is_some) || self.schedule.tried_within(period, now)
    }

    /// What was handed out under `token` has left the antenna. `false`: that was nothing of this message.
    pub fn handle_transmitted(&mut self, token: u32, rate: Rate, jitter: &mut Jitter, now: Instant) -> bool {
        let Some(due) = self.take(token) else { return false };
        let pause = match due {
            Due::Poll => Duration::ZERO,
            Due::Fragment(_) if self.is_all_out() => self.pace.recess,
            Due::Fragment(_) => self.pace.spacing,
        };
        self.not_before = (!pause.is_zero()).then(|| now + pause);
        if self.is_all_out() {
            let answer = self.schedule.transmitted(0, rate, jitter, now);
            self.stage = Stage::Asking(Some(answer + self.pace.flight));
        }
        true
    }

    /// What was handed out under `token` will not be transmitted: it is handed out again, not before `again`.
    /// `false`: that was nothing of this message.
    pub fn handle_dropped(&mut self, token: u32, again: Instant) -> bool {
        match self.take(token) {
            None => return false,
            Some(Due::Fragment(index)) => self.to_send = self.to_send.union(FragmentSet::only(index)),
            // If fragments go out meanwhile, their last one asks.
            Some(Due::Poll) => self.poll_due = self.to_send.is_empty(),
        }
        self.not_before = Some(again);
        true
    }

    /// The destination has proven that it lacks these fragments; bits of fragments that the message does not have are
    /// ignored. `false`: that is not news, and changes nothing.
    ///
    /// A status can be an old one, late or replayed. Each is believed only in answer to a question, and only one that
    /// shows progress makes the next question come soon: with any other, questions become as rare as with silence.
    pub fn handle_status(&mut self, missing: FragmentSet) -> bool {
        let missing = missing.within(FragmentSet::first(self.cut.count));
        if self.stage == Stage::Round || missing.is_empty() {
            return false;
        }
        if missing != self.lacking && missing.without(self.lacking).is_empty() {
            self.schedule = Schedule::new();
        }
        self.lacking = missing;
        self.to_send = missing;
        self.poll_due = false;
        self.stage = Stage::Round;
        true
    }

    /// Time has passed. Calling it early is harmless. `true`: an answer that was waited for has not come.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.not_before.is_some_and(|at| at <= now) {
            self.not_before = None;
        }
        let silent = matches!(self.stage, Stage::Asking(Some(at)) if at <= now);
        if silent {
            self.poll_due = true;
            self.stage = Stage::Asking(None);
        }
        silent
    }

    /// How often an answer was waited for since the last sign of progress.
    pub const fn attempts(&self) -> u8 {
        self.schedule.attempts()
    }

    /// The destination, or who answers for it, was heard: a poll that was put off for long goes out soon.
    pub fn handle_heard(&mut self, jitter: &mut Jitter, now: Instant) {
        if let Stage::Asking(Some(planned)) = self.stage
            && let Some(at) = self.schedule.heard(planned, jitter, now)
        {
            self.stage = Stage::Asking(Some(at));
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let paused = if self.to_send.is_empty() && !self.poll_due { None } else { self.not_before };
        let asking = if let Stage::Asking(at) = self.stage { at } else { None };
        earliest(paused, asking)
    }

    fn take(&mut self, token: u32) -> Option<Due> {
        let place = self.on_air.iter_mut().find(|place| place.is_some_and(|(known, _)| known == token))?;
        place.take().map(|(_, due)| due)
    }

    fn is_all_out(&self) -> bool {
        self.to_send.is_empty() && !self.poll_due && self.on_air.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests;
