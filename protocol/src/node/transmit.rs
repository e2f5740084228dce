//! What goes on the air next.

use crate::crypto::Purpose;
use crate::id::{MessageId, NodeId};
use crate::net::{ENTRIES_OCTETS, Lane};
use crate::priority::Priority;
use crate::time::{Duration, Instant};
use crate::transport::{Came, Confirming, Heard, Outgoing, Phase, Progress, Schedule};
use crate::wire::{self, FULL_HOP_LIMIT, Kind, Proof};

use super::{Full, Node};

/// A receipt that nobody acknowledges is given up after this time.
const CONFIRM_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// A frame for the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transmission {
    /// Octets of the frame, at the start of the buffer.
    pub len: usize,
    /// What it may overtake.
    pub priority: Priority,
    /// Report its fate under this token, once: [`Node::handle_transmitted`] or [`Node::handle_dropped`].
    pub token: u32,
}

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// The next frame for the air, written to the start of `buf`, which must hold
    /// [`MAX_FRAME`](crate::region::MAX_FRAME) octets; a smaller one yields `None` where the frame does not fit.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut [u8]) -> Option<Transmission> {
        self.poll_urgent(now, buf)
            .or_else(|| self.transmit_answer(buf))
            .or_else(|| self.transmit_status(buf))
            .or_else(|| self.transmit_hop_ack(buf))
            .or_else(|| self.transmit_for_others(Lane::Ordinary, now, buf))
            .or_else(|| self.transmit_confirmation(now, buf))
            .or_else(|| self.transmit_text(Priority::Background, now, buf))
            .or_else(|| self.transmit_beacon(now, buf))
    }

    /// As [`Node::poll_transmit`], for a transmit queue that has no room but for [`Priority::Emergency`].
    pub fn poll_urgent(&mut self, now: Instant, buf: &mut [u8]) -> Option<Transmission> {
        self.transmit_text(Priority::Emergency, now, buf)
            .or_else(|| self.transmit_for_others(Lane::Urgent, now, buf))
    }

    /// Says something about a message to its other end, `destination`, once: in the shortest way to whoever was heard just
    /// now, else by way of relays.
    pub(super) fn answer(&mut self, destination: NodeId, proof: Proof, heard: Heard, now: Instant) {
        if heard.came == Came::Directly {
            self.queue_answer(proof, heard.urgent);
        } else {
            self.send_far(destination, proof, heard, now);
        }
    }

    pub(super) fn start_confirming(&mut self, id: MessageId, now: Instant) -> Result<(), Full> {
        if self.confirming.iter().any(|entry| entry.id == id) {
            return Ok(());
        }
        let ack = self.proof(Purpose::ReceiptAck, id).ok_or(Full)?;
        let receipt = self.proof(Purpose::Receipt, id).ok_or(Full)?;
        let give_up_at = now + CONFIRM_FOR;
        let (progress, schedule, last) = (Progress::Due, Schedule::new(), None);
        let entry = Confirming { id, ack, receipt, give_up_at, progress, schedule, last };
        self.confirming.push(entry).map_err(|_| Full)
    }

    fn transmit_answer(&mut self, buf: &mut [u8]) -> Option<Transmission> {
        let proof = *self.answers.iter().next()?;
        let len = wire::Ack { proof }.emit(buf).ok()?;
        self.answers.pop_front();
        self.stats.answers_transmitted = self.stats.answers_transmitted.wrapping_add(1);
        Some(Transmission { len, priority: Priority::Receipt, token: self.token() })
    }

    fn transmit_confirmation(&mut self, now: Instant, buf: &mut [u8]) -> Option<Transmission> {
        let index = self.confirming.iter().position(|entry| entry.progress == Progress::Due)?;
        let entry = self.confirming[index];
        let proof = Proof::of(entry.receipt, entry.schedule.wants_strong());
        let len = receipt(entry.id.source, proof, true).emit(buf).ok()?;
        let last = Some(self.aim(buf.get_mut(..len)?, entry.id.source, entry.schedule, now));
        let token = self.token();
        self.confirming[index].progress = Progress::OnAir(token);
        self.confirming[index].last = last;
        self.stats.answers_transmitted = self.stats.answers_transmitted.wrapping_add(1);
        Some(Transmission { len, priority: Priority::Receipt, token })
    }

    /// The first text in line of at least `lowest` priority, the most urgent first.
    fn transmit_text(&mut self, lowest: Priority, now: Instant, buf: &mut [u8]) -> Option<Transmission> {
        let ready = |entry: &&Outgoing| {
            entry.phase == Phase::Due
                && entry.priority >= lowest
                && self.is_first_in_line(entry)
                && (entry.text.is_some() || self.long.is_ready(entry.id, now))
        };
        // The oldest among the most urgent: `max_by_key` keeps the last of equals, hence the reversal.
        let entry = self.outgoing.iter().rev().filter(ready).max_by_key(|entry| entry.priority)?;
        let (id, priority, schedule) = (entry.id, entry.priority, entry.schedule);
        let Some(text) = &entry.text else { return self.transmit_piece(id, priority, now, buf) };

        let mut sealed = [0u8; wire::MAX_TEXT_OCTETS + wire::TAG_OCTETS];
        let session = &self.sessions[self.session_index(id.source, id.destination).ok()?];
        let (kind, text) = (kind_of(priority), text.as_bytes());
        let len = match kind {
            Kind::Urgent => session.key.seal_urgent(id, text, &mut sealed)?,
            _ => session.key.seal_text(id, text, &mut sealed)?,
        };
        let sealed = &sealed[..len];
        let neighbor = self.goes_direct(session, id, schedule).filter(|_| kind == Kind::Text);
        let last = match neighbor {
            Some(neighbor) => Self::emit_direct(session, id, sealed, neighbor, buf)?,
            None => {
                let frame = wire::Text {
                    hop_limit: FULL_HOP_LIMIT,
                    next_hop: wire::DIRECT,
                    destination: id.destination,
                    source: id.source,
                    form: session.form(kind, id, sealed, schedule.wants_strong()),
                    sealed,
                };
                let len = frame.emit(buf).ok()?;
                self.aim(buf.get_mut(..len)?, id.destination, schedule, now)
            }
        };

        let token = self.token();
        let entry = self.outgoing.iter_mut().find(|entry| entry.id == id)?;
        entry.phase = Phase::OnAir(token);
        entry.last = Some(last);
        self.stats.texts_transmitted = self.stats.texts_transmitted.wrapping_add(1);
        Some(Transmission { len: last.octets, priority, token })
    }

    /// One message at a time between two addresses keeps their order, and an absent destination costs the
    /// probes of one message only. Urgent ones do not stand behind others, but others behind them.
    fn is_first_in_line(&self, entry: &Outgoing) -> bool {
        let place = |entry: &Outgoing| (kind_of(entry.priority) != Kind::Urgent, entry.id.counter);
        !self.outgoing.iter().any(|other| {
            other.is_open()
                && other.id.source == entry.id.source
                && other.id.destination == entry.id.destination
                && place(other) < place(entry)
        })
    }

    fn transmit_beacon(&mut self, now: Instant, buf: &mut [u8]) -> Option<Transmission> {
        if !self.network.is_due() {
            return None;
        }
        let counter = self.beacon_counters.take_from(self.network.least_counter())?;
        let mut octets = [0; ENTRIES_OCTETS];
        let entries = self.network.compose(counter, &mut octets, now);
        let (source, role) = (self.config.node, self.config.role);
        let tag = self.config.network_key.seal_beacon(source, counter, role.octet(), entries);
        let beacon = wire::Beacon { hop_limit: 0, source, counter, role, entries, tag };
        let len = beacon.emit(buf).ok()?;
        self.stats.beacons_transmitted = self.stats.beacons_transmitted.wrapping_add(1);
        Some(Transmission { len, priority: Priority::Background, token: self.token() })
    }
}

/// The kind under which a message of this priority travels.
fn kind_of(priority: Priority) -> Kind {
    if priority >= Priority::Emergency { Kind::Urgent } else { Kind::Text }
}

pub(super) fn receipt(destination: NodeId, proof: Proof, acknowledge: bool) -> wire::Receipt {
    wire::Receipt { hop_limit: FULL_HOP_LIMIT, next_hop: wire::DIRECT, destination, acknowledge, proof }
}
