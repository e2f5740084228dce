//! What must outlive a power cut, in flash: settings, counters, messages.
//!
//! The rules that keep promises (docs/protocol.md, "Transport"):
//! - a message is in flash before anything is transmitted that says so;
//! - counters are reserved here before they are used, so no nonce occurs twice;
//! - an incoming message and the mark that it has been seen are one record, so a power cut can neither lose it
//!   nor show it twice.
//!
//! Three areas of the flash, each a map from small numbers to records: `settings` change seldom, `messages` with
//! every message, `texts` with the rest of each long one. A clock that counts only powered minutes gives messages an age.
//!
//! # Cancel safety
//! No `async` function here is cancel safe: wait for its end.

mod area;
mod messages;
mod settings;
#[cfg(test)]
mod tests;
mod texts;

use core::fmt;

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::crypto::Window;
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::IN_CUSTODY;

use area::Area;
pub use messages::{Message, Outgoing, Status};
pub use settings::{Contact, Settings};

/// Octets of the longest contact name.
pub const MAX_NAME: usize = 24;
/// How many contacts there may be.
pub const MAX_CONTACTS: usize = 16;
/// How many messages may wait that nobody else has yet.
pub const MAX_WAITING: usize = 16;
/// How many messages may wait for their receipts, those in other nodes' custody included.
pub const MAX_UNCONFIRMED: usize = MAX_WAITING + IN_CUSTODY;
/// How many messages are kept; the oldest that does not wait makes room.
pub const HISTORY: usize = 96;

const _: () = assert!(MAX_UNCONFIRMED < HISTORY, "what comes in must find a place");

/// Octets of flash for the settings, from its beginning.
const SETTINGS_OCTETS: u32 = 16 * 1024;
/// Octets of flash for the messages, after the settings. Twice what `HISTORY` of the longest need.
const MESSAGES_OCTETS: u32 = 64 * 1024;

/// Octets of flash for what long texts have beyond their beginnings, after the messages. Twice what they need.
const TEXTS_OCTETS: u32 = 64 * 1024;

const SETTINGS: Area = Area(0..SETTINGS_OCTETS);
const MESSAGES: Area = Area(SETTINGS_OCTETS..SETTINGS_OCTETS + MESSAGES_OCTETS);
const TEXTS: Area = Area(MESSAGES.0.end..MESSAGES.0.end + TEXTS_OCTETS);

/// Why something is not stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The flash refused.
    Flash,
    /// What the flash holds makes no sense.
    Damaged,
    /// There is no room.
    Full,
    /// The record is too long.
    TooLong,
    /// Nobody has this address.
    Unknown,
    /// The flash is too small, or its pages do not divide the areas.
    Unsuitable,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Flash => "the flash does not work",
            Error::Damaged => "the flash holds nonsense",
            Error::Full => "the flash is full",
            Error::TooLong => "the record is too long",
            Error::Unknown => "nobody has this address",
            Error::Unsuitable => "the flash is too small or its pages have an odd size",
        })
    }
}

impl core::error::Error for Error {}

/// The durable state of a handheld, with what is needed often also in RAM.
pub struct Store<F> {
    flash: F,
    settings: settings::Cached,
    messages: messages::Index,
}

impl<F: NorFlash> Store<F> {
    /// Reads what the flash holds; a blank flash is an empty store.
    ///
    /// # Errors
    /// [`Error::Flash`], [`Error::Damaged`] (erasing is the way out) and [`Error::Unsuitable`].
    pub async fn open(mut flash: F) -> Result<Self, (F, Error)> {
        match Self::load(&mut flash).await {
            Ok((settings, messages)) => Ok(Self { flash, settings, messages }),
            Err(error) => Err((flash, error)),
        }
    }

    async fn load(flash: &mut F) -> Result<(settings::Cached, messages::Index), Error> {
        if flash.capacity() < TEXTS.0.end as usize {
            return Err(Error::Unsuitable);
        }
        let mut settings = settings::Cached::new();
        SETTINGS.scan(flash, |key, octets| settings.apply(key, octets)).await?;
        let mut messages = messages::Index::new();
        MESSAGES.scan(flash, |key, octets| messages.apply(key, octets)).await?;
        // Something else of an older firmware may be there. Whatever it was, the beginnings of all texts are not.
        if let Err(Error::Damaged) = TEXTS.scan(flash, |_, _| ()).await {
            flash.erase(TEXTS.0.start, TEXTS.0.end).await.map_err(|_| Error::Flash)?;
        }
        Ok((settings, messages))
    }

    /// Erases settings, keys and messages.
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub async fn erase(flash: &mut F) -> Result<(), Error> {
        flash.erase(SETTINGS.0.start, TEXTS.0.end).await.map_err(|_| Error::Flash)
    }

    /// Everything but the messages.
    pub fn settings(&self) -> &Settings {
        self.settings.settings()
    }

    /// Stores other settings.
    ///
    /// # Errors
    /// Those of the flash; the former settings then stay.
    pub async fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) -> Result<(), Error> {
        self.settings.change(&mut self.flash, change).await
    }

    /// The people known, in the order in which they were added.
    pub fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.settings.contacts()
    }

    /// Who has this address.
    pub fn contact(&self, node: NodeId) -> Option<&Contact> {
        self.contacts().find(|contact| contact.node == node)
    }

    /// Adds a contact, or changes the one with the same address. With another key the counters that this
    /// contact used before are forgotten: they start anew.
    ///
    /// # Errors
    /// [`Error::Full`] when there are [`MAX_CONTACTS`] already; those of the flash.
    pub async fn set_contact(&mut self, contact: Contact) -> Result<(), Error> {
        self.settings.set_contact(&mut self.flash, contact, self.messages.next_number()).await
    }

    /// Replaces the own secret key, and forgets the counters that the contacts have used with the former one.
    ///
    /// # Errors
    /// Those of the flash.
    pub async fn set_secret(&mut self, secret: [u8; 32]) -> Result<(), Error> {
        self.settings.set_secret(&mut self.flash, secret, self.messages.next_number()).await
    }

    /// The counter from which on none has been used towards `remote`; for [`NodeId::BROADCAST`], in beacons.
    pub fn next_counter(&self, remote: NodeId) -> u32 {
        self.settings.next_counter(remote)
    }

    /// Reserves the counters below `until`.
    ///
    /// # Errors
    /// Those of the flash; the counters must then not be used.
    pub async fn reserve(&mut self, remote: NodeId, until: u32) -> Result<(), Error> {
        self.settings.reserve(&mut self.flash, remote, until).await
    }

    /// Which of the counters of `remote` belong to messages that have been accepted here.
    pub fn window(&self, remote: NodeId) -> Window {
        let (mut window, since) = self.settings.window(remote);
        self.messages.incoming(self.settings().node, remote, since).for_each(|counter| window.mark(counter));
        window
    }

    /// Stores a message that came in, with the mark that it has been seen; returns its number.
    ///
    /// # Errors
    /// Those of the flash; the message must then not be accepted.
    pub async fn add_incoming(&mut self, id: MessageId, urgent: bool, text: &str) -> Result<u32, Error> {
        let place = self.make_room().await?;
        self.messages.add_incoming(&mut self.flash, place, id, urgent, text).await
    }

    /// Stores a message that is to be sent; returns its number.
    ///
    /// # Errors
    /// [`Error::Full`] when there is no room ([`Store::has_room`]); those of the flash.
    pub async fn add_outgoing(&mut self, outgoing: Outgoing, text: &str) -> Result<u32, Error> {
        if !self.has_room() {
            return Err(Error::Full);
        }
        let place = self.make_room().await?;
        self.messages.add_outgoing(&mut self.flash, place, outgoing, text).await
    }

    /// A place for the next message. The marks of a message that is overwritten are saved first.
    async fn make_room(&mut self) -> Result<messages::Place, Error> {
        let place = self.messages.next_place().ok_or(Error::Full)?;
        if let Some(victim) = self.messages.incoming_at(place) {
            let window = self.window(victim.source);
            self.settings.save_window(&mut self.flash, victim, window).await?;
        }
        Ok(place)
    }

    /// Notes what has become of a message that was sent; returns its number, or `None` if it is not known.
    ///
    /// # Errors
    /// Those of the flash.
    pub async fn set_status(&mut self, id: MessageId, status: Status) -> Result<Option<u32>, Error> {
        self.messages.set_status(&mut self.flash, id, status).await
    }

    /// How many messages wait for their receipts.
    pub fn waiting(&self) -> usize {
        self.messages.waiting().count()
    }

    /// Whether another message may be sent: fewer than [`MAX_WAITING`] wait that nobody else has, and fewer than
    /// [`MAX_UNCONFIRMED`] in all.
    pub fn has_room(&self) -> bool {
        let ours = self.messages.waiting().filter(|(_, status)| status.is_ours_alone()).count();
        ours < MAX_WAITING && self.waiting() < MAX_UNCONFIRMED
    }

    /// The numbers of the messages that wait for their receipts, oldest first.
    pub fn waiting_numbers(&self) -> heapless::Vec<u32, MAX_UNCONFIRMED> {
        let mut numbers: heapless::Vec<u32, MAX_UNCONFIRMED> =
            self.messages.waiting().map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number of the first message after `number`.
    pub fn number_after(&self, number: u32) -> Option<u32> {
        self.messages.number_after(number)
    }

    /// Reads a message into `buffer`; `None` if there is none with this number any more. Of a long text that has made
    /// room for later ones only the beginning is left.
    ///
    /// # Errors
    /// Those of the flash.
    pub async fn message<'b>(
        &mut self,
        number: u32,
        buffer: &'b mut MessageBuffer,
    ) -> Result<Option<Message<'b>>, Error> {
        self.messages.message(&mut self.flash, number, &mut buffer.0).await
    }

    /// Minutes that this handheld has been powered, as far as they were counted.
    pub fn minutes(&self) -> u32 {
        self.settings.minutes()
    }

    /// Counts minutes on; they are the age of waiting messages.
    ///
    /// # Errors
    /// Those of the flash.
    pub async fn set_minutes(&mut self, minutes: u32) -> Result<(), Error> {
        self.settings.set_minutes(&mut self.flash, minutes).await
    }

    /// Gives the flash back.
    pub fn close(self) -> F {
        self.flash
    }
}

/// Room for one message in RAM.
pub struct MessageBuffer([u8; messages::BUFFER]);

impl MessageBuffer {
    /// An empty one.
    pub const fn new() -> Self {
        Self([0; messages::BUFFER])
    }
}

impl Default for MessageBuffer {
    fn default() -> Self {
        Self::new()
    }
}
