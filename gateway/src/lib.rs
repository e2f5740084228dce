//! The gateway between XMPP on the LAN and LoRa on the air, as a library; the program `fanal` is a thin shell.

pub mod config;
pub mod directory;
pub mod store;
