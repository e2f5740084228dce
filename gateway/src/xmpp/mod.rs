//! XMPP on our own stream: an external component (XEP-0114) of the server on the same machine.
//!
//! [`stream`] turns octets into elements and back, [`component`] and [`client`] open one, [`link`] keeps a
//! component stream up for ever, [`stanza`] tells what arrived. What the stanzas mean is the business of
//! [`crate::bridge`].

pub mod client;
pub mod component;
pub mod link;
pub mod stanza;
pub mod stream;
