//! Getting to know others: one's own card, the cards and invitations of others, the digits that two people compare.
//!
//! Everything is checked before anything is written. The pieces are then written one by one; the same code taken again
//! after a power cut completes what was begun.

use core::fmt::{Display, Write};

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::crypto::{PublicKey, SecretKey};
use fanal_protocol::id::NodeId;
use fanal_protocol::pairing::{self, Code, Composed, Membership, Person, Verification};
use fanal_protocol::region::Channel;
use fanal_protocol::time::Instant;
use heapless::String;
use zeroize::Zeroizing;

use super::Handheld;
use super::command::Replace;
use super::obey::{Refused, may_replace};
use super::words::{Complaint, Missing, Phrase, Replaced};
use crate::store::{MAX_CONTACTS, MAX_NAME, Settings};

const _: () = assert!(MAX_NAME == pairing::MAX_NAME, "who fits into a code fits into the store");

impl<F: NorFlash> Handheld<F> {
    /// Shows who this is, called `name`.
    pub(super) fn show_card<'a>(&mut self, name: &str) -> Result<(), Complaint<'a>> {
        let (node, key) = self.identity()?;
        let name = pairing::Name::try_from(name).ok().filter(|name| pairing::is_name(name));
        let person = Person { node, key, name: name.ok_or(Complaint::BadName)? };
        self.say(Phrase::Card(Composed::card(&person)));
        Ok(())
    }

    /// Shows the digits that the person with this name must see too.
    pub(super) fn show_verification<'a>(&mut self, name: &'a str) -> Result<(), Complaint<'a>> {
        let own = self.identity()?;
        let node = self.find(name)?;
        let contact = self.store.contact(node).ok_or(Complaint::UnknownContact(name))?.clone();
        let digits = Verification::of(own, (node, contact.key));
        self.say(Phrase::Verification { name: &contact.name, digits });
        Ok(())
    }

    /// The own address and public key.
    fn identity<'a>(&self) -> Result<(NodeId, PublicKey), Complaint<'a>> {
        let settings = self.store.settings();
        match (settings.node, settings.secret) {
            (Some(node), Some(secret)) => Ok((node, SecretKey::from_bytes(secret).public())),
            (node, secret) => {
                let missing = Missing { node: node.is_none(), key: secret.is_none(), ..Missing::default() };
                Err(Complaint::NotReady(missing))
            }
        }
    }

    /// Takes the persons of a code as contacts; from an invitation also the community's settings.
    pub(super) async fn pair<'a>(
        &mut self,
        code: Code<'a>,
        name: Option<&'a str>,
        replace: Replace,
        now: Instant,
    ) -> Result<(), Refused<'a>> {
        let joining = code.membership().map(|found| self.check_membership(found, replace)).transpose()?;
        let node = self.store.settings().node.or_else(|| code.membership().and_then(|found| found.guest));
        if let Some(taken) = node.filter(|node| self.store.contact(*node).is_some()) {
            return Err(Complaint::AddressTaken(taken).into());
        }
        for person in code.persons() {
            if node == Some(person.node) {
                return Err(Complaint::AddressTaken(person.node).into());
            }
            self.check_key(person.node, person.key, replace)?;
            name.map_or(Ok(()), |name| self.check_name(person.node, name))?;
        }
        let strangers = code.persons().filter(|person| self.store.contact(person.node).is_none()).count();
        if self.store.contacts().count() + strangers > MAX_CONTACTS {
            return Err(Complaint::ContactsFull.into());
        }
        let secret = match (&joining, self.store.settings().secret) {
            (Some(_), None) => Some(self.pool.draw().ok_or(Complaint::NoEntropy)?),
            _ => None,
        };

        if let Some(joining) = joining {
            self.join(joining, node, secret).await?;
        }
        for person in code.persons() {
            let called = self.called(&person, name);
            self.set_contact(person.node, &called, person.key, code.gateway()).await?;
        }
        self.restart_node(now).await;
        if let Some(membership) = code.membership() {
            // What the gateway must see in return. Without an address there is no card yet.
            let _ = self.show_card(&membership.guest_name);
        }
        let missing = self.missing();
        if missing.any() {
            self.say(Phrase::Missing(missing));
        }
        Ok(())
    }

    /// The channel and the network key of an invitation, if they may be set.
    fn check_membership<'a>(
        &self,
        membership: &Membership,
        replace: Replace,
    ) -> Result<(Channel, Zeroizing<[u8; 16]>), Complaint<'a>> {
        let settings = self.store.settings();
        let network = Zeroizing::new(membership.network_key.0);
        may_replace(settings.network.is_some_and(|known| known != *network), Replaced::NetworkKey, replace)?;
        let home = Channel { rate: membership.rate, ..Channel::home(membership.region) };
        let channel = match settings.channel {
            // The power is this handheld's own business.
            Some(known) if known.region == home.region => Channel { power_dbm: known.power_dbm, ..home },
            _ => home,
        };
        may_replace(settings.channel.is_some_and(|known| known != channel), Replaced::Channel, replace)?;
        channel.lawful().map_err(Complaint::Unlawful)?;
        Ok((channel, network))
    }

    /// Sets what makes a member: all of it in one record, but the key.
    async fn join<'a>(
        &mut self,
        (channel, network): (Channel, Zeroizing<[u8; 16]>),
        node: Option<NodeId>,
        secret: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<(), Refused<'a>> {
        if let Some(secret) = secret {
            self.store.set_secret(*secret).await?;
        }
        let join = |settings: &mut Settings| {
            settings.channel = Some(channel);
            settings.network = Some(*network);
            settings.node = node;
        };
        self.store.change_settings(join).await?;
        self.say(Phrase::Channel(channel));
        self.say(Phrase::Network);
        node.into_iter().for_each(|node| self.say(Phrase::Node(node)));
        Ok(())
    }

    /// What to call somebody: as the person says, else as the card says, else as before, else by the address. Who comes second under a
    /// name gets the address behind it.
    fn called(&self, person: &Person, name: Option<&str>) -> String<MAX_NAME> {
        let wanted = name.unwrap_or(&person.name);
        let address: String<4> = format(person.node);
        if let (true, Some(known)) = (wanted.is_empty(), self.store.contact(person.node)) {
            return known.name.clone();
        }
        if wanted.is_empty() || self.check_name(person.node, wanted) == Err(Complaint::BadName) {
            return format(&address);
        }
        // A name is typed as one word.
        let mut called: String<MAX_NAME> = wanted.chars().map(|c| if c == ' ' { '-' } else { c }).collect();
        if self.check_name(person.node, &called).is_err() {
            while called.len() + 1 + address.len() > MAX_NAME {
                called.pop();
            }
            let _ = write!(called, "-{address}");
        }
        called
    }
}

/// As text; what does not fit is missing.
fn format<const N: usize>(value: impl Display) -> String<N> {
    let mut text = String::new();
    let _ = write!(text, "{value}");
    text
}
