//! A radio at the other end of a serial line: firmware in an emulator uses a station of the simulated ether.
//!
//! [`TunnelRadio`] is the near end, a [`Radio`](crate::Radio) over any `embedded-io-async` line. [`Server`] is
//! the far end as a value without I/O; `fanal-ether` puts it on a socket. Packets are framed as on the modem
//! link (`fanal_protocol::modem::codec`: postcard, CRC, COBS).
//!
//! # Why nothing hangs
//! The near end has no clock, so it cannot time out. Instead:
//! - every request has a number, and the far end answers a repeated number from memory instead of doing the
//!   work twice: asking again is always harmless;
//! - a garbled packet makes the near end ask again; a garbled command makes the far end reply
//!   [`Report::SayAgain`], which does the same;
//! - a packet that vanished whole shows in the [`Report::Alive`] that the far end sends every
//!   [`ALIVE_INTERVAL`]: it names the last requests taken up and whether they still wait for an answer.
//!
//! A frame is asked for, one [`Command::Receive`] each. The far end keeps the [`KEPT_FRAMES`] newest frames
//! that nobody has asked for yet.

mod message;
mod near;
mod server;

use core::time::Duration;

pub use message::{Command, Failure, Report};
pub use near::TunnelRadio;
pub use server::{Answer, Server, Task};

/// How often the far end sends [`Report::Alive`].
pub const ALIVE_INTERVAL: Duration = Duration::from_millis(500);

/// Frames that the far end keeps for the next requests; the oldest makes room for the newest.
pub const KEPT_FRAMES: usize = 8;

/// Octets of the longest packet with its framing: a frame of 255 octets, at most 12 octets of fields, the CRC,
/// two octets of COBS and the closing zero.
pub const MAX_PACKET: usize = 280;

#[cfg(test)]
mod tests;
