//! What two or more stations do together, over many seeds, in virtual time. One file per behaviour.
//!
//! Each run is watched by the world itself (`fanal_ether::world`): no answer before its cause is stored, no false
//! "delivered", no second bubble, no nonce used twice, airtime within the law. The scenarios add what is
//! special to them. A failure names its seed; the same seed fails the same way again.
#![allow(clippy::unwrap_used)]

mod absent;
mod campaign;
mod collisions;
mod crashes;
mod custody;
mod determinism;
mod faults;
mod files;
mod hostile;
mod intruders;
mod lane;
mod law;
mod long;
mod snapshots;
mod stage;
