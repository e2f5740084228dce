//! What host and modem say to each other, encoded by postcard.
//!
//! Append only: variants and fields keep their place for ever, new ones come last, and a test pins each discriminant.
//! A reader ignores what it does not know, and octets behind what it does.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::priority::Priority;
use crate::quality::Quality;
use crate::region::{Channel, Unlawful};

/// The longest firmware name and version that a `Hello` carries, octets of UTF-8.
pub const MAX_FIRMWARE: usize = 32;

/// The longest piece of log in one packet, octets.
pub const MAX_LOG: usize = 128;

/// Host to modem.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Opens a session, or asks again whether it is open.
    Hello {
        /// [`super::PROTOCOL_VERSION`] of the host.
        version: u16,
        /// A number that the host did not use lately; not 0.
        session: u32,
    },
    /// Sets the radio.
    Configure {
        /// The channel to use from now on.
        channel: Channel,
    },
    /// Hands over one frame.
    Transmit {
        /// The session that the host believes to be open.
        session: u32,
        /// Counts the frames of the session from 0.
        sequence: u32,
        /// What may overtake it.
        priority: Priority,
        /// 1 to 255 octets.
        frame: &'a [u8],
    },
    /// Asks for a `Pong`.
    Ping {
        /// The session that the host believes to be open.
        session: u32,
        /// Comes back in the answer.
        nonce: u32,
        /// The sequence number that the host would use next. Smaller ones that have not arrived never will.
        next: u32,
    },
    /// Asks the modem to start anew.
    Reboot,
}

/// Modem to host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Report<'a> {
    /// Here I am.
    Hello {
        /// [`super::PROTOCOL_VERSION`] of the modem.
        version: u16,
        /// The session that is open; 0 for none, as after a boot.
        session: u32,
        /// Another number after each boot.
        boot: u32,
        /// Name and version of the firmware, at most [`MAX_FIRMWARE`] octets.
        firmware: &'a str,
        /// What the modem can do beyond this version; no bit is assigned yet.
        capabilities: u32,
        /// The longest frame, octets.
        max_frame: u16,
        /// How many frames the modem can hold. The host keeps the last place for an emergency.
        queue: u16,
    },
    /// The radio is set.
    Configured {
        /// The channel in use.
        channel: Channel,
    },
    /// The radio is not set: nothing is transmitted.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// More frames are welcome.
    Credit {
        /// The session that this is about.
        session: u32,
        /// Sequence numbers below this may be used.
        limit: u32,
    },
    /// A frame went out.
    Transmitted {
        /// The session of the frame.
        session: u32,
        /// Which one.
        sequence: u32,
        /// Its time on air, microseconds.
        airtime_us: u32,
        /// When it ended, microseconds of the modem's clock.
        at_us: u64,
    },
    /// A frame did not go out.
    Dropped {
        /// The session of the frame.
        session: u32,
        /// Which one.
        sequence: u32,
        /// Why.
        reason: Reason,
    },
    /// A frame was heard.
    Received {
        /// How well.
        quality: Quality,
        /// When it ended, microseconds of the modem's clock.
        at_us: u64,
        /// Up to 255 octets, unverified.
        frame: &'a [u8],
    },
    /// Answers a `Ping`.
    Pong {
        /// The session that is open.
        session: u32,
        /// As in the `Ping`.
        nonce: u32,
        /// Sequence numbers below this may be used.
        limit: u32,
        /// The lowest sequence number that the modem would still accept.
        next: u32,
        /// Bit n set: the modem still holds the frame `next - 1 - n`.
        held: u64,
        /// Bit n set: the frame `next - 1 - n` went out.
        sent: u64,
        /// The modem's clock when it read the `Ping`, microseconds.
        at_us: u64,
        /// Packets from the host that could not be read, since boot.
        garbled: u32,
        /// What the radio is at.
        status: Status,
    },
    /// A piece of the firmware's log, for whoever wants to decode it.
    Log {
        /// At most [`MAX_LOG`] octets.
        octets: &'a [u8],
    },
}

/// What a modem's radio is at, as its medium access tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// Frames waiting for the air.
    pub queued: u16,
    /// Airtime that may be used at once, microseconds; `None` where the law sets no limit.
    pub airtime_left_us: Option<u64>,
    /// Totals since boot.
    pub counters: Counters,
}

/// Totals since the modem's boot; they wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Frames heard.
    pub received: u32,
    /// Frames transmitted.
    pub transmitted: u32,
    /// Times that the channel was found busy.
    pub busy: u32,
    /// Failures of the radio.
    pub radio_failures: u32,
    /// Frames heard and lost again because the host did not read.
    pub overruns: u32,
}

/// Why a frame did not go out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Reason {
    /// The modem had no room: the host went beyond its credit.
    QueueFull,
    /// Longer than the modem can send, or empty.
    TooLong,
    /// It would break the law on this channel, however long it waited.
    Unlawful,
    /// No channel is configured.
    NotConfigured,
    /// The radio failed.
    RadioFailed,
    /// The channel was busy for too long.
    ChannelBusy,
    /// What waited was thrown away, because of a new session or channel.
    Flushed,
    /// Nobody knows: the modem, or what it had to say about this frame, was lost. The frame may have gone out.
    Lost,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "the modem's queue is full",
            Self::TooLong => "the frame is empty or too long",
            Self::Unlawful => "the frame would break the law on this channel",
            Self::NotConfigured => "the modem has no channel",
            Self::RadioFailed => "the radio failed",
            Self::ChannelBusy => "the channel is busy",
            Self::Flushed => "the modem's queue was flushed",
            Self::Lost => "the modem lost it",
        })
    }
}

/// Why a channel is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// The law forbids it.
    Unlawful(Unlawful),
    /// The radio could not be set.
    RadioFailed,
}

impl From<Unlawful> for Refusal {
    fn from(unlawful: Unlawful) -> Self {
        Self::Unlawful(unlawful)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlawful(unlawful) => fmt::Display::fmt(unlawful, f),
            Self::RadioFailed => f.write_str("the radio could not be set"),
        }
    }
}

/// The version in a `Hello` of either side and of any version, if these octets are one.
pub(super) fn hello_version(octets: &[u8]) -> Option<u16> {
    let (&0, rest) = octets.split_first()? else { return None };
    postcard::take_from_bytes::<u16>(rest).ok().map(|(version, _)| version)
}

/// The bit of `sequence` in what a `Pong` with this `next` tells; none when it is not among the latest 64.
pub(super) fn bit(next: u32, sequence: u32) -> u64 {
    next.checked_sub(1)
        .and_then(|last| last.checked_sub(sequence))
        .and_then(|distance| 1u64.checked_shl(distance))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
