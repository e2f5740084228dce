//! Who takes part, and how a scenario is repeated.

use std::time::Instant as Clock;

use fanal_ether::channel::{Position, Settings, StationId};
use fanal_ether::fault::{Fault, Faults};
use fanal_ether::station::Setup;
use fanal_ether::world::{Report, World};
use fanal_protocol::id::NodeId;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::Duration;

pub(crate) const GATEWAY: NodeId = NodeId(0x0100);
/// Behind the gateway.
pub(crate) const ALICE: NodeId = NodeId(0x0101);
pub(crate) const BRUNO: NodeId = NodeId(0x0102);
/// Handhelds.
pub(crate) const ROSA: NodeId = NodeId(0x0201);
pub(crate) const SAMI: NodeId = NodeId(0x0202);

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// All within earshot of each other, with these faults on every link.
pub(crate) fn room(fault: Fault) -> Settings {
    Settings { faults: Faults::everywhere(fault), ..Settings::room() }
}

/// Rosa and Sami with their handhelds, switched on.
pub(crate) fn two_handhelds(settings: Settings, seed: u64) -> (World, StationId, StationId) {
    let mut world = World::new(settings, Channel::home(RegionCode::Ca), seed);
    let rosa = world.add(Setup::handheld(ROSA, Position::default()));
    let sami = world.add(Setup::handheld(SAMI, Position::new(200.0, 0.0)));
    world.acquaint((rosa, ROSA), (sami, SAMI));
    world.power_all();
    (world, rosa, sami)
}

/// A gateway with Alice and Bruno behind it, and Rosa with her handheld, switched on.
pub(crate) fn gateway_and_handheld(settings: Settings, seed: u64) -> (World, StationId, StationId) {
    let mut world = World::new(settings, Channel::home(RegionCode::Ca), seed);
    let gateway = world.add(Setup { beacon_interval: HOUR, ..Setup::gateway(GATEWAY, Position::default()) });
    let rosa = world.add(Setup { beacon_interval: HOUR, ..Setup::handheld(ROSA, Position::new(200.0, 0.0)) });
    world.acquaint((gateway, ALICE), (rosa, ROSA));
    world.acquaint((gateway, BRUNO), (rosa, ROSA));
    world.power_all();
    (world, gateway, rosa)
}

/// Repeats `scenario` with seeds from 0 until there are `seeds` of them or the time is up, but at least five times.
/// A failure names its seed.
pub(crate) fn over_seeds(seeds: u64, mut scenario: impl FnMut(u64)) {
    struct Seed(u64);
    impl Drop for Seed {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("this happened with seed {}", self.0);
            }
        }
    }
    let begun = Clock::now();
    for seed in 0..seeds {
        let _told_on_failure = Seed(seed);
        scenario(seed);
        if seed >= 4 && begun.elapsed().as_secs() >= 10 {
            println!("{} of {seeds} seeds in the time allowed", seed + 1);
            return;
        }
    }
}

/// Nothing was breached, and every message was settled and reached its reader.
#[track_caller]
pub(crate) fn assert_all_delivered(report: &Report) {
    assert_sound(report);
    assert_eq!((report.delivered, report.reported_delivered), (report.sent, report.sent), "{report:?}");
}

/// Nothing was breached; every message was delivered or visibly given up.
#[track_caller]
pub(crate) fn assert_sound(report: &Report) {
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert_eq!((report.lost, report.duplicates, report.false_delivered), (0, 0, 0), "{report:?}");
}
