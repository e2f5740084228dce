//! What a node tells its host, and why it refuses.

use core::fmt;

use crate::crypto::Window;
use crate::id::{MessageId, NodeId};
use crate::quality::Quality;
use crate::transport::{State, Text};
use crate::wire::{self, Role};

/// News from a node.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // no allocator to box the one large variant with
pub enum Event {
    /// Make durable that counters below `until` may be in use, then call
    /// [`Node::handle_reserved`](super::Node::handle_reserved).
    Reserve {
        /// Our address.
        local: NodeId,
        /// The other side; [`NodeId::BROADCAST`] for the counter of our beacons.
        remote: NodeId,
        /// The new mark.
        until: u32,
    },
    /// A message arrived. Make it and `window` durable in one step, then call
    /// [`Node::accept`](super::Node::accept); or [`Node::refuse`](super::Node::refuse) if that is impossible.
    Received {
        /// Which message.
        id: MessageId,
        /// Whether its author called it urgent.
        urgent: bool,
        /// What it says. May contain control characters: neutralise them before they reach a screen.
        text: Text,
        /// How well it was heard.
        quality: Quality,
        /// The replay window of the session (local = destination, remote = source) to store with it.
        window: Window,
    },
    /// A long text arrived: as [`Event::Received`], but [`Node::long_text`](super::Node::long_text) has what it says until
    /// it is accepted or refused.
    ReceivedLong {
        /// Which message.
        id: MessageId,
        /// How well its last fragment was heard.
        quality: Quality,
        /// The replay window to store with it: all counters of the message are marked.
        window: Window,
    },
    /// A message of ours has a new state. After a final one, call
    /// [`Node::handle_stored`](super::Node::handle_stored) once the state is durable.
    State {
        /// Which message.
        id: MessageId,
        /// Its state now.
        state: State,
    },
    /// The source knows that its message, which we confirmed, was delivered (or has been silent for a week):
    /// nothing more is owed.
    Closed {
        /// Which message.
        id: MessageId,
    },
    /// A text of somebody else's can go no further now. Make the frame durable and call
    /// [`Node::kept`](super::Node::kept); or [`Node::not_kept`](super::Node::not_kept) if that is impossible.
    Keep {
        /// By which the text is known from now on.
        identity: u32,
        /// The frame, for [`Node::hand_on`](super::Node::hand_on).
        frame: heapless::Vec<u8, { wire::MAX_FRAME }>,
    },
    /// Call [`Node::hand_on`](super::Node::hand_on) with the frame that was kept under this identity.
    Fetch {
        /// As of [`Event::Keep`].
        identity: u32,
    },
    /// The text that was kept under this identity has arrived, or was kept long enough: forget it.
    Forget {
        /// As of [`Event::Keep`].
        identity: u32,
    },
    /// An authenticated frame of a node was heard.
    Heard {
        /// Who.
        node: NodeId,
        /// What it is, if it ever said.
        role: Option<Role>,
        /// How well it was heard.
        quality: Quality,
    },
}

/// Why a message was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// There is no text.
    Empty,
    /// The text has more octets than may be sent.
    TooLong {
        /// How many may.
        max: usize,
    },
    /// There is no session between source and destination.
    UnknownDestination,
    /// Too many messages are under way.
    QueueFull,
    /// Too many long texts are under way; shorter ones are taken.
    LongTextsUnderWay,
    /// The session's counters are used up; more become available once the pending [`Event::Reserve`] is answered.
    CountersNotReserved,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Empty => f.write_str("the text is empty"),
            SendError::TooLong { max } => write!(f, "the text is longer than {max} octets"),
            SendError::UnknownDestination => f.write_str("the destination is unknown"),
            SendError::QueueFull => f.write_str("too many messages are under way"),
            SendError::LongTextsUnderWay => f.write_str("too many long texts are under way"),
            SendError::CountersNotReserved => f.write_str("no counter is reserved yet"),
        }
    }
}

impl core::error::Error for SendError {}

/// There is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room")
    }
}

impl core::error::Error for Full {}

/// Why a frame was rightly ignored. Each kind is counted in [`Stats`](super::Stats).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Discard {
    /// Not a frame of ours.
    Malformed(wire::Error),
    /// A kind of frame that this version does not know.
    Unknown,
    /// For somebody else.
    Foreign,
    /// It names one of our own addresses as its source: an echo, or another node with the same address.
    OwnSource,
    /// The tag or proof is wrong.
    Forged,
    /// Too many forgeries of late: not even looked at.
    OverBudget,
    /// A message we have; it has been answered again.
    Duplicate,
    /// Too old to be told from a replay.
    Replayed,
    /// Authentic, but not a text that this version can read.
    Unreadable,
    /// The store is behind; the source will try again.
    Busy,
}
