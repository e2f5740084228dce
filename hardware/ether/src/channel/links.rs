//! Who is near whom: the stations that a transmission can matter to, found once per source and kept.
//!
//! A field of thousands of stations is mostly out of each other's reach. What is weaker than the noise by more than
//! the capture threshold neither can be received nor can destroy anything, and is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::StationId;
use super::propagation::{End, Position, Propagation};

/// Links that are kept at one time, 16 octets each. Beyond them the rows are found anew when they are needed.
const MOST_KEPT: usize = 8 << 20;

/// One way from a source.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Link {
    pub(super) to: StationId,
    pub(super) loss_db: f64,
}

/// The links of one source, in the order of the stations.
pub(super) type Row = Arc<[Link]>;

/// The rows that were needed lately, by source and frequency, and how much loss each of them reaches over.
#[derive(Default)]
pub(super) struct Links {
    rows: BTreeMap<(StationId, u32), (f64, Row)>,
    kept: usize,
}

impl Links {
    /// The places have changed.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The links of `source` with a loss of `reach_db` or less, and perhaps some with more.
    pub(super) fn of(
        &mut self,
        source: StationId,
        frequency_hz: u32,
        reach_db: f64,
        find: impl FnOnce() -> Vec<Link>,
    ) -> Row {
        if let Some((reached, row)) = self.rows.get(&(source, frequency_hz))
            && *reached >= reach_db
        {
            return row.clone();
        }
        let row: Row = find().into();
        if self.kept + row.len() > MOST_KEPT {
            self.forget();
        }
        self.kept += row.len();
        if let Some((_, former)) = self.rows.insert((source, frequency_hz), (reach_db, row.clone())) {
            self.kept -= former.len();
        }
        row
    }
}

impl Propagation {
    /// All links of `source` with a loss of `reach_db` or less.
    pub(super) fn links(
        &self,
        source: StationId,
        positions: impl ExactSizeIterator<Item = Position> + Clone,
        frequency_hz: u32,
        reach_db: f64,
        seed: u64,
    ) -> Vec<Link> {
        let Some(position) = positions.clone().nth(source.0) else { return Vec::new() };
        let from = End { station: source, position };
        let least_m = self.never_reaches_m(frequency_hz, reach_db);
        let to = |(station, position): (usize, Position)| {
            let to = StationId(station);
            // The square root and the logarithms of the rest would take most of the time of a large field.
            if to == source || from.position.is_beyond(position, least_m) {
                return None;
            }
            let loss_db = self.loss_db(from, End { station: to, position }, frequency_hz, seed);
            (loss_db <= reach_db && loss_db < f64::INFINITY).then_some(Link { to, loss_db })
        };
        positions.enumerate().filter_map(to).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(to: usize) -> Link {
        Link { to: StationId(to), loss_db: 100.0 }
    }

    #[test]
    fn a_row_is_found_once_for_the_greatest_reach() {
        let mut links = Links::default();
        let find = |to: usize| move || vec![link(to)];
        assert_eq!(links.of(StationId(0), 915, 120.0, find(1))[0], link(1));
        assert_eq!(links.of(StationId(0), 915, 110.0, find(2))[0], link(1));
        assert_eq!(links.of(StationId(0), 868, 110.0, find(3))[0], link(3));
        assert_eq!(links.of(StationId(0), 915, 130.0, find(4))[0], link(4));
        assert_eq!(links.kept, 2);
    }

    #[test]
    fn no_more_links_are_kept_than_there_is_room_for() {
        let mut links = Links::default();
        for source in 0..4 {
            links.of(StationId(source), 915, 120.0, || vec![link(9); MOST_KEPT / 2]);
            assert!(links.kept <= MOST_KEPT);
        }
    }
}
