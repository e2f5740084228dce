//! A message of ours on its way.

use crate::id::{MessageId, NodeId};
use crate::net::Hop;
use crate::priority::Priority;
use crate::time::Instant;
use crate::wire::{Receipt, STRONG_OCTETS};

use super::{Came, Heard, Schedule, State, Text};

/// What whoever sent a receipt wants to hear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// That it came.
    Ack(Heard),
}

impl Wish {
    /// By the receipt, and whether its sender was heard itself.
    pub(crate) const fn of(receipt: &Receipt, direct: bool) -> Self {
        let came = if direct { Came::Directly } else { Came::InFlood };
        if receipt.acknowledge {
            Self::Ack(Heard { came, strong: receipt.proof.is_strong(), urgent: false })
        } else {
            Self::Nothing
        }
    }
}

/// Where a message of ours stands between the host's store and the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The host has not yet made it durable.
    Storing,
    /// To be transmitted as soon as it is first in line.
    Due,
    /// Handed out under this token.
    OnAir(u32),
    /// Transmitted; tried again at this instant if no answer comes.
    Waiting(Instant),
    /// Final; the host has not yet made that durable.
    Settled(Wish),
}

/// Who is asked to take a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Its destination, or the gateway that answers for it: this neighbor, if it is known.
    End(Option<NodeId>),
    /// This neighbor, to pass it on.
    Relay(Hop),
    /// Everybody, because nobody is known to be on the way.
    Everybody,
    /// Nobody in particular: it may just happen to be in reach.
    Nobody,
}

/// A message of ours as a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub(crate) asked: Asked,
    /// By which copies of the frame are recognised.
    pub(crate) identity: u32,
    /// The length of the frame.
    pub(crate) octets: usize,
}

impl Attempt {
    /// The neighbor that was asked, if it was one.
    pub(crate) fn neighbor(&self) -> Option<NodeId> {
        match self.asked {
            Asked::End(neighbor) => neighbor,
            Asked::Relay(hop) => Some(hop.node),
            Asked::Everybody | Asked::Nobody => None,
        }
    }
}

/// A message of ours that is not yet in custody or at its destination.
#[derive(Debug)]
pub struct Outgoing {
    pub(crate) id: MessageId,
    /// `None`: it is a long text, which is elsewhere.
    pub(crate) text: Option<Text>,
    pub(crate) priority: Priority,
    pub(crate) expires_at: Instant,
    pub(crate) phase: Phase,
    pub(crate) schedule: Schedule,
    /// The last time it was on the air.
    pub(crate) last: Option<Attempt>,
    /// The proof of its ack, as a custodian will compute it.
    pub(crate) ack: [u8; STRONG_OCTETS],
    /// The proof of its receipt, as the destination will compute it.
    pub(crate) receipt: [u8; STRONG_OCTETS],
    /// What the host has not been told yet.
    pub(crate) news: Option<State>,
}

impl Outgoing {
    /// Whether it still wants the air or an answer.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Settled(_))
    }

    pub(crate) fn settle(&mut self, state: State, wish: Wish) {
        self.phase = Phase::Settled(wish);
        self.news = Some(state);
    }
}

/// A message of ours that a custodian keeps; its receipt is still to come.
#[derive(Clone, Copy, Debug)]
pub struct Custody {
    pub(crate) id: MessageId,
    pub(crate) receipt: [u8; STRONG_OCTETS],
    pub(crate) expires_at: Instant,
    /// Who keeps it.
    pub(crate) keeper: NodeId,
    /// By which a keeper that cannot read it knows it; it is told when the message has arrived.
    pub(crate) identity: Option<u32>,
    /// A final state: `None` while the receipt is awaited.
    pub(crate) settled: Option<State>,
    pub(crate) wish: Wish,
    pub(crate) told: bool,
}
