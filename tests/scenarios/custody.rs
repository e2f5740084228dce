//! A gateway keeps what people behind it have not read yet; "delivered" waits for them.

use fanal_ether::fault::Fault;
use fanal_ether::station::Setup;
use fanal_ether::world::{Happening, World};
use fanal_protocol::node::State;
use fanal_protocol::region::{Channel, RegionCode};

use crate::stage::*;

#[test]
fn the_states_tell_the_truth_in_order() {
    let (mut world, _, rosa) = gateway_and_handheld(room(Fault::default()), 1);
    world.text(rosa, ROSA, ALICE, "Tu me lis ?", MINUTE);
    assert!(world.run_until_settled(HOUR));
    let story: Vec<&Happening> = world
        .history()
        .iter()
        .map(|(_, _, what)| what)
        .filter(|what| !matches!(what, Happening::Transmits(_) | Happening::Power(_)))
        .collect();
    assert!(
        matches!(
            story[..],
            [
                Happening::Accepted(_),
                Happening::State(_, State::Sent) | Happening::Stored(_),
                Happening::State(_, State::Sent) | Happening::Stored(_),
                Happening::State(_, State::InCustody(GATEWAY)),
                Happening::Read(_),
                Happening::State(_, State::Delivered),
            ]
        ),
        "{story:#?}"
    );
    assert_all_delivered(&world.report());
}

#[test]
fn both_ways_and_both_persons_over_a_bad_air() {
    over_seeds(40, |seed| {
        let fault = Fault { loss: 0.3, duplication: 0.2, corruption: 0.1 };
        let (mut world, gateway, rosa) = gateway_and_handheld(room(fault), seed);
        for number in 0..6 {
            world.text(rosa, ROSA, ALICE, &format!("À Alice, {number}"), SECOND * 11 * number);
            world.text(rosa, ROSA, BRUNO, &format!("À Bruno, {number}"), SECOND * 13 * number);
            world.text(gateway, ALICE, ROSA, &format!("D'Alice, {number}"), SECOND * 7 * number);
            world.text(gateway, BRUNO, ROSA, &format!("De Bruno, {number}"), SECOND * 17 * number);
        }
        assert!(world.run_until_settled(DAY * 2), "{:#?}", world.report());
        assert_eq!(world.report().sent, 24);
        assert_all_delivered(&world.report());
    });
}

/// Readers who answer after hours: more messages in custody than a node has places for its own.
#[test]
fn many_messages_wait_in_custody_for_slow_readers() {
    over_seeds(10, |seed| {
        let mut world = World::new(room(Fault::loss(0.1)), Channel::home(RegionCode::Ca), seed);
        let gateway =
            world.add(Setup { reader_after: HOUR * 5, ..Setup::gateway(GATEWAY, Default::default()) });
        let rosa = world.add(Setup::handheld(ROSA, Default::default()));
        world.acquaint((gateway, ALICE), (rosa, ROSA));
        world.power_all();
        for number in 0..50 {
            world.text(rosa, ROSA, ALICE, &format!("number {number}"), MINUTE * (1 + number));
        }
        world.run_for(HOUR * 2);
        let report = world.report();
        assert_eq!((report.sent, report.delivered, report.reported_delivered), (50, 0, 0));
        assert!(world.run_until_settled(DAY * 2), "{:#?}", world.report());
        assert_all_delivered(&world.report());
    });
}

/// The gateway sleeps through the confirmation of its readers, the handheld through the receipts.
#[test]
fn power_cuts_on_either_side_delay_receipts_and_lose_none() {
    over_seeds(40, |seed| {
        let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::loss(0.2)), seed);
        for number in 0..6 {
            world.text(rosa, ROSA, ALICE, &format!("À Alice, {number}"), SECOND * 10 * number);
            world.text(gateway, ALICE, ROSA, &format!("D'Alice, {number}"), SECOND * 15 * number);
        }
        let odd = SECOND * (seed % 60) as u32;
        world.power(gateway, false, SECOND * 20 + odd);
        world.power(gateway, true, MINUTE * 30 + odd);
        world.power(rosa, false, SECOND * 40);
        world.power(rosa, true, HOUR);
        assert!(world.run_until_settled(DAY * 2), "{:#?}", world.report());
        assert_all_delivered(&world.report());
    });
}
