//! NOR flash in the PSRAM, which the emulator maps to a file.
//!
//! The file holds the complement of what the flash holds. So a new file, all zeros, is an erased flash, and no
//! formatting is needed that a power cut could interrupt.

use core::fmt;
use core::ops::Range;

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

use crate::register::Register;

/// Where the PSRAM begins, DAI 0386 table 3-1.
const BASE: usize = 0x2100_0000;
/// What the flash offers; the PSRAM is larger, and its last page is spoken for (see `nonvolatile`).
const CAPACITY: usize = 1 << 20;
const WORD: usize = 4;
const PAGE: usize = 4096;

/// One MiB of NOR flash: words of 4 octets, pages of 4 KiB. Writing clears bits, erasing sets them.
pub struct Flash(());

impl Flash {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

/// The request lies outside the flash or is not aligned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error(NorFlashErrorKind);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl core::error::Error for Error {}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        self.0
    }
}

/// The addresses `offset..offset + length`, if both ends are multiples of `unit` and inside the flash.
fn checked(offset: u32, length: usize, unit: usize) -> Result<Range<usize>, Error> {
    let start = offset as usize;
    let end = start.checked_add(length).filter(|end| *end <= CAPACITY);
    let end = end.ok_or(Error(NorFlashErrorKind::OutOfBounds))?;
    if !start.is_multiple_of(unit) || !end.is_multiple_of(unit) {
        return Err(Error(NorFlashErrorKind::NotAligned));
    }
    Ok(start..end)
}

/// The word at `offset`, which has been checked.
fn word(offset: usize) -> Register {
    Register::at(BASE + offset)
}

impl ErrorType for Flash {
    type Error = Error;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        for (at, octet) in checked(offset, bytes.len(), Self::READ_SIZE)?.zip(bytes) {
            let content = (!word(at - at % WORD).read()).to_le_bytes();
            *octet = content[at % WORD];
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let length = to.checked_sub(from).ok_or(Error(NorFlashErrorKind::OutOfBounds))?;
        for at in checked(from, length as usize, PAGE)?.step_by(WORD) {
            word(at).write(0);
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let (words, _) = bytes.as_chunks::<WORD>();
        for (at, octets) in checked(offset, bytes.len(), WORD)?.step_by(WORD).zip(words) {
            let word = word(at);
            word.write(word.read() | !u32::from_le_bytes(*octets));
        }
        Ok(())
    }
}

/// A word may be written again; only bits that are still set change.
impl MultiwriteNorFlash for Flash {}
