//! More nodes than any table holds, and octets that nobody meant.

use super::*;
use crate::wire::beacon::MAX_ENTRIES;

type Small = Network<8, 16>;

fn small() -> Small {
    let settings = Settings { node: OWN, forwards: true, rate: RATE, shortest: SHORTEST, longest: LONGEST };
    Small::new(settings, 0, 1, Instant::ZERO)
}

fn hear(station: &mut Small, source: NodeId, counter: u32, snr_db: i8, told: &[RouteEntry], now: Instant) {
    let octets: Vec<u8> = told.iter().flat_map(|entry| entry.octets()).collect();
    let quality = Quality { rssi_dbm: -100, snr_quarter_db: snr_db * 4 };
    let _ = station.handle_beacon(&beacon(source, counter, Entries::parse(&octets).unwrap()), quality, now);
}

fn compose(station: &mut Small, now: Instant) {
    let counter = station.least_counter();
    station.compose(counter, &mut [0; ENTRIES_OCTETS], now);
}

#[test]
fn ten_thousand_nodes_leave_the_near_ones_in_place() {
    let mut station = small();
    let mut far = (0x2000..0x2000 + 10_000).map(NodeId);
    for round in 0..200 {
        let now = at(10 * u64::from(round));
        for near in 1..=4 {
            let told: Vec<_> = far.by_ref().take(12).map(|node| way(node, 0, 40)).collect();
            let told = [&[hears(OWN)], told.as_slice()].concat();
            hear(&mut station, NodeId(16 * near), round, 10, &told, now);
        }
        hear(&mut station, NodeId(0x1000 + 16 * round as u16), 0, -10, &[hears(OWN)], now);
        compose(&mut station, now);
        assert!(station.routes().count() <= 16 && station.neighbors().count() <= 8);
    }
    for near in 1..=4 {
        let node = NodeId(16 * near);
        assert_eq!(station.next_hop(node).map(|step| step.hop.node), Some(node));
        assert!(station.routes().any(|route| route.destination == node));
    }
}

#[test]
fn a_full_table_gives_a_place_to_a_neighbor_in_the_end() {
    let mut station = small();
    let told: Vec<_> = (0..15).map(|far| way(NodeId(0x2000 + 16 * far), 0, 40)).collect();
    let told = [&[hears(OWN)], told.as_slice()].concat();
    let newcomer = NodeId(0x0700);
    let mut now = at(0);
    for round in 0..40 {
        hear(&mut station, NEAR, round, 10, &told, now);
        if round > 0 {
            hear(&mut station, newcomer, round, 10, &[hears(OWN)], now);
            assert_eq!(station.next_hop(newcomer).map(|step| step.hop.node), Some(newcomer));
        }
        compose(&mut station, now);
        if round == 1 {
            assert!(station.routes().all(|route| route.destination != newcomer), "all others were promised");
        }
        station.handle_timeout(now);
        now += LONGEST;
    }
    assert!(station.routes().any(|route| route.destination == newcomer));
}

#[test]
fn what_is_in_use_stays_when_a_full_table_makes_room() {
    let mut station = small();
    let used = NodeId(0x2000);
    for round in 0..100 {
        let now = at(10 * u64::from(round));
        let mut told = Vec::from([hears(OWN), way(used, 0, 60)]);
        if round > 0 {
            told.extend((0..20).map(|far| way(NodeId(0x3000 + far + 20 * round as u16), 0, 8)));
        }
        hear(&mut station, NEAR, round, 10, &told, now);
        station.used(used, now);
    }
    assert!(station.next_hop(used).is_some());
}

fn told() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((1..60_u8, any::<u8>(), any::<u8>()), 0..MAX_ENTRIES)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_beacons_in_any_order_are_survived(
        heard in prop::collection::vec((1..40_u16, any::<u32>(), any::<i8>(), told(), 0..3_u8, 0..2_000_u64), 0..40)
    ) {
        let mut station = small();
        let mut now = Instant::ZERO;
        for (source, counter, snr_quarter_db, told, deed, pause) in heard {
            now += Duration::from_secs(pause);
            let octets: Vec<u8> = told
                .iter()
                .flat_map(|(node, sequence, last)| [0x05, *node, *sequence, *last])
                .collect();
            let quality = Quality { rssi_dbm: -100, snr_quarter_db };
            let source = NodeId(0x0500 + source);
            let entries = Entries::parse(&octets).unwrap();
            let _ = station.handle_beacon(&beacon(source, counter, entries), quality, now);
            match deed {
                0 => station.handle_timeout(now),
                1 => compose(&mut station, now),
                _ => station.handle_unreachable(source, now),
            }
            prop_assert!(station.routes().count() <= 16 && station.neighbors().count() <= 8);
            for node in 0x0500..0x0540 {
                let hop = station.next_hop(NodeId(node)).map(|step| step.hop.node);
                prop_assert!(hop != Some(OWN));
            }
        }
    }
}
