//! What is read from a file, and what is wrong with others.

use std::path::Path as FilePath;

use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::Role;

use super::*;
use crate::channel::PathLoss;

/// Two nodes and a link, twelve lines.
const SOUND: &str = r#"duration_s = 60
[radio]
region = "CA"
[path]
model = "table"
[[node]]
name = "a"
[[node]]
name = "b"
[[link]]
a = "a"
b = "b"
"#;

fn flaws(text: &str) -> Vec<(Option<usize>, Problem)> {
    let flaws = parse(text).err().unwrap_or_default();
    flaws.into_iter().map(|flaw| (flaw.line, flaw.problem)).collect()
}

/// The sound scenario with this put behind it has just this flaw, this many lines further down.
#[track_caller]
fn wrong(more: &str, line: usize, problem: Problem) {
    assert_eq!(flaws(&format!("{SOUND}{more}")), [(Some(12 + line), problem)]);
}

fn name() -> String {
    "c".into()
}

#[test]
fn a_short_scenario_has_defaults_for_the_rest() {
    let scenario = parse(SOUND).unwrap();
    assert_eq!(scenario.protocol, Protocol::Fanal);
    assert_eq!(
        (scenario.duration, scenario.lifetime),
        (Duration::from_secs(60), Duration::from_secs(86_400))
    );
    assert_eq!(scenario.channel.to_string(), "CA 915.500 MHz SF9/500 22 dBm");
    let Path::Table(links) = &scenario.path else { panic!("{:?}", scenario.path) };
    assert_eq!(links[..], [Link { a: 0, b: 1, loss: 0.0 }]);
    assert!(scenario.nodes.iter().all(|node| node.role == Role::Handheld && node.on.is_none()));
    assert!(scenario.traffic.is_none() && scenario.sends.is_empty() && scenario.faults.is_empty());
}

#[test]
fn everything_that_may_stand_in_a_scenario_is_read() {
    let text = r#"
        duration_s = 3600
        lifetime_s = 600.5
        protocol = "managed-flood"
        radio = { region = "eu", rate = "SF11/250", power_dbm = 14, antenna_m = 2.5 }
        path = { model = "suburban", sigma_db = 3 }
        node = [
            { name = "a", x = 100, y = -20.5, role = "gateway" },
            { name = "b", role = "relay", on = [[0, 10], [20, 30.5]] },
        ]
        traffic = { kind = "room", period_s = 900, text_bytes = 200, until_s = 1800 }
        send = [
            { at_s = 5, source = "a", destination = "b", text = "Ça va ?" },
            { at_s = 6, source = "b", destination = "*", text = "Oui.", times = 3, every_s = 0.5 },
        ]
        fault = [{ at_s = 7, node = "b", what = "crash" }]
    "#;
    let scenario = parse(text).unwrap();
    assert_eq!(scenario.lifetime, Duration::from_millis(600_500));
    assert_eq!(scenario.channel.to_string(), "EU 869.525 MHz SF11/250 14 dBm");
    let Path::Model(propagation) = &scenario.path else { panic!("{:?}", scenario.path) };
    assert_eq!(propagation.path_loss, PathLoss::SuburbanMacro { transmitter_m: 2.5, receiver_m: 2.5 });
    assert_eq!(propagation.shadowing_db, 3.0);
    let window = |from, to| (Instant::from_millis(from), Instant::from_millis(to));
    assert_eq!(scenario.nodes[1].on, Some(vec![window(0, 10_000), window(20_000, 30_500)]));
    let traffic = scenario.traffic.unwrap();
    assert_eq!((traffic.kind, traffic.until), (TrafficKind::Room, Instant::from_secs(1_800)));
    let sent = |millis, destination| (Instant::from_millis(millis), destination);
    let sends: Vec<_> = scenario.sends.iter().map(|send| (send.at, send.destination)).collect();
    assert_eq!(sends, [sent(5_000, Some(1)), sent(6_000, None), sent(6_500, None), sent(7_000, None)]);
    assert_eq!(scenario.faults[0].what, FaultKind::Crash);
    assert!(scenario.has_rooms());
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    wrong("[[node]]\nname = \"a\"", 2, Problem::NodeTwice { name: "a".into() });
    wrong("[[node]]\nname = \"*\"", 2, Problem::NoName);
    wrong("[[link]]\na = \"a\"\nb = \"c\"", 3, Problem::UnknownNode { name: name() });
    wrong("[[link]]\na = \"b\"\nb = \"b\"", 3, Problem::SameEnds { name: "b".into() });
    let twice = Problem::LinkTwice { a: "b".into(), b: "a".into() };
    wrong("[[link]]\na = \"b\"\nb = \"a\"", 2, twice);
    let loss = |found| Problem::OutOfRange { name: "loss", found, least: 0.0, most: 1.0 };
    for found in [-0.1, 1.5] {
        let more = format!("[[node]]\nname = \"c\"\n[[link]]\na = \"a\"\nb = \"c\"\nloss = {found:?}");
        wrong(&more, 6, loss(found));
    }
    for [from, to] in [[10.0, 5.0], [-1.0, 5.0], [5.0, 5.0]] {
        let more = format!("[[node]]\nname = \"c\"\non = [[{from:?}, {to:?}]]");
        wrong(&more, 3, Problem::Window { from, to });
    }
    let overlap = Problem::Window { from: 9.0, to: 20.0 };
    wrong("[[node]]\nname = \"c\"\non = [\n  [0, 10],\n  [9, 20],\n]", 5, overlap);
    wrong("[[fault]]\nat_s = 1\nnode = \"c\"\nwhat = \"off\"", 3, Problem::UnknownNode { name: name() });
    let send = |source: &str, destination: &str, text: &str| {
        format!("[[send]]\nat_s = 1\nsource = {source:?}\ndestination = {destination:?}\ntext = {text:?}")
    };
    wrong(&send("a", "c", "x"), 4, Problem::UnknownNode { name: name() });
    wrong(&send("c", "a", "x"), 3, Problem::UnknownNode { name: name() });
    wrong(&send("a", "*", "x"), 4, Problem::NoRooms);
    wrong(&send("a", "b", ""), 5, Problem::TextLength { octets: 0, most: 237 });
    wrong(&send("a", "b", &"é".repeat(121)), 5, Problem::TextLength { octets: 242, most: 237 });
    let traffic = |kind: &str, octets: u32| {
        format!("[traffic]\nkind = {kind:?}\nperiod_s = 900\ntext_bytes = {octets}")
    };
    wrong(&traffic("room", 40), 2, Problem::NoRooms);
    let long = Problem::OutOfRange { name: "text_bytes", found: 242.0, least: 1.0, most: 237.0 };
    wrong(&traffic("direct", 242), 4, long);
}

#[test]
fn settings_of_the_whole_are_checked() {
    let with = |from: &str, to: &str| flaws(&SOUND.replace(from, to));
    let duration =
        |found| Problem::OutOfRange { name: "duration_s", found, least: 0.001, most: 31_622_400.0 };
    assert_eq!(with("= 60", "= 0"), [(Some(1), duration(0.0))]);
    assert!(matches!(with("= 60", "= nan")[..], [(Some(1), Problem::OutOfRange { .. })]));
    assert_eq!(with("CA", "QC"), [(Some(3), Problem::InvalidRegion { found: "QC".into() })]);
    let rate = "CA\"\nrate = \"SF4/125";
    assert_eq!(with("CA", rate), [(Some(4), Problem::InvalidRate { found: "SF4/125".into() })]);
    assert_eq!(with("table", "log-distance"), [(Some(11), Problem::LinksWithoutTable)]);
    for (from, to, line) in [
        ("duration_s", "duration", 1),
        ("model", "modle", 5),
        ("table", "tabel", 5),
        ("[[link]]", "[[links]]", 10),
        ("= 60", "= \"long\"", 1),
    ] {
        let found = with(from, to);
        assert!(matches!(&found[..], [(Some(at), Problem::Syntax { .. })] if *at == line), "{found:?}");
    }
    assert!(matches!(flaws("duration_s = ")[..], [(Some(1), Problem::Syntax { .. })]));
    let alone = "duration_s = 1\nradio = { region = \"CA\" }\nnode = [{ name = \"a\" }]";
    assert_eq!(flaws(alone), [(None, Problem::TooFewNodes)]);
    let gateways: String =
        (0..4_100).map(|i| format!("[[node]]\nname = \"g{i}\"\nrole = \"gateway\"\n")).collect();
    let most = MOST_ADDRESSES;
    assert_eq!(flaws(&format!("{SOUND}{gateways}")), [(None, Problem::TooManyNodes { most })]);
}

#[test]
fn a_rate_that_the_law_forbids_is_no_flaw() {
    let scenario = parse(&SOUND.replace("CA\"", "CA\"\nrate = \"SF11/250\"\npower_dbm = 40")).unwrap();
    assert!(scenario.channel.lawful().is_err());
}

#[test]
fn all_flaws_are_told_at_once() {
    let text = format!("{SOUND}[[node]]\nname = \"a\"\n[[link]]\na = \"a\"\nb = \"c\"\nloss = 2");
    assert_eq!(flaws(&text).len(), 3);
    let unread = load(FilePath::new("/nowhere/at all")).unwrap_err();
    assert!(matches!(unread.flaws[..], [Flaw { problem: Problem::Unreadable { .. }, line: None }]));
}
