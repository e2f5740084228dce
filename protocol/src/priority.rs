//! What may overtake what on the way to the air.

use serde::{Deserialize, Serialize};

/// Priority of a frame; the greater goes first.
///
/// The discriminants travel on the serial link and never change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Priority {
    /// Beacons and whatever else can wait.
    Background,
    /// What a person wrote.
    Text,
    /// Acks and receipts: short, and somebody keeps retransmitting until they are heard.
    Receipt,
    /// A call for help.
    Emergency,
}
