//! Who is near whom: the stations that a transmission can matter to, found once per source and kept.
//!
//! A field of thousands of stations is mostly out of each other's reach. What is weaker than the noise by more than
//! the capture threshold neither can be received nor can destroy anything, and is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanal_protocol::region::Channel;

use super::propagation::{End, Position, Propagation};
use super::reception::Around;
use super::{Ether, StationId};

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

impl Ether {
    /// The strength, dBm, below which a frame on `channel` can neither be received nor destroy what can.
    fn floor_dbm(&self, channel: &Channel) -> f64 {
        let Some(capture_db) = self.settings.reception.capture_db else { return f64::NEG_INFINITY };
        let limit_db = f64::from(channel.rate.snr_limit_quarter_db()) / 4.0;
        // Chirps of another slope must be stronger than the noise of 125 kHz to destroy anything (the tables of
        // `interference`): even the highest floor, that of SF5/500, is 2 dB below it if 6 dB are taken off.
        self.noise_dbm(channel) + limit_db - capture_db.max(6.0)
    }

    /// The links of a source that reach down to the floor.
    pub(super) fn row(&mut self, source: StationId, channel: &Channel) -> Row {
        let reach_db = f64::from(channel.power_dbm) - self.floor_dbm(channel);
        let positions = self.listeners.iter().map(|listener| listener.position);
        let propagation = &self.settings.propagation;
        let find = || propagation.links(source, positions, channel.frequency_hz, reach_db, self.seed);
        self.links.of(source, channel.frequency_hz, reach_db, find)
    }

    /// Lets all stations in reach know that there is something on the air.
    pub(super) fn spread(&mut self, number: u64, source: StationId, channel: &Channel) -> Row {
        let row = self.row(source, channel);
        for link in &*row {
            let rssi_dbm = f64::from(channel.power_dbm) - link.loss_db;
            if let Some(listener) = self.listeners.get_mut(link.to.0) {
                listener.around.push(Around { number, rssi_dbm });
            }
        }
        row
    }

    /// Somebody has come or moved.
    pub(super) fn rearrange(&mut self) {
        self.links.forget();
        if self.air.is_empty() {
            return;
        }
        for listener in &mut self.listeners {
            listener.around.clear();
        }
        let on_air: Vec<_> = self.air.values().map(|t| (t.number, t.source, t.channel)).collect();
        for (number, source, channel) in on_air {
            let row = self.spread(number, source, &channel);
            if let Some(transmission) = self.air.get_mut(&number) {
                transmission.row = row;
            }
        }
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
