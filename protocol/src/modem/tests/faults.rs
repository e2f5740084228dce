//! The link under lines that spoil what they carry, and sides that fail.

use super::world::{Faults, World};
use super::*;
use crate::rand::Jitter;
use crate::time::Duration;

const SEEDS: u64 = 4;

fn under(faults: Faults) {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        world.faults = faults;
        world.run(Duration::from_secs(20));
        let Faults { changed, lost, .. } = faults;
        assert_eq!(
            world.fates_of(Some(Reason::Lost)) > 0,
            changed + lost > 0 || faults.late > 0,
            "{faults:?}"
        );
        assert!(world.fates_of(None) > 0, "some frames get through even so: {faults:?}");
        assert_eq!(world.host.stats().garbled > 0, changed > 0, "{faults:?}");
        world.recover();
    }
}

#[test]
fn on_a_good_line_nothing_is_lost() {
    let mut world = World::new(1);
    world.recover();
    assert_eq!(world.fates_of(Some(Reason::Lost)), 0);
    assert!(world.fates_of(None) > 200, "{}", world.fates_of(None));
    assert!(!world.events.contains(&HostEvent::Lost));
    assert!(world.events.iter().any(|event| matches!(event, HostEvent::Received { .. })));
    assert!(world.events.iter().any(|event| matches!(event, HostEvent::Log { .. })));
    assert!(world.events.iter().any(|event| matches!(event, HostEvent::Status { .. })));
    assert_eq!(*world.host.stats(), Default::default());
}

#[test]
fn lost_packets_stall_nothing() {
    under(Faults { lost: 100, ..Faults::default() });
    under(Faults { lost: 500, ..Faults::default() });
}

#[test]
fn duplicated_packets_change_nothing() {
    under(Faults { duplicated: 300, ..Faults::default() });
    let mut world = World::new(3);
    world.faults.duplicated = 1_000;
    world.run(Duration::from_secs(20));
    assert_eq!(world.fates_of(Some(Reason::Lost)), 0);
    world.recover();
}

#[test]
fn packets_that_overtake_each_other_are_sorted_out() {
    under(Faults { late: 300, ..Faults::default() });
    under(Faults { late: 300, lost: 100, duplicated: 200, ..Faults::default() });
}

#[test]
fn garbled_octets_are_noticed_and_overcome() {
    under(Faults { changed: 5, swallowed: 5, inserted: 5, ..Faults::default() });
    under(Faults { changed: 20, ..Faults::default() });
}

#[test]
fn a_modem_that_is_reset_is_greeted_again() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        let mut jitter = Jitter::new(seed);
        for resets in 1..=6 {
            world.run(Duration::from_millis(100 + jitter.below(4_000)));
            world.reset_device();
            // The first words of the modem are lost now and then.
            world.faults = Faults { lost: 400 * (resets % 2), ..Faults::default() };
        }
        world.recover();
    }
}

#[test]
fn a_host_that_is_restarted_begins_with_an_empty_modem() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        let mut jitter = Jitter::new(seed);
        for _ in 0..6 {
            world.run(Duration::from_millis(100 + jitter.below(4_000)));
            world.restart_host();
        }
        world.recover();
    }
}

#[test]
fn a_modem_can_be_unplugged_at_any_time() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        let mut jitter = Jitter::new(seed);
        for _ in 0..5 {
            world.run(Duration::from_millis(100 + jitter.below(3_000)));
            let was_ready = world.host.ready();
            world.unplug();
            world.run(Duration::from_secs(3));
            assert_eq!(world.host.poll_timeout(), None);
            assert!(!was_ready || world.events.contains(&HostEvent::Lost));
            world.plug();
        }
        world.recover();
    }
}

#[test]
fn everything_at_once_is_survived() {
    for seed in 100..100 + SEEDS {
        let mut world = World::new(seed);
        let mut jitter = Jitter::new(seed);
        world.faults = Faults { changed: 3, swallowed: 3, inserted: 3, lost: 50, duplicated: 50, late: 50 };
        for _ in 0..12 {
            world.run(Duration::from_millis(jitter.below(8_000)));
            match jitter.below(4) {
                0 => world.reset_device(),
                1 => world.restart_host(),
                2 => {
                    world.unplug();
                    world.run(Duration::from_millis(jitter.below(2_000)));
                    world.plug();
                }
                _ => world.host.reboot(),
            }
        }
        world.recover();
    }
}

#[test]
fn a_modem_that_falls_silent_is_lost_after_three_pings() {
    let mut world = World::new(1);
    world.run(Duration::from_secs(1));
    assert!(world.host.ready());
    world.faults.lost = 1_000;
    world.run(Duration::from_secs(9));
    assert!(!world.host.ready());
    assert!(world.events.contains(&HostEvent::Lost));
    world.recover();
}

#[test]
fn a_refused_channel_is_reported_and_tried_again() {
    let mut world = World::new(1);
    world.refuse_next_channel();
    world.run(Duration::from_secs(5));
    assert!(!world.host.ready());
    let refused = HostEvent::Refused { reason: Refusal::RadioFailed };
    assert_eq!(world.events.iter().filter(|event| **event == refused).count(), 1);
    assert_eq!(world.fates.len(), 0);
    world.run(Duration::from_secs(6));
    assert!(world.host.ready());
    world.recover();
}
