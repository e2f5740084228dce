//! Who gets a place among the frames under way, so that nobody can take them all.
//!
//! A relay cannot know who wrote a frame: addresses can be invented. So a *party*, the source that a text names or else the
//! destination, has half of the places at most, and when all are taken a newcomer gets that of a party with more of them. What makes
//! room has been on the air, or has no way to go: its source will ask again. Inventing a party for each frame brings
//! each of them one transmission.

use crate::id::NodeId;
use crate::wire::{Frame, Routed};

use super::passing::Passing;

/// Places that only urgent texts take.
const URGENT: usize = 1;

/// How a frame stands to the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lane {
    /// With all others.
    Ordinary,
    /// Before all others, with places of its own.
    Urgent,
}

/// Where a newcomer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Free,
    /// That of this entry, which makes room.
    Of(usize),
    None,
}

/// Who answers for a frame, as far as it says.
fn party(octets: &[u8]) -> Option<NodeId> {
    match Frame::parse(octets) {
        Ok(Frame::Text(text)) => Some(text.source),
        Ok(Frame::Fragment(fragment)) => Some(fragment.0.source),
        _ => Routed::read(octets).map(|routed| routed.destination),
    }
}

/// The place for a frame beside those that are `passing`, of `capacity`.
pub(super) fn place_for(octets: &[u8], lane: Lane, passing: &[Passing], capacity: usize) -> Place {
    let places_of =
        |party: Option<NodeId>| passing.iter().filter(|entry| self::party(&entry.frame) == party).count();
    let own = places_of(party(octets));
    if own >= capacity.div_ceil(2) {
        return Place::None;
    }
    let kept_free = if lane == Lane::Urgent { 0 } else { URGENT };
    if passing.len() + kept_free < capacity {
        return Place::Free;
    }
    let yields = |(index, entry): (usize, &Passing)| {
        let places = places_of(party(&entry.frame));
        (entry.may_yield() && entry.lane <= lane && places > own).then_some((places, index))
    };
    // Of equals the first: `max_by_key` keeps the last, hence the reversal.
    let most = passing.iter().enumerate().rev().filter_map(yields).max_by_key(|(places, _)| *places);
    most.map_or(Place::None, |(_, index)| Place::Of(index))
}
