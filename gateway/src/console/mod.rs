//! The serial debug console: what the daemon and the modem say to each other, for whoever wants to watch.
//!
//! [`tap`] serves every octet of the serial link on a UNIX socket, without taking the port from the daemon.

pub mod tap;

pub use tap::Tap;
