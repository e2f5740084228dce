//! How long the simulator takes for a field of nodes, and how much memory.

#![allow(clippy::unwrap_used, missing_docs)]

mod measure;

use fanal_ether::channel::{PathLoss, Position, Propagation};
use fanal_ether::scenario::{Node, Path, Protocol, Scenario, Traffic, TrafficKind};
use fanal_ether::simulation;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::Role;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How many nodes on how wide a square, how long, how often each of them writes.
struct Run {
    nodes: usize,
    side_km: u64,
    duration: Duration,
    period: Duration,
}

/// Smaller fields first: the memory that is told is the most there was until then.
const RUNS: [Run; 5] = [
    Run {
        nodes: 60,
        side_km: 15,
        duration: Duration::from_secs(24 * 3600),
        period: Duration::from_secs(900),
    },
    Run {
        nodes: 500,
        side_km: 15,
        duration: Duration::from_secs(2 * 3600),
        period: Duration::from_secs(900),
    },
    Run {
        nodes: 500,
        side_km: 15,
        duration: Duration::from_secs(24 * 3600),
        period: Duration::from_secs(3600),
    },
    Run {
        nodes: 500,
        side_km: 15,
        duration: Duration::from_secs(24 * 3600),
        period: Duration::from_secs(900),
    },
    Run { nodes: 10_000, side_km: 67, duration: Duration::from_secs(600), period: Duration::from_secs(900) },
];

fn main() {
    let short = Run { nodes: 60, side_km: 8, duration: MINUTE * 10, period: HOUR };
    let runs = if measure::wanted() { RUNS.iter().collect() } else { vec![&short] };
    let rows: Vec<_> = runs.into_iter().map(row).collect();
    let columns = [
        "nodes",
        "km",
        "hours",
        "period s",
        "CPU s",
        "x real time",
        "delivered",
        "of",
        "frames",
        "MiB at most",
    ];
    measure::print_table("Simulated fields, suburban, 30 dBm, SF9/500, texts of 40 octets", &columns, &rows);
}

fn row(run: &Run) -> Vec<String> {
    let before = measure::cpu_time();
    let outcome = simulation::run(&scenario(run), 1, |_| ());
    let taken = (measure::cpu_time() - before).as_secs_f64().max(0.01);
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations.first());
    let hours = run.duration.as_secs_f64() / HOUR.as_secs_f64();
    vec![
        run.nodes.to_string(),
        run.side_km.to_string(),
        format!("{hours:.1}"),
        run.period.as_secs().to_string(),
        format!("{taken:.1}"),
        format!("{:.0}", run.duration.as_secs_f64() / taken),
        outcome.delivered.to_string(),
        outcome.reachable.to_string(),
        outcome.transmissions.to_string(),
        (measure::memory_kib(std::process::id(), "VmHWM") / 1024).to_string(),
    ]
}

fn scenario(run: &Run) -> Scenario {
    let mut jitter = Jitter::new(76);
    let mut place = || jitter.below(run.side_km * 1_000) as f64;
    let mut node = || Node { position: Position::new(place(), place()), role: Role::Relay, on: None };
    let nodes = (0..run.nodes).map(|_| node()).collect();
    let path_loss = PathLoss::SuburbanMacro { transmitter_m: 1.0, receiver_m: 1.0 };
    let until = Instant::ZERO + run.duration;
    Scenario {
        protocol: Protocol::Fanal,
        duration: run.duration,
        lifetime: HOUR * 24,
        channel: Channel { power_dbm: 30, ..Channel::home(RegionCode::Us) },
        path: Path::Model(Propagation { path_loss, shadowing_db: 0.0 }),
        nodes,
        traffic: Some(Traffic { kind: TrafficKind::Direct, period: run.period, text_octets: 40, until }),
        sends: Vec::new(),
        faults: Vec::new(),
    }
}
