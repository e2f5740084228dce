//! The gateway between XMPP on the LAN and LoRa on the air.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bridge;
pub mod prosody;
pub mod words;
pub mod xmpp;
