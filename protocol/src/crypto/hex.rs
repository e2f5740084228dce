//! Keys as text: hexadecimal digits, as people copy them.

use core::fmt;

/// The text is not a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidKey {
    /// How many digits were expected.
    pub digits: usize,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this key is written with {} hexadecimal digits", self.digits)
    }
}

impl core::error::Error for InvalidKey {}

/// Reads exactly `2 * N` digits, capital or small.
pub(super) fn parse<const N: usize>(text: &str) -> Result<[u8; N], InvalidKey> {
    let invalid = InvalidKey { digits: 2 * N };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(invalid) };
    if pairs.len() != N {
        return Err(invalid);
    }
    let mut octets = [0; N];
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = digit(*high).ok_or(invalid)? << 4 | digit(*low).ok_or(invalid)?;
    }
    Ok(octets)
}

fn digit(ascii: u8) -> Option<u8> {
    char::from(ascii).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Writes two small digits per octet.
pub(super) fn write(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}
