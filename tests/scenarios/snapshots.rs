//! What the protocol costs and carries, in tables that are kept: a change of it shows in them.
//!
//! Both protocols, the same texts, the same ether. The figures are the same on every machine, to the last digit.
//! `FANAL_SNAPSHOT=write cargo test -p fanal-tests --test scenarios snapshots` writes the tables anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use fanal_ether::channel::{PathLoss, Position, Propagation};
use fanal_ether::scenario::{Link, Node, Path, Protocol, Scenario, Send, Traffic, TrafficKind};
use fanal_ether::simulation;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::{Bandwidth, Channel, Rate, RegionCode, SpreadingFactor};
use fanal_protocol::time::Instant;
use fanal_protocol::wire::Role;

use crate::stage::*;

const HEAD: &str = "                      protocol       sent  delivered  false  frames  airtime ms each   p50 ms     p95 ms\n";
const TEXT_OCTETS: usize = 40;

/// Two lines of a table: the same field with either protocol.
struct Row {
    name: String,
    scenario: Scenario,
}

fn relay(position: Position) -> Node {
    Node { position, role: Role::Relay, on: None }
}

fn bare(channel: Channel, nodes: Vec<Node>, path: Path) -> Scenario {
    Scenario {
        protocol: Protocol::Fanal,
        duration: MINUTE * 90,
        lifetime: DAY,
        channel,
        path,
        nodes,
        traffic: None,
        sends: Vec::new(),
        faults: Vec::new(),
    }
}

/// Everybody writes to somebody every quarter of an hour, for an hour.
fn everybody_writes() -> Option<Traffic> {
    let until = Instant::ZERO + HOUR;
    Some(Traffic { kind: TrafficKind::Direct, period: MINUTE * 15, text_octets: TEXT_OCTETS, until })
}

/// Five nodes in a row; a text from one end to the other every half minute.
fn chain(loss: f64) -> Scenario {
    let links = (1..5).map(|node| Link { a: node - 1, b: node, loss }).collect();
    let nodes = (0..5).map(|_| relay(Position::default())).collect();
    let send = |number: u64| Send {
        at: Instant::from_secs(600 + 30 * number),
        source: 0,
        destination: Some(4),
        text: "x".repeat(TEXT_OCTETS),
    };
    let sends = (0..100).map(send).collect();
    Scenario { sends, ..bare(Channel::home(RegionCode::Ca), nodes, Path::Table(links)) }
}

/// Twenty nodes strewn over a square; whoever is near enough hears the other, but for this share of the frames.
fn field(loss: f64) -> Scenario {
    const SIDE: i64 = 100;
    const NEAR: i64 = 35;
    let mut jitter = Jitter::new(11);
    let places: Vec<(i64, i64)> =
        (0..20).map(|_| (jitter.below(SIDE as u64) as i64, jitter.below(SIDE as u64) as i64)).collect();
    let near = |a: usize, b: usize| {
        let (east, north) = (places[a].0 - places[b].0, places[a].1 - places[b].1);
        east * east + north * north <= NEAR * NEAR
    };
    let pairs = (0..20).flat_map(|b| (0..b).map(move |a| (a, b)));
    let links = pairs.filter(|(a, b)| near(*a, *b)).map(|(a, b)| Link { a, b, loss }).collect();
    let nodes = (0..20).map(|_| relay(Position::default())).collect();
    let scenario = bare(Channel::home(RegionCode::Ca), nodes, Path::Table(links));
    Scenario { traffic: everybody_writes(), ..scenario }
}

/// So many nodes strewn over open country, one per square kilometre.
fn country(nodes: u64) -> Scenario {
    let side_m = (1_000_000 * nodes).isqrt();
    let mut jitter = Jitter::new(nodes + 1);
    let mut place = || jitter.below(side_m) as f64;
    let nodes = (0..nodes).map(|_| relay(Position::new(place(), place()))).collect();
    let rate = Rate::new(SpreadingFactor::Sf11, Bandwidth::Khz250);
    let channel = Channel { rate, power_dbm: 30, ..Channel::home(RegionCode::Us) };
    let path_loss = PathLoss::SuburbanMacro { transmitter_m: 1.0, receiver_m: 1.0 };
    let path = Path::Model(Propagation { path_loss, shadowing_db: 0.0 });
    Scenario { traffic: everybody_writes(), ..bare(channel, nodes, path) }
}

fn loss() -> Vec<Row> {
    let percent = [0u32, 10, 20, 30];
    let row = |kind: &str, percent: u32, field: fn(f64) -> Scenario| {
        let name = format!("{kind}, {percent} % loss");
        Row { name, scenario: field(f64::from(percent) / 100.0) }
    };
    let chains = percent.map(|percent| row("chain", percent, chain));
    let fields = percent.map(|percent| row("field", percent, field));
    chains.into_iter().chain(fields).collect()
}

fn size() -> Vec<Row> {
    let row = |nodes| Row { name: format!("{nodes} nodes"), scenario: country(nodes) };
    [2, 10, 30, 60].map(row).into()
}

fn lines(row: &Row) -> String {
    let mut lines = String::new();
    for (protocol, name) in [(Protocol::Fanal, "fanal"), (Protocol::ManagedFlood, "flood")] {
        let scenario = Scenario { protocol, ..row.scenario.clone() };
        let outcome = simulation::run(&scenario, 1, |_| ());
        assert!(outcome.violations.is_empty(), "{}: {:#?}", row.name, outcome.violations);
        assert_eq!(outcome.sent, outcome.reachable, "{}: a connected field", row.name);
        let whole = |figure: Option<u128>| figure.map_or("-".into(), |figure| figure.to_string());
        let each = outcome.airtime.as_millis().checked_div(u128::from(outcome.delivered));
        let (p50, p95) = (outcome.delays.map(|d| d.p50), outcome.delays.map(|d| d.p95));
        let (p50, p95) = (whole(p50.map(|d| d.as_millis())), whole(p95.map(|d| d.as_millis())));
        let (sent, delivered, wrong) = (outcome.sent, outcome.delivered, outcome.false_delivered);
        let (frames, each, name_of) = (outcome.transmissions, whole(each), &row.name);
        writeln!(
            lines,
            "{name_of:<22}{name:<11}{sent:>8}{delivered:>11}{wrong:>7}{frames:>8}{each:>17}{p50:>9}{p95:>11}"
        )
        .unwrap();
    }
    lines
}

/// Compares a table with the one that is kept, or replaces that.
fn check(file: &str, rows: &[Row]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/snapshots").join(file);
    if std::env::var_os("FANAL_SNAPSHOT").is_some_and(|what| what == "write") {
        let table = rows.iter().fold(HEAD.to_owned(), |table, row| table + &lines(row));
        return std::fs::write(path, table).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    for row in rows {
        let found = lines(row);
        assert!(kept.contains(&found), "not as it was (FANAL_SNAPSHOT=write replaces it):\n{HEAD}{found}");
    }
}

#[test]
fn snapshots_of_lossy_links_are_as_they_were() {
    check("loss.txt", &loss());
}

#[test]
fn snapshots_of_growing_fields_are_as_they_were() {
    check("size.txt", &size());
}
