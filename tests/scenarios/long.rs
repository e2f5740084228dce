//! Texts that take many frames: they arrive whole, once, and cost little more air than a path without losses would need.

use std::collections::BTreeMap;

use fanal_ether::channel::{PathLoss, Position, Propagation, Settings, StationId};
use fanal_ether::fault::Fault;
use fanal_ether::station::Setup;
use fanal_ether::world::{Happening, World};
use fanal_protocol::id::NodeId;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::Duration;
use fanal_protocol::wire::{Kind, kind_of};

use crate::stage::*;

const RELAYS: [NodeId; 2] = [NodeId(0x0300), NodeId(0x0310)];

fn text(octets: usize) -> String {
    "La route du pont est coupée, passez par le moulin. "
        .bytes()
        .map(|o| if o.is_ascii() { o as char } else { 'e' })
        .cycle()
        .take(octets)
        .collect()
}

/// Rosa and Sami, so many hops apart, with relays in between and beacons: each hears its neighbors alone.
fn path(hops: usize, fault: Fault, seed: u64) -> (World, StationId, StationId) {
    let links: BTreeMap<_, _> = (0..hops)
        .flat_map(|left| [(left, left + 1), (left + 1, left)])
        .map(|(source, destination)| ((StationId(source), StationId(destination)), 100.0))
        .collect();
    let propagation = Propagation { path_loss: PathLoss::Table(links), ..Propagation::room() };
    let mut world = World::new(Settings { propagation, ..room(fault) }, Channel::home(RegionCode::Ca), seed);
    let here = Position::default();
    let beacons = |setup: Setup| Setup { beacon_interval: MINUTE * 10, ..setup };
    let rosa = world.add(beacons(Setup::handheld(ROSA, here)));
    for relay in RELAYS.into_iter().take(hops - 1) {
        world.add(beacons(Setup::relay(relay, here)));
    }
    let sami = world.add(beacons(Setup::handheld(SAMI, here)));
    world.acquaint((rosa, ROSA), (sami, SAMI));
    world.power_all();
    (world, rosa, sami)
}

/// Time on air of all frames but beacons.
fn airtime(world: &World) -> Duration {
    let rate = Channel::home(RegionCode::Ca).rate;
    world
        .history()
        .iter()
        .filter_map(|(_, _, what)| match what {
            Happening::Transmits(frame) if kind_of(frame) != Some(Kind::Beacon) => {
                Some(rate.time_on_air(frame.len()))
            }
            _ => None,
        })
        .sum()
}

/// One text of so many octets after the ways have been found; the airtime that it took.
fn send(octets: usize, hops: usize, loss: f64, seed: u64) -> Duration {
    let (mut world, rosa, _) = path(hops, Fault::loss(loss), seed);
    world.run_for(HOUR);
    let before = airtime(&world);
    world.text(rosa, ROSA, SAMI, &text(octets), SECOND);
    assert!(world.run_until_settled(HOUR), "{:#?}", world.report());
    assert_all_delivered(&world.report());
    airtime(&world) - before
}

#[test]
fn without_losses_each_fragment_is_on_the_air_once_per_hop() {
    let rate = Channel::home(RegionCode::Ca).rate;
    for hops in [1, 2, 3] {
        let fragments = rate.time_on_air(12 + 205) * 4 + rate.time_on_air(12 + 204);
        let receipt = rate.time_on_air(if hops == 1 { 5 } else { 8 });
        assert_eq!(send(1024, hops, 0.0, 1), (fragments + receipt) * hops as u32, "{hops} hops");
    }
}

#[test]
fn a_kilobyte_over_lossy_hops_costs_at_most_1_4_times_what_it_costs_without_losses() {
    for (octets, hops, most) in [(1024, 1, 1.4), (1024, 3, 1.4), (4096, 3, 1.4)] {
        let free = send(octets, hops, 0.0, 1).as_secs_f64();
        let mut ratios = Vec::new();
        over_seeds(60, |seed| ratios.push(send(octets, hops, 0.1, seed).as_secs_f64() / free));
        ratios.sort_by(f64::total_cmp);
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let p95 = ratios[(ratios.len() * 95).div_ceil(100) - 1];
        println!("{octets} octets, {hops} hops: {mean:.2}, 95 of 100 below {p95:.2}, {} seeds", ratios.len());
        assert!(mean <= most, "{octets} octets, {hops} hops: {mean:.2}");
    }
}

#[test]
fn long_texts_both_ways_over_a_bad_air_arrive_whole_and_once() {
    over_seeds(20, |seed| {
        let fault = Fault { loss: 0.1, duplication: 0.1, corruption: 0.05 };
        let (mut world, rosa, sami) = path(if seed % 2 == 0 { 1 } else { 3 }, fault, seed);
        for number in 0..3 {
            let octets = 300 + 630 * (number as usize + seed as usize % 5);
            world.text(rosa, ROSA, SAMI, &text(octets), MINUTE * (5 + number));
            world.text(sami, SAMI, ROSA, &text(octets + 1), MINUTE * (5 + number));
            world.text(sami, SAMI, ROSA, "court", MINUTE * (5 + number));
        }
        assert!(world.run_until_settled(DAY), "{:#?}", world.report());
        assert_eq!(world.report().sent, 9);
        assert_all_delivered(&world.report());
    });
}

/// Whoever fails, and wherever: the source, a relay, the destination.
#[test]
fn power_cuts_on_the_way_lose_nothing() {
    over_seeds(30, |seed| {
        let (mut world, rosa, sami) = path(3, Fault::loss(0.1), seed);
        world.run_for(MINUTE * 20);
        world.text(rosa, ROSA, SAMI, &text(2_500), SECOND);
        let odd = Duration::from_millis(1_000 + 700 * seed);
        let victim = [rosa, StationId(1), sami][seed as usize % 3];
        world.power(victim, false, odd);
        world.power(victim, true, odd + MINUTE);
        assert!(world.run_until_settled(DAY), "{:#?}", world.report());
        let report = world.report();
        assert_sound(&report);
        assert_eq!((report.sent, report.reported_delivered), (1, 1));
    });
}

#[test]
fn a_long_text_waits_at_its_source_for_whoever_is_away_and_nothing_is_kept_of_it() {
    over_seeds(10, |seed| {
        let (mut world, rosa, sami) = path(2, Fault::loss(0.1), seed);
        world.run_for(MINUTE * 20);
        world.power(sami, false, SECOND);
        world.text(rosa, ROSA, SAMI, &text(1_500), MINUTE);
        world.run_for(HOUR * 5);
        assert!(world.station(StationId(1)).store().kept.is_empty());
        let airtime = airtime(&world);
        assert!(airtime < SECOND * 20, "{airtime:?} for somebody who is not there");
        world.power(sami, true, SECOND);
        assert!(world.run_until_settled(HOUR), "{:#?}", world.report());
        assert_all_delivered(&world.report());
    });
}
