//! `fanal simulate` and `fanal airtime` as people and programs run them.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fanal_tests::program;
use serde_json::Value;

fn fanal(arguments: &[&str]) -> Output {
    Command::new(program::fanal()).args(arguments).env("LC_ALL", "en_CA.UTF-8").output().unwrap()
}

fn told(output: &Output) -> (String, String) {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn village() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/village.toml")
}

/// The village with something changed, in a file of its own.
fn changed(folder: &Path, change: impl Fn(String) -> String) -> String {
    let path = folder.join("changed.toml");
    fs::write(&path, change(fs::read_to_string(village()).unwrap())).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_same_seed_gives_the_same_octets_and_another_one_others() {
    let village = village();
    let run = |seed: &str| fanal(&["simulate", village.to_str().unwrap(), "--seed", seed, "--json"]);
    let (first, errors) = told(&run("4"));
    assert_eq!(errors, "");
    assert_eq!(first, told(&run("4")).0);
    assert_ne!(first, told(&run("5")).0);
    let result: Value = serde_json::from_str(&first).unwrap();
    let figure = |name: &str| result[name].as_u64().unwrap();
    assert!(figure("sent") > 30, "{first}");
    assert!(figure("delivered") <= figure("reachable") && figure("reachable") <= figure("sent"), "{first}");
    for never in ["false_delivered", "duplicates", "lost"] {
        assert_eq!(figure(never), 0, "{first}");
    }
    assert!(result["delay_s"]["p50"].as_f64().unwrap() > 0.0, "{first}");
}

#[test]
fn both_protocols_run_the_same_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let flood = changed(folder.path(), |text| text.replace("\"fanal\"", "\"managed-flood\""));
    let sent = |path: &str| {
        let (result, _) = told(&fanal(&["simulate", path, "--json"]));
        serde_json::from_str::<Value>(&result).unwrap()["sent"].as_u64().unwrap()
    };
    assert_eq!(sent(&flood), sent(village().to_str().unwrap()));
}

#[test]
fn a_forbidden_rate_is_said_and_simulated() {
    let folder = tempfile::tempdir().unwrap();
    let slow = changed(folder.path(), |text| text.replace("\"CA\"", "\"CA\"\nrate = \"SF11/250\""));
    let output = fanal(&["simulate", &slow]);
    let (table, note) = told(&output);
    assert!(output.status.success() && table.contains("delivered"), "{table}");
    assert!(note.contains("250 kHz") && note.lines().count() == 1, "{note}");
}

#[test]
fn mistakes_are_told_with_their_place_in_the_language_of_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = changed(folder.path(), |text| text.replace("\"direct\"", "\"room\""));
    let output = fanal(&["simulate", &rooms]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(told(&output).1.contains("no rooms"), "{output:?}");

    let wrong = changed(folder.path(), |text| text.replace("loss = 0.2", "loss = -1"));
    let output =
        Command::new(program::fanal()).args(["simulate", &wrong]).env("LC_ALL", "fr_CA").output().unwrap();
    assert_eq!(output.status.code(), Some(65), "{output:?}");
    let (_, errors) = told(&output);
    assert!(errors.contains("ligne 38") && errors.contains("loss") && errors.contains("À faire"), "{errors}");

    assert_eq!(fanal(&["simulate", "/nowhere.toml"]).status.code(), Some(66));
}

#[test]
fn airtime_is_told_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("textes");
    let mut lines = b"Tu es o\xC3\xB9 ?\nbad \xFF\n\n".to_vec();
    lines.extend([b'x'; 300]);
    lines.extend(b"\nAu pont.\n");
    fs::write(&path, lines).unwrap();
    let output = fanal(&["airtime", "--file", path.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(65));
    let (costs, errors) = told(&output);
    let lengths: Vec<u64> = costs
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["text_bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(lengths, [11, 8]);
    assert!(errors.contains("Line 2") && errors.contains("Line 4"), "{errors}");

    let output = fanal(&["airtime", "--rate", "SF12/125", "--text", "Au pont."]);
    assert!(output.status.success() && told(&output).0.contains("SF12/125"), "{output:?}");
    assert_eq!(fanal(&["airtime"]).status.code(), Some(64));
}
