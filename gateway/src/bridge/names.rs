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
