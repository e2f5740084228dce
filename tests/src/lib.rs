//! What the tests of several packages share.
//!
//! ```text
//! program  the built program `fanal`         household  a whole site: server, gateway, radios, people
//! images   firmware for emulated boards      traffic    texts both ways, and what must become of them
//! nodes    firmware on threads, with power   desk       somebody with a handheld
//! cord     a serial cable that can be pulled person     somebody with an XMPP app
//! record   what the gateway has on its disk  journal    what people saw, in that order
//! ```
// What fails here fails a test, and says where.
#![allow(clippy::unwrap_used)]

pub mod cord;
pub mod desk;
pub mod household;
pub mod images;
pub mod journal;
pub mod nodes;
pub mod person;
pub mod program;
pub mod record;
pub mod traffic;
