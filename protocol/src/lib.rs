//! Fanal's protocols as values: octets and instants go in; octets, events and a deadline come out.
//!
//! No socket, clock, task or logger lives here, and no allocator is needed.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod crypto;
pub mod id;
pub mod net;
pub mod node;
pub mod priority;
pub mod quality;
pub mod rand;
pub mod region;
pub mod time;
pub mod transport;
pub mod wire;
