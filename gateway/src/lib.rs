//! The gateway between XMPP on the LAN and LoRa on the air, as a library; the program `fanal` is a thin shell.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bridge;
pub mod clock;
pub mod config;
pub mod console;
pub mod daemon;
pub mod directory;
pub mod modem;
pub mod prosody;
pub mod radio;
pub mod shutdown;
pub mod status;
pub mod store;
pub mod supervisor;
pub mod words;
pub mod xmpp;
