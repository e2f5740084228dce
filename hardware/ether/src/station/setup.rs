//! Who a station is, whom it knows, and what people write on it.

use fanal_protocol::crypto::SessionKey;
use fanal_protocol::id::NodeId;
use fanal_protocol::node::Acceptance;
use fanal_protocol::priority::Priority;
use fanal_protocol::time::Duration;
use fanal_protocol::wire::Role;

use crate::channel::Position;

/// What a station is.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where it stands.
    pub position: Position,
    /// Its own address.
    pub node: NodeId,
    /// What its beacons say.
    pub role: Role,
    /// Whether messages have reached their reader here, or are kept for one further on.
    pub acceptance: Acceptance,
    /// Whether it keeps texts of others for absent nodes.
    pub keeps: bool,
    /// Time between beacons; zero for none.
    pub beacon_interval: Duration,
    /// With [`Acceptance::Custody`]: the reader confirms a message this long after it was stored.
    pub reader_after: Duration,
}

impl Setup {
    /// A handheld without beacons.
    pub fn handheld(node: NodeId, position: Position) -> Self {
        Self {
            position,
            node,
            role: Role::Handheld,
            acceptance: Acceptance::Delivered,
            keeps: false,
            beacon_interval: Duration::ZERO,
            reader_after: Duration::ZERO,
        }
    }

    /// A gateway without beacons whose readers confirm after three seconds.
    pub fn gateway(node: NodeId, position: Position) -> Self {
        let reader_after = Duration::from_secs(3);
        let (role, acceptance) = (Role::Gateway, Acceptance::Custody);
        Self { role, acceptance, reader_after, keeps: true, ..Self::handheld(node, position) }
    }

    /// A relay without beacons.
    pub fn relay(node: NodeId, position: Position) -> Self {
        Self { role: Role::Relay, keeps: true, ..Self::handheld(node, position) }
    }
}

/// A message that a person wants to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// One of the station's addresses.
    pub source: NodeId,
    /// Whom it is for.
    pub destination: NodeId,
    /// 1 to 237 octets.
    pub text: String,
    /// How long to try.
    pub lifetime: Duration,
    /// What it may overtake.
    pub priority: Priority,
}

/// One of a station's addresses and somebody whom it knows.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) local: NodeId,
    pub(crate) remote: NodeId,
    pub(crate) via: Option<NodeId>,
    pub(crate) key: SessionKey,
}
