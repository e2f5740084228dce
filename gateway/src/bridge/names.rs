//! Who is who: what the bridge asks the directory.

use fanal_protocol::id::NodeId;
use jid::{BareJid, DomainRef, FullJid, Jid, ResourcePart};

/// The directory, as far as the bridge needs it. Answers are looked up in memory.
pub trait Names {
    /// The component's own domain.
    fn domain(&self) -> &DomainRef;
    /// The node id that stands for this person on the air.
    fn person(&self, jid: &BareJid) -> Option<NodeId>;
    /// The handheld that has this local part, as it stands (escaped, XEP-0106) in its JID.
    fn handheld(&self, local: &str) -> Option<NodeId>;
    /// The JID of a person or of a handheld.
    fn jid_of(&self, node: NodeId) -> Option<BareJid>;
    /// What people call a person or a handheld.
    fn name_of(&self, node: NodeId) -> Option<String>;
    /// All handhelds, in the order in which to list them.
    fn handhelds(&self) -> Vec<NodeId>;
    /// All persons.
    fn persons(&self) -> Vec<NodeId>;
}

/// The resource that every handheld is connected with, as far as XMPP can tell.
pub const RESOURCE: &str = "radio";

/// What an address under our domain stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The gateway itself.
    Gateway,
    /// A handheld of the directory.
    Handheld(NodeId),
    /// Nobody.
    Unknown,
}

/// Whom `jid` addresses.
pub fn target(names: &dyn Names, jid: &Jid) -> Target {
    if jid.domain() != names.domain() {
        return Target::Unknown;
    }
    match jid.node() {
        None => Target::Gateway,
        Some(local) => match names.handheld(local.as_str()) {
            Some(node) => Target::Handheld(node),
            None => Target::Unknown,
        },
    }
}

/// The full JID that a handheld writes from.
pub fn radio_jid(jid: &BareJid) -> FullJid {
    let resource = ResourcePart::new(RESOURCE).expect("a plain word is a resource");
    jid.with_resource(&resource)
}

#[cfg(test)]
pub(crate) mod sample {
    //! A small directory for the tests of the bridge.

    use super::*;

    pub(crate) const ALICE: NodeId = NodeId(0x0101);
    pub(crate) const BOB: NodeId = NodeId(0x0102);
    pub(crate) const ROSA: NodeId = NodeId(0x0201);
    pub(crate) const SAM: NodeId = NodeId(0x0202);

    const PERSONS: [(NodeId, &str, &str); 2] =
        [(ALICE, "alice@home.example", "Alice"), (BOB, "bob@home.example", "Bob")];
    const HANDHELDS: [(NodeId, &str, &str); 2] =
        [(ROSA, "rosa@lora.example", "Rosa"), (SAM, "sam@lora.example", "Sam")];

    /// Alice and Bob behind the gateway; Rosa and Sam with handhelds.
    pub(crate) struct Sample(BareJid);

    impl Sample {
        pub(crate) fn new() -> Self {
            Self("lora.example".parse().unwrap())
        }
    }

    fn rows() -> impl Iterator<Item = (NodeId, &'static str, &'static str)> {
        PERSONS.into_iter().chain(HANDHELDS)
    }

    impl Names for Sample {
        fn domain(&self) -> &DomainRef {
            self.0.domain()
        }
        fn person(&self, jid: &BareJid) -> Option<NodeId> {
            PERSONS.iter().find(|row| row.1 == jid.as_str()).map(|row| row.0)
        }
        fn handheld(&self, local: &str) -> Option<NodeId> {
            HANDHELDS.iter().find(|row| row.1.split('@').next() == Some(local)).map(|row| row.0)
        }
        fn jid_of(&self, node: NodeId) -> Option<BareJid> {
            rows().find(|row| row.0 == node).map(|row| row.1.parse().unwrap())
        }
        fn name_of(&self, node: NodeId) -> Option<String> {
            rows().find(|row| row.0 == node).map(|row| row.2.to_owned())
        }
        fn handhelds(&self) -> Vec<NodeId> {
            HANDHELDS.iter().map(|row| row.0).collect()
        }
        fn persons(&self) -> Vec<NodeId> {
            PERSONS.iter().map(|row| row.0).collect()
        }
    }

    /// A stanza from XML that leaves the namespace out.
    pub(crate) fn stanza(xml: &str) -> crate::xmpp::stanza::Stanza {
        let end = xml.find([' ', '>', '/']).unwrap();
        let (start, rest) = xml.split_at(end);
        let element: minidom::Element = format!("{start} xmlns='jabber:client'{rest}").parse().unwrap();
        let head = crate::xmpp::stanza::Head { name: element.name().to_owned(), ..Default::default() };
        crate::xmpp::stanza::parse(element, head).unwrap()
    }

    pub(crate) fn message(xml: &str) -> xmpp_parsers::message::Message {
        stanza(xml).try_into().unwrap()
    }

    /// Asserts that a stanza is this one, whatever the order of its attributes.
    #[track_caller]
    pub(crate) fn assert_stanza(found: impl Into<crate::xmpp::stanza::Stanza>, xml: &str) {
        use crate::xmpp::stream::{Dialect, encode};
        let (found, expected) = (found.into(), stanza(xml));
        let written = encode(Dialect::Client, &found).unwrap();
        assert_eq!(found, expected, "\nwritten: {}", String::from_utf8_lossy(&written));
    }
}
