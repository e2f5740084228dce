//! The airtime that the law allows, kept under load and across power cuts.

use fanal_ether::fault::Fault;
use fanal_ether::station::Setup;
use fanal_ether::world::World;
use fanal_protocol::region::{Channel, RegionCode};

use crate::stage::*;

/// Two handhelds in Europe with far more to say than a tenth of the hour carries.
fn talkative(seed: u64) -> World {
    let mut world = World::new(room(Fault::loss(0.1)), Channel::home(RegionCode::Eu), seed);
    let rosa = world.add(Setup::handheld(ROSA, Default::default()));
    let sami = world.add(Setup::handheld(SAMI, Default::default()));
    world.acquaint((rosa, ROSA), (sami, SAMI));
    world.power_all();
    for number in 0..600u32 {
        world.text(rosa, ROSA, SAMI, &format!("{number:0236}"), SECOND * 5 * number);
    }
    world
}

#[test]
fn whoever_has_used_up_the_hour_waits_for_the_next() {
    over_seeds(2, |seed| {
        let mut world = talkative(seed);
        assert!(world.run_until_settled(DAY), "{:#?}", world.report());
        let report = world.report();
        assert_all_delivered(&report);
        assert!(report.airtime > HOUR / 10, "a test that meets the limit: {:?}", report.airtime);
    });
}

/// A reset forgets how much was sent; airtime gathers from nothing, so that a cut never buys any.
#[test]
fn no_rhythm_of_power_cuts_buys_airtime() {
    over_seeds(2, |seed| {
        for minutes in [1, 2, 10, 50] {
            let mut world = talkative(seed);
            let rosa = fanal_ether::channel::StationId(0);
            for cut in 1..120 / minutes {
                world.power(rosa, false, MINUTE * minutes * cut);
                world.power(rosa, true, MINUTE * minutes * cut + SECOND);
            }
            world.run_for(HOUR * 3);
            assert_sound_so_far(&world);
        }
    });
}

#[track_caller]
fn assert_sound_so_far(world: &World) {
    let report = world.report();
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert_eq!((report.duplicates, report.false_delivered), (0, 0), "{report:?}");
}
