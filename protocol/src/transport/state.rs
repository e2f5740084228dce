//! What is known of a message of ours. Never more than that.

use crate::id::NodeId;

/// The state of a message of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Accepted, not yet transmitted.
    Queued,
    /// Has left our antenna at least once; nobody has answered.
    Sent,
    /// This node has it in durable storage and sees to the rest; its reader has not confirmed.
    InCustody(NodeId),
    /// The destination itself has proven that it has the message. Final.
    Delivered,
    /// The lifetime ended without the destination's proof. Final. The message may still have arrived.
    Expired,
    /// Given up. Final.
    Failed(Failure),
}

impl State {
    /// Whether no other state follows.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Delivered | State::Expired | State::Failed(_))
    }
}

/// Why a message was given up before its lifetime ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Its author took it back.
    Cancelled,
}
