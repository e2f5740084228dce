use std::collections::BTreeMap;

use fanal_protocol::region::{Bandwidth, Rate, RegionCode, SpreadingFactor};
use fanal_protocol::time::Duration;
use proptest::prelude::*;

use super::*;
use crate::fault::Fault;

mod aloha;

fn channel() -> Channel {
    let rate = Rate::new(SpreadingFactor::Sf9, Bandwidth::Khz500);
    Channel { region: RegionCode::Ca, frequency_hz: 915_000_000, rate, power_dbm: 20 }
}

const SYMBOL: Duration = Duration::from_micros(1024);

/// Stations with these strengths at station 0 in dBm for 20 dBm sent, and no other links.
fn star(strengths_dbm: &[f64]) -> Ether {
    let links =
        strengths_dbm.iter().enumerate().map(|(i, dbm)| ((StationId(i + 1), StationId(0)), 20.0 - dbm));
    let path_loss = PathLoss::Table(BTreeMap::from_iter(links));
    let mut settings = Settings::room();
    settings.propagation = Propagation { path_loss, shadowing_db: 0.0 };
    settings.reception.failed_crc = true;
    let mut ether = Ether::new(settings, 1);
    for _ in 0..=strengths_dbm.len() {
        ether.join(Position::default());
    }
    ether.listen(StationId(0), &channel(), Instant::ZERO).unwrap();
    ether
}

/// What station 0 makes of all that is on the air: intact frames' sources, damaged ones', misses.
fn outcome(ether: &mut Ether) -> (Vec<usize>, Vec<usize>, Vec<(usize, Miss)>) {
    let (mut intact_from, mut damaged_from, mut missed) = (vec![], vec![], vec![]);
    while let Some(event) = ether.poll(Instant::from_secs(1_000)) {
        match event.what {
            What::Received { source, intact: true, .. } => intact_from.push(source.0),
            What::Received { source, intact: false, .. } => damaged_from.push(source.0),
            What::Missed { source, reason, .. } => missed.push((source.0, reason)),
            _ => {}
        }
    }
    (intact_from, damaged_from, missed)
}

fn at(symbols: u32) -> Instant {
    Instant::from_secs(1) + SYMBOL * symbols
}

#[test]
fn a_lone_frame_arrives_with_its_quality() {
    let mut ether = star(&[-100.0]);
    let until = ether.transmit(StationId(1), b"frame", &channel(), at(0)).unwrap();
    assert_eq!(until, at(0) + channel().rate.time_on_air(5));
    assert!(matches!(ether.poll(at(0)).unwrap().what, What::Began { .. }));
    assert_eq!(ether.poll(at(1)), None);
    assert!(ether.poll_timeout().unwrap() <= until);
    let transmitted = ether.poll(until).unwrap();
    assert_eq!(transmitted.what, What::Transmitted { transmission: 0 });
    let received = ether.poll(until).unwrap();
    assert_eq!((received.at, received.station), (until, StationId(0)));
    let What::Received { frame, quality, intact: true, .. } = received.what else { panic!("{received:?}") };
    // Noise in 500 kHz: -174 + 57 + 6 = -111 dBm.
    assert_eq!((&*frame, quality), (&b"frame"[..], Quality { rssi_dbm: -100, snr_quarter_db: 44 }));
    assert_eq!(ether.poll_timeout(), None);
}

#[test]
fn sensitivity_is_the_limit() {
    for (dbm, heard) in [(-123.4, true), (-123.6, false)] {
        let mut ether = star(&[dbm]);
        ether.transmit(StationId(1), b"frame", &channel(), at(0)).unwrap();
        assert_eq!(outcome(&mut ether).0.len() == 1, heard, "{dbm}");
    }
}

#[test]
fn of_two_frames_at_once_the_much_stronger_survives() {
    for (first_dbm, intact) in [(-94.0, vec![1]), (-94.1, vec![]), (-106.0, vec![2]), (-105.9, vec![])] {
        let mut ether = star(&[first_dbm, -100.0]);
        ether.transmit(StationId(1), b"one", &channel(), at(0)).unwrap();
        ether.transmit(StationId(2), b"two", &channel(), at(0)).unwrap();
        assert_eq!(outcome(&mut ether).0, intact, "{first_dbm}");
    }
}

#[test]
fn a_receiver_that_has_locked_on_does_not_turn_to_a_stronger_frame() {
    let mut ether = star(&[-110.0, -80.0]);
    ether.transmit(StationId(1), &[1; 40], &channel(), at(0)).unwrap();
    ether.transmit(StationId(2), b"two", &channel(), at(9)).unwrap();
    let (intact, damaged, missed) = outcome(&mut ether);
    assert_eq!((intact, damaged), (vec![], vec![1]));
    assert_eq!(missed, [(2, Miss::Deaf)]);
}

#[test]
fn a_stronger_frame_within_the_preamble_wins() {
    let mut ether = star(&[-110.0, -80.0]);
    ether.transmit(StationId(1), &[1; 40], &channel(), at(0)).unwrap();
    ether.transmit(StationId(2), b"two", &channel(), at(7)).unwrap();
    assert_eq!(outcome(&mut ether).0, [2]);
}

#[test]
fn an_overlap_within_the_first_preamble_symbols_does_no_harm() {
    let end = at(0) + channel().rate.time_on_air(40);
    for (symbols, intact) in [(3, vec![2]), (4, vec![])] {
        let mut ether = star(&[-100.0, -100.0]);
        ether.transmit(StationId(1), &[1; 40], &channel(), at(0)).unwrap();
        let now = end.saturating_sub(SYMBOL * symbols);
        ether.transmit(StationId(2), b"two", &channel(), now).unwrap();
        // The end of the first frame is destroyed all the same.
        assert_eq!(outcome(&mut ether).0, intact, "{symbols}");
    }
}

#[test]
fn other_spreading_factors_disturb_only_when_much_stronger() {
    // SF9 survives an SF12 that is up to 15 dB stronger.
    for (slow_dbm, intact) in [(-86.1, vec![1]), (-85.9, vec![])] {
        let mut ether = star(&[-101.0, slow_dbm]);
        let mut slow = channel();
        slow.rate.spreading_factor = SpreadingFactor::Sf12;
        ether.transmit(StationId(2), &[2; 40], &slow, at(0)).unwrap();
        ether.transmit(StationId(1), b"one", &channel(), at(4)).unwrap();
        assert_eq!(outcome(&mut ether).0, intact, "{slow_dbm}");
    }
}

#[test]
fn a_station_hears_nothing_while_it_transmits() {
    let mut ether = Ether::new(Settings::room(), 1);
    let (a, b) = (ether.join(Position::default()), ether.join(Position::default()));
    ether.listen(a, &channel(), at(0)).unwrap();
    ether.listen(b, &channel(), at(0)).unwrap();
    let until = ether.transmit(a, b"from a", &channel(), at(1)).unwrap();
    ether.transmit(b, b"from b, longer", &channel(), at(2)).unwrap();
    assert_eq!(ether.transmit(a, b"more", &channel(), at(3)), Err(Refused::Busy));
    assert_eq!(ether.listen(a, &channel(), at(3)), Err(Refused::Busy));
    ether.listen(a, &channel(), until).unwrap();
    let (intact, damaged, missed) = outcome(&mut ether);
    assert_eq!((intact, damaged, missed), (vec![], vec![], vec![(1, Miss::Deaf)]));
}

#[test]
fn activity_is_detected_only_while_chirps_last() {
    let mut ether = star(&[-120.0, -124.0]);
    // Too weak to be heard, then another spreading factor, then the real thing.
    let other_rate = Rate::new(SpreadingFactor::Sf7, Bandwidth::Khz500);
    let other = Channel { rate: other_rate, ..channel() };
    let mut busy_at = |source: usize, channel_used: &Channel, delay: u32, begin: Instant| {
        ether.stop(StationId(0), begin);
        ether.transmit(StationId(source), &[0; 60], channel_used, begin).unwrap();
        ether.cad(StationId(0), &channel(), begin + SYMBOL * delay).unwrap();
        let mut busy = None;
        while let Some(event) = ether.poll(begin + Duration::from_secs(1)) {
            if let What::Cad { busy: heard } = event.what {
                busy = Some(heard);
            }
        }
        busy.unwrap()
    };
    let symbols = (channel().rate.time_on_air(60).as_micros() / SYMBOL.as_micros()) as u32;
    assert!(busy_at(1, &channel(), 5, at(0)));
    assert!(busy_at(1, &channel(), symbols - 2, at(2_000)));
    assert!(!busy_at(1, &channel(), symbols + 1, at(4_000)));
    assert!(!busy_at(2, &channel(), 5, at(6_000)), "below sensitivity");
    assert!(!busy_at(1, &other, 5, at(8_000)), "another spreading factor");
}

#[test]
fn looking_for_activity_does_not_cost_the_frame_that_is_coming_in() {
    // In the frame, and in its preamble as soon as five symbols of that were heard.
    for symbols in [10, 6, 5] {
        let mut ether = star(&[-100.0]);
        ether.transmit(StationId(1), &[0; 60], &channel(), at(0)).unwrap();
        assert_eq!(ether.cad(StationId(0), &channel(), at(symbols)), Ok(at(symbols)), "{symbols}");
        assert_eq!(outcome(&mut ether).0, [1], "{symbols}");
    }
}

#[test]
fn a_frame_that_is_cut_off_is_never_intact() {
    for symbols in [1, 7, 9, 30] {
        let mut ether = star(&[-100.0]);
        ether.transmit(StationId(1), &[0; 60], &channel(), at(0)).unwrap();
        ether.stop(StationId(1), at(symbols));
        assert_eq!(outcome(&mut ether).0, Vec::<usize>::new(), "{symbols}");
    }
}

#[test]
fn faults_do_what_they_say() {
    let faulty = |fault| {
        let mut ether = star(&[-100.0]);
        ether.faults_mut().set_everywhere(fault);
        ether.transmit(StationId(1), &[0; 60], &channel(), at(0)).unwrap();
        outcome(&mut ether)
    };
    assert_eq!(faulty(Fault::loss(1.0)), (vec![], vec![], vec![(1, Miss::Fault)]));
    assert_eq!(faulty(Fault { duplication: 1.0, ..Fault::default() }).0, [1, 1]);
    assert_eq!(faulty(Fault { corruption: 1.0, ..Fault::default() }).1, [1]);
}

/// One of the things a station can be told, decoded from arbitrary numbers.
fn act(ether: &mut Ether, what: u8, station: usize, size: u8, now: Instant) {
    let station = StationId(station);
    match what % 5 {
        0 => drop(ether.transmit(station, &vec![what; usize::from(size)], &channel(), now)),
        1 => drop(ether.listen(station, &channel(), now)),
        2 => drop(ether.cad(station, &channel(), now)),
        3 => ether.stop(station, now),
        _ => drop(ether.listen(station, &Channel::home(RegionCode::Eu), now)),
    }
}

fn history(actions: &[(u8, usize, u8, u32)], seed: u64) -> Vec<Event> {
    let mut settings = Settings::room();
    settings.propagation = Propagation { path_loss: PathLoss::BOR_2016, shadowing_db: 3.57 };
    settings.faults = Faults::everywhere(Fault { loss: 0.1, duplication: 0.2, corruption: 0.1 });
    let mut ether = Ether::new(settings, seed);
    for station in 0..4 {
        ether.join(Position::new(f64::from(station) * 60.0, 0.0));
    }
    let mut events = vec![];
    let mut now = Instant::ZERO;
    for (what, station, size, pause) in actions {
        now += Duration::from_micros(u64::from(*pause));
        act(&mut ether, *what, *station, *size, now);
        // Whether one polls often or seldom makes no difference.
        if what % 2 == 0 {
            while let Some(event) = ether.poll(now) {
                events.push(event);
            }
        }
    }
    while let Some(event) = ether.poll(now + Duration::from_secs(10)) {
        events.push(event);
    }
    assert_eq!(ether.poll_timeout(), None);
    events
}

proptest! {
    #[test]
    fn the_same_seed_tells_the_same_story_in_order_of_time(
        actions in proptest::collection::vec((any::<u8>(), 0usize..5, any::<u8>(), 0u32..60_000), 0..120),
        seed in any::<u64>(),
    ) {
        let story = history(&actions, seed);
        prop_assert_eq!(&story, &history(&actions, seed));
        prop_assert!(story.is_sorted_by_key(|event| event.at));
        let began = story.iter().filter(|e| matches!(e.what, What::Began { .. })).count();
        let ended = story.iter().filter(|e| matches!(e.what, What::Transmitted { .. })).count();
        prop_assert!(ended <= began);
        for event in &story {
            if let What::Received { source, .. } = event.what {
                prop_assert_ne!(source, event.station);
            }
        }
    }
}

#[test]
fn separate_channels_do_not_meet() {
    let mut ether = star(&[-100.0]);
    let elsewhere = Channel { frequency_hz: 903_000_000, ..channel() };
    ether.transmit(StationId(1), b"one", &elsewhere, at(0)).unwrap();
    assert_eq!(outcome(&mut ether), (vec![], vec![], vec![]));
}
