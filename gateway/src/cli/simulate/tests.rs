use fanal_ether::scenario::{Flaw, Problem};
use fanal_ether::simulation::{Delays, Outcome};
use fanal_protocol::time::Duration;

use super::*;

fn name() -> String {
    "c".into()
}

/// One of each, and the exit code it leads to.
fn problems() -> Vec<(Problem, u8)> {
    vec![
        (Problem::Unreadable { reason: name() }, 66),
        (Problem::Syntax { detail: name() }, 65),
        (Problem::InvalidRegion { found: name() }, 65),
        (Problem::InvalidRate { found: name() }, 65),
        (Problem::OutOfRange { name: "loss", found: 2.0, least: 0.0, most: 1.0 }, 65),
        (Problem::NoName, 65),
        (Problem::NodeTwice { name: name() }, 65),
        (Problem::UnknownNode { name: name() }, 65),
        (Problem::SameEnds { name: name() }, 65),
        (Problem::LinkTwice { a: name(), b: name() }, 65),
        (Problem::LinksWithoutTable, 65),
        (Problem::Window { from: 2.0, to: 1.0 }, 65),
        (Problem::TooFewNodes, 65),
        (Problem::TooManyNodes { most: 9 }, 65),
        (Problem::TextLength { octets: 0, most: 9 }, 65),
        (Problem::NoRooms, 64),
    ]
}

#[test]
fn every_flaw_says_what_it_is_what_it_means_and_what_to_do() {
    for language in Language::ALL {
        for (problem, code) in problems() {
            let flaws = Flaws { file: "champ.toml".into(), flaws: vec![Flaw { line: Some(7), problem }] };
            let (text, found) = trouble::told(&flaws.into(), language);
            assert_eq!((text.lines().count(), found), (3, code), "{text}");
            assert!(text.contains("champ.toml") && text.contains('7') && !text.contains("fault-"), "{text}");
            assert!(!text.contains('$'), "{text}");
        }
    }
}

fn outcome() -> Outcome {
    Outcome {
        sent: 10,
        reachable: 8,
        delivered: 3,
        reported_delivered: 3,
        given_up: 1,
        under_way: 6,
        transmissions: 9,
        airtime: Duration::from_micros(1_000_100),
        delays: Some(Delays { p50: Duration::from_millis(150), p95: Duration::from_millis(61_260) }),
        ..Outcome::default()
    }
}

#[test]
fn the_result_for_programs_is_one_object_in_this_order() {
    let expected = "{\"sent\":10,\"reachable\":8,\"delivered\":3,\"reported_delivered\":3,\"false_delivered\":0,\
        \"duplicates\":0,\"given_up\":1,\"under_way\":6,\"lost\":0,\"transmissions\":9,\"airtime_ms\":1000.1,\
        \"airtime_ms_per_delivered\":333.366,\"delay_s\":{\"p50\":0.15,\"p95\":61.26}}";
    assert_eq!(show::json(&outcome()).unwrap(), expected);
    let nothing = show::json(&Outcome::default()).unwrap();
    assert!(nothing.contains("\"airtime_ms_per_delivered\":null,\"delay_s\":{\"p50\":null,\"p95\":null}"));
}

#[test]
fn the_result_for_people_is_a_table_in_their_language() {
    for language in Language::ALL {
        let table = show::table(&outcome(), language);
        assert!(!table.contains("simulate-"), "{table}");
        assert_eq!(table.lines().count(), 14, "{table}");
        assert!(!show::table(&Outcome::default(), language).contains("NaN"));
    }
    let french = show::table(&outcome(), Language::French);
    assert!(french.contains("37,5 %") && french.contains("61,3 s"), "{french}");
}
