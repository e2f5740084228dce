//! What people wrote and what became of it, whatever protocol carries it.

use std::collections::{BTreeMap, VecDeque};

use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::State;
use fanal_protocol::time::{Duration, Instant};

use crate::channel::StationId;
use crate::occupant::Notice;

/// A text that somebody wrote at a station that had power.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// When.
    pub at: Instant,
    /// Where.
    pub station: StationId,
    /// For whom; [`NodeId::BROADCAST`]: for everybody.
    pub destination: NodeId,
    /// When it is given up.
    pub expires_at: Instant,
    /// What it is called, once the station has accepted it.
    pub id: Option<MessageId>,
    /// How many readers have it.
    pub arrived: u32,
    /// Its source says that it was delivered.
    pub reported: bool,
    /// Its source says that it was not.
    pub given_up: bool,
    /// The power failed before the station had accepted it.
    pub abandoned: bool,
    /// Of a text for everybody: which stations have it, a bit for each.
    here: Vec<u64>,
}

/// All of them, and what was on the air.
#[derive(Default)]
pub struct Ledger {
    written: Vec<Written>,
    by_id: BTreeMap<MessageId, usize>,
    /// Of each station: what it has neither accepted nor refused, oldest first.
    waiting: BTreeMap<StationId, VecDeque<usize>>,
    /// How often each delay occurred, whole milliseconds.
    delays: BTreeMap<u64, u64>,
    duplicates: u64,
    transmissions: u64,
    airtime: Duration,
}

impl Ledger {
    /// What was written, in order.
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Times that a reader got a text again.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Frames of all kinds.
    pub fn transmissions(&self) -> u64 {
        self.transmissions
    }

    /// Their time on air.
    pub fn airtime(&self) -> Duration {
        self.airtime
    }

    /// The least whole number of milliseconds within which so many hundredths of all arrivals came after the text was
    /// written; `None` when there were none.
    pub fn delay_ms(&self, percentile: u64) -> Option<u64> {
        let total: u64 = self.delays.values().sum();
        let rank = (total * percentile).div_ceil(100).max(1);
        let mut seen = 0;
        self.delays
            .iter()
            .find(|(_, count)| {
                seen += **count;
                seen >= rank
            })
            .map(|(delay, _)| *delay)
    }

    pub(super) fn wrote(
        &mut self,
        station: StationId,
        destination: NodeId,
        lifetime: Duration,
        now: Instant,
    ) {
        self.waiting.entry(station).or_default().push_back(self.written.len());
        self.written.push(Written {
            at: now,
            station,
            destination,
            expires_at: now + lifetime,
            id: None,
            arrived: 0,
            reported: false,
            given_up: false,
            abandoned: false,
            here: Vec::new(),
        });
    }

    pub(super) fn transmission(&mut self, airtime: Duration) {
        self.transmissions += 1;
        self.airtime += airtime;
    }

    /// What a station has not accepted is gone with its power.
    pub(super) fn stopped(&mut self, station: StationId) {
        for index in self.waiting.remove(&station).unwrap_or_default() {
            if let Some(written) = self.written.get_mut(index) {
                written.abandoned = true;
            }
        }
    }

    /// `is_read`: what was stored has reached its reader.
    pub(super) fn notice(&mut self, station: StationId, notice: &Notice, is_read: bool, now: Instant) {
        match notice {
            Notice::Accepted(id) => {
                let Some(index) = self.oldest(station) else { return };
                self.by_id.insert(*id, index);
                if let Some(written) = self.written.get_mut(index) {
                    written.id = Some(*id);
                }
            }
            Notice::Refused(_) => {
                if let Some(written) = self.oldest(station).and_then(|index| self.written.get_mut(index)) {
                    written.given_up = true;
                }
            }
            Notice::State(id, state) => {
                let Some(written) = self.by_id.get(id).and_then(|index| self.written.get_mut(*index)) else {
                    return;
                };
                match state {
                    State::Delivered => written.reported = true,
                    State::Expired | State::Failed(_) => written.given_up = true,
                    State::Queued | State::Sent | State::InCustody(_) => {}
                }
            }
            Notice::Stored(id) if is_read => self.read(station, *id, now),
            Notice::StoredAgain(_) => self.duplicates += 1,
            Notice::Stored(_) | Notice::Forwarded(_) => {}
        }
    }

    fn oldest(&mut self, station: StationId) -> Option<usize> {
        self.waiting.get_mut(&station)?.pop_front()
    }

    /// A reader has a text.
    pub(super) fn read(&mut self, station: StationId, id: MessageId, now: Instant) {
        let Some(written) = self.by_id.get(&id).and_then(|index| self.written.get_mut(*index)) else {
            return;
        };
        if written.has(station) {
            self.duplicates += 1;
            return;
        }
        written.arrived += 1;
        let millis = u64::try_from((now - written.at).as_millis()).unwrap_or(u64::MAX);
        *self.delays.entry(millis).or_default() += 1;
    }
}

impl Written {
    /// Whether the station had it before; from now on it has.
    fn has(&mut self, station: StationId) -> bool {
        if self.destination != NodeId::BROADCAST {
            return self.arrived > 0;
        }
        let (word, bit) = (station.0 / 64, 1 << (station.0 % 64));
        if self.here.len() <= word {
            self.here.resize(word + 1, 0);
        }
        let Some(word) = self.here.get_mut(word) else { return false };
        let had = *word & bit != 0;
        *word |= bit;
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: StationId = StationId(70);

    fn ledger(destination: NodeId) -> (Ledger, MessageId) {
        let mut ledger = Ledger::default();
        ledger.wrote(StationId(0), destination, Duration::from_secs(60), Instant::from_secs(1));
        let id = MessageId { source: NodeId(1), destination, counter: 0 };
        ledger.notice(StationId(0), &Notice::Accepted(id), false, Instant::from_secs(1));
        (ledger, id)
    }

    #[test]
    fn the_second_arrival_at_one_reader_is_a_duplicate() {
        for (destination, arrived) in [(NodeId(2), 1), (NodeId::BROADCAST, 2)] {
            let (mut ledger, id) = ledger(destination);
            for station in [HERE, HERE] {
                ledger.notice(station, &Notice::Stored(id), true, Instant::from_secs(2));
            }
            assert_eq!((ledger.written()[0].arrived, ledger.duplicates()), (1, 1));
            ledger.notice(StationId(3), &Notice::Stored(id), true, Instant::from_secs(2));
            assert_eq!(ledger.written()[0].arrived, arrived);
        }
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let (mut ledger, id) = ledger(NodeId::BROADCAST);
        assert_eq!(ledger.delay_ms(50), None);
        for station in 0..20 {
            ledger.read(StationId(station), id, Instant::from_millis(1_100 + 100 * station as u64));
        }
        assert_eq!((ledger.delay_ms(50), ledger.delay_ms(95)), (Some(1_000), Some(1_900)));
    }

    #[test]
    fn what_was_not_accepted_when_the_power_failed_is_abandoned() {
        let mut ledger = Ledger::default();
        ledger.wrote(HERE, NodeId(2), Duration::from_secs(60), Instant::ZERO);
        ledger.stopped(HERE);
        ledger.wrote(HERE, NodeId(2), Duration::from_secs(60), Instant::ZERO);
        let id = MessageId { source: NodeId(1), destination: NodeId(2), counter: 0 };
        ledger.notice(HERE, &Notice::Accepted(id), false, Instant::ZERO);
        let told = |written: &Written| (written.id, written.abandoned);
        assert_eq!(ledger.written().iter().map(told).collect::<Vec<_>>(), [(None, true), (Some(id), false)]);
    }
}
