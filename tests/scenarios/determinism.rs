//! The same seed tells the same story.

use fanal_ether::fault::Fault;

use crate::stage::*;

#[test]
fn a_world_follows_from_its_seed() {
    let story = |seed| {
        let fault = Fault { loss: 0.3, duplication: 0.2, corruption: 0.1 };
        let (mut world, gateway, rosa) = gateway_and_handheld(room(fault), seed);
        for number in 0..8 {
            world.text(gateway, ALICE, ROSA, "Ça va ?", SECOND * 7 * number);
            world.text(rosa, ROSA, BRUNO, "Oui, et toi ?", SECOND * 9 * number);
        }
        world.power(rosa, false, MINUTE);
        world.power(rosa, true, MINUTE * 10);
        world.run_for(HOUR);
        world.history().to_vec()
    };
    for seed in 0..10 {
        assert_eq!(story(seed), story(seed), "seed {seed}");
    }
    assert_ne!(story(1), story(2));
}
