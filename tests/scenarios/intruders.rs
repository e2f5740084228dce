//! Somebody who records, replays, changes and invents frames achieves nothing but noise.

use std::sync::Arc;

use fanal_ether::channel::StationId;
use fanal_ether::fault::Fault;
use fanal_ether::world::{Happening, World};
use fanal_protocol::rand::Jitter;

use crate::stage::*;

/// A gateway and a handheld that have talked for a while, an intruder, and all that it has recorded.
fn recorded(seed: u64) -> (World, StationId, StationId, StationId, Vec<Arc<[u8]>>) {
    let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::loss(0.1)), seed);
    let intruder = world.intruder(Default::default());
    for number in 0..12 {
        world.text(rosa, ROSA, ALICE, &format!("À Alice, {number}"), SECOND * 8 * number);
        world.text(gateway, ALICE, ROSA, &format!("D'Alice, {number}"), SECOND * 9 * number);
    }
    assert!(world.run_until_settled(DAY));
    let frames = world
        .history()
        .iter()
        .filter_map(|(_, _, what)| match what {
            Happening::Transmits(frame) => Some(frame.clone()),
            _ => None,
        })
        .collect();
    (world, gateway, rosa, intruder, frames)
}

/// What people have been told, without what went on the air.
fn bubbles_and_states(world: &World) -> usize {
    let told = |what: &Happening| {
        matches!(
            what,
            Happening::Stored(_) | Happening::State(..) | Happening::Read(_) | Happening::Accepted(_)
        )
    };
    world.history().iter().filter(|(_, _, what)| told(what)).count()
}

#[test]
fn a_replay_of_everything_changes_nothing_even_after_restarts() {
    over_seeds(20, |seed| {
        let (mut world, gateway, rosa, intruder, frames) = recorded(seed);
        let before = bubbles_and_states(&world);
        for station in [gateway, rosa] {
            world.power(station, false, SECOND);
            world.power(station, true, SECOND * 2);
        }
        for (number, frame) in frames.iter().enumerate() {
            world.inject(intruder, frame, MINUTE + SECOND * 2 * number as u32);
        }
        world.run_for(HOUR * 2);
        assert_eq!(bubbles_and_states(&world), before);
        assert_all_delivered(&world.report());
    });
}

#[test]
fn changed_and_invented_frames_change_nothing_and_stop_nobody() {
    over_seeds(20, |seed| {
        let (mut world, gateway, rosa, intruder, frames) = recorded(seed);
        let before = bubbles_and_states(&world);
        let mut jitter = Jitter::new(seed);
        for number in 0..1_000 {
            let mut frame = frames[jitter.below(frames.len() as u64) as usize].to_vec();
            for _ in 0..=jitter.below(3) {
                let place = jitter.below(frame.len() as u64) as usize;
                frame[place] ^= 1 << jitter.below(8);
            }
            frame.truncate(1 + jitter.below(300) as usize);
            world.inject(intruder, &frame, SECOND * number);
        }
        world.run_for(SECOND * 1_000);
        // A changed hop limit or next hop is not covered by the tag and needs none: such a frame is a replay.
        assert_eq!(bubbles_and_states(&world), before);

        world.text(rosa, ROSA, ALICE, "encore là", MINUTE * 6);
        world.text(gateway, ALICE, ROSA, "moi aussi", MINUTE * 6);
        assert!(world.run_until_settled(HOUR), "{:#?}", world.report());
        assert_all_delivered(&world.report());
    });
}

/// Noise that fills half the air, in frames that look like texts for Rosa.
#[test]
fn messages_get_through_a_flood_of_forgeries() {
    over_seeds(10, |seed| {
        let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::default()), seed);
        let intruder = world.intruder(Default::default());
        let mut jitter = Jitter::new(seed);
        for number in 0..7_200 {
            let mut frame = vec![0x10, 0, 0x02, 0x01, 0x01, 0x01];
            frame.extend((0..60).map(|_| jitter.next_u64() as u8));
            world.inject(intruder, &frame, SECOND * number / 2);
        }
        for number in 0..6 {
            world.text(rosa, ROSA, ALICE, "Quel bruit !", MINUTE * (5 + number));
            world.text(gateway, ALICE, ROSA, "Je te lis", MINUTE * (5 + number));
        }
        world.run_for(HOUR * 2);
        assert!(world.run_until_settled(DAY), "{:#?}", world.report());
        assert_all_delivered(&world.report());
    });
}

/// Short tags in the name of each to the other, sixteen times as many as are looked at: no honest frame with a short tag has a
/// chance to speak of while that lasts. The rest of the air is left free: who jams needs no forgeries.
#[test]
fn a_neighbor_that_forges_without_end_only_delays() {
    over_seeds(6, |seed| {
        let (mut world, gateway, rosa) = gateway_and_handheld(room(Fault::default()), seed);
        let intruder = world.intruder(Default::default());
        let mut jitter = Jitter::new(seed);
        let starts: [&[u8]; 5] = [
            &[0x10, 0, 0x02, 0x01, 0x01, 0x01],
            &[0x10, 0, 0x01, 0x01, 0x02, 0x01],
            &[0x37, 0, 0x02, 0x01],
            &[0x37, 0, 0x01, 0x01],
            &[0x20],
        ];
        for number in 0..14_400 {
            let mut frame = starts[number as usize % starts.len()].to_vec();
            let random = if frame[0] == 0x10 { 10 } else { 4 };
            frame.extend((0..random).map(|_| jitter.next_u64() as u8));
            world.inject(intruder, &frame, SECOND * number / 4);
        }
        for number in 0..4 {
            world.text(rosa, ROSA, ALICE, "Quel bruit !", MINUTE * (1 + number));
            world.text(gateway, ALICE, ROSA, "Je te lis", MINUTE * (1 + number));
        }
        // The flood lasts all the time.
        world.run_for(HOUR);
        assert_all_delivered(&world.report());
    });
}
