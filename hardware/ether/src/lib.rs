//! The hardware you can simulate: a LoRa channel with collisions, capture and half-duplex radios.
#![forbid(unsafe_code)]

pub mod cable;
pub mod channel;
pub mod fault;
pub mod flash;
pub mod flood;
pub mod live;
pub mod occupant;
pub mod qemu;
pub mod scenario;
pub mod simulation;
pub mod station;
pub mod world;
