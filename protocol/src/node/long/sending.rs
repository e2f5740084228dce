//! Fragments and polls on their way, and the statuses that come back.

use crate::crypto::{self, Purpose};
use crate::id::MessageId;
use crate::priority::Priority;
use crate::quality::Quality;
use crate::time::Instant;
use crate::transport::{Asked, Due, SHORT_ATTEMPTS, State};
use crate::wire::{self, FULL_HOP_LIMIT, INDEX_OCTETS, Kind, MAX_PIECE_OCTETS, Routed};

use crate::node::timer::UNANSWERED;
use crate::node::{Discard, Node, Session, Transmission};

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// The next fragment of a long text of ours, or a poll.
    pub(in crate::node) fn transmit_piece(
        &mut self,
        id: MessageId,
        priority: Priority,
        now: Instant,
        buf: &mut [u8],
    ) -> Option<Transmission> {
        let (hops, rate) = (self.hops_to(id.destination), self.config.rate);
        let leaving = self.long.leaving.iter_mut().find(|leaving| leaving.id == id)?;
        let sending = leaving.sending(hops, rate)?;
        let (due, cut) = (sending.next(now)?, sending.cut());

        let session = self.sessions.iter().find(|s| s.local == id.source && s.remote == id.destination)?;
        let mut sealed = [0; INDEX_OCTETS + MAX_PIECE_OCTETS + wire::TAG_OCTETS];
        let strong = sending.attempts() >= SHORT_ATTEMPTS;
        let (own, len) = match due {
            Due::Poll => {
                let proof = session.key.proof(Purpose::Poll, id);
                sealed.get_mut(..proof.len())?.copy_from_slice(&proof);
                (id, proof.len())
            }
            Due::Fragment(index) => {
                // All of a message's counters were reserved: the last one is a counter, too.
                let counter = id.counter.checked_add(index.into())?;
                let mut plain = [0; INDEX_OCTETS + MAX_PIECE_OCTETS];
                let len = cut.piece(leaving.text.as_bytes(), index)?.emit(&mut plain).ok()?;
                let fragment = MessageId { counter, ..id };
                (fragment, session.key.seal_fragment(fragment, plain.get(..len)?, &mut sealed)?)
            }
        };
        let sealed = sealed.get(..len)?;
        let frame = wire::Fragment(wire::Text {
            hop_limit: FULL_HOP_LIMIT,
            next_hop: wire::DIRECT,
            destination: id.destination,
            source: id.source,
            form: session.form(Kind::Fragment, own, sealed, strong),
            sealed,
        });
        let len = frame.emit(buf).ok()?;
        let last = self.point(buf.get_mut(..len)?, self.way_of_pieces(id));

        let token = self.token();
        let leaving = self.long.leaving.iter_mut().find(|leaving| leaving.id == id)?;
        leaving.sending.as_mut()?.handed_out(due, token);
        leaving.last = Some(last);
        self.stats.fragments_transmitted = self.stats.fragments_transmitted.wrapping_add(1);
        Some(Transmission { len, priority, token })
    }

    /// Whom to ask. Never everybody: a flood of fragments would be too much, and a status that comes back from afar shows no
    /// way for them.
    fn way_of_pieces(&self, id: MessageId) -> Asked {
        match self.network.next_hop(id.destination) {
            Some(step) if step.arrives => Asked::End(Some(step.hop.node)),
            Some(step) => Asked::Relay(step.hop),
            None => Asked::Nobody,
        }
    }

    /// What was handed out under `token` has left the antenna. Unknown tokens are ignored.
    pub(in crate::node) fn handle_piece_transmitted(&mut self, token: u32, now: Instant) {
        let rate = self.config.rate;
        for leaving in &mut self.long.leaving {
            let Some(sending) = &mut leaving.sending else { continue };
            if !sending.handle_transmitted(token, rate, &mut self.jitter, now) || leaving.was_sent {
                continue;
            }
            leaving.was_sent = true;
            let open = self.outgoing.iter_mut().find(|entry| entry.id == leaving.id && entry.is_open());
            if let Some(entry) = open {
                entry.news = Some(State::Sent);
            }
        }
    }

    /// Time has passed.
    pub(in crate::node) fn handle_long_timeout(&mut self, now: Instant) {
        self.forget_settled();
        for leaving in &mut self.long.leaving {
            let Some(sending) = &mut leaving.sending else { continue };
            if sending.handle_timeout(now)
                && sending.attempts().is_multiple_of(UNANSWERED)
                && let Some(silent) = leaving.last.and_then(|last| last.neighbor())
            {
                self.network.handle_unreachable(silent, now);
            }
        }
        self.send_due_statuses(now);
    }

    /// A fragment or a poll with one of our addresses as its source: ours, passed on by a relay, or another node's with the
    /// same address.
    pub(in crate::node) fn handle_piece_echo(&mut self, octets: &[u8], now: Instant) -> Result<(), Discard> {
        let identity = Routed::identity(octets);
        let further = Routed::read(octets).is_some_and(|routed| routed.hop_limit < FULL_HOP_LIMIT);
        let lasts = self.long.leaving.iter().filter_map(|leaving| leaving.last);
        let ours = lasts.into_iter().find(|last| further && last.identity == identity);
        let neighbor = ours.ok_or(Discard::OwnSource)?.neighbor();
        if let Some(neighbor) = neighbor {
            self.network.handle_reached(neighbor, now);
        }
        Ok(())
    }

    /// A status for us: what a long text of ours lacks.
    pub(in crate::node) fn handle_status(
        &mut self,
        status: wire::Status,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        if !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let sessions = &self.sessions;
        let found =
            self.long.leaving.iter_mut().filter(|own| own.id.source == status.destination).find_map(|own| {
                let of_it = |s: &&Session| s.local == own.id.source && s.remote == own.id.destination;
                let session = sessions.iter().find(of_it)?;
                let proof = session.key.status_proof(own.id, status.missing);
                crypto::same(&proof, &status.proof).then_some((own, session.custodian()))
            });
        let Some((leaving, custodian)) = found else {
            self.forgeries.spend();
            return Err(Discard::Forged);
        };
        let neighbor = leaving.last.and_then(|last| last.neighbor());
        let is_news = leaving.sending.as_mut().is_some_and(|sending| sending.handle_status(status.missing));
        if let Some(neighbor) = neighbor {
            self.network.handle_reached(neighbor, now);
        }
        if status.hop_limit == FULL_HOP_LIMIT {
            self.heard(custodian, quality, now);
        }
        if is_news { Ok(()) } else { Err(Discard::Duplicate) }
    }
}
