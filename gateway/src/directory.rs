//! Who is who: JIDs on the LAN, node ids on the air.
//!
//! A person has an account on the XMPP server and borrows a node id and a key pair from the gateway. A handheld has
//! a node id and a key of its own and borrows a JID at the gateway's domain, made of its name. [`localpart_of`] and
//! [`name_of`] hold all the escaping between names and JIDs (XEP-0106).

use std::collections::{BTreeMap, HashMap};

use fanal_protocol::crypto::{self, PublicKey, SecretKey, SessionKey};
use fanal_protocol::id::NodeId;
use jid::{BareJid, DomainPart, DomainRef, NodePart};

use crate::bridge::Names;

/// Pairs of a person and a handheld that a gateway can serve.
pub const MOST_PAIRS: usize = 1_024;

/// The longest name of a handheld, in characters: what fits on its screen and in a contact list.
pub const MOST_NAME_CHARS: usize = 48;

/// Somebody with an XMPP account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub jid: BareJid,
    /// Her address on the air, which the gateway answers for.
    pub node: NodeId,
    /// The secret key that the gateway keeps for her.
    pub secret: SecretKey,
    /// Its public half, which handhelds have to know.
    pub public_key: PublicKey,
}

/// Somebody with a handheld radio.
#[derive(Clone, Debug)]
pub struct Handheld {
    /// As people write it.
    pub name: String,
    /// Its address on the LAN.
    pub jid: BareJid,
    /// Its address on the air.
    pub node: NodeId,
    /// The public half of the key that it made for itself.
    pub public_key: PublicKey,
}

/// All persons and handhelds of one gateway; ids, names and keys are unique.
#[derive(Debug)]
pub struct Directory {
    gateway: NodeId,
    secret: SecretKey,
    domain: DomainPart,
    persons: BTreeMap<NodeId, Person>,
    handhelds: BTreeMap<NodeId, Handheld>,
    nodes: HashMap<BareJid, NodeId>,
}

/// Why an entry cannot stand beside the others.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Clash {
    /// The node id belongs to somebody else.
    #[error("node {node} is already {by}")]
    NodeTaken {
        /// The id.
        node: NodeId,
        /// Whose it is.
        by: String,
    },
    /// The account or the name is there already.
    #[error("{name} is already there, as {by}")]
    NameTaken {
        /// As it was written.
        name: String,
        /// What is there.
        by: String,
    },
    /// Two nodes with one key: a copy that went wrong.
    #[error("this public key already belongs to {by}")]
    KeyTaken {
        /// Whose it is.
        by: String,
    },
    /// The public key gives no secret.
    #[error("this public key is weak")]
    WeakKey,
    /// A person's account lies in the gateway's own domain.
    #[error("{jid} lies in the gateway's own domain")]
    OwnDomain {
        /// The account.
        jid: BareJid,
    },
    /// The account names no single person.
    #[error("{jid} names a server, not a person")]
    NoPerson {
        /// The account.
        jid: BareJid,
    },
    /// The name is empty, too long, or holds characters that do not show.
    #[error("a name has 1 to 48 characters, all of them visible")]
    UnusableName,
    /// More pairs than the gateway can serve.
    #[error("persons times handhelds is more than 1024")]
    TooMany,
}

impl Directory {
    /// An empty directory for the gateway with this node id and this key, whose handhelds live at `domain`.
    pub fn new(gateway: NodeId, secret: SecretKey, domain: DomainPart) -> Self {
        Self {
            gateway,
            secret,
            domain,
            persons: BTreeMap::new(),
            handhelds: BTreeMap::new(),
            nodes: HashMap::new(),
        }
    }

    /// Adds a person.
    ///
    /// # Errors
    ///
    /// The account or the node id is unusable or taken.
    pub fn add_person(&mut self, jid: BareJid, node: NodeId) -> Result<(), Clash> {
        if jid.node().is_none() {
            return Err(Clash::NoPerson { jid });
        }
        if *jid.domain() == *self.domain {
            return Err(Clash::OwnDomain { jid });
        }
        if let Some(by) = self.nodes.get(&jid) {
            return Err(Clash::NameTaken { name: jid.to_string(), by: by.to_string() });
        }
        self.free(node)?;
        self.room(1, 0)?;
        let secret = self.secret.derive(node);
        let public_key = secret.public();
        if let Some(by) = self.holder_of(&public_key) {
            return Err(Clash::KeyTaken { by });
        }
        self.nodes.insert(jid.clone(), node);
        self.persons.insert(node, Person { jid, node, secret, public_key });
        Ok(())
    }

    /// Adds a handheld.
    ///
    /// # Errors
    ///
    /// The name, the node id or the public key is unusable or taken.
    pub fn add_handheld(&mut self, name: &str, node: NodeId, public_key: PublicKey) -> Result<(), Clash> {
        let name = name.trim();
        let jid = self.domain.with_node(&localpart_of(name)?);
        if let Some(other) = self.nodes.get(&jid).and_then(|node| self.handhelds.get(node)) {
            return Err(Clash::NameTaken { name: name.into(), by: other.name.clone() });
        }
        self.free(node)?;
        self.room(0, 1)?;
        if let Some(by) = self.holder_of(&public_key) {
            return Err(Clash::KeyTaken { by });
        }
        crypto::agree(&self.secret, self.gateway, &public_key, node).map_err(|_| Clash::WeakKey)?;
        self.nodes.insert(jid.clone(), node);
        self.handhelds.insert(node, Handheld { name: name.into(), jid, node, public_key });
        Ok(())
    }

    fn free(&self, node: NodeId) -> Result<(), Clash> {
        let taken = |by: String| Err(Clash::NodeTaken { node, by });
        if node == self.gateway {
            return taken("the gateway".into());
        }
        if let Some(person) = self.persons.get(&node) {
            return taken(person.jid.to_string());
        }
        self.handhelds.get(&node).map_or(Ok(()), |handheld| taken(handheld.name.clone()))
    }

    fn room(&self, persons: usize, handhelds: usize) -> Result<(), Clash> {
        let persons = self.persons.len().saturating_add(persons);
        let handhelds = self.handhelds.len().saturating_add(handhelds);
        // Each of them needs a place even before the first of the others comes.
        let pairs = persons.max(1).saturating_mul(handhelds.max(1));
        if pairs > MOST_PAIRS { Err(Clash::TooMany) } else { Ok(()) }
    }

    fn holder_of(&self, key: &PublicKey) -> Option<String> {
        if self.secret.public() == *key {
            return Some(self.gateway.to_string());
        }
        let person = self.persons.values().find(|person| person.public_key == *key);
        let handheld = self.handhelds.values().find(|handheld| handheld.public_key == *key);
        person.map(|person| person.jid.to_string()).or_else(|| handheld.map(|handheld| handheld.name.clone()))
    }

    /// The gateway's own node id.
    pub fn gateway(&self) -> NodeId {
        self.gateway
    }

    /// Where the handhelds live.
    pub fn domain(&self) -> &DomainRef {
        &self.domain
    }

    /// The person with this account.
    pub fn person(&self, jid: &BareJid) -> Option<&Person> {
        self.nodes.get(jid).and_then(|node| self.persons.get(node))
    }

    /// The handheld with this JID.
    pub fn handheld(&self, jid: &BareJid) -> Option<&Handheld> {
        self.nodes.get(jid).and_then(|node| self.handhelds.get(node))
    }

    /// The handheld with this address on the air.
    pub fn handheld_at(&self, node: NodeId) -> Option<&Handheld> {
        self.handhelds.get(&node)
    }

    /// Everybody with an account, by node id.
    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// Every handheld, by node id.
    pub fn handhelds(&self) -> impl Iterator<Item = &Handheld> {
        self.handhelds.values()
    }

    /// Every pair that can talk, with the key it shares.
    pub fn pairs(&self) -> impl Iterator<Item = (&Person, &Handheld, SessionKey)> {
        self.persons().flat_map(|person| {
            self.handhelds().filter_map(move |handheld| {
                // `add_handheld` has refused keys that agree on nothing.
                crypto::agree(&person.secret, person.node, &handheld.public_key, handheld.node)
                    .ok()
                    .map(|key| (person, handheld, key))
            })
        })
    }
}

impl Names for Directory {
    fn domain(&self) -> &DomainRef {
        &self.domain
    }

    fn person(&self, jid: &BareJid) -> Option<NodeId> {
        self.person(jid).map(|person| person.node)
    }

    fn handheld(&self, local: &str) -> Option<NodeId> {
        let jid = self.domain.with_node_str(local).ok()?;
        self.handheld(&jid).map(|handheld| handheld.node)
    }

    fn jid_of(&self, node: NodeId) -> Option<BareJid> {
        let person = self.persons.get(&node).map(|person| &person.jid);
        person.or_else(|| self.handhelds.get(&node).map(|handheld| &handheld.jid)).cloned()
    }

    fn name_of(&self, node: NodeId) -> Option<String> {
        let person = self.persons.get(&node).map(|person| person.jid.to_string());
        person.or_else(|| self.handhelds.get(&node).map(|handheld| handheld.name.clone()))
    }

    fn handhelds(&self) -> Vec<NodeId> {
        let mut handhelds: Vec<&Handheld> = self.handhelds.values().collect();
        handhelds.sort_by_key(|handheld| handheld.name.to_lowercase());
        handhelds.iter().map(|handheld| handheld.node).collect()
    }

    fn persons(&self) -> Vec<NodeId> {
        self.persons.keys().copied().collect()
    }
}

/// The characters that a localpart cannot hold, and how XEP-0106 writes them.
const ESCAPES: [(char, &str); 10] = [
    (' ', "20"),
    ('"', "22"),
    ('&', "26"),
    ('\'', "27"),
    ('/', "2f"),
    (':', "3a"),
    ('<', "3c"),
    ('>', "3e"),
    ('@', "40"),
    ('\\', "5c"),
];

/// The localpart for a handheld's name: "Rosa Tremblay" gives `rosa\20tremblay` (XEP-0106, section 4.2; XMPP
/// compares localparts without regard to case).
///
/// # Errors
///
/// [`Clash::UnusableName`] when nothing that people can read and type comes of it.
pub fn localpart_of(name: &str) -> Result<NodePart, Clash> {
    let name = name.trim();
    let shows = |c: char| !c.is_control() && !is_invisible(c) && (c == ' ' || !c.is_whitespace());
    if name.is_empty() || name.chars().count() > MOST_NAME_CHARS || !name.chars().all(shows) {
        return Err(Clash::UnusableName);
    }
    let mut escaped = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match ESCAPES.iter().find(|(special, _)| *special == c) {
            // A backslash stands for itself unless it would be read as an escape.
            Some(_) if c == '\\' && !ESCAPES.iter().any(|(_, code)| starts_with_code(tail, code)) => {
                escaped.push(c);
            }
            Some((_, code)) => {
                escaped.push('\\');
                escaped.push_str(code);
            }
            None => escaped.push(c),
        }
        rest = tail;
    }
    NodePart::new(&escaped).map(|part| part.into_owned()).map_err(|_| Clash::UnusableName)
}

/// The name within a localpart, in small letters: `rosa\20tremblay` gives "rosa tremblay" (XEP-0106, section 4.3).
pub fn name_of(localpart: &str) -> String {
    let mut name = String::with_capacity(localpart.len());
    let mut rest = localpart;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        name.push_str(plain);
        let tail = &escape[1..];
        match ESCAPES.iter().find(|(_, code)| starts_with_code(tail, code)) {
            Some((special, code)) => {
                name.push(*special);
                rest = &tail[code.len()..];
            }
            None => {
                name.push('\\');
                rest = tail;
            }
        }
    }
    name.push_str(rest);
    name
}

fn starts_with_code(text: &str, code: &str) -> bool {
    text.get(..code.len()).is_some_and(|head| head.eq_ignore_ascii_case(code))
}

/// Characters that change how others are shown and show nothing themselves: zero width, bidirectional controls,
/// tags, fillers.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn directory() -> Directory {
        let domain = DomainPart::new("radio.fanal.lan").unwrap().into_owned();
        let mut directory = Directory::new(NodeId(0x0100), SecretKey::from_bytes([1; 32]), domain);
        directory.add_person("alice@fanal.lan".parse().unwrap(), NodeId(0x0101)).unwrap();
        directory.add_handheld("Rosa Tremblay", NodeId(0x0201), key(2)).unwrap();
        directory
    }

    fn key(seed: u8) -> PublicKey {
        SecretKey::from_bytes([seed; 32]).public()
    }

    #[test]
    fn names_and_jids_find_each_other() {
        let directory = directory();
        let rosa: BareJid = r"Rosa\20Tremblay@radio.fanal.lan".parse().unwrap();
        assert_eq!(rosa.as_str(), r"rosa\20tremblay@radio.fanal.lan");
        assert_eq!(directory.handheld(&rosa).unwrap().node, NodeId(0x0201));
        assert_eq!(directory.handheld_at(NodeId(0x0201)).unwrap().name, "Rosa Tremblay");
        let alice: BareJid = "Alice@fanal.lan".parse().unwrap();
        assert_eq!(directory.person(&alice).unwrap().node, NodeId(0x0101));
        assert!(directory.person(&rosa).is_none());
        assert!(directory.handheld(&alice).is_none());
    }

    #[test]
    fn a_person_at_an_address_without_a_name_server_is_welcome() {
        let mut directory = directory();
        let jid: BareJid = "bob@192.168.1.2".parse().unwrap();
        directory.add_person(jid.clone(), NodeId(0x0102)).unwrap();
        assert!(directory.person(&jid).is_some());
    }

    #[test]
    fn both_ends_of_a_pair_agree_on_a_key() {
        let directory = directory();
        let (person, handheld, _) = directory.pairs().next().unwrap();
        let theirs =
            crypto::agree(&SecretKey::from_bytes([2; 32]), handheld.node, &person.public_key, person.node);
        assert!(theirs.is_ok());
        assert_eq!(directory.pairs().count(), 1);
    }

    #[test]
    fn nothing_is_there_twice() {
        let mut directory = directory();
        let taken = |result: Result<(), Clash>| result.unwrap_err();
        let alice: BareJid = "alice@fanal.lan".parse().unwrap();
        let bob: BareJid = "bob@fanal.lan".parse().unwrap();
        assert!(matches!(taken(directory.add_person(alice, NodeId(9))), Clash::NameTaken { .. }));
        for node in [0x0100, 0x0101, 0x0201] {
            assert!(matches!(
                taken(directory.add_person(bob.clone(), NodeId(node))),
                Clash::NodeTaken { .. }
            ));
            assert!(matches!(
                taken(directory.add_handheld("X", NodeId(node), key(9))),
                Clash::NodeTaken { .. }
            ));
        }
        let again = directory.add_handheld("ROSA TREMBLAY ", NodeId(9), key(9));
        assert!(matches!(taken(again), Clash::NameTaken { .. }));
        assert!(matches!(taken(directory.add_handheld("X", NodeId(9), key(2))), Clash::KeyTaken { .. }));
        assert!(matches!(taken(directory.add_handheld("X", NodeId(9), key(1))), Clash::KeyTaken { .. }));
        let alices = SecretKey::from_bytes([1; 32]).derive(NodeId(0x0101)).public();
        assert!(matches!(taken(directory.add_handheld("X", NodeId(9), alices)), Clash::KeyTaken { .. }));
        assert_eq!(taken(directory.add_handheld("X", NodeId(9), PublicKey([0; 32]))), Clash::WeakKey);
    }

    #[test]
    fn persons_do_not_live_among_the_handhelds() {
        let mut directory = directory();
        let jid: BareJid = "eve@radio.fanal.lan".parse().unwrap();
        assert!(matches!(directory.add_person(jid, NodeId(9)), Err(Clash::OwnDomain { .. })));
        let jid: BareJid = "fanal.lan".parse().unwrap();
        assert!(matches!(directory.add_person(jid, NodeId(9)), Err(Clash::NoPerson { .. })));
    }

    #[test]
    fn there_are_only_so_many_pairs() {
        let domain = DomainPart::new("radio.fanal.lan").unwrap().into_owned();
        let mut directory = Directory::new(NodeId(0x0100), SecretKey::from_bytes([1; 32]), domain);
        for number in 0..32u8 {
            let node = |base: u16| NodeId(base + u16::from(number));
            directory.add_person(format!("p{number}@fanal.lan").parse().unwrap(), node(0x1000)).unwrap();
            directory.add_handheld(&format!("h{number}"), node(0x2000), key(100 + number)).unwrap();
        }
        let one_more = directory.add_person("one@fanal.lan".parse().unwrap(), NodeId(9));
        assert_eq!(one_more, Err(Clash::TooMany));
    }

    #[test]
    fn names_keep_their_accents_and_escape_the_rest() {
        for (name, localpart) in [
            ("Rosa Tremblay", r"rosa\20tremblay"),
            ("Grand-père", "grand-père"),
            ("L'Islet", r"l\27islet"),
            (r"c:\5commas", r"c\3a\5c5commas"),
            (r"a\b", r"a\b"),
            (r"a\20", r"a\5c20"),
            ("d@x", r"d\40x"),
        ] {
            assert_eq!(localpart_of(name).unwrap().as_str(), localpart, "{name}");
        }
        for name in ["", "  ", "a\u{202e}b", "a\u{200b}", "a\nb", "a\tb", &"x".repeat(49)] {
            assert_eq!(localpart_of(name), Err(Clash::UnusableName), "{name:?}");
        }
    }

    #[test]
    fn broken_escapes_are_read_as_they_stand() {
        for text in [r"\", r"a\", r"a\2", r"\é", r"\zz", r"\5"] {
            assert_eq!(name_of(text), text);
        }
        assert_eq!(name_of(r"\5c20"), r"\20");
        assert_eq!(name_of(r"A\2FB"), "A/B");
    }

    proptest! {
        #[test]
        fn a_name_survives_its_localpart(name in "[a-zé0-9 \"&'/:<>@\\\\]{1,48}") {
            let name = name.trim();
            prop_assume!(!name.is_empty());
            let localpart = localpart_of(name).unwrap();
            prop_assert_eq!(name_of(localpart.as_str()), name);
        }

        #[test]
        fn no_text_stops_the_escaping(text in any::<String>()) {
            let _ = localpart_of(&text);
            let _ = name_of(&text);
        }
    }
}
