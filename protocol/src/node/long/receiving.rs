//! Fragments and polls that come in, and the statuses that answer them.

use crate::crypto::Freshness;
use crate::id::MessageId;
use crate::net::Lane;
use crate::priority::Priority;
use crate::quality::Quality;
use crate::time::{Duration, Instant};
use crate::transport::{Arriving, Came, Gathered, Heard, Refused};
use crate::wire::{self, FULL_HOP_LIMIT, FragmentSet, Kind, MAX_FRAME, Piece, Routed};

use crate::node::{Discard, Node, Transmission};

/// What a frame of this kind turned out to be.
enum Opened {
    Poll,
    /// A fragment; how long what was sealed is.
    Fragment(usize),
}

/// By which way the answer to a fragment goes. No relay waits for it, as for that to a text.
fn came(hop_limit: u8) -> Came {
    if hop_limit == FULL_HOP_LIMIT { Came::Directly } else { Came::InFlood }
}

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// A fragment or a poll for one of our addresses.
    pub(in crate::node) fn handle_fragment(
        &mut self,
        frame: wire::Fragment<'_>,
        quality: Quality,
        now: Instant,
    ) -> Result<(), Discard> {
        let wire::Text { hop_limit, destination, source, .. } = frame.0;
        let heard = Heard { came: came(hop_limit), strong: frame.0.form.strong().is_some(), urgent: false };
        if !heard.strong && !self.forgeries.allows(now) {
            return Err(Discard::OverBudget);
        }
        let session = self.session(destination, source).ok_or(Discard::Foreign)?;
        let custodian = session.custodian();
        let mut plain = [0; MAX_FRAME];
        let opened = match frame.poll_proof() {
            Some(proof) => session.open_poll(&frame.0, &proof).map(|id| (id, Opened::Poll)),
            None => {
                let opened = session.open(Kind::Fragment, &frame.0, &mut plain);
                opened.map(|(id, len)| (id, Opened::Fragment(len)))
            }
        };
        let Ok((id, opened)) = opened else {
            if !heard.strong {
                self.forgeries.spend();
            }
            return Err(Discard::Forged);
        };
        let freshness = session.window.check(id.counter);
        if heard.came == Came::Directly {
            self.heard(custodian, quality, now);
        }
        let piece = match opened {
            Opened::Poll => None,
            Opened::Fragment(len) => {
                let plain = plain.get(..len).unwrap_or_default();
                Some(Piece::parse(plain).map_err(|_| Discard::Unreadable)?)
            }
        };
        let message = match &piece {
            Some(piece) => piece.message(id).ok_or(Discard::Unreadable)?,
            None => id,
        };
        match freshness {
            // Its counters are marked all at once: the whole message is here.
            Freshness::Seen => {
                self.answer_message(message, heard, now);
                return Err(Discard::Duplicate);
            }
            Freshness::TooOld => return Err(Discard::Replayed),
            Freshness::Fresh => {}
        }
        match piece {
            Some(piece) => self.gather(message, piece, hop_limit, (heard, quality), now),
            None => {
                if let Some(missing) = self.long.gathering.handle_poll(message, now) {
                    self.send_status(message, missing, heard.came == Came::Directly, now);
                }
                Ok(())
            }
        }
    }

    fn gather(
        &mut self,
        id: MessageId,
        piece: Piece<'_>,
        hop_limit: u8,
        (heard, quality): (Heard, Quality),
        now: Instant,
    ) -> Result<(), Discard> {
        // One at a time per session: its window then always says just what the store will hold.
        let same_ends =
            |other: &Arriving| (other.id.source, other.id.destination) == (id.source, id.destination);
        if !self.may_arrive(heard.urgent) || self.arriving.iter().any(same_ends) {
            return Err(Discard::Busy);
        }
        let direct = hop_limit == FULL_HOP_LIMIT;
        let patience = if direct { Duration::ZERO } else { self.patience(hop_limit) };
        let gathered =
            self.long.gathering.insert(id, piece, patience, now).map_err(|refused| match refused {
                Refused::NoRoom => Discard::Busy,
                Refused::Superseded => Discard::Replayed,
                Refused::Inconsistent => Discard::Unreadable,
            })?;
        match gathered {
            Gathered::Complete { counters } => self.complete(id, counters, heard, quality),
            Gathered::Duplicate | Gathered::Partial => {
                if direct && let Some((due, missing)) = self.long.gathering.poll_status(now) {
                    self.send_status(due, missing, due == id, now);
                }
                if gathered == Gathered::Partial { Ok(()) } else { Err(Discard::Duplicate) }
            }
        }
    }

    /// All of a long text is here: it is shown to the host, if it can be.
    fn complete(
        &mut self,
        id: MessageId,
        counters: u8,
        heard: Heard,
        quality: Quality,
    ) -> Result<(), Discard> {
        if self.long_text(id).is_none() {
            self.long.gathering.release(id);
            return Err(Discard::Unreadable);
        }
        let session = self.session(id.destination, id.source).ok_or(Discard::Foreign)?;
        let mut window = session.window;
        for offset in 0..u32::from(counters) {
            window.mark(id.counter.saturating_add(offset));
        }
        let arriving = Arriving { id, text: None, quality, heard, window, told: false };
        self.arriving.push(arriving).map_err(|_| Discard::Busy)?;
        self.stats.received = self.stats.received.wrapping_add(1);
        Ok(())
    }

    /// Statuses that were put off because relays might still bring what is missing.
    pub(super) fn send_due_statuses(&mut self, now: Instant) {
        while let Some((id, missing)) = self.long.gathering.poll_status(now) {
            self.send_status(id, missing, false, now);
        }
    }

    /// Tells the source of a long text what is missing of it; `direct`: it was heard itself just now.
    fn send_status(&mut self, id: MessageId, missing: FragmentSet, direct: bool, now: Instant) {
        let Some(session) = self.session(id.destination, id.source) else { return };
        let proof = session.key.status_proof(id, missing);
        let destination = id.source;
        let status =
            wire::Status { hop_limit: FULL_HOP_LIMIT, next_hop: wire::DIRECT, destination, proof, missing };
        // When there is no room, the source will ask.
        if direct {
            let _ = self.long.statuses.push_back(status);
            return;
        }
        let mut octets = [0; wire::Status::MAX_OCTETS];
        let Some(frame) = status.emit(&mut octets).ok().and_then(|len| octets.get_mut(..len)) else { return };
        if self.network.next_hop(destination).is_none() {
            Routed::redirect(frame, FULL_HOP_LIMIT, wire::FLOOD);
        }
        let _ = self.relay.send(frame, FULL_HOP_LIMIT, Lane::Ordinary, now);
    }

    pub(in crate::node) fn transmit_status(&mut self, buf: &mut [u8]) -> Option<Transmission> {
        let len = self.long.statuses.front()?.emit(buf).ok()?;
        self.long.statuses.pop_front();
        self.stats.answers_transmitted = self.stats.answers_transmitted.wrapping_add(1);
        Some(Transmission { len, priority: Priority::Receipt, token: self.token() })
    }

    /// A long text is durable, or will not be taken.
    pub(in crate::node) fn release_long(&mut self, id: MessageId) {
        self.long.gathering.release(id);
    }
}
