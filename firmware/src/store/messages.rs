//! The messages: a ring of [`HISTORY`] records, those that wait for a receipt passed over.
//!
//! Record `n` of the area is the message whose number leaves the remainder `n`. The index in RAM knows all but the
//! texts.

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::priority::Priority;
use serde::{Deserialize, Serialize};

use super::area::MAX_RECORD;
use super::{Error, HISTORY, MESSAGES};

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
    },
    /// It was sent here.
    Outgoing {
        /// All about it.
        outgoing: Outgoing,
        /// What it says.
        text: &'a str,
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
    IncomingUrgent(MessageId),
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    slot: Slot,
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
            Some(Slot { content: Content::Outgoing(outgoing), .. }) => !outgoing.status.waits(),
            _ => true,
        })
    }

    /// The incoming message in a place.
    pub(super) fn incoming_at(&self, place: Place) -> Option<MessageId> {
        match self.slot(place)?.content {
            Content::Incoming(id) | Content::IncomingUrgent(id) => Some(id),
            Content::Outgoing(_) => None,
        }
    }

    /// Counters of the incoming messages from `source` to `destination`, from number `since` on.
    pub(super) fn incoming(
        &self,
        destination: Option<NodeId>,
        source: NodeId,
        since: u32,
    ) -> impl Iterator<Item = u32> {
        self.slots().filter_map(move |slot| match slot.content {
            Content::Incoming(id) | Content::IncomingUrgent(id)
                if slot.number >= since && id.source == source && Some(id.destination) == destination =>
            {
                Some(id.counter)
            }
            _ => None,
        })
    }

    /// Numbers and states of the messages that wait for a receipt, in no order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u32, Status)> {
        self.slots().filter_map(|slot| match slot.content {
            Content::Outgoing(outgoing) if outgoing.status.waits() => Some((slot.number, outgoing.status)),
            _ => None,
        })
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
        let slot = Slot { number: place.number, content };
        MESSAGES.put(flash, place.key(), &Record { slot, text }).await?;
        self.set(slot);
        Ok(slot.number)
    }

    pub(super) async fn set_status<F: NorFlash>(
        &mut self,
        flash: &mut F,
        id: MessageId,
        status: Status,
    ) -> Result<Option<u32>, Error> {
        let found = self.slots().find_map(|slot| match slot.content {
            Content::Outgoing(outgoing) if outgoing.id == id => Some((slot.number, outgoing)),
            _ => None,
        });
        let Some((number, outgoing)) = found else { return Ok(None) };
        let slot = Slot { number, content: Content::Outgoing(Outgoing { status, ..outgoing }) };
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
        buffer: &'b mut [u8; MAX_RECORD],
    ) -> Result<Option<Message<'b>>, Error> {
        let place = Place::of(number);
        let Some(slot) = self.slot(place).filter(|slot| slot.number == number) else { return Ok(None) };
        let len = MESSAGES.load(flash, place.key(), buffer).await?;
        let record = len.and_then(|len| buffer.get(..len)).ok_or(Error::Damaged)?;
        let Record { text, .. } = postcard::from_bytes(record).map_err(|_| Error::Damaged)?;
        // The index knows what was not worth a write.
        Ok(Some(match slot.content {
            Content::Incoming(id) => Message::Incoming { id, urgent: false, text },
            Content::IncomingUrgent(id) => Message::Incoming { id, urgent: true, text },
            Content::Outgoing(outgoing) => Message::Outgoing { outgoing, text },
        }))
    }
}
