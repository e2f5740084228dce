//! What a stanza means on the air, and what the air means as a stanza. Pure: no sockets, no store, no clock.
//!
//! [`outbound`] takes what a person writes, [`inbound`] what a handheld writes, [`receipt`] what became of
//! either; [`presence`] and [`query`] answer the rest. Everything that these functions need to know about who is
//! who comes through [`Names`].

pub mod inbound;
pub mod names;
pub mod outbound;
pub mod presence;
pub mod query;
pub mod receipt;
mod stamp;
#[cfg(test)]
mod tests;

pub use names::Names;
