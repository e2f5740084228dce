//! Whoever is away gets everything when it comes back, and costs little air meanwhile.

use fanal_ether::fault::Fault;
use fanal_ether::station::{Letter, Setup};
use fanal_ether::world::{Happening, World};
use fanal_protocol::node::State;
use fanal_protocol::priority::Priority;
use fanal_protocol::region::{Channel, RegionCode};

use crate::stage::*;

fn letter(text: &str, lifetime: std::time::Duration) -> Letter {
    Letter { source: ROSA, destination: SAMI, text: text.into(), lifetime, priority: Priority::Text }
}

#[test]
fn a_handheld_that_was_off_for_a_day_gets_everything_in_order() {
    over_seeds(30, |seed| {
        let mut world = World::new(room(Fault::loss(0.2)), Channel::home(RegionCode::Ca), seed);
        let rosa = world.add(Setup::handheld(ROSA, Default::default()));
        let sami = world.add(Setup { beacon_interval: HOUR, ..Setup::handheld(SAMI, Default::default()) });
        world.acquaint((rosa, ROSA), (sami, SAMI));
        world.power(rosa, true, SECOND);
        for number in 0..8 {
            world.send(rosa, letter(&format!("number {number}"), DAY * 3), MINUTE * (1 + number));
        }
        world.run_for(DAY);
        let report = world.report();
        assert_eq!((report.sent, report.delivered), (8, 0));
        // Six attempts, then a probe every quarter of an hour at most, for the first message only.
        assert!(report.transmissions <= 6 + 96 + 1, "{report:?}");

        world.power(sami, true, SECOND);
        assert!(world.run_until_settled(HOUR), "{:?}", world.report());
        assert_all_delivered(&world.report());
        let order: Vec<u32> = world
            .history()
            .iter()
            .filter_map(|(_, _, what)| match what {
                Happening::Stored(id) => Some(id.counter),
                _ => None,
            })
            .collect();
        assert!(order.is_sorted(), "{order:?}");
    });
}

#[test]
fn on_a_good_air_a_beacon_brings_everything_within_half_a_minute() {
    let mut world = World::new(room(Fault::default()), Channel::home(RegionCode::Ca), 3);
    let rosa = world.add(Setup::handheld(ROSA, Default::default()));
    let sami = world.add(Setup { beacon_interval: HOUR, ..Setup::handheld(SAMI, Default::default()) });
    world.acquaint((rosa, ROSA), (sami, SAMI));
    world.power(rosa, true, SECOND);
    for number in 0..8 {
        world.send(rosa, letter(&format!("number {number}"), DAY * 3), MINUTE * (1 + number));
    }
    world.run_for(DAY);
    world.power(sami, true, SECOND);
    assert!(world.run_until_settled(SECOND * 30), "{:?}", world.report());
    assert_all_delivered(&world.report());
}

#[test]
fn a_sender_that_was_off_takes_up_its_messages_again() {
    over_seeds(30, |seed| {
        let (mut world, rosa, sami) = two_handhelds(room(Fault::loss(0.2)), seed);
        world.power(sami, false, SECOND);
        for number in 0..8 {
            world.send(rosa, letter(&format!("number {number}"), DAY * 3), MINUTE * (1 + number));
        }
        world.power(rosa, false, HOUR);
        world.power(sami, true, HOUR * 2);
        world.power(rosa, true, HOUR * 3);
        world.run_for(HOUR * 3 - SECOND);
        assert_eq!(world.report().delivered, 0);
        assert!(world.run_until_settled(HOUR), "{:?}", world.report());
        assert_eq!(world.report().sent, 8);
        assert_all_delivered(&world.report());
    });
}

#[test]
fn a_message_whose_lifetime_ends_is_visibly_expired() {
    over_seeds(10, |seed| {
        let (mut world, rosa, sami) = two_handhelds(room(Fault::default()), seed);
        world.power(sami, false, SECOND);
        world.send(rosa, letter("in vain", HOUR * 2), MINUTE);
        world.send(rosa, letter("in time", DAY), MINUTE * 2);
        world.power(sami, true, HOUR * 3);
        assert!(world.run_until_settled(DAY), "{:?}", world.report());
        let report = world.report();
        assert_sound(&report);
        assert_eq!((report.sent, report.reported_delivered, report.given_up), (2, 1, 1));
        let expired = world
            .history()
            .iter()
            .find(|(_, _, what)| matches!(what, Happening::State(id, State::Expired) if id.counter == 0));
        assert!(expired.is_some_and(|(at, _, _)| *at - Default::default() <= HOUR * 2 + MINUTE * 2));
    });
}
