//! One part of the flash as a map from small numbers to records (sequential-storage's `map`).
//!
//! A record is written whole or not at all: each has a checksum, and a newer one replaces an older one only once
//! it is complete. A future of this module must not be dropped before it is done.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::{Cache, CacheImpl};
use sequential_storage::map::{MapConfig, MapStorage};
use serde::Serialize;

use super::Error;

/// Octets of the longest record: a message with the longest text and 64 octets about it.
pub(super) const MAX_RECORD: usize = fanal_protocol::wire::MAX_TEXT_OCTETS + 64;
/// The same with its key, rounded up to the largest word of any flash.
const BUFFER: usize = (MAX_RECORD + size_of::<u16>()).next_multiple_of(32);

/// A range of the flash, in octets from its beginning.
pub(super) struct Area(pub(super) Range<u32>);

impl Area {
    /// Stores `record` under `key`, in place of what was there.
    pub(super) async fn put<F: NorFlash>(
        &self,
        flash: &mut F,
        key: u16,
        record: &impl Serialize,
    ) -> Result<(), Error> {
        let mut octets = [0; MAX_RECORD];
        let octets: &[u8] = postcard::to_slice(record, &mut octets).map_err(|_| Error::TooLong)?;
        let mut buffer = [0; BUFFER];
        Ok(self.map(flash)?.store_item(&mut buffer, &key, &octets).await?)
    }

    /// Shows every record to `show`, oldest first; of those with one key the last counts.
    pub(super) async fn scan<F: NorFlash>(
        &self,
        flash: &mut F,
        mut show: impl FnMut(u16, &[u8]),
    ) -> Result<(), Error> {
        let mut buffer = [0; BUFFER];
        let mut map = self.map(flash)?;
        let mut records = map.fetch_all_items(&mut buffer).await?;
        while let Some((key, octets)) = records.next::<&[u8]>(&mut buffer).await? {
            show(key, octets);
        }
        Ok(())
    }

    /// The record under `key`; returns how much of `out` it fills.
    pub(super) async fn load<F: NorFlash>(
        &self,
        flash: &mut F,
        key: u16,
        out: &mut [u8; MAX_RECORD],
    ) -> Result<Option<usize>, Error> {
        let mut buffer = [0; BUFFER];
        let mut map = self.map(flash)?;
        let Some(octets) = map.fetch_item::<&[u8]>(&mut buffer, &key).await? else { return Ok(None) };
        let place = out.get_mut(..octets.len()).ok_or(Error::Damaged)?;
        place.copy_from_slice(octets);
        Ok(Some(octets.len()))
    }

    fn map<'f, F: NorFlash>(
        &self,
        flash: &'f mut F,
    ) -> Result<MapStorage<u16, &'f mut F, impl CacheImpl<u16>>, Error> {
        let config = MapConfig::try_new(self.0.clone()).map_err(|_| Error::Unsuitable)?;
        Ok(MapStorage::new(flash, config, Cache::new_uncached()))
    }
}

impl<E> From<sequential_storage::Error<E>> for Error {
    fn from(error: sequential_storage::Error<E>) -> Self {
        match error {
            sequential_storage::Error::FullStorage => Error::Full,
            sequential_storage::Error::ItemTooBig => Error::TooLong,
            sequential_storage::Error::Storage { .. } => Error::Flash,
            _ => Error::Damaged,
        }
    }
}
