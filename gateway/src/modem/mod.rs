//! The modem at the end of a serial line.
//!
//! [`port`] brings octets to and from the line, whatever happens to the plug; [`link`] speaks with the modem.

pub mod link;
pub mod port;

pub use link::Link;
pub use port::{Port, Trouble};
