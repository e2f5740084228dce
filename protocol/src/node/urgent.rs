//! The lane of urgent texts: it is always free for one more, and nobody can keep the others out by using it without end.
//!
//! Each queue keeps places that only urgent texts take, and they go first. In return a source has few of them under way at a
//! time, and a node begins few in a row. Relays, which cannot know who wrote a frame, let so many pass as urgent and the rest as
//! ordinary texts. `docs/protocol.md`, section "Urgent texts".

use crate::budget::Budget;
use crate::id::NodeId;
use crate::priority::Priority;
use crate::time::{Duration, Instant};
use crate::transport::{Outgoing, Phase};
use crate::wire::Proof;

use super::{ARRIVING, Node};

/// Urgent messages that a node begins in a burst, and the time after which it begins one more.
const PACE: (u32, Duration) = (4, Duration::from_secs(30));
/// Urgent messages of one source under way.
const OF_ONE_SOURCE: usize = 2;

pub(super) const fn pace(now: Instant) -> Budget {
    Budget::new(PACE.0, PACE.1, now)
}

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// Whether one more message of this source may be under way.
    pub(super) fn may_begin(&self, source: NodeId, priority: Priority) -> bool {
        if priority < Priority::Emergency {
            // The last place is for urgent ones.
            return self.outgoing.len() + 1 < PENDING;
        }
        let urgent = |entry: &&Outgoing| entry.id.source == source && entry.priority >= Priority::Emergency;
        self.outgoing.iter().filter(urgent).count() < OF_ONE_SOURCE && !self.outgoing.is_full()
    }

    /// When a message that has just become durable goes out.
    pub(super) fn first_attempt(&mut self, priority: Priority, now: Instant) -> Phase {
        if priority < Priority::Emergency {
            return Phase::Due;
        }
        let at = self.urgent_pace.reserve(now);
        if at <= now { Phase::Due } else { Phase::Waiting(at) }
    }

    /// Whether a text that has just been opened finds room until it is durable.
    pub(super) fn may_arrive(&self, urgent: bool) -> bool {
        self.arriving.len() + usize::from(!urgent) < ARRIVING
    }

    /// Puts an answer in line: before all others if what it answers is urgent.
    pub(super) fn queue_answer(&mut self, proof: Proof, urgent: bool) {
        if self.answers.iter().any(|waiting| *waiting == proof) {
            return;
        }
        // What finds no room is dropped: whoever waits for it will ask again.
        if urgent {
            if self.answers.is_full() {
                self.answers.pop_back();
            }
            let _ = self.answers.push_front(proof);
        } else {
            let _ = self.answers.push_back(proof);
        }
    }
}
