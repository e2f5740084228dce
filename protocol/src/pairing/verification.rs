//! Digits that two people compare, when their codes came over a way that somebody else could have changed.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::crypto::PublicKey;
use crate::id::NodeId;

/// How often the hash is hashed again: so much more work is each try of somebody who searches for keys that give the same
/// digits. A second on the slowest board, a moment elsewhere.
const ROUNDS: u32 = 4_096;

/// What two nodes see of each other, in 24 digits (79 bits): the same on both sides exactly if both know the other's true
/// address and key.
///
/// Whoever sits between the two must find one key for each side so that the digits agree: some 2^40 pairs of keys, with
/// 4,096 hashes each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verification(u128);

impl Verification {
    /// The digits of two nodes, in whatever order.
    pub fn of(one: (NodeId, PublicKey), other: (NodeId, PublicKey)) -> Self {
        let mut ends = [one, other];
        ends.sort_unstable();
        let mut hash = Sha256::new_with_prefix(b"fanal verification");
        for (node, key) in ends {
            hash.update(node.0.to_be_bytes());
            hash.update(key.0);
        }
        let mut digest = hash.finalize();
        for _ in 0..ROUNDS {
            digest = Sha256::digest(digest);
        }
        let head = digest.first_chunk().copied().unwrap_or_default();
        Self(u128::from_be_bytes(head) % 10u128.pow(24))
    }
}

impl fmt::Display for Verification {
    /// Six groups of four digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in (0..6).rev() {
            write!(f, "{:04}", self.0 / 10u128.pow(4 * group) % 10_000)?;
            if group > 0 {
                f.write_str(" ")?;
            }
        }
        Ok(())
    }
}
