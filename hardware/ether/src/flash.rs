//! NOR flash on a computer: in memory, or in a file that survives the process.
//!
//! It behaves as the chips do. Erasing sets 4 KiB to ones; writing can only clear bits (so it is an AND, in words of
//! four octets); and the power may fail in the middle of a word or of an erasure
//! ([`Flash::cut_power_after`]), after which nothing works until [`Flash::restore_power`].

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// Octets of a word, the unit of writing.
pub const WORD: usize = 4;
/// Octets of a page, the unit of erasing.
pub const PAGE: usize = 4096;

/// A flash whose contents are gone when it is dropped.
pub type MemoryFlash = Flash<Vec<u8>>;
/// A flash whose contents are a file.
pub type FileFlash = Flash<FileCells>;

/// A NOR flash whose cells are kept in `C`.
#[derive(Debug, Clone)]
pub struct Flash<C> {
    cells: C,
    capacity: usize,
    power: Power,
    words_written: u64,
}

#[derive(Debug, Clone, Copy)]
enum Power {
    On,
    /// The next but this many steps is torn.
    FailsAfter(u64),
    Off,
}

/// Where the cells are kept.
pub trait Cells {
    /// Reads octets at `offset`.
    ///
    /// # Errors
    /// When the medium fails, or `octets` reaches beyond its end.
    fn read(&self, offset: usize, octets: &mut [u8]) -> io::Result<()>;

    /// Overwrites octets at `offset`.
    ///
    /// # Errors
    /// When the medium fails, or `octets` reaches beyond its end.
    fn write(&mut self, offset: usize, octets: &[u8]) -> io::Result<()>;
}

impl Cells for Vec<u8> {
    fn read(&self, offset: usize, octets: &mut [u8]) -> io::Result<()> {
        let cells = self.get(offset..offset + octets.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        octets.copy_from_slice(cells);
        Ok(())
    }

    fn write(&mut self, offset: usize, octets: &[u8]) -> io::Result<()> {
        let cells = self.get_mut(offset..offset + octets.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        cells.copy_from_slice(octets);
        Ok(())
    }
}

/// Cells in a file.
#[derive(Debug)]
pub struct FileCells(File);

impl Cells for FileCells {
    fn read(&self, offset: usize, octets: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(octets, offset as u64)
    }

    fn write(&mut self, offset: usize, octets: &[u8]) -> io::Result<()> {
        self.0.write_all_at(octets, offset as u64)
    }
}

impl MemoryFlash {
    /// An erased flash of `pages` pages.
    pub fn new(pages: usize) -> Self {
        Self::on(vec![0xFF; pages * PAGE], pages)
    }

    /// All octets, as they are.
    pub fn contents(&self) -> &[u8] {
        &self.cells
    }
}

impl FileFlash {
    /// The flash of `pages` pages in the file at `path`; what the file lacks of that size is erased flash.
    ///
    /// # Errors
    /// When the file cannot be opened, created or extended.
    pub fn open(path: &Path, pages: usize) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let present = file.metadata()?.len();
        let missing = ((pages * PAGE) as u64).saturating_sub(present);
        file.write_all_at(&vec![0xFF; missing as usize], present)?;
        Ok(Self::on(FileCells(file), pages))
    }
}

impl<C: Cells> Flash<C> {
    fn on(cells: C, pages: usize) -> Self {
        Self { cells, capacity: pages * PAGE, power: Power::On, words_written: 0 }
    }

    /// The power fails while the word after the next `steps` words is being written: two of its octets are
    /// programmed. An erasure counts as one step; torn, it leaves half its page.
    pub fn cut_power_after(&mut self, steps: u64) {
        self.power = Power::FailsAfter(steps);
    }

    /// Power is back; what was torn stays torn.
    pub fn restore_power(&mut self) {
        self.power = Power::On;
    }

    /// Steps (words written and pages erased) so far.
    pub fn steps(&self) -> u64 {
        self.words_written
    }

    /// Takes one step; `true` when it is the torn one.
    fn step(&mut self) -> Result<bool, Error> {
        match &mut self.power {
            Power::Off => return Err(Error::PowerCut),
            Power::FailsAfter(0) => {
                self.power = Power::Off;
                return Ok(true);
            }
            Power::FailsAfter(steps) => *steps -= 1,
            Power::On => {}
        }
        self.words_written += 1;
        Ok(false)
    }

    fn span(&self, offset: u32, len: usize, unit: usize) -> Result<usize, Error> {
        let start = offset as usize;
        if !start.is_multiple_of(unit) || !len.is_multiple_of(unit) {
            return Err(Error::NotAligned);
        }
        match start.checked_add(len) {
            Some(end) if end <= self.capacity => Ok(start),
            _ => Err(Error::OutOfBounds),
        }
    }
}

/// Why the flash did not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// Not on the borders of words or pages.
    NotAligned,
    /// Beyond the end.
    OutOfBounds,
    /// The power has failed.
    PowerCut,
    /// The file cannot be read or written.
    File,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::NotAligned => "not aligned to words or pages",
            Error::OutOfBounds => "beyond the end of the flash",
            Error::PowerCut => "the power has failed",
            Error::File => "the file of the flash cannot be read or written",
        })
    }
}

impl std::error::Error for Error {}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Error::NotAligned => NorFlashErrorKind::NotAligned,
            Error::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Error::PowerCut | Error::File => NorFlashErrorKind::Other,
        }
    }
}

impl From<io::Error> for Error {
    fn from(_: io::Error) -> Self {
        Error::File
    }
}

impl<C> ErrorType for Flash<C> {
    type Error = Error;
}

impl<C: Cells> ReadNorFlash for Flash<C> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Error> {
        if matches!(self.power, Power::Off) {
            return Err(Error::PowerCut);
        }
        let start = self.span(offset, octets.len(), 1)?;
        Ok(self.cells.read(start, octets)?)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<C: Cells> NorFlash for Flash<C> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let len = to.checked_sub(from).ok_or(Error::OutOfBounds)? as usize;
        let start = self.span(from, len, PAGE)?;
        for page in (start..start + len).step_by(PAGE) {
            if self.step()? {
                self.cells.write(page, &[0xFF; PAGE / 2])?;
                return Err(Error::PowerCut);
            }
            self.cells.write(page, &[0xFF; PAGE])?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Error> {
        let start = self.span(offset, octets.len(), WORD)?;
        for (number, word) in octets.chunks_exact(WORD).enumerate() {
            let torn = self.step()?;
            let at = start + number * WORD;
            let mut cells = [0xFF; WORD];
            self.cells.read(at, &mut cells)?;
            let programmed = if torn { WORD / 2 } else { WORD };
            for (cell, octet) in cells.iter_mut().zip(word).take(programmed) {
                *cell &= octet;
            }
            self.cells.write(at, &cells)?;
            if torn {
                return Err(Error::PowerCut);
            }
        }
        Ok(())
    }
}

impl<C: Cells> MultiwriteNorFlash for Flash<C> {}

#[cfg(test)]
mod tests;
