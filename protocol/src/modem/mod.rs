//! The serial link between a host (gateway, computer) and a modem (a radio behind a serial port).
//!
//! ```text
//! session  who is there, which channel, what became of each frame      host.rs  device.rs
//! message  Command (host to modem), Report (modem to host); postcard   message.rs
//! codec    packets on the line: COBS, CRC-16                           codec.rs
//! ```
//!
//! **Sessions.** The host opens a session with `Hello` and a number of its choosing; the modem answers, and all that
//! either side had in hand from an earlier session is void. The host then configures a channel. A modem that boots
//! says `Hello` with a new boot number, so the host learns of a reset at once.
//!
//! **Frames.** The host numbers the frames of a session from 0. The modem accepts each number once, in rising order,
//! and reports for each one that it went out or that it was dropped.
//!
//! **Credit is absolute.** The host may use sequence numbers below a limit. The limit, and what the modem holds and
//! has sent, is repeated in the answer to each `Ping`, and the `Ping` says how far the host has counted; so no lost
//! packet, in either direction, leaves the two sides with different ideas for longer than one such exchange.
//!
//! **Loss.** Nothing is repeated on this link but `Hello`, `Configure` and `Ping`. A frame that got lost on the line
//! is reported as dropped, and whoever wanted it sent decides.

pub mod codec;
mod device;
mod fuzz;
mod host;
mod message;

pub use device::{Device, DeviceEvent};
pub use fuzz::fuzz_body;
pub use host::{Host, HostEvent, TransmitError};
pub use message::{Command, Counters, MAX_FIRMWARE, MAX_LOG, Reason, Refusal, Report, Status};

/// Version of this link's protocol. The first octet of `Hello` and the version behind it keep their place in all
/// versions, so that two sides that differ can at least say so.
pub const PROTOCOL_VERSION: u16 = 1;

#[cfg(test)]
mod tests;
