//! Deadlines, and news for the host.

use crate::id::NodeId;
use crate::time::{Instant, earliest};
use crate::transport::{Arriving, Phase, Progress, State, Wish};

use super::{Event, Node};

/// After so many attempts without an answer the link to the neighbor counts as worse.
pub(super) const UNANSWERED: u8 = 3;

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// When to call [`Node::handle_timeout`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let outgoing = self.outgoing.iter().filter_map(|entry| match entry.phase {
            Phase::Waiting(at) => Some(at.min(entry.expires_at)),
            Phase::Due => Some(entry.expires_at),
            Phase::Storing | Phase::OnAir(_) | Phase::Settled(_) => None,
        });
        let in_custody =
            self.in_custody.iter().filter(|entry| entry.settled.is_none()).map(|entry| entry.expires_at);
        let confirming = self.confirming.iter().filter_map(|entry| match entry.progress {
            Progress::Waiting(at) => Some(at.min(entry.give_up_at)),
            Progress::Due | Progress::OnAir(_) | Progress::Closed => None,
        });
        let first = outgoing.chain(in_custody).chain(confirming).min();
        let others = earliest(self.relay.poll_timeout(), self.kept_deadline());
        let others = earliest(others, self.long_deadline());
        earliest(earliest(first, self.network.poll_timeout()), others)
    }

    /// Time has passed. Calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.network.handle_timeout(now);
        let network = &mut self.network;
        self.relay.handle_timeout(now, |silent| network.handle_unreachable(silent, now));
        self.handle_kept_timeout(now);
        let mut expired = 0;
        for entry in &mut self.outgoing {
            let waiting = matches!(entry.phase, Phase::Waiting(_) | Phase::Due);
            if waiting && entry.expires_at <= now {
                entry.settle(State::Expired, Wish::Nothing);
                expired += 1;
            } else if let Phase::Waiting(at) = entry.phase
                && at <= now
            {
                entry.phase = Phase::Due;
                let silent = entry.last.and_then(|attempt| attempt.neighbor());
                if let Some(silent) = silent.filter(|_| entry.schedule.attempts().is_multiple_of(UNANSWERED))
                {
                    self.network.handle_unreachable(silent, now);
                }
            }
        }
        for entry in &mut self.in_custody {
            if entry.settled.is_none() && entry.expires_at <= now {
                entry.settled = Some(State::Expired);
                entry.told = false;
                expired += 1;
            }
        }
        for entry in &mut self.confirming {
            if let Progress::Waiting(at) = entry.progress {
                if entry.give_up_at <= now {
                    entry.progress = Progress::Closed;
                } else if at <= now {
                    entry.progress = Progress::Due;
                }
            }
        }
        self.handle_long_timeout(now);
        self.stats.expired = self.stats.expired.wrapping_add(expired);
    }

    /// The next piece of news.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.poll_reserve()
            .or_else(|| self.poll_received())
            .or_else(|| self.poll_state())
            .or_else(|| self.poll_closed())
            .or_else(|| self.poll_kept())
            .or_else(|| self.poll_heard())
    }

    fn poll_reserve(&mut self) -> Option<Event> {
        if let Some(until) = self.beacon_counters.poll() {
            return Some(Event::Reserve { local: self.config.node, remote: NodeId::BROADCAST, until });
        }
        if !self.wants_counters {
            return None;
        }
        let reserve = self.sessions.iter_mut().find_map(|session| {
            let until = session.counters.poll()?;
            Some(Event::Reserve { local: session.local, remote: session.remote, until })
        });
        self.wants_counters = reserve.is_some();
        reserve
    }

    fn poll_received(&mut self) -> Option<Event> {
        let entry = self.arriving.iter_mut().find(|entry| !entry.told)?;
        entry.told = true;
        let Arriving { id, heard, quality, window, .. } = *entry;
        let urgent = heard.urgent;
        Some(match &entry.text {
            Some(text) => Event::Received { id, urgent, text: text.clone(), quality, window },
            None => Event::ReceivedLong { id, quality, window },
        })
    }

    fn poll_state(&mut self) -> Option<Event> {
        if let Some(entry) = self.outgoing.iter_mut().find(|entry| entry.news.is_some()) {
            return entry.news.take().map(|state| Event::State { id: entry.id, state });
        }
        let index = self.in_custody.iter().position(|entry| !entry.told)?;
        self.in_custody[index].told = true;
        let entry = self.in_custody[index];
        let state = entry.settled.unwrap_or(State::InCustody(entry.keeper));
        Some(Event::State { id: entry.id, state })
    }

    fn poll_closed(&mut self) -> Option<Event> {
        let index = self.confirming.iter().position(|entry| entry.progress == Progress::Closed)?;
        let id = self.confirming.swap_remove(index).id;
        Some(Event::Closed { id })
    }

    fn poll_heard(&mut self) -> Option<Event> {
        let neighbor = self.network.take_fresh()?;
        let role = self.role_of(neighbor.node);
        Some(Event::Heard { node: neighbor.node, role, quality: neighbor.quality })
    }
}
