//! Urgent texts among many others, and what the direct form spares between neighbors.

use fanal_ether::channel::StationId;
use fanal_ether::fault::Fault;
use fanal_ether::station::Letter;
use fanal_ether::world::{Happening, World};
use fanal_protocol::priority::Priority;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::Duration;
use fanal_protocol::wire::{Kind, kind_of};

use crate::stage::*;

/// The time on air of all frames of a kind.
fn airtime(world: &World, which: impl Fn(Kind) -> bool) -> Duration {
    let rate = Channel::home(RegionCode::Ca).rate;
    let frames = world.history().iter().filter_map(|(_, _, what)| match what {
        Happening::Transmits(frame) if kind_of(frame).is_some_and(&which) => Some(frame.len()),
        _ => None,
    });
    frames.map(|octets| rate.time_on_air(octets)).sum()
}

fn urgent(world: &mut World, station: StationId, text: &str, delay: Duration) {
    let letter = Letter {
        source: ROSA,
        destination: ALICE,
        text: text.into(),
        lifetime: DAY,
        priority: Priority::Emergency,
    };
    world.send(station, letter, delay);
}

#[test]
fn an_urgent_text_overtakes_all_that_wait_at_its_source() {
    over_seeds(20, |seed| {
        let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::default()), seed);
        for number in 0..3 {
            world.text(rosa, ROSA, ALICE, &format!("{number}: {}", "blabla ".repeat(20)), MINUTE);
            world.text(gateway, ALICE, ROSA, &format!("{number}: {}", "blabla ".repeat(20)), MINUTE);
        }
        urgent(&mut world, rosa, "Au feu !", MINUTE + SECOND / 10);
        assert!(world.run_until_settled(DAY), "{:#?}", world.report());
        assert_all_delivered(&world.report());
        let history = world.history();
        let accepted: Vec<_> = history
            .iter()
            .filter_map(|(_, station, what)| match what {
                Happening::Accepted(id) if *station == rosa => Some(*id),
                _ => None,
            })
            .collect();
        let urgent = *accepted.last().unwrap();
        let place =
            |id| history.iter().position(|(_, _, what)| matches!(what, Happening::Stored(x) if *x == id));
        let overtaken = accepted.iter().filter(|id| place(**id) > place(urgent)).count();
        assert!(overtaken >= 1, "{overtaken} of 3 were overtaken");
    });
}

#[test]
fn a_gateway_that_is_switched_on_hears_the_urgent_text_at_once() {
    over_seeds(20, |seed| {
        let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::default()), seed);
        world.power(gateway, false, SECOND);
        for number in 0..3 {
            world.text(rosa, ROSA, ALICE, &format!("{number}"), MINUTE);
        }
        urgent(&mut world, rosa, "Au feu !", MINUTE * 2);
        world.power(gateway, true, HOUR);
        assert!(world.run_until_settled(DAY), "{:#?}", world.report());
        assert_all_delivered(&world.report());
        let stored = world.history().iter().filter_map(|(_, _, what)| match what {
            Happening::Stored(id) => Some(id.counter),
            _ => None,
        });
        // One text was being tried already; none of those that waited behind it goes before the urgent one.
        let place = stored.take(2).position(|counter| counter == 3);
        assert!(place.is_some(), "the fourth that was written");
    });
}

/// Twelve texts each way, between neighbors that know each other by their beacons and between those that do not.
#[test]
fn the_direct_form_spares_airtime_between_neighbors() {
    let talk = |warm_up: Duration| {
        let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::default()), 1);
        for number in 0..12 {
            let delay = warm_up + SECOND * 10 * number;
            world.text(rosa, ROSA, ALICE, "On arrive à la cabane, tout va bien ici", delay);
            world.text(gateway, ALICE, ROSA, "Merci, on vous attend pour le souper !!", delay + SECOND * 5);
        }
        assert!(world.run_until_settled(DAY));
        assert_all_delivered(&world.report());
        world
    };
    let world = talk(HOUR);
    let (direct, routed) =
        (airtime(&world, |kind| kind == Kind::Direct), airtime(&world, |kind| kind == Kind::Text));
    assert!(routed < direct / 4, "{routed:?} routed, {direct:?} direct");
    println!("texts: {direct:?} direct, {routed:?} routed");
}
