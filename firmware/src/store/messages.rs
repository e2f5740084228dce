//! The messages: a ring of [`HISTORY`] records, those that wait for a receipt passed over.
//!
//! Record `n` of the area is the message whose number leaves the remainder `n`. The index in RAM knows all but the
//! texts.

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::priority::Priority;
use fanal_protocol::transport::MAX_LONG_TEXT_OCTETS;
use fanal_protocol::wire::MAX_TEXT_OCTETS;
use serde::{Deserialize, Serialize};

use super::area::MAX_RECORD;
use super::texts::{self, PLACES, Rest};
use super::{Error, HISTORY, MESSAGES};

/// Octets of the longest message: its record, and the rest of a long text.
pub(super) const BUFFER: usize = MAX_RECORD + MAX_LONG_TEXT_OCTETS;

/// What has become of a message that was sent here.
///
/// The discriminants are stored in flash and never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Status {
    /// It waits for its turn.
    Queued,
    /// It was on the air. Not worth a write: after a restart it is queued again.
    Sent,
    /// Somebody has taken it over.
    InCustody(NodeId),
    /// Its destination has it.
    Delivered,
    /// Its lifetime is over.
    Expired,
    /// It will not be delivered for another reason.
    Failed,
}

impl Status {
    /// Whether nobody else has it yet.
    pub const fn is_ours_alone(self) -> bool {
        matches!(self, Status::Queued | Status::Sent)
    }

    /// Whether a receipt may still come.
    pub const fn waits(self) -> bool {
        self.is_ours_alone() || matches!(self, Status::InCustody(_))
    }
}

/// A message that is sent here, less its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its name on the air.
    pub id: MessageId,
    /// What has become of it.
    pub status: Status,
    /// Powered minutes ([`Store::minutes`](super::Store::minutes)) when it was accepted.
    pub accepted: u32,
    /// Its lifetime, minutes.
    pub lifetime: u32,
    /// Its priority.
    pub priority: Priority,
}

/// A stored message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message<'a> {
    /// It came in.
    Incoming {
        /// Its name on the air.
        id: MessageId,
        /// Whether its author called it urgent.
        urgent: bool,
        /// What it says.
        text: &'a str,
        /// Whether more of it is not there any more.
        cut: bool,
    },
    /// It was sent here.
    Outgoing {
        /// All about it.
        outgoing: Outgoing,
        /// What it says.
        text: &'a str,
        /// Whether more of it is not there any more.
        cut: bool,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Slot {
    number: u32,
    content: Content,
}

/// The discriminants are stored in flash and never change.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Content {
    Incoming(MessageId),
    Outgoing(Outgoing),
    LongIncoming(MessageId, Rest),
    LongOutgoing(Outgoing, Rest),
    IncomingUrgent(MessageId),
}

impl Slot {
    const fn incoming(self) -> Option<MessageId> {
        match self.content {
            Content::Incoming(id) | Content::IncomingUrgent(id) | Content::LongIncoming(id, _) => Some(id),
            Content::Outgoing(_) | Content::LongOutgoing(..) => None,
        }
    }

    const fn outgoing(self) -> Option<Outgoing> {
        match self.content {
            Content::Outgoing(outgoing) | Content::LongOutgoing(outgoing, _) => Some(outgoing),
            Content::Incoming(_) | Content::IncomingUrgent(_) | Content::LongIncoming(..) => None,
        }
    }

    const fn rest(self) -> Option<Rest> {
        match self.content {
            Content::LongIncoming(_, rest) | Content::LongOutgoing(_, rest) => Some(rest),
            Content::Incoming(_) | Content::IncomingUrgent(_) | Content::Outgoing(_) => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    slot: Slot,
    /// All of it, or its beginning. The last octets of the record.
    text: &'a str,
}

/// Where the next message goes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    number: u32,
    index: usize,
}

impl Place {
    const fn of(number: u32) -> Self {
        Self { number, index: number as usize % HISTORY }
    }

    const fn key(self) -> u16 {
        self.index as u16
    }
}

/// What the area holds, less the texts.
pub(super) struct Index {
    slots: [Option<Slot>; HISTORY],
    next_number: u32,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { slots: [None; HISTORY], next_number: 1 }
    }

    /// Takes one record in, as the scan of the flash finds it.
    pub(super) fn apply(&mut self, key: u16, octets: &[u8]) {
        let Ok(Record { slot, .. }) = postcard::from_bytes(octets) else { return };
        if Place::of(slot.number).key() == key {
            self.set(slot);
        }
    }

    fn set(&mut self, slot: Slot) {
        self.next_number = self.next_number.max(slot.number.saturating_add(1));
        if let Some(place) = self.slots.get_mut(Place::of(slot.number).index) {
            *place = Some(slot);
        }
    }

    fn slot(&self, place: Place) -> Option<Slot> {
        self.slots.get(place.index).copied().flatten()
    }

    fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().copied().flatten()
    }

    pub(super) fn next_number(&self) -> u32 {
        self.next_number
    }

    /// The first place from the next number on whose message does not wait.
    pub(super) fn next_place(&self) -> Option<Place> {
        (self.next_number..u32::MAX).take(HISTORY).map(Place::of).find(|place| match self.slot(*place) {
            Some(slot) => slot.outgoing().is_none_or(|outgoing| !outgoing.status.waits()),
            None => true,
        })
    }

    /// The incoming message in a place.
    pub(super) fn incoming_at(&self, place: Place) -> Option<MessageId> {
        self.slot(place)?.incoming()
    }

    /// Where the next long text goes: a free place, else that of the oldest that need not be sent any more.
    fn next_text_place(&self) -> Option<u8> {
        // Of those with one place only the newest has its text there.
        let newest = |place: u8| {
            let here = self.slots().filter(|slot| slot.rest().is_some_and(|rest| rest.place == place));
            here.max_by_key(|slot| slot.number)
        };
        let owned = |slot: &Slot| slot.outgoing().is_some_and(|outgoing| outgoing.status.is_ours_alone());
        let free = (0..PLACES).filter(|place| !newest(*place).as_ref().is_some_and(owned));
        free.min_by_key(|place| newest(*place).map_or(0, |slot| slot.number))
    }

    /// Counters of the incoming messages from `source` to `destination`, from number `since` on.
    pub(super) fn incoming(
        &self,
        destination: Option<NodeId>,
        source: NodeId,
        since: u32,
    ) -> impl Iterator<Item = u32> {
        self.slots().filter(move |slot| slot.number >= since).flat_map(move |slot| {
            let ends = |id: &MessageId| id.source == source && Some(id.destination) == destination;
            let first = slot.incoming().filter(ends).map(|id| id.counter);
            let count = slot.rest().map_or(1, Rest::counters);
            first.into_iter().flat_map(move |first| first..first.saturating_add(count))
        })
    }

    /// Numbers and states of the messages that wait for a receipt, in no order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u32, Status)> {
        let waiting = |slot: Slot| slot.outgoing().filter(|outgoing| outgoing.status.waits());
        self.slots().filter_map(move |slot| Some((slot.number, waiting(slot)?.status)))
    }

    pub(super) fn number_after(&self, number: u32) -> Option<u32> {
        self.slots().map(|slot| slot.number).filter(|other| *other > number).min()
    }

    pub(super) async fn add_incoming<F: NorFlash>(
        &mut self,
        flash: &mut F,
        place: Place,
        id: MessageId,
        urgent: bool,
        text: &str,
    ) -> Result<u32, Error> {
        let content = if urgent { Content::IncomingUrgent(id) } else { Content::Incoming(id) };
        self.put(flash, place, content, text).await
    }

    pub(super) async fn add_outgoing<F: NorFlash>(
        &mut self,
        flash: &mut F,
        place: Place,
        outgoing: Outgoing,
        text: &str,
    ) -> Result<u32, Error> {
        self.put(flash, place, Content::Outgoing(outgoing), text).await
    }

    async fn put<F: NorFlash>(
        &mut self,
        flash: &mut F,
        place: Place,
        content: Content,
        text: &str,
    ) -> Result<u32, Error> {
        let mut slot = Slot { number: place.number, content };
        let mut beginning = text;
        if text.len() > MAX_TEXT_OCTETS {
            let octets = u16::try_from(text.len()).map_err(|_| Error::TooLong)?;
            let rest = Rest { place: self.next_text_place().ok_or(Error::Full)?, octets };
            texts::write(flash, rest.place, slot.number, text).await?;
            beginning = texts::split(text).0;
            slot.content = match content {
                // A long text is urgent to nobody: it travels in fragments.
                Content::Incoming(id) | Content::IncomingUrgent(id) | Content::LongIncoming(id, _) => {
                    Content::LongIncoming(id, rest)
                }
                Content::Outgoing(outgoing) | Content::LongOutgoing(outgoing, _) => {
                    Content::LongOutgoing(outgoing, rest)
                }
            };
        }
        MESSAGES.put(flash, place.key(), &Record { slot, text: beginning }).await?;
        self.set(slot);
        Ok(slot.number)
    }

    pub(super) async fn set_status<F: NorFlash>(
        &mut self,
        flash: &mut F,
        id: MessageId,
        status: Status,
    ) -> Result<Option<u32>, Error> {
        let found = self.slots().find_map(|slot| Some((slot, slot.outgoing().filter(|sent| sent.id == id)?)));
        let Some((former, outgoing)) = found else { return Ok(None) };
        let (number, changed) = (former.number, Outgoing { status, ..outgoing });
        let content = match former.rest() {
            Some(rest) => Content::LongOutgoing(changed, rest),
            None => Content::Outgoing(changed),
        };
        let slot = Slot { number, content };
        let same = outgoing.status == status;
        if !same && !matches!(status, Status::Queued | Status::Sent) {
            let mut buffer = [0; MAX_RECORD];
            let len = MESSAGES.load(flash, Place::of(number).key(), &mut buffer).await?;
            let record = len.and_then(|len| buffer.get(..len)).ok_or(Error::Damaged)?;
            let Record { text, .. } = postcard::from_bytes(record).map_err(|_| Error::Damaged)?;
            MESSAGES.put(flash, Place::of(number).key(), &Record { slot, text }).await?;
        }
        self.set(slot);
        Ok(Some(number))
    }

    pub(super) async fn message<'b, F: NorFlash>(
        &mut self,
        flash: &mut F,
        number: u32,
        buffer: &'b mut [u8; BUFFER],
    ) -> Result<Option<Message<'b>>, Error> {
        let place = Place::of(number);
        let Some(slot) = self.slot(place).filter(|slot| slot.number == number) else { return Ok(None) };
        let record = buffer.first_chunk_mut().ok_or(Error::Damaged)?;
        let mut end = MESSAGES.load(flash, place.key(), record).await?.ok_or(Error::Damaged)?;
        let octets = record.get(..end).ok_or(Error::Damaged)?;
        let Record { text, .. } = postcard::from_bytes(octets).map_err(|_| Error::Damaged)?;
        let begin = end - text.len();
        let total = begin + slot.rest().map_or(text.len(), |rest| rest.octets.into());
        if let Some(Rest { place, .. }) = slot.rest() {
            end = texts::read(flash, place, number, buffer, end, total).await?;
        }
        let text = buffer.get(begin..end).and_then(|octets| core::str::from_utf8(octets).ok());
        let (text, cut) = (text.ok_or(Error::Damaged)?, end != total);
        // The index knows what was not worth a write.
        let urgent = matches!(slot.content, Content::IncomingUrgent(_));
        Ok(match (slot.incoming(), slot.outgoing()) {
            (Some(id), _) => Some(Message::Incoming { id, urgent, text, cut }),
            (None, Some(outgoing)) => Some(Message::Outgoing { outgoing, text, cut }),
            (None, None) => None,
        })
    }
}
