//! What a node is told once, and what a message to be sent is made of.

use crate::crypto::NetworkKey;
use crate::id::NodeId;
use crate::priority::Priority;
use crate::region::Rate;
use crate::time::Duration;
use crate::wire::Role;

/// The settings of a node.
pub struct Config {
    /// Its own address.
    pub node: NodeId,
    /// What it is, as its beacons say.
    pub role: Role,
    /// Authenticates beacons within the community.
    pub network_key: NetworkKey,
    /// The rate of its channel: it sets how long answers are waited for.
    pub rate: Rate,
    /// Time between beacons while nothing changes, the same for all nodes of a network; zero for none.
    pub beacon_interval: Duration,
    /// Whether it passes frames of others on.
    pub relays: bool,
    /// Whether it keeps texts of others whose destination is absent; its host then needs a durable store for them.
    pub keeps: bool,
    /// What it means that this node has made a message durable.
    pub acceptance: Acceptance,
}

/// What a node says of a message once it is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acceptance {
    /// Its reader is here: answer with a receipt.
    Delivered,
    /// Its reader is further on: answer with an ack, and with a receipt once
    /// [`Node::confirm`](super::Node::confirm) is called.
    Custody,
}

/// A message to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// One of this node's addresses.
    pub source: NodeId,
    /// Whom it is for.
    pub destination: NodeId,
    /// 1 to [`MAX_LONG_TEXT_OCTETS`](crate::transport::MAX_LONG_TEXT_OCTETS) octets of UTF-8. What is longer than
    /// [`MAX_TEXT_OCTETS`](crate::wire::MAX_TEXT_OCTETS) is a long text.
    pub text: &'a str,
    /// How long to keep trying.
    pub lifetime: Duration,
    /// What it may overtake.
    pub priority: Priority,
}
