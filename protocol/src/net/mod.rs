//! Who hears whom: the neighbors of a node, and the beacons that make it known.
//!
//! `docs/protocol.md`, section "Beacons".

mod beacon;
mod neighbor;

pub use beacon::BeaconSchedule;
pub use neighbor::{Neighbor, Neighbors};
