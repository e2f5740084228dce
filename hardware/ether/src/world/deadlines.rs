//! Which station wants to be woken when: kept in order, so that nobody asks all of them.

use std::collections::BTreeSet;

use fanal_protocol::time::Instant;

use crate::channel::StationId;

#[derive(Default)]
pub(super) struct Deadlines {
    of: Vec<Option<Instant>>,
    order: BTreeSet<(Instant, StationId)>,
}

impl Deadlines {
    pub(super) fn set(&mut self, station: StationId, deadline: Option<Instant>) {
        if self.of.len() <= station.0 {
            self.of.resize(station.0 + 1, None);
        }
        let Some(former) = self.of.get_mut(station.0).filter(|former| **former != deadline) else { return };
        if let Some(former) = *former {
            self.order.remove(&(former, station));
        }
        if let Some(deadline) = deadline {
            self.order.insert((deadline, station));
        }
        *former = deadline;
    }

    pub(super) fn first(&self) -> Option<(Instant, StationId)> {
        self.order.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_the_earliest_and_a_new_deadline_replaces_the_old_one() {
        let mut deadlines = Deadlines::default();
        let (one, two, three) = (Instant::from_secs(1), Instant::from_secs(2), Instant::from_secs(3));
        deadlines.set(StationId(4), Some(two));
        deadlines.set(StationId(1), Some(three));
        assert_eq!(deadlines.first(), Some((two, StationId(4))));
        deadlines.set(StationId(1), Some(one));
        assert_eq!(deadlines.first(), Some((one, StationId(1))));
        deadlines.set(StationId(1), None);
        deadlines.set(StationId(4), None);
        assert_eq!(deadlines.first(), None);
    }
}
