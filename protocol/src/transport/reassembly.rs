//! A long text, on its destination's side: fragments in any order become one text again.
//!
//! `docs/protocol.md`, section "Long texts". Only authentic fragments come here, so nobody without a key takes up room.
//! What is here is in memory only: nothing is promised before the whole message is durable, and after a restart the
//! source learns from the next status that nothing is held.
//!
//! ```text
//!   piece 0    piece 1    piece 2                     last piece
//!   +----------+----------+----------+----- - - -----+------+      parked at the end until all are here: where it
//!   | stride   | stride   | stride   |      free     |      |      belongs, only the others' length tells
//!   +----------+----------+----------+----- - - -----+------+
//! ```

use core::fmt;

use crate::id::MessageId;
use crate::time::{Duration, Instant};
use crate::wire::{FragmentSet, MAX_FRAGMENTS, Piece};

use super::MAX_LONG_TEXT_OCTETS;

/// A message of which nothing new came for this time makes room for another. Longer than any gap between the attempts
/// of a source that does not yet count us as absent.
const SILENT: Duration = Duration::from_secs(120);

/// What a fragment did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gathered {
    /// It is kept; others are missing.
    Partial,
    /// It was here before.
    Duplicate,
    /// It was the one that was missing: [`Reassembly::octets`] is the text. Said once.
    Complete {
        /// The message took this many counters, from its own on: all are to be marked as seen with it.
        counters: u8,
    },
}

/// Why a fragment was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Other messages take up all the room.
    NoRoom,
    /// Its source has gone on to a later message.
    Superseded,
    /// It cannot belong to the same text as the others; no honest source makes such a fragment.
    Inconsistent,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRoom => "no room for another long text",
            Self::Superseded => "the source has gone on to a later message",
            Self::Inconsistent => "the fragment does not fit the others",
        })
    }
}

impl core::error::Error for Refused {}

/// Up to `SLOTS` long texts of which fragments are missing, one per pair of addresses. `SLOTS` x 4.2 kB.
#[derive(Debug)]
pub struct Reassembly<const SLOTS: usize> {
    slots: [Slot; SLOTS],
}

impl<const SLOTS: usize> Default for Reassembly<SLOTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SLOTS: usize> Reassembly<SLOTS> {
    /// Nothing has arrived.
    pub const fn new() -> Self {
        Self { slots: [const { Slot::FREE }; SLOTS] }
    }

    /// An authentic fragment of the message `id` (see [`Piece::message`]) arrived.
    ///
    /// If something is missing although nothing more is to be expected, a status falls due after `patience`: zero
    /// when the fragment came straight from its source, otherwise [`Pace::patience`](super::Pace::patience).
    ///
    /// # Errors
    /// [`Refused`]: it was not kept, and nothing changed.
    pub fn insert(
        &mut self,
        id: MessageId,
        piece: Piece<'_>,
        patience: Duration,
        now: Instant,
    ) -> Result<Gathered, Refused> {
        // Not even alone would it fit: then no slot is given up for it.
        if !piece.is_last && piece.octets.len() * (usize::from(piece.index) + 1) > MAX_LONG_TEXT_OCTETS {
            return Err(Refused::Inconsistent);
        }
        let slot = self.slot_for(id, now)?;
        if slot.id != Some(id) {
            slot.clear();
            slot.id = Some(id);
            slot.changed = now;
        }
        let gathered = slot.insert(piece)?;
        if gathered != Gathered::Duplicate {
            slot.changed = now;
        }
        if slot.is_complete() {
            slot.ask_at = None;
        } else if !slot.expects_more_than(piece.index) {
            // A poll that finds a status already on its way out does not put it off.
            slot.ask_at = slot.ask_at.or(Some(now + patience));
        }
        Ok(gathered)
    }

    /// The source asks what is missing of this message: the status to answer with, now. `None`: nothing is to be said,
    /// because it is complete and being stored, because its source has gone on, or because there is no room for it.
    ///
    /// An unknown message is missing as a whole, up to the last fragment that any message can have.
    pub fn handle_poll(&mut self, id: MessageId, now: Instant) -> Option<FragmentSet> {
        let slot = self.slot_for(id, now).ok()?;
        if slot.id != Some(id) {
            return Some(FragmentSet::first(MAX_FRAGMENTS));
        }
        slot.ask_at = None;
        Some(slot.missing()).filter(|missing| !missing.is_empty())
    }

    /// The whole text of a complete message, not yet known to be UTF-8; `None` while something is missing.
    pub fn octets(&self, id: MessageId) -> Option<&[u8]> {
        let slot = self.slots.iter().find(|slot| slot.id == Some(id) && slot.is_complete())?;
        slot.octets.get(..slot.len)
    }

    /// The message is durable, or will not be taken: its room is free. Unknown ids are ignored.
    pub fn release(&mut self, id: MessageId) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == Some(id)) {
            slot.clear();
        }
    }

    /// The next status that is due: the message, and what is missing of it.
    pub fn poll_status(&mut self, now: Instant) -> Option<(MessageId, FragmentSet)> {
        let slot = self.slots.iter_mut().find(|slot| slot.ask_at.is_some_and(|at| at <= now))?;
        slot.ask_at = None;
        Some((slot.id?, slot.missing()))
    }

    /// When to call [`poll_status`](Self::poll_status), if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.ask_at).min()
    }

    /// The slot of this message, or one that it may take over.
    fn slot_for(&mut self, id: MessageId, now: Instant) -> Result<&mut Slot, Refused> {
        let same_ends = |slot: &Slot| {
            slot.id.is_some_and(|held| (held.source, held.destination) == (id.source, id.destination))
        };
        if let Some(slot) = self.slots.iter().position(same_ends) {
            let slot = &mut self.slots[slot];
            return match slot.id.map(|held| held.counter.cmp(&id.counter)) {
                Some(core::cmp::Ordering::Greater) => Err(Refused::Superseded),
                // The host is still making it durable; the next message can wait as long.
                Some(core::cmp::Ordering::Less) if slot.is_complete() => Err(Refused::NoRoom),
                _ => Ok(slot),
            };
        }
        let may_go =
            |slot: &&mut Slot| slot.id.is_none() || (!slot.is_complete() && now - slot.changed >= SILENT);
        // A free one first, then the one that has been silent for longest.
        self.slots
            .iter_mut()
            .filter(may_go)
            .min_by_key(|slot| slot.id.map(|_| slot.changed))
            .ok_or(Refused::NoRoom)
    }
}

/// Room for one message.
struct Slot {
    /// `None`: free.
    id: Option<MessageId>,
    held: FragmentSet,
    /// Octets of each piece but the last; 0 while only the last is here.
    stride: usize,
    /// Index and octets of the last piece, once it is here.
    last: Option<(u8, usize)>,
    /// Octets of the whole text once it is complete, 0 before.
    len: usize,
    ask_at: Option<Instant>,
    /// When the last new fragment came.
    changed: Instant,
    octets: [u8; MAX_LONG_TEXT_OCTETS],
}

impl Slot {
    const FREE: Self = Self {
        id: None,
        held: FragmentSet::EMPTY,
        stride: 0,
        last: None,
        len: 0,
        ask_at: None,
        changed: Instant::ZERO,
        octets: [0; MAX_LONG_TEXT_OCTETS],
    };

    /// Frees the slot. Its octets stay: copying four kilobytes of zeros over them would help nobody.
    fn clear(&mut self) {
        self.id = None;
        self.held = FragmentSet::EMPTY;
        (self.stride, self.last, self.len, self.ask_at) = (0, None, 0, None);
    }

    const fn is_complete(&self) -> bool {
        self.len > 0
    }

    /// What is missing; until the last fragment is here, that is everything up to the last that can be.
    fn missing(&self) -> FragmentSet {
        let count = self.last.map_or(MAX_FRAGMENTS, |(last, _)| last + 1);
        FragmentSet::first(count).without(self.held)
    }

    /// Whether a fragment behind this one is still to come, if the source sends them in order: then it will ask.
    fn expects_more_than(&self, index: u8) -> bool {
        self.missing().highest().is_some_and(|highest| highest > index)
    }

    fn insert(&mut self, piece: Piece<'_>) -> Result<Gathered, Refused> {
        let (index, len) = (piece.index, piece.octets.len());
        if self.held.contains(index) {
            return Ok(Gathered::Duplicate);
        }
        let (stride, last) = if piece.is_last { (self.stride, Some((index, len))) } else { (len, self.last) };
        if !self.is_consistent(&piece, stride, last) {
            return Err(Refused::Inconsistent);
        }
        let start = if piece.is_last { MAX_LONG_TEXT_OCTETS - len } else { stride * usize::from(index) };
        let room = self.octets.get_mut(start..start + len).ok_or(Refused::Inconsistent)?;
        room.copy_from_slice(piece.octets);
        (self.stride, self.last) = (stride, last);
        self.held = self.held.union(FragmentSet::only(index));

        let (Some((last, last_len)), true) = (last, self.missing().is_empty()) else {
            return Ok(Gathered::Partial);
        };
        let end = stride * usize::from(last);
        self.octets.copy_within(MAX_LONG_TEXT_OCTETS - last_len.., end);
        self.len = end + last_len;
        Ok(Gathered::Complete { counters: last + 1 })
    }

    /// Whether this piece, and then these measures, fit what is here. All that is here then has its own place.
    fn is_consistent(&self, piece: &Piece<'_>, stride: usize, last: Option<(u8, usize)>) -> bool {
        if !piece.is_last && self.stride != 0 && self.stride != stride {
            return false;
        }
        let behind = |limit: u8| self.held.highest().is_some_and(|highest| highest > limit);
        match last {
            Some(_) if piece.is_last && self.last.is_some() => false,
            Some((last, _)) if piece.index > last || behind(last) => false,
            // The last piece is the rest: never longer than the others.
            Some((last, len)) => {
                (stride == 0 || len <= stride) && stride * usize::from(last) + len <= MAX_LONG_TEXT_OCTETS
            }
            None => true,
        }
    }
}

impl fmt::Debug for Slot {
    /// Shows nothing of the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("id", &self.id)
            .field("held", &self.held)
            .field("last", &self.last)
            .field("ask_at", &self.ask_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
