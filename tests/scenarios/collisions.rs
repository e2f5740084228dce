//! Five talkers on one channel, whether they hear each other or not.

use std::collections::BTreeMap;

use fanal_ether::channel::{PathLoss, Propagation, StationId};
use fanal_ether::fault::Fault;
use fanal_ether::station::Setup;
use fanal_ether::world::{Report, World};
use fanal_protocol::id::NodeId;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::Duration;

use crate::stage::*;

const TALKERS: u16 = 5;

/// Everybody sends `texts` texts to each neighbor in turn, one every `gap`.
fn talk(propagation: Propagation, links: &[(usize, usize)], texts: u32, gap: Duration, seed: u64) -> Report {
    let mut settings = room(Fault::default());
    settings.propagation = propagation;
    let mut world = World::new(settings, Channel::home(RegionCode::Ca), seed);
    let node = |station: usize| NodeId(0x0201 + station as u16);
    for station in 0..usize::from(TALKERS) {
        world.add(Setup::handheld(node(station), Default::default()));
    }
    for (a, b) in links {
        world.acquaint((StationId(*a), node(*a)), (StationId(*b), node(*b)));
    }
    world.power_all();
    for number in 0..texts {
        for (order, (a, b)) in links.iter().enumerate() {
            // All at the same time but for a breath, so that they do collide.
            let delay = SECOND + gap * number + Duration::from_millis(order as u64);
            let text = "Tout le monde parle en même temps.";
            world.text(StationId(*a), node(*a), node(*b), text, delay);
            world.text(StationId(*b), node(*b), node(*a), text, delay);
        }
    }
    assert!(world.run_until_settled(DAY), "seed {seed}: {:#?}", world.report());
    let report = world.report();
    assert_eq!(report.sent, links.len() * 2 * texts as usize);
    assert_all_delivered(&report);
    report
}

#[test]
fn five_talkers_who_hear_each_other_take_turns() {
    let ring = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)];
    let mut frames_per_message = 0.0f64;
    over_seeds(20, |seed| {
        let report = talk(Propagation::room(), &ring, 6, SECOND * 4, seed);
        frames_per_message = frames_per_message.max(report.transmissions as f64 / report.sent as f64);
    });
    println!("at worst {frames_per_message:.2} frames a message");
    // Two are needed: the text and its receipt.
    assert!(frames_per_message < 3.5, "{frames_per_message}");
}

/// Four stations around one, which alone hears them: nobody can know that another one transmits.
#[test]
fn talkers_who_do_not_hear_each_other_get_through() {
    let star = [(0, 1), (0, 2), (0, 3), (0, 4)];
    let loss = star.iter().flat_map(|(a, b)| {
        [((StationId(*a), StationId(*b)), 110.0), ((StationId(*b), StationId(*a)), 110.0)]
    });
    let table = PathLoss::Table(BTreeMap::from_iter(loss));
    let mut frames_per_message = 0.0f64;
    over_seeds(20, |seed| {
        let propagation = Propagation { path_loss: table.clone(), shadowing_db: 0.0 };
        let report = talk(propagation, &star, 6, SECOND * 10, seed);
        frames_per_message = frames_per_message.max(report.transmissions as f64 / report.sent as f64);
    });
    println!("at worst {frames_per_message:.2} frames a message");
    assert!(frames_per_message < 5.0, "{frames_per_message}");
}
