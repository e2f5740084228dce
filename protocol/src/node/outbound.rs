//! Our own messages: taken, stored, put on the air, settled.

use crate::crypto::Purpose;
use crate::id::{MessageId, NodeId};
use crate::priority::Priority;
use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::transport::{
    Asked, Attempt, Custody, Failure, Outgoing, Phase, Progress, Schedule, State, Text, Wish,
};
use crate::wire::{MAX_TEXT_OCTETS, STRONG_OCTETS};

use super::long::Long;
use super::{Draft, Full, Node, SendError};

/// A dropped frame is handed out again after this time.
const DROPPED_RETRY: Duration = Duration::from_secs(1);

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// Takes a message of ours. Make it durable together with the returned id, then call
    /// [`Node::handle_stored`]: nothing is transmitted before.
    ///
    /// # Errors
    /// See [`SendError`]; nothing has been taken.
    pub fn send(&mut self, draft: Draft<'_>, now: Instant) -> Result<MessageId, SendError> {
        let count = Long::<LONG>::counters(draft.text)?;
        // Fragments do not say that they are urgent.
        if count > 1 && draft.priority >= Priority::Emergency {
            return Err(SendError::TooLong { max: MAX_TEXT_OCTETS });
        }
        let room = self.room_for(count);
        let may_begin = self.may_begin(draft.source, draft.priority);
        let session = self.session(draft.source, draft.destination).ok_or(SendError::UnknownDestination)?;
        room?;
        if !may_begin {
            return Err(SendError::QueueFull);
        }
        let counter = session.counters.take_run(count);
        self.wants_counters = true;
        let counter = counter.ok_or(SendError::CountersNotReserved)?;
        let id = MessageId { source: draft.source, destination: draft.destination, counter };
        self.insert(id, draft.text, draft.priority, now + draft.lifetime, Phase::Storing)?;
        Ok(id)
    }

    /// Takes up a message of an earlier run, which is durable already. Call it in the order of the ids.
    /// `in_custody`: a custodian has it, only its receipt is awaited; `text` is then not needed.
    ///
    /// # Errors
    /// See [`SendError`]; nothing has been taken.
    pub fn resume(
        &mut self,
        id: MessageId,
        text: &str,
        lifetime_left: Duration,
        priority: Priority,
        in_custody: bool,
        now: Instant,
    ) -> Result<(), SendError> {
        let count = if in_custody { Ok(1) } else { Long::<LONG>::counters(text) };
        let session = self.session_of(id).ok_or(SendError::UnknownDestination)?;
        // Of one in custody no counter but the first need be known: all of them were reserved at once.
        session.counters.skip_past(id.counter.saturating_add(u32::from(count.unwrap_or(1)) - 1));
        if self.knows(id) {
            return Ok(());
        }
        if in_custody {
            let receipt = self.proof(Purpose::Receipt, id).ok_or(SendError::UnknownDestination)?;
            let expires_at = now + lifetime_left;
            let keeper = self.session_of(id).ok_or(SendError::UnknownDestination)?.custodian();
            let (identity, settled, wish, told) = (None, None, Wish::Nothing, true);
            let entry = Custody { id, receipt, expires_at, keeper, identity, settled, wish, told };
            return self.in_custody.push(entry).map_err(|_| SendError::QueueFull);
        }
        self.room_for(count?)?;
        self.insert(id, text, priority, now + lifetime_left, Phase::Due)
    }

    /// Gives a message of ours up. `false`: it is unknown or already settled. A frame under way is not recalled.
    /// The final state follows as an event.
    pub fn cancel(&mut self, id: MessageId) -> bool {
        match self.outgoing.iter_mut().find(|entry| entry.id == id && entry.is_open()) {
            Some(entry) => {
                entry.settle(State::Failed(Failure::Cancelled), Wish::Nothing);
                true
            }
            None => false,
        }
    }

    /// A message of ours is durable as it stands: after [`Node::send`] it may now be transmitted; after a final
    /// state it is forgotten, and its receipt acknowledged if that was asked for. Unknown ids are ignored.
    pub fn handle_stored(&mut self, id: MessageId, now: Instant) {
        let mut wish = Wish::Nothing;
        if let Some(index) = self.outgoing.iter().position(|entry| entry.id == id) {
            match self.outgoing[index].phase {
                Phase::Storing => {
                    self.outgoing[index].phase = self.first_attempt(self.outgoing[index].priority, now);
                }
                Phase::Settled(wanted) if self.outgoing[index].news.is_none() => {
                    wish = wanted;
                    self.outgoing.remove(index);
                }
                _ => {}
            }
        } else if let Some(index) = self.in_custody.iter().position(|entry| entry.id == id) {
            let entry = self.in_custody[index];
            if entry.settled.is_some() && entry.told {
                wish = entry.wish;
                self.in_custody.remove(index);
                if let (Some(State::Delivered), Some(identity)) = (entry.settled, entry.identity) {
                    self.notify(entry.keeper, identity, Purpose::Release, now);
                }
            }
        }
        self.grant(wish, id, now);
    }

    /// Counters below `until` are durably reserved for this pair ([`NodeId::BROADCAST`]: for our beacons).
    pub fn handle_reserved(&mut self, local: NodeId, remote: NodeId, until: u32, _now: Instant) {
        if remote == NodeId::BROADCAST {
            self.beacon_counters.granted(until);
        } else if let Some(session) = self.session(local, remote) {
            session.counters.granted(until);
        }
    }

    /// The frame handed out under `token` has left the antenna. Unknown tokens are ignored.
    pub fn handle_transmitted(&mut self, token: u32, now: Instant) {
        let rate = self.config.rate;
        self.relay.handle_transmitted(token, rate, &mut self.jitter, now);
        self.handle_piece_transmitted(token, now);
        if let Some(entry) = self.outgoing.iter_mut().find(|entry| entry.phase == Phase::OnAir(token)) {
            let first = entry.schedule.attempts() == 0;
            let next = next_attempt(&mut entry.schedule, entry.last, rate, &mut self.jitter, now);
            entry.phase = Phase::Waiting(next);
            if first {
                entry.news = Some(State::Sent);
            }
        }
        let on_air = |progress: Progress| progress == Progress::OnAir(token);
        if let Some(entry) = self.confirming.iter_mut().find(|entry| on_air(entry.progress)) {
            let next = next_attempt(&mut entry.schedule, entry.last, rate, &mut self.jitter, now);
            entry.progress = Progress::Waiting(next);
        }
    }

    /// The frame handed out under `token` will not be transmitted: it is handed out again a little later.
    /// Unknown tokens are ignored.
    pub fn handle_dropped(&mut self, token: u32, now: Instant) {
        self.relay.handle_dropped(token, &mut self.jitter, now);
        let again = now + DROPPED_RETRY + self.jitter.duration_up_to(DROPPED_RETRY);
        self.long.handle_dropped(token, again);
        if let Some(entry) = self.outgoing.iter_mut().find(|entry| entry.phase == Phase::OnAir(token)) {
            entry.phase = Phase::Waiting(again);
        }
        let on_air = |progress: Progress| progress == Progress::OnAir(token);
        if let Some(entry) = self.confirming.iter_mut().find(|entry| on_air(entry.progress)) {
            entry.progress = Progress::Waiting(again);
        }
    }

    /// A message that this node accepted into custody has reached its reader: its receipt is transmitted, and
    /// repeated until the source acknowledges it. Calling it again is harmless.
    ///
    /// # Errors
    /// [`Full`]: too many receipts are under way; call again after the next
    /// [`Event::Closed`](super::Event::Closed). Also when there is no session with the source.
    pub fn confirm(&mut self, id: MessageId, now: Instant) -> Result<(), Full> {
        self.start_confirming(id, now)
    }

    pub(super) fn proof(&mut self, purpose: Purpose, id: MessageId) -> Option<[u8; STRONG_OCTETS]> {
        // The session is the same whichever side wrote the message.
        let session = match self.session(id.source, id.destination) {
            Some(session) => session,
            None => self.session(id.destination, id.source)?,
        };
        Some(session.key.strong_proof(purpose, id))
    }

    fn knows(&self, id: MessageId) -> bool {
        self.outgoing.iter().any(|entry| entry.id == id) || self.in_custody.iter().any(|entry| entry.id == id)
    }

    /// Whether a message of so many counters finds a place.
    fn room_for(&mut self, counters: u8) -> Result<(), SendError> {
        self.forget_settled();
        if self.outgoing.is_full() {
            return Err(SendError::QueueFull);
        }
        if counters > 1 && self.long.is_full() { Err(SendError::LongTextsUnderWay) } else { Ok(()) }
    }

    fn insert(
        &mut self,
        id: MessageId,
        text: &str,
        priority: Priority,
        expires_at: Instant,
        phase: Phase,
    ) -> Result<(), SendError> {
        let ack = self.proof(Purpose::Ack, id).ok_or(SendError::UnknownDestination)?;
        let receipt = self.proof(Purpose::Receipt, id).ok_or(SendError::UnknownDestination)?;
        let short = Text::try_from(text).ok();
        if short.is_none() {
            self.long.hold(id, text, phase != Phase::Storing)?;
        }
        let entry = Outgoing {
            id,
            text: short,
            priority,
            expires_at,
            phase,
            schedule: Schedule::new(),
            last: None,
            ack,
            receipt,
            news: None,
        };
        self.outgoing.push(entry).map_err(|_| SendError::QueueFull)
    }
}

/// `last` left the antenna at `now`: when to try again if no answer comes.
fn next_attempt(
    schedule: &mut Schedule,
    last: Option<Attempt>,
    rate: Rate,
    jitter: &mut Jitter,
    now: Instant,
) -> Instant {
    match last {
        Some(Attempt { asked: Asked::Everybody | Asked::Nobody, .. }) => schedule.searched(jitter, now),
        // The answer is the same frame, further on.
        Some(Attempt { asked: Asked::Relay(_), octets, .. }) => {
            schedule.transmitted(octets, rate, jitter, now)
        }
        Some(Attempt { asked: Asked::End(_), .. }) | None => schedule.transmitted(0, rate, jitter, now),
    }
}
