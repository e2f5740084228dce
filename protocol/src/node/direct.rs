//! Texts between neighbors: a label instead of addresses, hop limit and next hop.
//!
//! The first attempts with a neighbor go like this; those that follow are routed, and strong. `docs/protocol.md`, section "Direct
//! text".

use crate::id::{MessageId, NodeId, SequenceNumber};
use crate::quality::Quality;
use crate::time::Instant;
use crate::transport::{Asked, Attempt, Came, Heard, Schedule, Session};
use crate::wire::{self, Direct, Kind, Routed};

use super::{Discard, Node};

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// The neighbor for which the next attempt with this message is in the direct form; `None` if it is not.
    pub(super) fn goes_direct(&self, session: &Session, id: MessageId, schedule: Schedule) -> Option<NodeId> {
        if schedule.wants_strong() || !session.is_near(id.counter) {
            return None;
        }
        self.network.next_hop(id.destination).filter(|step| step.arrives).map(|step| step.hop.node)
    }

    /// Writes a text of ours for a neighbor to the start of `buf`.
    pub(super) fn emit_direct(
        session: &Session,
        id: MessageId,
        sealed: &[u8],
        neighbor: NodeId,
        buf: &mut [u8],
    ) -> Option<Attempt> {
        let label = session.key.label(id.source, id.destination);
        let frame = Direct { label, sequence: SequenceNumber::of(id.counter), sealed };
        let octets = frame.emit(buf).ok()?;
        let identity = Routed::identity(buf.get(..octets)?);
        Some(Attempt { asked: Asked::End(Some(neighbor)), identity, octets })
    }

    /// A text of a neighbor, perhaps for us.
    pub(super) fn handle_direct(
        &mut self,
        frame: Direct<'_>,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        let mut plain = [0; wire::MAX_FRAME];
        let mut ours =
            self.sessions.iter().filter(|session| session.label_of_remote() == frame.label).peekable();
        if ours.peek().is_none() {
            return Err(Discard::Foreign);
        }
        if !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let opened = ours.find_map(|session| {
            let text = frame.between(session.remote, session.local);
            session.open(Kind::Text, &text, &mut plain).ok()
        });
        let Some((id, len)) = opened else {
            self.forgeries.spend();
            return Err(Discard::Forged);
        };
        let heard = Heard { came: Came::Directly, strong: false, urgent: false };
        self.take_text(id, &plain[..len], heard, quality, now)
    }
}
