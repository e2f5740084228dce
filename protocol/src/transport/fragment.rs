//! A long text, on its source's side: how it is cut, and which of its fragments go out when.
//!
//! `docs/protocol.md`, section "Long texts". All fragments go out once, in order; the last one asks the destination
//! what is missing, and its status is answered with just that. Silence is answered with one fragment, never with many.
//!
//! ```text
//!   source                                   destination
//!     0 1 2 3 4  ------------------------->    0 . 2 . 4      4 is the last: something is missing
//!                <-- status: missing 1, 3 --
//!     1 3        ------------------------->    0 1 2 . 4      nothing arrives: 3 was to ask
//!       (silence)
//!     3          ------------------------->    0 1 2 3 4      complete; made durable
//!                <---------------- receipt --
//! ```

use core::ops::Range;

use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Instant, earliest};
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

/// A long text of ours on its way: what is still to be sent, and when to ask.
///
/// Any receipt or ack of the message ends it; that is for its owner to see. Of the methods that change it, only
/// [`handed_out`](Self::handed_out) must be called for things to go on; the others may come early, twice or never.
#[derive(Clone, Debug)]
pub struct Sending {
    cut: Cut,
    pace: Pace,
    to_send: FragmentSet,
    /// What was handed out and not reported on, with its token.
    on_air: [Option<(u32, u8)>; WINDOW],
    /// Nothing is handed out before.
    not_before: Option<Instant>,
    /// The fragment whose arrival makes the destination answer: the last of this round, or of the last poll.
    asking: u8,
    stage: Stage,
    schedule: Schedule,
}

/// What the fragments that go out are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// To bring what is missing. What the destination says meanwhile is about the past.
    Round,
    /// To get an answer. At this instant another poll goes out; `None` while one does.
    Asking(Option<Instant>),
}

impl Sending {
    /// All fragments are to be sent, in order.
    pub const fn new(cut: Cut, pace: Pace) -> Self {
        Self {
            cut,
            pace,
            to_send: FragmentSet::first(cut.count),
            on_air: [None; WINDOW],
            not_before: None,
            asking: cut.last(),
            stage: Stage::Round,
            schedule: Schedule::new(),
        }
    }

    /// Begins with the last fragment alone, and goes on with what the destination then says is missing: for one that
    /// may be absent or without room, and after a restart, when it may have nearly everything. Costs a status and
    /// its time, but no fragment: the last one is needed as much as the others.
    pub const fn asking_first(cut: Cut, pace: Pace) -> Self {
        let mut sending = Self::new(cut, pace);
        sending.to_send = FragmentSet::only(cut.last());
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

    /// The index of the fragment to be handed out next, if one may be now.
    pub fn next(&self, now: Instant) -> Option<u8> {
        let room = self.on_air.iter().any(Option::is_none);
        // On a path of several hops the next one waits until this one has left the neighborhood.
        let spaced = self.pace.spacing.is_zero() || self.on_air.iter().all(Option::is_none);
        let paused = self.not_before.is_some_and(|at| now < at);
        if room && spaced && !paused { self.to_send.lowest() } else { None }
    }

    /// The fragment that [`next`](Self::next) named was handed out under this token.
    pub fn handed_out(&mut self, index: u8, token: u32) {
        if let Some(place) = self.on_air.iter_mut().find(|place| place.is_none()) {
            *place = Some((token, index));
            self.to_send = self.to_send.without(FragmentSet::only(index));
        }
    }

    /// What was handed out under `token` has left the antenna. `false`: that was nothing of this message.
    pub fn handle_transmitted(&mut self, token: u32, rate: Rate, jitter: &mut Jitter, now: Instant) -> bool {
        if self.take(token).is_none() {
            return false;
        }
        self.not_before = (!self.pace.spacing.is_zero()).then(|| now + self.pace.spacing);
        if self.is_all_out() {
            let answer = self.schedule.transmitted(rate, jitter, now);
            self.stage = Stage::Asking(Some(answer + self.pace.flight));
        }
        true
    }

    /// What was handed out under `token` will not be transmitted: it is handed out again, not before `again`.
    /// `false`: that was nothing of this message.
    pub fn handle_dropped(&mut self, token: u32, again: Instant) -> bool {
        let Some(index) = self.take(token) else { return false };
        self.to_send = self.to_send.union(FragmentSet::only(index));
        self.not_before = Some(again);
        true
    }

    /// The destination has proven that it lacks these fragments. `false`: that is not news, but from before what it
    /// was asked last, or about fragments that do not exist.
    ///
    /// Whoever answers has the fragment that asked. A status that calls it missing is an old one, late or replayed:
    /// believing it would send everything again that has arrived since.
    pub fn handle_status(&mut self, missing: FragmentSet) -> bool {
        let known = FragmentSet::first(self.cut.count);
        let (Stage::Asking(_), Some(highest)) = (self.stage, missing.highest()) else { return false };
        if missing.contains(self.asking) || !missing.without(known).is_empty() {
            return false;
        }
        self.to_send = missing;
        self.asking = highest;
        self.stage = Stage::Round;
        self.schedule = Schedule::new();
        true
    }

    /// Time has passed. Calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.not_before.is_some_and(|at| at <= now) {
            self.not_before = None;
        }
        if let Stage::Asking(Some(at)) = self.stage
            && at <= now
        {
            // The fragment that should have asked may not have arrived, so it is worth most. If it does not help, the
            // destination may have restarted: then only the last fragment tells it how many there are.
            if self.schedule.attempts() > 1 {
                self.asking = self.cut.last();
            }
            self.to_send = FragmentSet::only(self.asking);
            self.stage = Stage::Asking(None);
        }
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
        let paused = if self.to_send.is_empty() { None } else { self.not_before };
        let asking = if let Stage::Asking(at) = self.stage { at } else { None };
        earliest(paused, asking)
    }

    fn take(&mut self, token: u32) -> Option<u8> {
        let place = self.on_air.iter_mut().find(|place| place.is_some_and(|(known, _)| known == token))?;
        place.take().map(|(_, index)| index)
    }

    fn is_all_out(&self) -> bool {
        self.to_send.is_empty() && self.on_air.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests;
