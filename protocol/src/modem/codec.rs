//! Packets on a serial line: COBS( postcard ‖ CRC-16 ) 0x00.
//!
//! The zero octet appears nowhere but at the end of a packet (COBS: Cheshire and Baker, "Consistent Overhead Byte
//! Stuffing", 1999), so whoever has lost the thread finds it again at the next zero. The checksum is CRC-16/IBM-SDLC
//! (the X.25 frame check sequence), low octet first, over the postcard octets.
//!
//! ```text
//! +------+----------------------------- - - -+------+
//! | code | postcard ‖ CRC low ‖ CRC high,     | 0x00 |
//! |      | zeros replaced by codes             |      |
//! +------+----------------------------- - - -+------+
//! ```

use core::fmt;

use cobs::{CobsEncoder, DecodeResult, DecoderState};
use crc::{CRC_16_IBM_SDLC, Crc, Digest};
use heapless::Vec;
use postcard::ser_flavors::Flavor;
use serde::Serialize;

/// The longest packet on the line, its closing zero included, octets.
pub const MAX_PACKET: usize = 288;

/// The longest postcard encoding that is sure to fit a packet, octets: what remains of [`MAX_PACKET`] after the zero,
/// two octets of COBS and two of checksum.
pub const MAX_MESSAGE: usize = MAX_PACKET - 5;

/// Ends each packet, and ends whatever garbage came before one.
pub const DELIMITER: u8 = 0;

static CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);

/// The message does not fit the buffer, or is not expressible (its length is unknown beforehand).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message does not fit a packet")
    }
}

impl core::error::Error for TooLong {}

/// Writes `message` as one packet, its closing zero included, and returns the number of octets written.
///
/// A buffer of [`MAX_PACKET`] octets holds every message of [`MAX_MESSAGE`] octets or less.
///
/// # Errors
/// [`TooLong`] when `out` is too small; its contents are then arbitrary.
pub fn encode(message: &(impl Serialize + ?Sized), out: &mut [u8]) -> Result<usize, TooLong> {
    let stuffing = Stuffing { cobs: CobsEncoder::new(out), digest: CRC.digest() };
    let end = postcard::serialize_with_flavor(message, stuffing).map_err(|_| TooLong)?;
    *out.get_mut(end).ok_or(TooLong)? = DELIMITER;
    Ok(end + 1)
}

/// The packet that is being sent, and how much of it went out.
#[derive(Debug, Default)]
pub(super) struct Line {
    packet: Vec<u8, MAX_PACKET>,
    sent: usize,
}

impl Line {
    /// A line that begins by ending whatever was on it.
    pub(super) fn delimited() -> Self {
        let mut line = Self::default();
        let _ = line.packet.push(DELIMITER);
        line
    }

    /// Whether it is time for the next packet.
    pub(super) fn is_idle(&self) -> bool {
        self.sent >= self.packet.len()
    }

    /// Begins a packet. A message that does not fit is left out, and `false` returned.
    pub(super) fn send(&mut self, message: &impl Serialize) -> bool {
        self.sent = 0;
        // Cannot fail: the length is the capacity.
        let _ = self.packet.resize_default(MAX_PACKET);
        let written = encode(message, &mut self.packet);
        self.packet.truncate(written.unwrap_or_default());
        written.is_ok()
    }

    /// Moves octets to the start of `out` and returns how many.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> usize {
        let rest = self.packet.get(self.sent..).unwrap_or_default();
        let count = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.sent += count;
        count
    }
}

/// Where postcard puts its octets: checksum and stuffing happen on the way.
struct Stuffing<'a> {
    cobs: CobsEncoder<'a>,
    digest: Digest<'static, u16>,
}

impl Flavor for Stuffing<'_> {
    type Output = usize;

    fn try_push(&mut self, octet: u8) -> postcard::Result<()> {
        self.digest.update(&[octet]);
        self.cobs.push(&[octet]).map_err(|_| postcard::Error::SerializeBufferFull)
    }

    fn finalize(mut self) -> postcard::Result<usize> {
        let checksum = self.digest.finalize().to_le_bytes();
        self.cobs.push(&checksum).map_err(|_| postcard::Error::SerializeBufferFull)?;
        Ok(self.cobs.finalize())
    }
}

/// Octets that were no packet: damaged, truncated, or longer than the receiver can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Garbled;

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("garbled packet")
    }
}

impl core::error::Error for Garbled {}

/// Finds packets in a stream of octets; `N` is the longest packet that it can hold, its zero included.
///
/// Whatever came before, it is back in step after the next zero octet.
#[derive(Debug, Default)]
pub struct Deframer<const N: usize> {
    decoded: Vec<u8, N>,
    state: DecoderState,
    /// The packet under way is already known to be none: wait for its end.
    spoilt: bool,
    /// A packet was handed out of `decoded`: forget it before the next octet.
    complete: bool,
}

impl<const N: usize> Deframer<N> {
    /// A deframer that expects the start of a packet.
    pub const fn new() -> Self {
        Self { decoded: Vec::new(), state: DecoderState::Idle, spoilt: false, complete: false }
    }

    /// Forgets the packet under way.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Takes one octet from the line. Returns the postcard octets of a packet at its closing zero.
    ///
    /// Zeros between packets are idle line and ignored; each other end of a packet that cannot be read is reported
    /// as [`Garbled`] once, so that it can be counted.
    pub fn push(&mut self, octet: u8) -> Option<Result<&[u8], Garbled>> {
        if core::mem::take(&mut self.complete) {
            self.decoded.clear();
        }
        if self.spoilt {
            if octet != DELIMITER {
                return None;
            }
            self.reset();
            return Some(Err(Garbled));
        }
        match self.state.feed(octet) {
            Ok(DecodeResult::NoData | DecodeResult::DataStart) => None,
            Ok(DecodeResult::DataContinue(octet)) => {
                self.spoilt = self.decoded.push(octet).is_err();
                None
            }
            Ok(DecodeResult::DataComplete) => {
                self.complete = true;
                Some(checked(&self.decoded))
            }
            // A zero where none may be. It is the end of this packet all the same.
            Err(_) => {
                self.reset();
                Some(Err(Garbled))
            }
        }
    }
}

/// The octets before the checksum, if it matches them.
fn checked(octets: &[u8]) -> Result<&[u8], Garbled> {
    let (message, checksum) = octets.split_last_chunk::<2>().ok_or(Garbled)?;
    if CRC.checksum(message) == u16::from_le_bytes(*checksum) { Ok(message) } else { Err(Garbled) }
}

#[cfg(test)]
mod tests;
