//! Did it arrive? Sessions between pairs of nodes, and the life of one message on either side.
//!
//! `docs/protocol.md`, section "Transport".

mod fragment;
mod incoming;
mod outgoing;
mod pace;
mod reassembly;
mod retransmit;
mod session;
mod state;

pub use fragment::{Cut, Due, MAX_LONG_TEXT_OCTETS, Sending, WINDOW};
pub use incoming::{Arriving, Came, Confirming, Heard, Progress};
pub use outgoing::{Asked, Attempt, Custody, Outgoing, Phase, Wish};
pub use pace::Pace;
pub use reassembly::{Gathered, Reassembly, Refused};
pub use retransmit::{SHORT_ATTEMPTS, Schedule};
pub(crate) use session::Reservation;
pub use session::Session;
pub use state::{Failure, State};

use heapless::String;

use crate::wire::MAX_TEXT_OCTETS;

/// A text of the greatest length that one frame carries.
pub type Text = String<MAX_TEXT_OCTETS>;
