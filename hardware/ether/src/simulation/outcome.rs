//! What came of a simulation. `docs/simulator.md` defines each figure.

use fanal_protocol::id::NodeId;
use fanal_protocol::time::{Duration, Instant};

use crate::occupant::Occupant;
use crate::world::{Violation, World};

use super::Reach;

/// The figures. Of a text for everybody each reader counts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    /// Texts written at a node that was on.
    pub sent: u64,
    /// Those for which the network had a way.
    pub reachable: u64,
    /// Those that their readers have.
    pub delivered: u64,
    /// Those of which their writers are told so.
    pub reported_delivered: u64,
    /// Those of which their writers are told so and which their readers do not have.
    pub false_delivered: u64,
    /// Times that a reader got a text again.
    pub duplicates: u64,
    /// Not delivered, and their writers are told so.
    pub given_up: u64,
    /// Not delivered, and their source still sees to them.
    pub under_way: u64,
    /// Not delivered, nobody sees to them any more, and their writers are not told so.
    pub lost: u64,
    /// Frames of all kinds that went on the air.
    pub transmissions: u64,
    /// Their time on air.
    pub airtime: Duration,
    /// From writing to arrival.
    pub delays: Option<Delays>,
    /// What must never happen and did; Fanal only. Always empty.
    pub violations: Vec<Violation>,
}

/// Of all delays, half and nineteen of twenty are no longer than this; whole milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delays {
    /// The median.
    pub p50: Duration,
    /// The ninety-fifth percentile.
    pub p95: Duration,
}

pub(super) fn of<S: Occupant>(world: &World<S>, reach: &Reach, end: Instant) -> Outcome {
    let ledger = world.ledger();
    let delays = ledger.delay_ms(50).zip(ledger.delay_ms(95));
    let delays =
        delays.map(|(p50, p95)| Delays { p50: Duration::from_millis(p50), p95: Duration::from_millis(p95) });
    let mut outcome = Outcome {
        duplicates: ledger.duplicates(),
        transmissions: ledger.transmissions(),
        airtime: ledger.airtime(),
        delays,
        ..Outcome::default()
    };
    for written in ledger.written() {
        let (source, until) = (written.station.0, written.expires_at.min(end));
        let for_everybody = written.destination == NodeId::BROADCAST;
        let (readers, reachable) = if for_everybody {
            (world.len() as u64 - 1, reach.audience(source, written.at, until) as u64)
        } else {
            let home = world.home(written.destination);
            (1, u64::from(home.is_some_and(|home| reach.connects(source, home.0, written.at, until))))
        };
        let arrived = u64::from(written.arrived);
        let missing = readers.saturating_sub(arrived);
        outcome.sent += readers;
        outcome.reachable += reachable;
        outcome.delivered += arrived;
        // Of a text for everybody no protocol says that everybody has it.
        let reported = u64::from(written.reported && !for_everybody);
        outcome.reported_delivered += reported;
        outcome.false_delivered += reported.min(missing);
        let pursued = written.id.is_none_or(|id| world.station(written.station).pursues(id));
        if written.given_up {
            outcome.given_up += missing;
        } else if pursued && !written.abandoned {
            outcome.under_way += missing;
        } else {
            outcome.lost += missing;
        }
    }
    outcome
}
