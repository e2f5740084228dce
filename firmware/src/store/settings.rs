//! Settings, contacts, counters: what changes seldom.
//!
//! ```text
//! key     record
//! 0x0000  Settings
//! 0x0001  Secret
//! 0x0002  beacon counter reserved, u32
//! 0x0003  powered minutes, u32
//! 0x01nn  Contact n
//! 0x02nn  counter reserved towards contact n, u32
//! 0x03nn  SavedWindow of contact n
//! ```
//! All in postcard; fields are only ever appended.

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::crypto::{Freshness, PublicKey, Window};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::region::Channel;
use heapless::String;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::{Error, MAX_CONTACTS, MAX_NAME, SETTINGS};
use crate::handheld::Language;

const SETTINGS_KEY: u16 = 0x0000;
const SECRET_KEY: u16 = 0x0001;
const BEACON_KEY: u16 = 0x0002;
const MINUTES_KEY: u16 = 0x0003;
const CONTACT_KEYS: u16 = 0x0100;
const COUNTER_KEYS: u16 = 0x0200;
const WINDOW_KEYS: u16 = 0x0300;

/// What the person has set.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Language of the text interface.
    pub language: Language,
    /// This handheld's address.
    pub node: Option<NodeId>,
    /// Its channel.
    pub channel: Option<Channel>,
    /// The community's key.
    pub network: Option<[u8; 16]>,
    /// Whom bare lines go to.
    pub chosen: Option<NodeId>,
    /// The secret key. It has a record of its own: see [`Store::set_secret`](super::Store::set_secret).
    #[serde(skip)]
    pub secret: Option<[u8; 32]>,
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.network.zeroize();
    }
}

/// A person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// Radio address.
    pub node: NodeId,
    /// What to call them.
    pub name: String<MAX_NAME>,
    /// Their public key.
    pub key: PublicKey,
    /// The gateway that answers for them.
    pub via: Option<NodeId>,
}

#[derive(Serialize, Deserialize)]
struct Secret {
    octets: [u8; 32],
    since: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredContact {
    node: NodeId,
    name: String<MAX_NAME>,
    key: [u8; 32],
    via: Option<NodeId>,
    since: u32,
}

/// The marks of messages that have been overwritten. It counts for the keys and addresses it was made with.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct SavedWindow {
    since: u32,
    local: Option<NodeId>,
    top: Option<u32>,
    bits: u64,
}

struct Entry {
    contact: Contact,
    /// Messages with lower numbers were sealed with a former key of theirs.
    since: u32,
}

/// The area in RAM.
pub(super) struct Cached {
    settings: Settings,
    /// Messages with lower numbers were sealed with a former key of ours.
    secret_since: u32,
    beacon_counter: u32,
    minutes: u32,
    contacts: [Option<Entry>; MAX_CONTACTS],
    counters: [u32; MAX_CONTACTS],
    windows: [SavedWindow; MAX_CONTACTS],
}

impl Cached {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings::default(),
            secret_since: 0,
            beacon_counter: 0,
            minutes: 0,
            contacts: [const { None }; MAX_CONTACTS],
            counters: [0; MAX_CONTACTS],
            windows: [SavedWindow::default(); MAX_CONTACTS],
        }
    }

    /// Takes one record in, as the scan of the flash finds it. What cannot be read is as if it were not there.
    pub(super) fn apply(&mut self, key: u16, octets: &[u8]) {
        match key {
            SETTINGS_KEY => {
                if let Ok(mut settings) = postcard::from_bytes::<Settings>(octets) {
                    settings.secret = self.settings.secret;
                    self.settings = settings;
                }
            }
            SECRET_KEY => {
                if let Ok(secret) = postcard::from_bytes::<Secret>(octets) {
                    self.settings.secret = Some(secret.octets);
                    self.secret_since = secret.since;
                }
            }
            BEACON_KEY => read(octets, &mut self.beacon_counter),
            MINUTES_KEY => read(octets, &mut self.minutes),
            _ => self.apply_contact(key & 0xFF00, usize::from(key & 0x00FF), octets),
        }
    }

    fn apply_contact(&mut self, kind: u16, index: usize, octets: &[u8]) {
        match kind {
            CONTACT_KEYS => {
                let Ok(stored) = postcard::from_bytes::<StoredContact>(octets) else { return };
                let StoredContact { node, name, key, via, since } = stored;
                let entry = Entry { contact: Contact { node, name, key: PublicKey(key), via }, since };
                if let Some(place) = self.contacts.get_mut(index) {
                    *place = Some(entry);
                }
            }
            COUNTER_KEYS => {
                self.counters.get_mut(index).into_iter().for_each(|counter| read(octets, counter))
            }
            WINDOW_KEYS => self.windows.get_mut(index).into_iter().for_each(|window| read(octets, window)),
            _ => {}
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.iter().flatten().map(|entry| &entry.contact)
    }

    pub(super) fn minutes(&self) -> u32 {
        self.minutes
    }

    fn index(&self, node: NodeId) -> Option<usize> {
        self.contacts.iter().position(|entry| entry.as_ref().is_some_and(|entry| entry.contact.node == node))
    }

    pub(super) async fn change<F: NorFlash>(
        &mut self,
        flash: &mut F,
        change: impl FnOnce(&mut Settings),
    ) -> Result<(), Error> {
        let mut settings = self.settings.clone();
        change(&mut settings);
        SETTINGS.put(flash, SETTINGS_KEY, &settings).await?;
        settings.secret = self.settings.secret;
        self.settings = settings;
        Ok(())
    }

    pub(super) async fn set_secret<F: NorFlash>(
        &mut self,
        flash: &mut F,
        octets: [u8; 32],
        since: u32,
    ) -> Result<(), Error> {
        SETTINGS.put(flash, SECRET_KEY, &Secret { octets, since }).await?;
        self.settings.secret = Some(octets);
        self.secret_since = since;
        Ok(())
    }

    pub(super) async fn set_contact<F: NorFlash>(
        &mut self,
        flash: &mut F,
        contact: Contact,
        next_number: u32,
    ) -> Result<(), Error> {
        let known = self.index(contact.node);
        let index = known.or_else(|| self.contacts.iter().position(Option::is_none)).ok_or(Error::Full)?;
        let place = self.contacts.get_mut(index).ok_or(Error::Full)?;
        let since = match place {
            Some(entry) if entry.contact.key == contact.key => entry.since,
            _ => next_number,
        };
        let Contact { node, name, key, via } = contact.clone();
        let stored = StoredContact { node, name, key: key.0, via, since };
        SETTINGS.put(flash, numbered(CONTACT_KEYS, index), &stored).await?;
        *place = Some(Entry { contact, since });
        Ok(())
    }

    pub(super) fn next_counter(&self, remote: NodeId) -> u32 {
        if remote == NodeId::BROADCAST {
            return self.beacon_counter;
        }
        self.index(remote).and_then(|index| self.counters.get(index)).copied().unwrap_or(0)
    }

    pub(super) async fn reserve<F: NorFlash>(
        &mut self,
        flash: &mut F,
        remote: NodeId,
        until: u32,
    ) -> Result<(), Error> {
        let (key, counter) = if remote == NodeId::BROADCAST {
            (BEACON_KEY, &mut self.beacon_counter)
        } else {
            let index = self.index(remote).ok_or(Error::Unknown)?;
            (numbered(COUNTER_KEYS, index), self.counters.get_mut(index).ok_or(Error::Unknown)?)
        };
        // Never backwards, whatever the caller says.
        let until = until.max(*counter);
        SETTINGS.put(flash, key, &until).await?;
        *counter = until;
        Ok(())
    }

    /// The saved marks of `remote`, and the number of the first message that is to be marked besides.
    pub(super) fn window(&self, remote: NodeId) -> (Window, u32) {
        let Some(index) = self.index(remote) else { return (Window::new(), u32::MAX) };
        let since = self.since(index);
        match self.windows.get(index) {
            Some(saved) if saved.since == since && saved.local == self.settings.node => {
                (Window::restore(saved.top, saved.bits), since)
            }
            _ => (Window::new(), since),
        }
    }

    fn since(&self, index: usize) -> u32 {
        self.contacts
            .get(index)
            .and_then(Option::as_ref)
            .map_or(u32::MAX, |entry| entry.since.max(self.secret_since))
    }

    /// Saves the marks of `victim.source` unless that of `victim` has been saved already.
    pub(super) async fn save_window<F: NorFlash>(
        &mut self,
        flash: &mut F,
        victim: MessageId,
        window: Window,
    ) -> Result<(), Error> {
        let Some(index) = self.index(victim.source) else { return Ok(()) };
        let (saved, since) = self.window(victim.source);
        if saved.check(victim.counter) != Freshness::Fresh || window.check(victim.counter) == Freshness::Fresh
        {
            return Ok(());
        }
        let record = SavedWindow { since, local: self.settings.node, top: window.top(), bits: window.bits() };
        SETTINGS.put(flash, numbered(WINDOW_KEYS, index), &record).await?;
        if let Some(place) = self.windows.get_mut(index) {
            *place = record;
        }
        Ok(())
    }

    pub(super) async fn set_minutes<F: NorFlash>(
        &mut self,
        flash: &mut F,
        minutes: u32,
    ) -> Result<(), Error> {
        SETTINGS.put(flash, MINUTES_KEY, &minutes).await?;
        self.minutes = minutes;
        Ok(())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

fn numbered(keys: u16, index: usize) -> u16 {
    keys | index as u16 & 0x00FF
}

fn read<'a, T: Deserialize<'a>>(octets: &'a [u8], into: &mut T) {
    if let Ok(value) = postcard::from_bytes(octets) {
        *into = value;
    }
}
