//! Firmware roles, generic over the board: a [`modem`] and a [`handheld`].
//!
//! ```text
//! bin/<board>.rs    builds the board's parts, calls a role's `run`
//! modem  handheld   the roles: machines of the protocol behind the pump's trait
//! driver            the pump: waits for a frame, octets, a deadline; carries out what the medium access asks
//! serial  clock     the line to the person or host; the time
//! store             flash
//! hosted            the roles on threads of an ordinary computer (feature `std`)
//! ```
//!
//! The library knows no chip: a radio is a `fanal_radio::Radio`, a serial line `embedded-io-async`, flash
//! `embedded-storage-async`. So it also runs, and is tested, on the host.
#![no_std]
#![forbid(unsafe_code)]
// The seams are used through generics on single-threaded executors: no caller needs `Send` futures.
#![allow(async_fn_in_trait)]

#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod clock;
pub mod driver;
pub mod handheld;
#[cfg(feature = "std")]
pub mod hosted;
pub mod modem;
pub mod serial;
pub mod store;

/// Name and version, as the modem link and `/status` tell it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod testbed;
