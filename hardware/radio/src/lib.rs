//! The one trait through which firmware uses a radio, whatever is behind it: a chip on SPI, a station of the
//! simulated ether, or a serial line that leads to one ([`tunnel`]).
//!
//! A [`Radio`] does one thing at a time, as a LoRa transceiver does: it listens, looks for activity, or
//! transmits. When to do which is decided by `fanal_protocol::mac`, never here.
#![no_std]
#![forbid(unsafe_code)]
// The trait is used through generics on single-threaded executors: no caller needs `Send` futures.
#![allow(async_fn_in_trait)]

#[cfg(test)]
extern crate std;

pub mod tunnel;

use core::fmt;

use fanal_protocol::quality::Quality;
use fanal_protocol::region::Channel;

/// A half-duplex LoRa transceiver.
///
/// Frames are 1 to [`fanal_protocol::region::MAX_FRAME`] octets. A frame whose CRC failed is not handed over: a relay
/// cannot check what it passes on otherwise. (`lora-phy` does hand such frames over: look at the status.) A CRC of 16 bits
/// lets some damage through, so the authentication tag inside a frame says whether it is sound.
pub trait Radio {
    /// Tunes to `channel` and uses its rate and power from now on. A reception in progress is given up.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the hardware cannot do this; the former channel then stays in force.
    /// [`Error::Hardware`] or [`Error::Disconnected`] when the radio does not answer.
    ///
    /// # Cancel safety
    /// Not cancel safe: after a drop the channel is unknown until the next `configure`.
    async fn configure(&mut self, channel: &Channel) -> Result<(), Error>;

    /// Sends one frame and returns when its last symbol has left the antenna. A reception in progress is
    /// given up, and the radio does not listen again before the next [`receive`](Radio::receive).
    ///
    /// # Errors
    /// [`Error::NotConfigured`] before the first `configure`; [`Error::Length`] for an empty frame or one of
    /// more than 255 octets; [`Error::Hardware`] or [`Error::Disconnected`] when the radio does not answer:
    /// the frame may then have been on the air or not.
    ///
    /// # Cancel safety
    /// Not cancel safe: the frame may leave all the same.
    async fn transmit(&mut self, frame: &[u8]) -> Result<(), Error>;

    /// Channel activity detection: listens for a few symbols and says whether chirps of this channel's
    /// spreading factor and bandwidth are on the air (`true` = busy). It hears chirps, not energy.
    ///
    /// A radio that is in the middle of receiving a frame should answer `true` at once and go on receiving
    /// it (the preamble interrupt of an SX126x tells): looking for activity would otherwise cost the very frame
    /// that it was to protect.
    ///
    /// # Errors
    /// As [`transmit`](Radio::transmit).
    ///
    /// # Cancel safety
    /// Not cancel safe: the answer is lost, and nothing else.
    async fn cad(&mut self) -> Result<bool, Error>;

    /// Waits for a frame and copies it to the start of `buffer`. The radio listens while this future exists.
    ///
    /// # Errors
    /// [`Error::NotConfigured`] before the first `configure`; [`Error::Length`] when the frame does not fit
    /// in `buffer` (it is dropped); [`Error::Hardware`] or [`Error::Disconnected`] when the radio does not
    /// answer.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future loses no whole frame. The next call returns a frame that had already
    /// arrived.
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<Received, Error>;
}

/// A frame that was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// How many octets of the caller's buffer it fills.
    pub len: usize,
    /// How well it was heard.
    pub quality: Quality,
}

/// The world broke. The caller retries with a pause, and configures anew first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// Nothing but `configure` is possible before the first `configure`.
    NotConfigured,
    /// The hardware cannot work on that channel.
    Unsupported,
    /// A frame that is empty, above 255 octets, or larger than the buffer for it.
    Length,
    /// The chip did not answer in time, or answered nonsense.
    Hardware,
    /// There is no line to the radio any more.
    Disconnected,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::NotConfigured => "the radio has no channel yet",
            Error::Unsupported => "the radio cannot work on that channel",
            Error::Length => "a frame has 1 to 255 octets and must fit in its buffer",
            Error::Hardware => "the radio does not answer",
            Error::Disconnected => "there is no line to the radio",
        })
    }
}

impl core::error::Error for Error {}
