use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::wire::Entries;
use crate::wire::Role;

mod crowd;
mod mesh;

use mesh::{LONGEST, Mesh, RATE, Roomy, SHORTEST, Station, beacon, id};

const OWN: NodeId = NodeId(0x0500);
const NEAR: NodeId = NodeId(0x0100);
const OTHER: NodeId = NodeId(0x0200);
const FAR: NodeId = NodeId(0x0300);

fn station(role: Role) -> Station {
    let settings = Settings {
        node: OWN,
        forwards: role != Role::Handheld,
        rate: RATE,
        shortest: SHORTEST,
        longest: LONGEST,
    };
    Station::new(settings, 0, 1, Instant::ZERO)
}

fn hears(node: NodeId) -> RouteEntry {
    RouteEntry { node, sequence: 0, metric: Metric::HOP, direct: true }
}

fn way(node: NodeId, sequence: u8, eighths: u32) -> RouteEntry {
    RouteEntry { node, sequence, metric: Metric::of_eighths(eighths), direct: false }
}

fn request(node: NodeId, sequence: u8) -> RouteEntry {
    RouteEntry { node, sequence, metric: Metric::UNREACHABLE, direct: true }
}

/// The station hears a beacon loud and clear.
fn hear(
    station: &mut Station,
    source: NodeId,
    counter: u32,
    told: &[RouteEntry],
    now: Instant,
) -> Result<(), Ignored> {
    let octets: Vec<u8> = told.iter().flat_map(|entry| entry.octets()).collect();
    let quality = Quality { rssi_dbm: -80, snr_quarter_db: 40 };
    station.handle_beacon(&beacon(source, counter, Entries::parse(&octets).unwrap()), quality, now)
}

/// What the station's next beacon says.
fn says(station: &mut Station, now: Instant) -> Vec<RouteEntry> {
    let counter = station.least_counter();
    station.compose(counter, &mut [0; ENTRIES_OCTETS], now).iter().collect()
}

fn next(station: &Station, destination: NodeId) -> Option<NodeId> {
    station.next_hop(destination).map(|step| step.hop.node)
}

fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

#[test]
fn every_connected_pair_finds_a_route_and_keeps_it() {
    for (size, reach, seed) in [(10, 2.0, 1), (10, 0.4, 2), (30, 0.25, 3), (30, 0.25, 4), (60, 0.17, 5)] {
        let mut mesh = Roomy::scattered(size, reach, seed);
        mesh.converge(Duration::from_secs(300));
        for _ in 0..12 {
            mesh.run_until(mesh.now + LONGEST / 2);
            let (connected, routed) = mesh.coverage();
            assert_eq!(routed, connected, "seed {seed}, {:?}, {:?}", mesh.now, mesh.traffic);
        }
    }
}

/// The mesh looks for loops after every step.
#[test]
fn no_loop_forms_while_links_break_and_stations_restart_and_vanish() {
    for seed in 0..seeds(6) {
        let mut mesh = Roomy::scattered(16, 0.35, seed);
        mesh.run_until(at(200));
        for _ in 0..60 {
            upset(&mut mesh);
            let wait = mesh.chance() * 90.0;
            mesh.run_until(mesh.now + Duration::from_secs_f64(wait));
        }
        for station in 0..mesh.len() {
            if !mesh.is_on(station) {
                mesh.switch_on(station);
            }
        }
        mesh.converge(LONGEST * (PATIENCE + 2));
    }
}

#[test]
fn no_loop_forms_when_tables_are_too_small_for_the_mesh() {
    for seed in 0..seeds(6) {
        let mut mesh = Mesh::<6, 8>::scattered(16, 0.35, seed);
        for _ in 0..40 {
            upset(&mut mesh);
            let wait = mesh.chance() * 2_000.0;
            mesh.run_until(mesh.now + Duration::from_secs_f64(wait));
        }
    }
}

fn seeds(ordinary: u64) -> u64 {
    if std::env::var_os("FANAL_LONG").is_some() { ordinary * 50 } else { ordinary }
}

/// Something happens to the mesh.
fn upset<const NEIGHBORS: usize, const ROUTES: usize>(mesh: &mut Mesh<NEIGHBORS, ROUTES>) {
    let (one, other) = (mesh.pick(), mesh.pick());
    let now = mesh.now;
    match mesh.pick() % 8 {
        0 | 1 => {
            let (there, back) = mesh.quality(one, other);
            mesh.link(one, other, back, there);
        }
        2 => mesh.link(one, other, 0.0, 0.0),
        3 if one != other => mesh.link(one, other, 0.9, 0.95),
        4 if mesh.is_on(one) => {
            mesh.switch_off(one);
            mesh.switch_on(one);
        }
        5 if mesh.is_on(one) => mesh.switch_off(one),
        6 if !mesh.is_on(one) => mesh.switch_on(one),
        7 if mesh.is_on(one) => {
            let hop = mesh.station(one).next_hop(id(other)).map(|step| step.hop);
            if let Some(hop) = hop {
                mesh.station(one).handle_unreachable(hop.node, now);
                mesh.station(one).handle_unreachable(hop.node, now);
            }
        }
        _ => {}
    }
    mesh.look(&(0..mesh.len()).collect());
}

#[test]
fn a_vanished_station_is_forgotten_and_not_counted_to_infinity() {
    let mut mesh = Roomy::new(6, 1);
    for station in 1..6 {
        mesh.link(station - 1, station, 1.0, 1.0);
    }
    mesh.converge(Duration::from_secs(300));
    assert_eq!(mesh.chain(0, 5), (Vec::from_iter(0..6), true));
    assert_eq!(mesh.station(0).metric(id(5)), Some(Metric::of_eighths(5 * 8)));

    mesh.switch_off(5);
    mesh.run_until(mesh.now + LONGEST * 2);
    assert!(mesh.station(0).metric(id(5)).is_some(), "silence alone says little yet");
    let now = mesh.now;
    mesh.station(4).handle_unreachable(id(5), now);
    mesh.station(4).handle_unreachable(id(5), now);
    let before = mesh.traffic.beacons;
    mesh.run_until(now + Duration::from_secs(150));
    assert_eq!(mesh.station(0).metric(id(5)), None, "told within three minutes");
    assert!(mesh.traffic.beacons - before < 5 * 6, "{:?}", mesh.traffic);
    mesh.run_until(now + LONGEST * (MEMORY + 4));
    assert_eq!(mesh.station(0).routes().count(), 4, "and forgotten in the end");
}

#[test]
fn who_is_left_with_longer_ways_asks_for_a_newer_sequence_and_gets_it() {
    // 0 hears 1 well, and 2 and 3 beyond it are a detour of three hops.
    let mut mesh = Roomy::new(4, 1);
    for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 0)] {
        mesh.link(a, b, 1.0, 1.0);
    }
    mesh.converge(Duration::from_secs(300));
    mesh.run_until(at(1_000));
    let sequence = mesh.station(1).least_counter() / BLOCK;
    mesh.link(0, 1, 0.0, 0.0);
    mesh.run_until(mesh.now + LONGEST * 2);
    let now = mesh.now;
    for (station, lost) in [(0, 1), (1, 0)] {
        mesh.station(station).handle_unreachable(id(lost), now);
        mesh.station(station).handle_unreachable(id(lost), now);
    }
    mesh.look(&[0, 1].into());
    let took = mesh.converge(Duration::from_secs(150));
    assert_eq!(mesh.chain(0, 1), (Vec::from([0, 3, 2, 1]), true), "{took:?}");
    assert_eq!(mesh.station(1).least_counter() / BLOCK, sequence + 1, "one sequence further");
}

#[test]
fn a_replayed_beacon_teaches_nothing() {
    let mut station = station(Role::Relay);
    assert_eq!(hear(&mut station, NEAR, 5, &[hears(OWN)], at(1)), Ok(()));
    assert_eq!(hear(&mut station, NEAR, 5, &[way(FAR, 0, 8)], at(2)), Err(Ignored));
    assert_eq!(hear(&mut station, NEAR, 4, &[way(FAR, 0, 8)], at(2)), Err(Ignored));
    assert_eq!(station.next_hop(FAR), None);
}

#[test]
fn what_a_station_hears_one_way_only_is_no_way() {
    let mut station = station(Role::Relay);
    hear(&mut station, NEAR, 0, &[hears(OTHER), way(FAR, 0, 8)], at(1)).unwrap();
    assert_eq!((next(&station, NEAR), next(&station, FAR)), (None, None));
    hear(&mut station, NEAR, 1, &[hears(OTHER), hears(OWN)], at(2)).unwrap();
    assert_eq!((next(&station, NEAR), next(&station, FAR)), (Some(NEAR), Some(NEAR)));
    assert_eq!(station.metric(FAR), Some(Metric::of_eighths(16)));
}

#[test]
fn another_way_is_found_when_the_first_does_not_answer() {
    let mut station = station(Role::Relay);
    hear(&mut station, NEAR, 0, &[hears(OWN), way(FAR, 0, 8)], at(1)).unwrap();
    hear(&mut station, OTHER, 0, &[hears(OWN), way(FAR, 0, 14)], at(1)).unwrap();
    assert_eq!(next(&station, FAR), Some(NEAR));
    let other = |tried: &[NodeId]| station.alternative(FAR, tried).map(|step| step.hop.node);
    assert_eq!(other(&[NEAR]), Some(OTHER));
    assert_eq!(other(&[OTHER]), Some(NEAR));
    assert_eq!(other(&[NEAR, OTHER]), None);

    station.handle_unreachable(NEAR, at(2));
    assert_eq!(next(&station, FAR), Some(OTHER));
    station.handle_reached(NEAR, at(3));
    assert_eq!(next(&station, FAR), Some(NEAR));
}

#[test]
fn a_neighbor_whose_way_gets_longer_is_trusted_until_it_may_have_forgotten_what_it_told() {
    let mut station = station(Role::Relay);
    let other = |station: &Station| station.alternative(FAR, &[NEAR]).map(|step| step.hop.node);
    hear(&mut station, NEAR, 0, &[hears(OWN), way(FAR, 7, 8)], at(1)).unwrap();
    hear(&mut station, OTHER, 0, &[hears(OWN), way(FAR, 7, 14)], at(1)).unwrap();
    assert!(says(&mut station, at(2)).contains(&way(FAR, 7, 16)));
    assert_eq!(other(&station), Some(OTHER), "14 is less than 16");
    hear(&mut station, OTHER, 1, &[hears(OWN), way(FAR, 7, 20)], at(3)).unwrap();
    assert_eq!(other(&station), Some(OTHER), "it has once told 14, so its own way cannot lead through here");
    hear(&mut station, OTHER, BLOCK, &[hears(OWN), way(FAR, 7, 20)], at(4)).unwrap();
    assert_eq!(other(&station), None, "it may have restarted");
    hear(&mut station, OTHER, BLOCK + 1, &[hears(OWN), way(FAR, 8, 20)], at(5)).unwrap();
    assert_eq!(other(&station), Some(OTHER), "the destination itself has spoken since");
}

#[test]
fn a_person_is_reached_through_the_house() {
    let mut station = station(Role::Relay);
    hear(&mut station, NEAR, 0, &[hears(OWN), way(FAR, 0, 8)], at(1)).unwrap();
    assert_eq!(next(&station, NodeId(NEAR.0 + 1)), Some(NEAR));
    assert_eq!(next(&station, NodeId(FAR.0 + 15)), Some(NEAR));
    assert_eq!(station.metric(NodeId(FAR.0 + 15)), Some(Metric::of_eighths(16)));
    assert_eq!(next(&station, NodeId(FAR.0 + 16)), None);
    assert_eq!(next(&station, NodeId(OWN.0 + 1)), None, "our own persons are here");

    hear(&mut station, OTHER, 0, &[hears(OWN), way(NodeId(FAR.0 + 2), 0, 8)], at(2)).unwrap();
    assert_eq!(next(&station, NodeId(FAR.0 + 2)), Some(OTHER), "an exact way comes first");
    hear(&mut station, OTHER, 1, &[hears(OWN), way(NodeId(FAR.0 + 2), 0, 127)], at(3)).unwrap();
    assert_eq!(next(&station, NodeId(FAR.0 + 2)), None, "others may still think that it leads through here");
}

#[test]
fn a_beacon_says_how_neighbors_are_heard_and_which_ways_there_are() {
    let mut relay = station(Role::Relay);
    hear(&mut relay, NEAR, 0, &[hears(OWN), way(FAR, 7, 8)], at(1)).unwrap();
    let opening = way(OWN, 0, 0);
    let told = says(&mut relay, at(2));
    assert_eq!(told, [opening, hears(NEAR), way(NEAR, 0, 8), way(FAR, 7, 16)]);
    assert_eq!(says(&mut relay, at(3)).len(), 4, "there is room to say it all again");

    hear(&mut relay, NEAR, 1, &[hears(OWN), way(FAR, 7, 127)], at(4)).unwrap();
    let told = says(&mut relay, at(5));
    assert!(told.contains(&way(FAR, 7, 127)) && told.contains(&request(FAR, 8)), "{told:?}");

    let mut handheld = station(Role::Handheld);
    hear(&mut handheld, NEAR, 0, &[hears(OWN), way(FAR, 7, 8)], at(1)).unwrap();
    assert_eq!(next(&handheld, FAR), Some(NEAR));
    assert_eq!(says(&mut handheld, at(2)), [opening, hears(NEAR)], "a handheld serves nobody else");
}

#[test]
fn a_request_is_answered_or_passed_on_once() {
    let mut station = station(Role::Relay);
    hear(&mut station, NEAR, 0, &[hears(OWN), way(FAR, 7, 8)], at(1)).unwrap();
    for second in 2..20 {
        says(&mut station, at(second));
    }
    hear(&mut station, OTHER, 0, &[hears(OWN), request(FAR, 7)], at(20)).unwrap();
    assert!(!says(&mut station, at(21)).contains(&request(FAR, 7)), "it has what is wanted");

    let mut asked = 0;
    for second in 22..60 {
        hear(&mut station, OTHER, second, &[hears(OWN), request(FAR, 8)], at(second.into())).unwrap();
        asked += usize::from(says(&mut station, at(second.into())).contains(&request(FAR, 8)));
    }
    assert_eq!(asked, 2, "in two beacons, lest one gets lost");
    assert_eq!(next(&station, FAR), Some(NEAR), "which takes nothing back");
}

#[test]
fn a_request_for_our_own_sequence_moves_it_on_now_and_then() {
    let mut station = station(Role::Relay);
    says(&mut station, at(1));
    assert_eq!(station.least_counter(), 1);
    hear(&mut station, NEAR, 0, &[hears(OWN), request(OWN, 0)], at(2)).unwrap();
    assert_eq!(station.least_counter(), 1, "that is the present one");
    hear(&mut station, NEAR, 1, &[hears(OWN), request(OWN, 1)], at(3)).unwrap();
    assert_eq!(station.least_counter(), BLOCK);
    hear(&mut station, NEAR, 2, &[hears(OWN), request(OWN, 2)], at(4)).unwrap();
    assert_eq!(station.least_counter(), BLOCK, "not so soon");
    hear(&mut station, NEAR, 3, &[hears(OWN), request(OWN, 2)], at(3) + LONGEST / MOVES).unwrap();
    assert_eq!(station.least_counter(), 2 * BLOCK);
    hear(&mut station, NEAR, 4, &[hears(OWN), request(OWN, 100)], at(10_000)).unwrap();
    assert_eq!(station.least_counter(), 2 * BLOCK, "nobody can have seen that one");
}

#[test]
fn a_station_answers_to_the_names_of_its_own_run_only() {
    let settings = Settings { node: OWN, forwards: true, rate: RATE, shortest: SHORTEST, longest: LONGEST };
    let mut station = Station::new(settings, 5 * BLOCK - 3, 1, Instant::ZERO);
    assert!(!station.answers_to(5), "nobody can know the name yet");
    says(&mut station, at(1));
    assert_eq!([4, 5, 6].map(|sequence| station.answers_to(sequence)), [false, true, false]);
    station.compose(7 * BLOCK, &mut [0; ENTRIES_OCTETS], at(2));
    assert_eq!([4, 5, 7, 8].map(|sequence| station.answers_to(sequence)), [false, true, true, false]);
}

#[test]
fn what_a_neighbor_offered_before_its_restart_is_void() {
    let mut station = station(Role::Relay);
    hear(&mut station, NEAR, 0, &[hears(OWN), way(FAR, 0, 8), way(OTHER, 0, 8)], at(1)).unwrap();
    assert_eq!(station.next_hop(FAR), Some(Step { hop: Hop { node: NEAR, sequence: 0 }, arrives: false }));
    hear(&mut station, NEAR, 2 * BLOCK, &[way(NEAR, 2, 0), way(OTHER, 0, 16)], at(2)).unwrap();
    assert_eq!(station.next_hop(FAR), None);
    assert_eq!(station.next_hop(OTHER), Some(Step { hop: Hop { node: NEAR, sequence: 2 }, arrives: false }));
}
