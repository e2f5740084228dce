//! What long texts have beyond their beginnings: [`PLACES`] places in an area of their own, in parts that fit a record.
//!
//! The beginning of a long text is in the record of its message, which is written last: a power cut before that leaves parts that
//! belong to no message, and are overwritten. A place is used again when no other is free; then only the beginning of
//! the older text is left to show.

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::transport::{Cut, MAX_LONG_TEXT_OCTETS};
use fanal_protocol::wire::MAX_TEXT_OCTETS;
use serde::{Deserialize, Serialize};

use super::area::MAX_RECORD;
use super::{Error, TEXTS};

/// Long texts that are kept whole.
pub(super) const PLACES: u8 = 6;
/// Keys of one place: more than the parts that a text can have, each cut between two characters.
const PARTS: u16 = 32;

const _: () = assert!(MAX_LONG_TEXT_OCTETS / (MAX_TEXT_OCTETS - 3) < PARTS as usize);

/// Where the rest of a long text is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Below [`PLACES`].
    pub(super) place: u8,
    /// Octets of the whole text.
    pub(super) octets: u16,
}

impl Rest {
    /// How many counters the message took.
    pub(super) fn counters(self) -> u32 {
        Cut::of(self.octets.into()).map_or(1, |cut| cut.count().into())
    }
}

#[derive(Serialize, Deserialize)]
struct Part<'a> {
    /// Of the message.
    number: u32,
    text: &'a str,
}

/// The first characters of a text that fit a record, and what follows them.
pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(MAX_TEXT_OCTETS))
}

fn key(place: u8, part: u16) -> u16 {
    u16::from(place) * PARTS + part
}

/// Writes all of the parts of a text but the first.
pub(super) async fn write<F: NorFlash>(
    flash: &mut F,
    place: u8,
    number: u32,
    text: &str,
) -> Result<(), Error> {
    let (_, mut rest) = split(text);
    for part in 0..PARTS {
        let (text, further) = split(rest);
        if text.is_empty() {
            break;
        }
        TEXTS.put(flash, key(place, part), &Part { number, text }).await?;
        rest = further;
    }
    Ok(())
}

/// Appends them to the first `len` octets of `buffer`; returns how many octets there are then, as far as the parts are still
/// there.
pub(super) async fn read<F: NorFlash>(
    flash: &mut F,
    place: u8,
    number: u32,
    buffer: &mut [u8],
    mut len: usize,
    total: usize,
) -> Result<usize, Error> {
    let mut record = [0; MAX_RECORD];
    for part in 0..PARTS {
        if len >= total {
            break;
        }
        let Some(octets) = TEXTS.load(flash, key(place, part), &mut record).await? else { break };
        let part: Result<Part<'_>, _> = postcard::from_bytes(record.get(..octets).unwrap_or_default());
        let Ok(part) = part else { break };
        let text = part.text.as_bytes();
        let Some(room) = buffer.get_mut(len..len + text.len()).filter(|_| part.number == number) else {
            break;
        };
        room.copy_from_slice(text);
        len += text.len();
    }
    Ok(len)
}
