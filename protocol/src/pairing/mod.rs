//! What two nodes must know of each other before they can talk, as a line of text that fits into a QR code.
//!
//! Public keys are handed over in person: shown and scanned, or copied over a cable. There are two sorts of codes:
//!
//! - a **card** says who somebody is: address, public key, name. Nothing in it is secret. A gateway's card holds all the
//!   persons of its house;
//! - an **invitation** is a gateway's card and what a new member of the community needs besides: region, rate, an
//!   address, and the network key. **It is a secret**: whoever sees it is a member.
//!
//! `docs/protocol.md`, section "Pairing". Reading a code allocates nothing and copies nothing: a [`Code`] is a checked view
//! of its text. Whether its keys are any good shows when they are used ([`agree`](crate::crypto::agree)).

use core::fmt;

use heapless::String;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::crypto::{NetworkKey, PublicKey};
use crate::id::NodeId;
use crate::region::{Bandwidth, CodingRate, Rate, RegionCode, SpreadingFactor};

mod base32;
mod verification;

pub use verification::Verification;

/// Persons of one house: all its addresses but the gateway's own.
pub const MAX_PERSONS: usize = 15;
/// Octets of the longest name in a code.
pub const MAX_NAME: usize = 24;
/// Characters of the longest code.
pub const MAX_CODE: usize = INVITATION.len()
    + base32::length(HEAD + MAX_PERSONS * (PERSON + MAX_NAME) + MEMBERSHIP + MAX_NAME + CHECK);

const CARD: &str = "FANAL:CARD/";
const INVITATION: &str = "FANAL:INVITATION/";
const VERSION: u8 = 1;

// Octets: version, gateway, number of persons.
const HEAD: usize = 1 + 2 + 1;
// Address, key, length of the name.
const PERSON: usize = 2 + 32 + 1;
// Network key, region, rate, address of the guest, length of the guest's name.
const MEMBERSHIP: usize = 16 + 1 + 3 + 2 + 1;
const CHECK: usize = 4;

/// A name as codes carry it: perhaps empty, without control characters and without white space but for single spaces
/// within.
pub type Name = String<MAX_NAME>;

/// Somebody, as others need to know them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Address on the air.
    pub node: NodeId,
    /// Public key.
    pub key: PublicKey,
    /// What to call them.
    pub name: Name,
}

/// What makes a node a member of a community.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The community's secret.
    pub network_key: NetworkKey,
    /// Whose law counts; its home frequency is used.
    pub region: RegionCode,
    /// The rate at which all its nodes speak.
    pub rate: Rate,
    /// The address that the new member is to use, if its host proposes one.
    pub guest: Option<NodeId>,
    /// What the new member is to be called; perhaps empty.
    pub guest_name: Name,
}

/// What is wrong with a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invalid {
    /// It does not begin like a code of ours.
    NoCode,
    /// Of a version that is not known here.
    Version(u8),
    /// A character is wrong, missing or too many.
    Damaged,
    /// It is whole, and says what no code of ours may say.
    Impossible,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::NoCode => f.write_str("a code begins with FANAL:CARD/ or FANAL:INVITATION/"),
            Invalid::Version(found) => write!(f, "a code of version {found}, this program knows {VERSION}"),
            Invalid::Damaged => f.write_str("a character of the code is wrong, missing or too many"),
            Invalid::Impossible => f.write_str("the code is whole but contradicts itself"),
        }
    }
}

impl core::error::Error for Invalid {}

/// A card or an invitation that has been checked.
///
/// In it: one to fifteen persons, of whom no two have one address or one key; one alone unless a gateway answers for them.
#[derive(Clone)]
pub struct Code<'a> {
    /// The persons and what follows, still in base32.
    octets: base32::Octets<'a>,
    gateway: Option<NodeId>,
    persons: usize,
    membership: Option<Membership>,
}

impl<'a> Code<'a> {
    /// Whether `text` begins like a code: then it is meant as one, whatever follows.
    pub fn is_meant_by(text: &str) -> bool {
        prefixed(text, "FANAL:").is_some()
    }

    /// Reads a code, in capitals or small letters.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let (prefix, body) = [CARD, INVITATION]
            .into_iter()
            .find_map(|prefix| prefixed(text, prefix).map(|body| (prefix, body)))
            .ok_or(Invalid::NoCode)?;
        let mut octets = base32::octets(body).ok_or(Invalid::Damaged)?;
        match octets.clone().next() {
            Some(VERSION) => {}
            Some(other) => return Err(Invalid::Version(other)),
            None => return Err(Invalid::Damaged),
        }
        check(prefix, &octets)?;

        let [_, gateway_0, gateway_1, persons] = octets.array().ok_or(Invalid::Impossible)?;
        let gateway = NodeId(u16::from_be_bytes([gateway_0, gateway_1]));
        let gateway = (gateway != NodeId::NONE).then_some(gateway);
        let mut code = Self { octets, gateway, persons: usize::from(persons), membership: None };
        let mut rest = code.octets.clone();
        for _ in 0..persons {
            person(&mut rest).ok_or(Invalid::Impossible)?;
        }
        if prefix == INVITATION {
            code.membership = Some(membership(&mut rest).ok_or(Invalid::Impossible)?);
        }
        let consistent = rest.len() == CHECK && code.is_consistent();
        if consistent { Ok(code) } else { Err(Invalid::Impossible) }
    }

    fn is_consistent(&self) -> bool {
        let number = match self.gateway {
            Some(gateway) => gateway.is_unicast() && (1..=MAX_PERSONS).contains(&self.persons),
            None => self.persons == 1 && self.membership.is_none(),
        };
        number
            && self.persons().enumerate().all(|(index, person)| {
                let unlike = |other: Person| other.node != person.node && other.key != person.key;
                person.node.is_unicast()
                    && Some(person.node) != self.gateway
                    && self.persons().take(index).all(unlike)
            })
    }

    /// The gateway that answers for the persons.
    pub fn gateway(&self) -> Option<NodeId> {
        self.gateway
    }

    /// Who can be reached.
    pub fn persons(&self) -> impl Iterator<Item = Person> + use<'a> {
        let mut octets = self.octets.clone();
        // All of them have been read once.
        (0..self.persons).map_while(move |_| person(&mut octets))
    }

    /// What makes this code an invitation, and a secret.
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }
}

/// What follows `prefix`, in whatever case.
fn prefixed<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Whether the last four octets are the beginning of the hash of all before.
fn check(prefix: &str, octets: &base32::Octets<'_>) -> Result<(), Invalid> {
    let said = octets.len().checked_sub(CHECK).ok_or(Invalid::Damaged)?;
    let mut hash = Sha256::new_with_prefix(prefix);
    octets.clone().take(said).for_each(|octet| hash.update([octet]));
    let found = octets.clone().skip(said);
    if hash.finalize().into_iter().take(CHECK).eq(found) { Ok(()) } else { Err(Invalid::Damaged) }
}

fn person(octets: &mut base32::Octets<'_>) -> Option<Person> {
    let node = NodeId(u16::from_be_bytes(octets.array()?));
    Some(Person { node, key: PublicKey(octets.array()?), name: name(octets)? })
}

fn membership(octets: &mut base32::Octets<'_>) -> Option<Membership> {
    let network_key = NetworkKey(octets.array()?);
    let [region, factor, width, redundancy] = octets.array()?;
    let region = *RegionCode::ALL.get(usize::from(region))?;
    let rate = Rate {
        spreading_factor: SpreadingFactor::of(factor)?,
        bandwidth: *Bandwidth::ALL.get(usize::from(width))?,
        coding_rate: CodingRate::ALL.into_iter().find(|rate| rate.redundancy() == redundancy)?,
    };
    let guest = NodeId(u16::from_be_bytes(octets.array()?));
    let guest = (guest != NodeId::NONE).then_some(guest);
    if guest.is_some_and(|guest| !guest.is_unicast()) {
        return None;
    }
    Some(Membership { network_key, region, rate, guest, guest_name: name(octets)? })
}

fn name(octets: &mut base32::Octets<'_>) -> Option<Name> {
    let [length] = octets.array()?;
    let mut name = heapless::Vec::<u8, MAX_NAME>::new();
    for _ in 0..length {
        name.push(octets.next()?).ok()?;
    }
    Name::from_utf8(name).ok().filter(|name| is_name(name))
}

/// Whether codes carry this as a name.
pub fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.trim() == name
        && !name.contains("  ")
        && !name.contains(|c: char| c.is_control() || c.is_whitespace() && c != ' ')
}

/// A code to be written.
#[derive(Clone, Copy, Debug)]
pub struct Composed<'a> {
    gateway: Option<NodeId>,
    persons: &'a [Person],
    membership: Option<&'a Membership>,
}

impl<'a> Composed<'a> {
    /// The card of somebody who answers for themself.
    pub const fn card(person: &'a Person) -> Self {
        Self { gateway: None, persons: core::slice::from_ref(person), membership: None }
    }

    /// The card of a house. Only the first [`MAX_PERSONS`] are named.
    pub fn house(gateway: NodeId, persons: &'a [Person]) -> Self {
        let persons = persons.get(..MAX_PERSONS).unwrap_or(persons);
        Self { gateway: Some(gateway), persons, membership: None }
    }

    /// The invitation of a house. **It shows the network key.**
    pub fn invitation(gateway: NodeId, persons: &'a [Person], membership: &'a Membership) -> Self {
        Self { membership: Some(membership), ..Self::house(gateway, persons) }
    }

    fn prefix(&self) -> &'static str {
        if self.membership.is_some() { INVITATION } else { CARD }
    }

    /// All octets but the check, one slice after the other.
    fn feed(&self, mut take: impl FnMut(&[u8]) -> fmt::Result) -> fmt::Result {
        let name = |name: &Name, take: &mut dyn FnMut(&[u8]) -> fmt::Result| {
            // A name has 24 octets at most.
            take(&[name.len() as u8])?;
            take(name.as_bytes())
        };
        take(&[VERSION])?;
        take(&self.gateway.unwrap_or(NodeId::NONE).0.to_be_bytes())?;
        // There are 15 at most.
        take(&[self.persons.len() as u8])?;
        for person in self.persons {
            take(&person.node.0.to_be_bytes())?;
            take(&person.key.0)?;
            name(&person.name, &mut take)?;
        }
        let Some(membership) = self.membership else { return Ok(()) };
        let Membership { network_key, region, rate, guest, guest_name } = membership;
        let index = |position: Option<usize>| position.map_or(u8::MAX, |position| position as u8);
        take(&network_key.0)?;
        take(&[
            index(RegionCode::ALL.iter().position(|known| known == region)),
            rate.spreading_factor.bits(),
            index(Bandwidth::ALL.iter().position(|known| *known == rate.bandwidth)),
            rate.coding_rate.redundancy(),
        ])?;
        take(&guest.unwrap_or(NodeId::NONE).0.to_be_bytes())?;
        name(guest_name, &mut take)
    }
}

impl fmt::Display for Composed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())?;
        let mut hash = Sha256::new_with_prefix(self.prefix());
        let mut writer = base32::Writer::new(f);
        self.feed(|octets| {
            hash.update(octets);
            writer.write(octets)
        })?;
        let hash = Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
        writer.write(&hash[..CHECK])?;
        writer.end()
    }
}

#[cfg(test)]
mod tests;
