//! Who hears whom: the neighbors of a node, and the beacons that make it known.
//!
//! `docs/protocol.md`, section "Beacons".

mod beacon;
mod neighbor;
mod relay;

pub use beacon::BeaconSchedule;
pub use neighbor::{Neighbor, Neighbors};
pub use relay::{Relay, Stuck};

/// There is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;
