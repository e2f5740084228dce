//! Commands, carried out. Each is answered by one line, or by a list.

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::crypto::{PublicKey, SecretKey, agree};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::{Draft, SendError};
use fanal_protocol::priority::Priority;
use fanal_protocol::time::Instant;
use fanal_protocol::transport::MAX_LONG_TEXT_OCTETS;
use fanal_protocol::wire::MAX_TEXT_OCTETS;

use super::command::{Command, Replace};
use super::words::{Complaint, Phrase, Replaced};
use super::{Handheld, LIFETIME, Listing};
use crate::store::{Contact, Error, MAX_CONTACTS, MAX_UNCONFIRMED, Outgoing, Status};

/// Why a command came to nothing.
pub(super) enum Refused<'a> {
    /// The person can do something about it.
    Complaint(Complaint<'a>),
    /// The flash does not work.
    Store,
}

impl<'a> From<Complaint<'a>> for Refused<'a> {
    fn from(complaint: Complaint<'a>) -> Self {
        Refused::Complaint(complaint)
    }
}

impl From<Error> for Refused<'_> {
    fn from(_: Error) -> Self {
        Refused::Store
    }
}

impl<F: NorFlash> Handheld<F> {
    pub(super) async fn obey_line(&mut self, line: &str, now: Instant) {
        // A line of spaces asks for nothing.
        if line.trim().is_empty() || self.failed {
            return;
        }
        let result = match Command::parse(line) {
            Ok(command) => self.obey(command, now).await,
            Err(complaint) => Err(Refused::Complaint(complaint)),
        };
        match result {
            Ok(()) => {}
            Err(Refused::Complaint(complaint)) => self.complain(complaint),
            Err(Refused::Store) => self.give_up(),
        }
    }

    async fn obey<'a>(&mut self, command: Command<'a>, now: Instant) -> Result<(), Refused<'a>> {
        match command {
            Command::Send { contact, text } => {
                let node = self.find(contact)?;
                self.send(node, Priority::Text, text, now).await?;
            }
            Command::SendToChosen(text) => {
                let node = self.chosen()?;
                self.send(node, Priority::Text, text, now).await?;
            }
            Command::Urgent { contact, text } => {
                let node = contact.map_or_else(|| self.chosen(), |contact| self.find(contact))?;
                self.send(node, Priority::Emergency, text, now).await?;
            }
            Command::Choose(contact) => {
                let node = self.find(contact)?;
                self.store.change_settings(|settings| settings.chosen = Some(node)).await?;
                let name = self.name(node);
                self.say(Phrase::Chosen(&name));
            }
            Command::Help => self.listing = Some(Listing::Help(0)),
            Command::Contacts if self.store.contacts().count() == 0 => self.say(Phrase::NoContacts),
            Command::Contacts => self.listing = Some(Listing::Contacts(0)),
            Command::Messages if self.store.number_after(0).is_none() => self.say(Phrase::NoMessages),
            Command::Messages => self.listing = Some(Listing::Messages(0)),
            Command::Status => self.say_status(now),
            Command::Language(language) => {
                self.store.change_settings(|settings| settings.language = language).await?;
                self.say(Phrase::Language);
            }
            Command::Node(node, replace) => {
                if self.store.contact(node).is_some() {
                    return Err(Complaint::AddressTaken(node).into());
                }
                if node == node.house() {
                    return Err(Complaint::GatewayAddress(node).into());
                }
                let other = self.store.settings().node.is_some_and(|known| known != node);
                may_replace(other, Replaced::Address, replace)?;
                self.store.change_settings(|settings| settings.node = Some(node)).await?;
                self.say(Phrase::Node(node));
                self.restart_node(now).await;
            }
            Command::Region(channel) => {
                self.store.change_settings(|settings| settings.channel = Some(channel)).await?;
                self.say(Phrase::Channel(channel));
                self.restart_node(now).await;
            }
            Command::Network(key, replace) => {
                let other = self.store.settings().network.is_some_and(|known| known != *key);
                may_replace(other, Replaced::NetworkKey, replace)?;
                self.store.change_settings(|settings| settings.network = Some(*key)).await?;
                self.say(Phrase::Network);
                self.restart_node(now).await;
            }
            Command::Entropy(octets) => {
                self.pool.stir(&octets);
                self.say(Phrase::Entropy);
            }
            Command::NewKey(replace) => {
                may_replace(self.store.settings().secret.is_some(), Replaced::OwnKey, replace)?;
                let secret = self.pool.draw().ok_or(Complaint::NoEntropy)?;
                self.store.set_secret(*secret).await?;
                self.say(Phrase::Key(&SecretKey::from_bytes(*secret).public()));
                self.restart_node(now).await;
            }
            Command::Key => {
                let secret = self.store.settings().secret.ok_or(Complaint::NoKey)?;
                self.say(Phrase::Key(&SecretKey::from_bytes(secret).public()));
            }
            Command::Contact { node, name, key, via, replace } => {
                if self.store.settings().node == Some(node) {
                    return Err(Complaint::AddressTaken(node).into());
                }
                self.check_name(node, name)?;
                self.check_key(node, key, replace)?;
                if self.store.contact(node).is_none() && self.store.contacts().count() >= MAX_CONTACTS {
                    return Err(Complaint::ContactsFull.into());
                }
                self.set_contact(node, name, key, via).await?;
                self.restart_node(now).await;
            }
            Command::Card(name) => self.show_card(name)?,
            Command::Pair { code, name, replace } => self.pair(code, name, replace, now).await?,
            Command::Verify(contact) => self.show_verification(contact)?,
        }
        Ok(())
    }

    fn chosen(&self) -> Result<NodeId, Complaint<'static>> {
        self.store.settings().chosen.ok_or(Complaint::NobodyChosen)
    }

    /// The contact with this name, in whatever case, or with this address.
    pub(super) fn find<'a>(&self, name: &'a str) -> Result<NodeId, Complaint<'a>> {
        let mut contacts = self.store.contacts();
        contacts
            .find(|contact| same_name(&contact.name, name) || name.parse() == Ok(contact.node))
            .map(|contact| contact.node)
            .ok_or(Complaint::UnknownContact(name))
    }

    async fn send(
        &mut self,
        destination: NodeId,
        priority: Priority,
        text: &str,
        now: Instant,
    ) -> Result<(), Refused<'static>> {
        let urgent = priority >= Priority::Emergency;
        let most = if urgent { MAX_TEXT_OCTETS } else { MAX_LONG_TEXT_OCTETS };
        let octets = text.len();
        if octets > most {
            return Err(Complaint::TextTooLong { octets, most }.into());
        }
        let missing = self.missing();
        if missing.any() {
            return Err(Complaint::NotReady(missing).into());
        }
        let source = self.store.settings().node.ok_or(Complaint::NotReady(missing))?;
        // The last place is for an urgent one.
        let last = self.store.waiting() + 1 >= MAX_UNCONFIRMED;
        if !self.store.has_room() || (last && !urgent) {
            return Err(Complaint::TooManyWaiting.into());
        }
        let draft = Draft { source, destination, text, lifetime: LIFETIME, priority };
        let mut sent = self.try_send(draft, now);
        if sent == Err(SendError::CountersNotReserved) {
            // The node has asked for counters just now: get them and try again.
            self.carry_news(now).await;
            sent = self.try_send(draft, now);
        }
        let id = sent.map_err(|error| match error {
            SendError::TooLong { max } => Complaint::TextTooLong { octets, most: max },
            SendError::QueueFull if urgent => Complaint::UrgentWaiting,
            SendError::QueueFull => Complaint::TooManyWaiting,
            SendError::LongTextsUnderWay => Complaint::LongTextWaiting,
            SendError::Empty | SendError::UnknownDestination | SendError::CountersNotReserved => {
                Complaint::NotSent
            }
        })?;
        let lifetime = u32::try_from(LIFETIME.as_secs() / 60).unwrap_or(u32::MAX);
        let accepted = self.minutes(now);
        let outgoing = Outgoing { id, status: Status::Queued, accepted, lifetime, priority };
        let number = self.store.add_outgoing(outgoing, text).await?;
        let name = self.name(destination);
        self.say(Phrase::State { number, name: &name, status: Status::Queued });
        if let Some(node) = &mut self.node {
            node.handle_stored(id, now);
        }
        Ok(())
    }

    fn try_send(&mut self, draft: Draft<'_>, now: Instant) -> Result<MessageId, SendError> {
        self.node.as_mut().ok_or(SendError::UnknownDestination)?.send(draft, now)
    }

    /// Whether a contact may have this name.
    pub(super) fn check_name<'a>(&self, node: NodeId, name: &'a str) -> Result<(), Complaint<'a>> {
        // Who is called like another's address would get what is meant for that one.
        if name.parse::<NodeId>().is_ok_and(|other| other != node) {
            return Err(Complaint::BadName);
        }
        let mut others = self.store.contacts().filter(|contact| contact.node != node);
        if others.any(|contact| same_name(&contact.name, name)) {
            Err(Complaint::NameTaken(name))
        } else {
            Ok(())
        }
    }

    /// Whether a contact may have this key.
    pub(super) fn check_key(
        &self,
        node: NodeId,
        key: PublicKey,
        replace: Replace,
    ) -> Result<(), Complaint<'static>> {
        let mut others = self.store.contacts().filter(|contact| contact.node != node);
        if let Some(contact) = others.find(|contact| contact.key == key) {
            return Err(Complaint::KeyTaken(contact.node));
        }
        // Before there is an own key any other will do: what makes a public key weak is the same for all.
        let secret = SecretKey::from_bytes(self.store.settings().secret.unwrap_or([1; 32]));
        let own = self.store.settings().node.unwrap_or(NodeId::NONE);
        agree(&secret, own, &key, node).map_err(|_| Complaint::WeakKey)?;
        let other = self.store.contact(node).is_some_and(|contact| contact.key != key);
        may_replace(other, Replaced::KeyOf(node), replace)
    }

    /// Stores a contact that has been checked.
    pub(super) async fn set_contact<'a>(
        &mut self,
        node: NodeId,
        name: &str,
        key: PublicKey,
        via: Option<NodeId>,
    ) -> Result<(), Refused<'a>> {
        let short = heapless::String::try_from(name).map_err(|_| Complaint::BadName)?;
        self.store.set_contact(Contact { node, name: short, key, via }).await?;
        self.say(Phrase::Contact { node, name, via, heard: None });
        Ok(())
    }

    fn say_status(&mut self, now: Instant) {
        let settings = self.store.settings();
        let phrase = match (settings.node, settings.channel) {
            (Some(node), Some(channel)) if !self.missing().any() => Phrase::Status {
                node,
                channel,
                waiting: self.store.waiting(),
                airtime_left: self.mac.as_ref().and_then(|mac| mac.airtime_left(now)),
                version: crate::VERSION,
            },
            _ => Phrase::Missing(self.missing()),
        };
        self.say(phrase);
    }
}

/// What is `different` from what stands is replaced only if the person has said so.
pub(super) fn may_replace<'a>(
    different: bool,
    what: Replaced,
    replace: Replace,
) -> Result<(), Complaint<'a>> {
    if different && replace == Replace::Never { Err(Complaint::WouldReplace(what)) } else { Ok(()) }
}

pub(super) fn same_name(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}
