//! Scenario files, read and run as `fanal simulate` does it, and what must come of each.

use std::path::Path;

use fanal_ether::scenario::{self, Protocol, Scenario};
use fanal_ether::simulation::{self, Outcome};

use crate::stage::*;

fn read(file: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
    scenario::load(&path).unwrap_or_else(|flaws| panic!("{flaws}"))
}

/// Runs it; nothing may happen that must never happen.
fn run(scenario: &Scenario, seed: u64) -> Outcome {
    let outcome = simulation::run(scenario, seed, |_| ());
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert_eq!((outcome.false_delivered, outcome.duplicates, outcome.lost), (0, 0, 0), "{outcome:?}");
    outcome
}

/// At least `share` hundredths of what could arrive did.
#[track_caller]
fn assert_delivered(outcome: &Outcome, share: u64) {
    assert!(outcome.sent > 0 && outcome.delivered * 100 >= outcome.reachable * share, "{outcome:?}");
}

/// On a perfect air a text takes a frame per link, and its receipt as many.
#[test]
fn a_lossy_chain_takes_no_more_than_two_transmissions_for_each_useful_one() {
    let chain = read("chain.toml");
    let silent = Scenario { sends: Vec::new(), ..chain.clone() };
    over_seeds(5, |seed| {
        let (outcome, beacons) = (run(&chain, seed), run(&silent, seed).transmissions);
        assert_delivered(&outcome, 98);
        let useful = outcome.delivered * 4 * 2;
        let spent = outcome.transmissions.saturating_sub(beacons);
        assert!(spent <= useful * 2, "{spent} for {useful}");
    });
}

#[test]
fn a_village_gets_all_its_texts() {
    over_seeds(5, |seed| assert_delivered(&run(&read("village.toml"), seed), 98));
}

#[test]
fn a_gateway_that_hears_both_joins_two_islands() {
    over_seeds(5, |seed| assert_delivered(&run(&read("islands.toml"), seed), 98));
}

#[test]
fn who_was_away_gets_what_a_custodian_kept_while_its_writer_is_gone() {
    over_seeds(20, |seed| {
        let outcome = run(&read("absent.toml"), seed);
        assert_eq!((outcome.sent, outcome.delivered, outcome.reported_delivered), (3, 3, 3), "{outcome:?}");
    });
}

/// What the same field comes to with the flood of other meshes: the files are comparisons, too.
#[test]
fn every_scenario_runs_with_either_protocol() {
    for file in ["absent.toml", "islands.toml", "village.toml"] {
        let ours = read(file);
        let theirs = Scenario { protocol: Protocol::ManagedFlood, ..ours.clone() };
        assert_eq!(simulation::run(&theirs, 1, |_| ()).sent, run(&ours, 1).sent);
    }
}
