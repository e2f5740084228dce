//! Long-term keys, and what two nodes make of theirs: X25519 (RFC 7748), then HKDF-SHA256 (RFC 5869).

use core::fmt;
use core::str::FromStr;

use hkdf::Hkdf;
use sha2::Sha256;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::hex::{self, InvalidKey};
use super::session::{SESSION_KEY_OCTETS, SessionKey};
use crate::id::NodeId;

// What a derivation is for: keeps each apart from the others, and from any other use of the same keys.
const SESSION: &[u8] = b"fanal session";
const PERSON: &[u8] = b"fanal person";

/// The secret half of a node's long-term key. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SecretKey(StaticSecret);

impl SecretKey {
    /// The key made of 32 octets from a CSPRNG, or of 32 that were stored.
    pub fn from_bytes(octets: [u8; 32]) -> Self {
        Self(StaticSecret::from(octets))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// A secret that follows from this one and `label`, and that tells nothing about this one.
    ///
    /// So a gateway keeps one secret and has a key pair for each person behind it.
    pub fn derive(&self, label: NodeId) -> SecretKey {
        let mut octets = Zeroizing::new([0; 32]);
        expand(self.0.as_bytes(), &[PERSON, &label.0.to_be_bytes()], &mut octets);
        Self::from_bytes(*octets)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// The public half of a node's long-term key: 32 octets, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    /// Reads exactly 64 hexadecimal digits. Whether the key is any good shows when it is used.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        hex::parse(text).map(Self)
    }
}

/// The other's public key cannot be used: it is of low order, or it is one's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WeakKey;

impl fmt::Display for WeakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this public key cannot be used: it is weak, or one's own")
    }
}

impl core::error::Error for WeakKey {}

/// The key that two nodes share. Both ends get the same; whoever is mistaken about an id or a key gets another.
///
/// # Errors
/// [`WeakKey`] when the shared secret would not depend on `secret` (RFC 7748, section 6.1), and when `public` is the
/// other half of `secret`: two nodes with one key are a copy that went wrong.
pub fn agree(
    secret: &SecretKey,
    local: NodeId,
    public: &PublicKey,
    remote: NodeId,
) -> Result<SessionKey, WeakKey> {
    let own = secret.public();
    if own == *public {
        return Err(WeakKey);
    }
    let shared = secret.0.diffie_hellman(&x25519_dalek::PublicKey::from(public.0));
    if !shared.was_contributory() {
        return Err(WeakKey);
    }

    // The lower id goes first, so that both ends bind the same names and keys in the same order.
    let mut ends = [(local, own), (remote, *public)];
    ends.sort_unstable();
    let [(low, low_key), (high, high_key)] = ends;
    let info = [SESSION, &low.0.to_be_bytes(), &low_key.0, &high.0.to_be_bytes(), &high_key.0];

    let mut octets = Zeroizing::new([0; SESSION_KEY_OCTETS]);
    expand(shared.as_bytes(), &info, &mut octets);
    Ok(SessionKey::from_bytes(*octets))
}

fn expand<const N: usize>(secret: &[u8; 32], info: &[&[u8]], out: &mut [u8; N]) {
    const { assert!(N <= 255 * 32) };
    Hkdf::<Sha256>::new(None, secret)
        .expand_multi_info(info, out)
        .expect("HKDF-SHA256 makes up to 8160 octets");
}
