//! The power fails at every step there is: before each input, and before and after each write to the store.

use fanal_ether::channel::StationId;
use fanal_ether::fault::Fault;
use fanal_ether::world::World;
use fanal_protocol::rand::Jitter;

use crate::stage::*;

/// Runs `world` to its end with a power failure of `station` at each of its steps in turn.
fn crash_everywhere(seed: u64, stage: impl Fn(u64) -> World, station: StationId) {
    let mut undisturbed = stage(seed);
    assert!(undisturbed.run_until_settled(DAY), "{:#?}", undisturbed.report());
    let steps = undisturbed.station(station).steps();
    assert!(steps > 20, "a scenario that does something");
    for step in 1..=steps {
        let mut world = stage(seed);
        world.station_mut(station).crash_at(Some(step));
        let settled = world.run_until_settled(DAY * 3);
        let report = world.report();
        assert!(settled, "{station}, step {step}: {report:#?} {:#?}", world.station(station).store());
        assert!(report.violations.is_empty(), "{station}, step {step}: {:#?}", report.violations);
        assert_all_delivered(&report);
    }
}

fn handhelds(seed: u64) -> World {
    let (mut world, rosa, sami) = two_handhelds(room(Fault::loss(0.2)), seed);
    for number in 0..3 {
        world.text(rosa, ROSA, SAMI, &format!("Rosa's number {number}"), SECOND * (5 + 3 * number));
        world.text(sami, SAMI, ROSA, &format!("Sami's number {number}"), SECOND * (6 + 3 * number));
    }
    world
}

fn gateway(seed: u64) -> World {
    let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::loss(0.2)), seed);
    for number in 0..3 {
        world.text(rosa, ROSA, ALICE, &format!("À Alice, {number}"), SECOND * (5 + 3 * number));
        world.text(gateway, BRUNO, ROSA, &format!("De Bruno, {number}"), SECOND * (6 + 3 * number));
    }
    world
}

#[test]
fn a_handheld_may_crash_at_every_step() {
    over_seeds(8, |seed| crash_everywhere(seed, handhelds, StationId(0)));
}

#[test]
fn a_gateway_may_crash_at_every_step() {
    over_seeds(8, |seed| crash_everywhere(seed, gateway, StationId(0)));
}

#[test]
fn a_handheld_of_a_gateway_may_crash_at_every_step() {
    over_seeds(8, |seed| crash_everywhere(seed, gateway, StationId(1)));
}

/// Everybody crashes again and again for two hours, then the power is good again.
#[test]
fn a_storm_of_crashes_loses_nothing() {
    over_seeds(60, |seed| {
        let fault = Fault { loss: 0.2, duplication: 0.2, corruption: 0.05 };
        let (mut world, gateway, rosa) = gateway_and_handheld(room(fault), seed);
        for number in 0..10 {
            world.text(rosa, ROSA, ALICE, &format!("À Alice, {number}"), MINUTE * 7 * number);
            world.text(gateway, ALICE, ROSA, &format!("D'Alice, {number}"), MINUTE * 8 * number);
        }
        let mut jitter = Jitter::new(seed);
        for _ in 0..120 {
            for station in [gateway, rosa] {
                if jitter.below(3) == 0 {
                    let step = world.station(station).steps() + 1 + jitter.below(12);
                    world.station_mut(station).crash_at(Some(step));
                }
            }
            world.run_for(MINUTE);
        }
        for station in [gateway, rosa] {
            world.station_mut(station).crash_at(None);
        }
        assert!(world.run_until_settled(DAY * 3), "{:#?}", world.report());
        assert_all_delivered(&world.report());
    });
}
