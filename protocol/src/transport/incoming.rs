//! A message for one of our addresses: stored, then answered, then perhaps confirmed.

use crate::crypto::Window;
use crate::id::MessageId;
use crate::quality::Quality;
use crate::time::Instant;
use crate::wire::{FLOOD, FULL_HOP_LIMIT, STRONG_OCTETS};

use super::{Attempt, Schedule, Text};

/// By which way a frame came that is to be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Came {
    /// Straight from its source.
    Directly,
    /// From a relay that awaits the answer.
    OverRelays,
    /// In a flood: nobody on its way knew another.
    InFlood,
}

impl Came {
    /// By its hop limit and its next hop.
    pub(crate) const fn of(hop_limit: u8, next_hop: u8) -> Self {
        match (hop_limit, next_hop) {
            (FULL_HOP_LIMIT, _) => Self::Directly,
            (_, FLOOD) => Self::InFlood,
            _ => Self::OverRelays,
        }
    }
}

/// How what is to be answered was heard: the answer follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// By which way.
    pub(crate) came: Came,
    /// In the strong form: the answer has the same.
    pub(crate) strong: bool,
    /// As an urgent text: the answer goes before others.
    pub(crate) urgent: bool,
}

/// A received message that the host has not yet made durable. No answer goes out before that.
#[derive(Debug)]
pub struct Arriving {
    pub(crate) id: MessageId,
    /// `None`: it is a long text, which is elsewhere.
    pub(crate) text: Option<Text>,
    pub(crate) quality: Quality,
    pub(crate) heard: Heard,
    /// The session's replay window with this message marked.
    pub(crate) window: Window,
    /// Whether the host has been told.
    pub(crate) told: bool,
}

/// Where the receipt of a message once taken into custody stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// To be transmitted as soon as possible.
    Due,
    /// Handed out under this token.
    OnAir(u32),
    /// Repeated at this instant unless its ack comes.
    Waiting(Instant),
    /// Acknowledged, or given up; the host has not been told.
    Closed,
}

/// A message that has reached its reader after a time in our custody: its receipt is repeated until it is
/// acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Confirming {
    pub(crate) id: MessageId,
    /// The proof of our receipt.
    pub(crate) receipt: [u8; STRONG_OCTETS],
    /// The proof of the source's ack for it.
    pub(crate) ack: [u8; STRONG_OCTETS],
    pub(crate) give_up_at: Instant,
    pub(crate) progress: Progress,
    pub(crate) schedule: Schedule,
    /// The last time it was on the air.
    pub(crate) last: Option<Attempt>,
}
