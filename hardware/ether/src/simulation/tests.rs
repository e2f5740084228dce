use fanal_protocol::region::RegionCode;
use fanal_protocol::wire::Role;

use super::*;
use crate::channel::{PathLoss, Position, Propagation};
use crate::scenario::{Fault, FaultKind, Link, Node, Path, Send, Traffic, TrafficKind};

const HOUR: Duration = Duration::from_secs(3_600);

fn node(role: Role) -> Node {
    Node { position: Position::default(), role, on: None }
}

/// Nodes on a chain of links with this loss, and no texts.
fn chain(protocol: Protocol, nodes: usize, loss: f64) -> Scenario {
    Scenario {
        protocol,
        duration: HOUR,
        lifetime: HOUR * 24,
        channel: fanal_protocol::region::Channel::home(RegionCode::Ca),
        path: Path::Table((1..nodes).map(|node| Link { a: node - 1, b: node, loss }).collect()),
        nodes: (0..nodes).map(|_| node(Role::Handheld)).collect(),
        traffic: None,
        sends: Vec::new(),
        faults: Vec::new(),
    }
}

fn send(at_s: u64, source: usize, destination: Option<usize>) -> Send {
    Send { at: Instant::from_secs(at_s), source, destination, text: "Tu es là ?".into() }
}

/// Forty handhelds in a square of two kilometres, who write to each other every five minutes.
fn field(protocol: Protocol) -> Scenario {
    let place = |index: usize| Position::new((index % 7) as f64 * 300.0, (index / 7) as f64 * 300.0);
    let nodes = (0..40).map(|index| Node { position: place(index), ..node(Role::Handheld) });
    let propagation = Propagation { path_loss: PathLoss::BOR_2016, shadowing_db: 3.57 };
    let traffic = Traffic {
        kind: TrafficKind::Direct,
        period: Duration::from_secs(300),
        text_octets: 40,
        until: Instant::ZERO + HOUR,
    };
    Scenario {
        path: Path::Model(propagation),
        nodes: nodes.collect(),
        traffic: Some(traffic),
        faults: vec![Fault { at: Instant::from_secs(1_000), node: 3, what: FaultKind::Crash }],
        ..chain(protocol, 0, 0.0)
    }
}

#[test]
fn an_outcome_follows_from_the_scenario_and_the_seed() {
    for protocol in [Protocol::Fanal, Protocol::ManagedFlood] {
        let scenario = field(protocol);
        let first = run(&scenario, 5, |_| ());
        assert_eq!(first, run(&scenario, 5, |_| ()));
        assert_ne!(first, run(&scenario, 6, |_| ()));
        assert!(first.violations.is_empty(), "{:#?}", first.violations);
    }
}

#[test]
fn both_protocols_are_given_the_same_texts() {
    let [ours, theirs] = [Protocol::Fanal, Protocol::ManagedFlood].map(|p| run(&field(p), 5, |_| ()));
    assert!(ours.sent > 400, "{ours:?}");
    assert_eq!((ours.sent, ours.reachable), (theirs.sent, theirs.reachable));
}

#[test]
fn every_text_that_was_not_delivered_is_accounted_for_once() {
    for protocol in [Protocol::Fanal, Protocol::ManagedFlood] {
        let outcome = run(&field(protocol), 9, |_| ());
        let Outcome { sent, delivered, given_up, under_way, lost, .. } = outcome;
        assert_eq!(sent, delivered + given_up + under_way + lost, "{outcome:?}");
        assert!(delivered <= outcome.reachable, "{outcome:?}");
    }
}

#[test]
fn what_is_not_finished_at_the_end_is_under_way() {
    for protocol in [Protocol::Fanal, Protocol::ManagedFlood] {
        let mut scenario = chain(protocol, 2, 0.99);
        scenario.sends = (0..200).map(|number| send(3_590 + number / 100, 0, Some(1))).collect();
        let outcome = run(&scenario, 2, |_| ());
        assert!(outcome.under_way > 150, "{outcome:?}");
        assert_eq!((outcome.sent, outcome.lost), (200, 0), "{outcome:?}");
    }
}

#[test]
fn a_text_over_one_hop_takes_a_frame_and_a_receipt() {
    let mut scenario = chain(Protocol::Fanal, 2, 0.0);
    scenario.sends = vec![send(10, 0, Some(1))];
    let beacons = run(&chain(Protocol::Fanal, 2, 0.0), 1, |_| ()).transmissions;
    let outcome = run(&scenario, 1, |_| ());
    let told = (outcome.sent, outcome.reachable, outcome.delivered, outcome.reported_delivered, outcome.lost);
    assert_eq!(told, (1, 1, 1, 1, 0));
    assert_eq!(outcome.transmissions, beacons + 2);
    let delay = outcome.delays.unwrap().p50;
    assert!((Duration::from_millis(50)..Duration::from_millis(200)).contains(&delay), "{delay:?}");
}

#[test]
fn a_person_behind_a_gateway_reads_after_the_gateway() {
    let mut scenario = chain(Protocol::Fanal, 2, 0.2);
    scenario.nodes[1].role = Role::Gateway;
    scenario.sends = vec![send(10, 0, Some(1)), send(20, 1, Some(0))];
    let outcome = run(&scenario, 1, |_| ());
    assert_eq!((outcome.delivered, outcome.reported_delivered), (2, 2), "{outcome:?}");
    assert!(outcome.delays.unwrap().p95 > Duration::from_secs(3));
}

#[test]
fn a_link_that_loses_everything_reaches_nobody() {
    for (loss, reachable) in [(0.9, 1), (1.0, 0)] {
        let mut scenario = chain(Protocol::Fanal, 2, loss);
        scenario.sends = vec![send(10, 0, Some(1))];
        assert_eq!(run(&scenario, 1, |_| ()).reachable, reachable);
    }
}

#[test]
fn what_nobody_writes_is_not_sent() {
    let mut scenario = chain(Protocol::Fanal, 2, 0.0);
    scenario.nodes[0].on = Some(vec![(Instant::from_secs(100), Instant::from_secs(200))]);
    scenario.sends = vec![send(50, 0, Some(1)), send(150, 0, Some(1)), send(250, 0, Some(1))];
    assert_eq!(run(&scenario, 1, |_| ()).sent, 1);
}

/// The last node of a chain of five links is beyond the hop limit; the source has heard the first repetition.
#[test]
fn a_flood_that_ends_on_the_way_is_a_false_delivery_and_lost() {
    let mut scenario = chain(Protocol::ManagedFlood, 6, 0.0);
    scenario.sends = vec![send(10, 0, Some(5))];
    let outcome = run(&scenario, 1, |_| ());
    let told = (outcome.reachable, outcome.delivered, outcome.reported_delivered, outcome.false_delivered);
    assert_eq!(told, (1, 0, 1, 1));
    assert_eq!(outcome.lost, 1);
}

#[test]
fn of_a_text_for_everybody_each_reader_counts() {
    let mut scenario = chain(Protocol::ManagedFlood, 4, 0.0);
    scenario.sends = vec![send(10, 0, None)];
    let outcome = run(&scenario, 1, |_| ());
    assert_eq!((outcome.sent, outcome.reachable, outcome.delivered), (3, 3, 3));
    assert_eq!((outcome.reported_delivered, outcome.lost), (0, 0));
}

#[test]
fn progress_is_told_a_hundred_times_and_in_order() {
    let mut told = Vec::new();
    run(&chain(Protocol::Fanal, 2, 0.0), 1, |now| told.push(now));
    assert_eq!(told.len(), 101);
    assert!(told.is_sorted() && told.last() == Some(&(Instant::ZERO + HOUR)));
}
