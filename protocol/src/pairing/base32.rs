//! Octets as capital letters and digits (RFC 4648, section 6), without padding: what a QR code holds most densely, and
//! what can be read aloud.

use core::fmt::{self, Write};

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters for this many octets.
pub(super) const fn length(octets: usize) -> usize {
    (octets * 8).div_ceil(5)
}

/// The octets that `text` stands for; `None` unless it is what [`Writer`] makes of them, in whatever case.
pub(super) fn octets(text: &str) -> Option<Octets<'_>> {
    let octets = Octets { characters: text.as_bytes(), bits: 0, held: 0 };
    let well_formed = text.bytes().all(|character| value(character).is_some())
        && length(octets.len()) == text.len()
        // The bits that fill up the last character are 0: no two texts mean the same.
        && text.bytes().last().and_then(value).is_none_or(|last| last & ((1 << (text.len() * 5 % 8)) - 1) == 0);
    well_formed.then_some(octets)
}

const fn value(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a'),
        b'2'..=b'7' => Some(character - b'2' + 26),
        _ => None,
    }
}

/// Octets, read one by one from their text.
#[derive(Clone)]
pub(super) struct Octets<'a> {
    characters: &'a [u8],
    /// Bits that have been read and not given out, the last one lowest.
    bits: u16,
    held: u8,
}

impl Octets<'_> {
    /// How many are still to come.
    pub(super) fn len(&self) -> usize {
        (self.characters.len() * 5 + usize::from(self.held)) / 8
    }

    /// The next `N`, if there are as many.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut array = [0; N];
        for place in &mut array {
            *place = self.next()?;
        }
        Some(array)
    }
}

impl Iterator for Octets<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        while self.held < 8 {
            let (first, rest) = self.characters.split_first()?;
            self.bits = self.bits << 5 | u16::from(value(*first)?);
            self.held += 5;
            self.characters = rest;
        }
        self.held -= 8;
        let octet = self.bits >> self.held;
        self.bits &= (1 << self.held) - 1;
        u8::try_from(octet).ok()
    }
}

/// Writes octets as characters.
pub(super) struct Writer<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    bits: u16,
    held: u8,
}

impl<'a, 'f> Writer<'a, 'f> {
    pub(super) fn new(out: &'a mut fmt::Formatter<'f>) -> Self {
        Self { out, bits: 0, held: 0 }
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> fmt::Result {
        for octet in octets {
            self.bits = self.bits << 8 | u16::from(*octet);
            self.held += 8;
            while self.held >= 5 {
                self.held -= 5;
                self.out.write_char(character(self.bits >> self.held))?;
                self.bits &= (1 << self.held) - 1;
            }
        }
        Ok(())
    }

    /// Writes what is left, filled up with zeros.
    pub(super) fn end(self) -> fmt::Result {
        if self.held == 0 {
            return Ok(());
        }
        self.out.write_char(character(self.bits << (5 - self.held)))
    }
}

/// The character for the lowest five bits.
fn character(bits: u16) -> char {
    char::from(ALPHABET[usize::from(bits & 31)])
}
