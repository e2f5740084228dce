//! Frames that are lost, doubled or damaged cost time, never a message.

use fanal_ether::fault::Fault;

use crate::stage::*;

/// Ten texts each way with this fault everywhere; everything arrives and is known to have arrived.
fn texts_cross(fault: Fault, seed: u64) {
    let (mut world, rosa, sami) = two_handhelds(room(fault), seed);
    for number in 0..10 {
        let delay = SECOND * 5 * number;
        world.text(rosa, ROSA, SAMI, &format!("Rosa's number {number}"), delay);
        world.text(sami, SAMI, ROSA, &format!("Sami's number {number}, a longer one"), delay);
    }
    assert!(world.run_until_settled(DAY), "seed {seed}: {:#?}", world.report());
    let report = world.report();
    assert_eq!(report.sent, 20);
    assert_all_delivered(&report);
}

#[test]
fn lost_frames_are_sent_again() {
    for loss in [0.0, 0.1, 0.3, 0.6] {
        over_seeds(40, |seed| texts_cross(Fault::loss(loss), seed));
    }
}

#[test]
fn doubled_frames_are_one_message() {
    over_seeds(40, |seed| texts_cross(Fault { duplication: 0.7, ..Fault::default() }, seed));
}

#[test]
fn damaged_frames_are_forgeries_and_no_more() {
    over_seeds(40, |seed| texts_cross(Fault { corruption: 0.2, ..Fault::default() }, seed));
}

#[test]
fn everything_at_once_is_survived() {
    over_seeds(60, |seed| texts_cross(Fault { loss: 0.3, duplication: 0.3, corruption: 0.1 }, seed));
}

#[test]
fn a_perfect_air_carries_two_frames_a_message() {
    let (mut world, rosa, _) = two_handhelds(room(Fault::default()), 1);
    for number in 0..20 {
        world.text(rosa, ROSA, SAMI, "Tu es où ?", MINUTE * number);
    }
    assert!(world.run_until_settled(DAY));
    let report = world.report();
    assert_all_delivered(&report);
    assert_eq!(report.transmissions, 40);
}
