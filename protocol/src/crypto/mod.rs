//! Who may read and who is believed: key agreement, seals, proofs, and the window that refuses replays.
//!
//! X25519 (RFC 7748) and HKDF-SHA256 (RFC 5869) make one key per pair of nodes; AES-128-CCM (SP 800-38C) seals with it.
//! Randomness is the caller's: nothing here draws any. Implements `docs/protocol.md`, "Keys".
//!
//! No nonce may occur twice with one key:
//!
//! ```text
//!    0         1    2    3    4     5    6    7    8    9 .. 12
//!   +---------+---------+---------+-------------------+---------+
//!   | purpose | source  | destin. |      counter      | detail  |
//!   +---------+---------+---------+-------------------+---------+
//! ```
//!
//! The detail is zero but for a status, where it is the bitmap of what is missing: one message may see many statuses; and for
//! the second half of a strong tag, where it is the purpose of the first half.
//! Source and destination tell the two directions apart, the purpose tells apart what is made of one message; that a
//! counter is never used for two texts is up to whoever counts (reserve a block durably, then use it).

use core::fmt;

use aes::Aes128;
use ccm::consts::{U4, U8, U13};
use ccm::{Ccm, Nonce};
use subtle::ConstantTimeEq;

use crate::id::MessageId;

mod agreement;
mod hex;
mod network;
mod session;
mod strong;
mod window;

pub use agreement::{PublicKey, SecretKey, WeakKey, agree};
pub use hex::InvalidKey;
pub use network::NetworkKey;
pub use session::SessionKey;
pub use strong::proves;
pub use window::{Freshness, WINDOW_WIDTH, Window};

/// AES-128-CCM as sessions use it.
type SessionCipher = Ccm<Aes128, U4, U13>;
/// AES-128-CCM as the network uses it.
type NetworkCipher = Ccm<Aes128, U8, U13>;

/// What a seal or proof is for; the first octet of the nonce.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Purpose {
    /// Sealing a text.
    Text = 1,
    /// Proving that a text was taken over.
    Ack = 2,
    /// Proving that a text has reached its reader.
    Receipt = 3,
    /// Proving that a receipt was heard.
    ReceiptAck = 4,
    /// Authenticating a beacon.
    Beacon = 5,
    /// Proving that a neighbor has a frame, whosever it is.
    HopAck = 6,
    /// Proving that a node keeps a text of somebody else's.
    Custody = 10,
    /// Proving that a kept text has arrived.
    Release = 11,
    /// Sealing a piece of a long text, under the fragment's own counter.
    Fragment = 7,
    /// Proving which fragments of a long text are missing.
    Status = 8,
    /// Proving that the source of a long text wants to know what is missing.
    Poll = 9,
    /// The second half of a strong tag or proof; the detail is the purpose of the first. With the detail 0, a label.
    Strong = 12,
}

fn nonce(purpose: Purpose, id: MessageId) -> Nonce<U13> {
    nonce_about(purpose, id, 0)
}

/// The nonce of a proof that says something about the message besides its purpose.
fn nonce_about(purpose: Purpose, id: MessageId, detail: u32) -> Nonce<U13> {
    let [source_0, source_1] = id.source.0.to_be_bytes();
    let [destination_0, destination_1] = id.destination.0.to_be_bytes();
    let [c0, c1, c2, c3] = id.counter.to_be_bytes();
    let [d0, d1, d2, d3] = detail.to_le_bytes();
    [purpose as u8, source_0, source_1, destination_0, destination_1, c0, c1, c2, c3, d0, d1, d2, d3].into()
}

/// Whether two proofs are the same, in a time that tells nothing about where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// The tag does not fit: forged, damaged, replayed under another name, or sealed with another key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forged;

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tag does not fit")
    }
}

impl core::error::Error for Forged {}

#[cfg(test)]
mod tests;
