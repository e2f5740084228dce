//! Long texts: more octets than one frame carries, up to [`MAX_LONG_TEXT_OCTETS`], sent in fragments.
//!
//! On either side a long text is a message like any other: an entry among the outgoing or the arriving ones says what is
//! known of it, which comes before which, and what its host has been told. What it takes beyond that is here, and only for a
//! few texts at a time: the octets, which fragments are on their way, which are missing.
//!
//! ```text
//! sending     fragments and polls on their way, statuses that come back
//! receiving   fragments and polls that come in, statuses on their way
//! ```
//!
//! `docs/protocol.md`, section "Long texts". The machines are [`Sending`] and [`Reassembly`].

mod receiving;
mod sending;

use heapless::{Deque, String, Vec};

use crate::id::{MessageId, NodeId};
use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant, earliest};
use crate::transport::{Asked, Attempt, Cut, MAX_LONG_TEXT_OCTETS, Pace, Reassembly, Sending};
use crate::wire::{self, MAX_TEXT_OCTETS};

use super::{Node, SendError};

/// Statuses for sources in reach that may wait for the air.
const STATUSES: usize = 2;

/// Room for `TEXTS` long texts of ours and as many for us: `TEXTS` x 8.6 kB.
pub(super) struct Long<const TEXTS: usize> {
    leaving: Vec<Leaving, TEXTS>,
    gathering: Reassembly<TEXTS>,
    statuses: Deque<wire::Status, STATUSES>,
}

/// A long text of ours that is not yet settled.
struct Leaving {
    id: MessageId,
    text: String<MAX_LONG_TEXT_OCTETS>,
    /// Some of it may have arrived in an earlier run, or all: its destination is asked first.
    asks: bool,
    /// `None` until it is first in line.
    sending: Option<Sending>,
    /// The last of its frames.
    last: Option<Attempt>,
    /// Whether its host knows that it was on the air.
    was_sent: bool,
}

impl Leaving {
    /// The machine, begun now if it was not before. `hops`: to the destination, if a way is known.
    fn sending(&mut self, hops: Option<u8>, rate: Rate) -> Option<&mut Sending> {
        let pace = Pace::over(hops.unwrap_or(1), rate);
        if self.sending.is_none() {
            let cut = Cut::of(self.text.len())?;
            // Without a way, nothing tells that the destination is there.
            let asks = self.asks || hops.is_none();
            self.sending =
                Some(if asks { Sending::asking_first(cut, pace) } else { Sending::new(cut, pace) });
        }
        let sending = self.sending.as_mut()?;
        sending.set_pace(pace);
        Some(sending)
    }

    /// Whether no way was known when it was last on the air.
    fn searches(&self) -> bool {
        self.last.is_some_and(|last| last.asked == Asked::Nobody)
    }
}

impl<const TEXTS: usize> Long<TEXTS> {
    pub(super) const fn new() -> Self {
        Self { leaving: Vec::new(), gathering: Reassembly::new(), statuses: Deque::new() }
    }

    /// How many counters a text takes: one, or as many as it has fragments.
    ///
    /// # Errors
    /// [`SendError::Empty`] and [`SendError::TooLong`].
    pub(super) fn counters(text: &str) -> Result<u8, SendError> {
        match text.len() {
            0 => Err(SendError::Empty),
            1..=MAX_TEXT_OCTETS => Ok(1),
            _ if TEXTS == 0 => Err(SendError::TooLong { max: MAX_TEXT_OCTETS }),
            len => Cut::of(len).map(Cut::count).ok_or(SendError::TooLong { max: MAX_LONG_TEXT_OCTETS }),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.leaving.is_full()
    }

    /// Takes a long text of ours. `anew`: in an earlier run some of it may have arrived, or all.
    ///
    /// # Errors
    /// [`SendError::LongTextsUnderWay`] when there is no room.
    pub(super) fn hold(&mut self, id: MessageId, text: &str, anew: bool) -> Result<(), SendError> {
        let text = String::try_from(text).map_err(|_| SendError::TooLong { max: MAX_LONG_TEXT_OCTETS })?;
        let leaving = Leaving { id, text, asks: anew, sending: None, last: None, was_sent: false };
        self.leaving.push(leaving).map_err(|_| SendError::LongTextsUnderWay)
    }

    /// Whether something of this text may go on the air now.
    pub(super) fn is_ready(&self, id: MessageId, now: Instant) -> bool {
        let leaving = self.leaving.iter().find(|leaving| leaving.id == id);
        leaving.is_some_and(|own| own.sending.as_ref().is_none_or(|sending| sending.next(now).is_some()))
    }

    /// Whether something of ours may be answered that was on the air no longer than `period` ago.
    pub(super) fn awaits_answer(&self, period: Duration, now: Instant) -> bool {
        let sending = self.leaving.iter().filter_map(|leaving| leaving.sending.as_ref());
        sending.into_iter().any(|sending| sending.awaits_answer(period, now))
    }

    /// Drops all texts of ours but these.
    pub(super) fn keep(&mut self, which: impl Fn(MessageId) -> bool) {
        self.leaving.retain(|leaving| which(leaving.id));
    }

    /// What was handed out under this token will not be transmitted.
    pub(super) fn handle_dropped(&mut self, token: u32, again: Instant) {
        for sending in self.leaving.iter_mut().filter_map(|leaving| leaving.sending.as_mut()) {
            sending.handle_dropped(token, again);
        }
    }

    /// The destinations for which `is_meant` have been heard, or are in reach again: no need to wait with a poll.
    fn bring_forward(&mut self, is_meant: impl Fn(&Leaving) -> bool, jitter: &mut Jitter, now: Instant) {
        for leaving in self.leaving.iter_mut().filter(|leaving| is_meant(leaving)) {
            if let Some(sending) = &mut leaving.sending {
                sending.handle_heard(jitter, now);
            }
        }
    }

    /// When something here is due, of the texts of ours for which `is_open`.
    pub(super) fn poll_timeout(&self, is_open: impl Fn(MessageId) -> bool) -> Option<Instant> {
        let open = self.leaving.iter().filter(|leaving| is_open(leaving.id));
        let leaving = open.filter_map(|leaving| leaving.sending.as_ref()?.poll_timeout()).min();
        earliest(leaving, self.gathering.poll_timeout())
    }
}

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// The whole of a long text that has [arrived](super::Event::ReceivedLong); `None` once it is accepted or refused.
    pub fn long_text(&self, id: MessageId) -> Option<&str> {
        core::str::from_utf8(self.long.gathering.octets(id)?).ok()
    }

    /// Room of long texts that are settled is free for others.
    pub(super) fn forget_settled(&mut self) {
        let outgoing = &self.outgoing;
        self.long.keep(|id| outgoing.iter().any(|entry| entry.id == id && entry.is_open()));
    }

    /// `node` was heard.
    pub(super) fn bring_long_forward(&mut self, node: NodeId, now: Instant) {
        let sessions = &self.sessions;
        let through = |leaving: &Leaving| {
            sessions.iter().any(|session| {
                session.local == leaving.id.source
                    && session.remote == leaving.id.destination
                    && session.reached_through(node)
            })
        };
        self.long.bring_forward(through, &mut self.jitter, now);
    }

    /// A beacon was heard: there may be a way now where there was none.
    pub(super) fn bring_long_routed_forward(&mut self, now: Instant) {
        let network = &self.network;
        let found = |own: &Leaving| own.searches() && network.next_hop(own.id.destination).is_some();
        self.long.bring_forward(found, &mut self.jitter, now);
    }

    /// When something of a long text is due.
    pub(super) fn long_deadline(&self) -> Option<Instant> {
        let under_way = |id| self.outgoing.iter().any(|entry| entry.id == id && entry.is_open());
        self.long.poll_timeout(under_way)
    }

    /// How many hops the way to `destination` has, by what it costs; `None` if there is none.
    fn hops_to(&self, destination: NodeId) -> Option<u8> {
        let step = self.network.next_hop(destination)?;
        let cost = self.network.metric(destination)?.eighths();
        Some(if step.arrives { 1 } else { (cost / 8).clamp(2, wire::FULL_HOP_LIMIT + 1) })
    }

    /// How long the destination of a fragment waits for what relays may still bring.
    fn patience(&self, hop_limit: u8) -> Duration {
        Pace::over(wire::FULL_HOP_LIMIT.saturating_sub(hop_limit) + 1, self.config.rate).patience
    }
}
