//! Bad input of every kind: whoever caused it is told, and nothing that was accepted is lost.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use fanal_protocol::modem::{Report, codec};
use fanal_protocol::rand::Jitter;
use fanal_tests::household::{self, DOMAIN, Household, PASSWORD, STRANGER, address};
use fanal_tests::person::Person;
use fanal_tests::program;
use fanal_tests::traffic::{Plan, Traffic, seed};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// How long everything may take to arrive once nothing is bad any more.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_the_serial_line_delays_and_loses_nothing() {
    let seed = seed();
    let mut house = Household::new(seed).await;
    let every = Duration::from_millis(250);
    let plan =
        Plan { from_people: 20, from_handhelds: 20, every, again_after: None, apps_may_go_unheard: false };
    let (mut traffic, mut jitter) = (Traffic::new(plan, seed), Jitter::new(seed));
    for _ in 0..50 {
        let length = 1 + jitter.below(200);
        let noise: Vec<u8> = (0..length).map(|_| jitter.next_u64() as u8).collect();
        if jitter.below(2) == 0 {
            house.cord.disturb_gateway(noise);
        } else {
            house.cord.disturb_modem(noise);
        }
        traffic.run(&mut house, Duration::from_millis(100)).await;
    }
    traffic.settle(&mut house, None, PATIENCE).await;
    println!("with noise on the line: {}", traffic.verdict(&house, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modem_of_another_version_is_named_and_texts_wait_for_a_better_one() {
    let mut house = Household::new(seed()).await;
    house.power_modem(false);
    let (line, mut modem) = duplex(4096);
    let stranger = tokio::spawn(async move {
        let mut octets = [0; 512];
        while modem.read(&mut octets).await.is_ok_and(|length| length > 0) {
            let firmware = "fanal-modem 9.0";
            let (version, session, boot) = (99, 0, 7);
            let hello = Report::Hello {
                version,
                session,
                boot,
                firmware,
                capabilities: 0,
                max_frame: 255,
                queue: 16,
            };
            let length = codec::encode(&hello, &mut octets).unwrap();
            modem.write_all(&octets[..length]).await.unwrap();
        }
    });
    house.cord.attach(line);
    house.people[0].write(&address("rosa"), "m1", "pour un autre modem");
    house
        .until("the log names the version", |house| {
            house.log().lines().any(|line| line.contains("speaks another version") && line.contains("99"))
        })
        .await;
    stranger.abort();
    house.power_modem(true);
    house.shows("rosa", "pour un autre modem").await;
    house.people[0].hears(0, "receipt", "m1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stanzas_without_sense_are_answered_and_the_stream_goes_on() {
    let mut house = Household::new(seed()).await;
    let rosa = address("rosa");
    let attached = house.logged("attached to the XMPP server");
    let alice = &mut house.people[0];
    for order in [
        // A presence is never answered with an error; this one must not cost the stream either.
        format!("<presence to='{rosa}'><show>bogus</show><priority>many</priority></presence>"),
        format!("<iq type='get' id='q1' to='{rosa}'><query xmlns='urn:example:unknown'/></iq>"),
        format!(
            "<iq type='set' id='q2' to='{rosa}'><query xmlns='jabber:iq:roster'><item jid='@@'/></query></iq>"
        ),
        format!(
            "<message type='chat' id='s1' to='{rosa}'><body>x</body><thread>1</thread><thread>2</thread></message>"
        ),
        format!("<message type='telegram' id='s2' to='{rosa}'><body>un genre inconnu</body></message>"),
    ] {
        alice.send_raw(&order);
    }
    alice.write(&rosa, "m1", "et la suite");
    let alice = &house.people[0];
    for id in ["q1", "q2"] {
        assert!(alice.hears(0, "iq", id).await["from"].as_str().unwrap().starts_with(&rosa));
    }
    let error = alice.hears(0, "error", "s1").await;
    assert_eq!(error["condition"], "bad-request", "{error}");
    house.shows("rosa", "et la suite").await;
    // RFC 6121, section 5.2.2: what has an unknown type is an ordinary message.
    house.shows("rosa", "un genre inconnu").await;
    house.people[0].hears(0, "receipt", "m1").await;
    assert_eq!(house.logged("attached to the XMPP server"), attached, "the stream was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_too_long_is_refused_with_its_length() {
    let mut house = Household::new(seed()).await;
    let long = "é".repeat(2049);
    house.people[0].write(&address("rosa"), "long", &long);
    let error = house.people[0].hears(0, "error", "long").await;
    let words = error["text"].as_str().unwrap();
    assert!(words.contains("4098") && words.contains("4096"), "{error}");
    let words = house.desks[0].ask(&format!("@alice {long}"), "! ").await;
    assert!(words.contains("4098") && words.contains("4096"), "{words}");

    let fits = "é".repeat(120);
    house.people[0].write(&address("rosa"), "fits", &fits);
    house.desks[0].type_line(&format!("@alice {fits}")).await;
    house.people[0].hears(0, "receipt", "fits").await;
    assert_eq!(house.journal.shown("rosa"), [fits.as_str()]);
    house
        .journal
        .until(0, "alice reads it", |entry| (entry.what.app("message", "text") == Some(&fits)).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_recipient_is_named_on_either_side() {
    let mut house = Household::new(seed()).await;
    house.people[0].write(&address("nobody"), "m1", "qui est là?");
    let error = house.people[0].hears(0, "error", "m1").await;
    assert_eq!(error["condition"], "item-not-found", "{error}");
    assert!(error["text"].as_str().unwrap().contains("address"), "{error}");
    let words = house.desks[0].ask("@nobody qui est là?", "! ").await;
    assert!(words.contains("nobody"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_sender_is_refused() {
    let house = Household::new(seed()).await;
    let jid = format!("{STRANGER}@{DOMAIN}");
    let mut eve = Person::open(&jid, PASSWORD, house.server.client_address(), &house.journal);
    eve.is_online().await;
    eve.write(&address("rosa"), "m1", "je suis nouvelle");
    let error = eve.hears(0, "error", "m1").await;
    assert_eq!(error["condition"], "forbidden", "{error}");
    assert!(error["text"].as_str().unwrap().contains("account"), "{error}");
    assert!(house.journal.shown("rosa").is_empty());
}

/// One person may let 2 000 texts wait, as the store's limits say, and a tenth is kept free for emergencies.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_what_is_too_much_and_keeps_what_it_has_taken() {
    const LIMIT: usize = 1_800;
    let mut house = Household::new(seed()).await;
    house.desks[0].switch_off();
    for number in 0..LIMIT + 5 {
        house.people[0].write(&address("rosa"), &format!("m{number}"), &format!("texte {number}"));
    }
    for number in LIMIT..LIMIT + 5 {
        let error = house.people[0].hears(0, "error", &format!("m{number}")).await;
        assert_eq!((&error["condition"], &error["type"]), (&"resource-constraint".into(), &"wait".into()));
        assert!(error["text"].as_str().unwrap().contains("wait"), "{error}");
    }
    // Others are not in the way of each other.
    house.people[1].write(&address("marc"), "b1", "moi, j'ai de la place");
    house.people[1].hears(0, "receipt", "b1").await;

    house.kill();
    let record = house.record();
    let taken: Vec<&str> =
        record.outbox.iter().map(|(_, id, _)| id.as_str()).filter(|id| *id != "b1").collect();
    let expected: Vec<String> = (0..LIMIT).map(|number| format!("m{number}")).collect();
    assert_eq!(taken, expected);
    house.start().await;
    house.desks[0].switch_on();
    house.shows("rosa", "texte 9").await;
    let first: Vec<String> = (0..10).map(|number| format!("texte {number}")).collect();
    assert_eq!(house.journal.shown("rosa")[..10], first);
    // There is room again.
    house.people[0].hears(0, "receipt", "m0").await;
    house.people[0].write(&address("marc"), "again", "de la place");
    house.shows("marc", "de la place").await;
}

/// What the program says to these settings, in French and in English.
fn refused(spoil: impl Fn(&Path)) -> [String; 2] {
    ["fr_CA.UTF-8", "en_CA.UTF-8"].map(|locale| {
        let folder = tempfile::tempdir().unwrap();
        let settings = household::settings("127.0.0.1:5347");
        household::write_settings(folder.path(), &settings);
        assert_eq!(check(folder.path(), locale).status.code(), Some(0), "the settings are good until spoilt");
        spoil(folder.path());
        let output = check(folder.path(), locale);
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        assert!(!folder.path().join("fanal.sqlite").exists(), "nothing is opened before all is checked");
        String::from_utf8(output.stderr).unwrap()
    })
}

fn check(folder: &Path, locale: &str) -> Output {
    let mut fanal = Command::new(program::fanal());
    fanal.args(["gateway", "--check", "--config"]).arg(folder.join("fanal.toml"));
    fanal.env("LC_ALL", locale).output().unwrap()
}

fn rewrite(folder: &Path, from: &str, to: &str) {
    let file = folder.join("fanal.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    fs::write(file, text.replace(from, to)).unwrap();
}

fn says(words: &[String; 2], french: &[&str], english: &[&str]) {
    for (said, expected) in words.iter().zip([french, english]) {
        for expected in expected {
            assert!(said.contains(expected), "{expected} is not in: {said}");
        }
    }
}

#[test]
fn a_setting_that_does_not_exist_is_pointed_at() {
    let words = refused(|folder| rewrite(folder, "region = ", "regoin = "));
    says(&words, &["ligne 15", "regoin", "À faire"], &["line 15", "regoin", "What to do"]);
}

#[test]
fn a_secret_that_is_missing_is_asked_for() {
    let words = refused(|folder| rewrite(folder, "secret_file = \"component.secret\"\n", ""));
    says(&words, &["secret_file", "serveur XMPP refuse"], &["secret_file", "XMPP server refuses"]);
    let words = refused(|folder| fs::remove_file(folder.join("node.key")).unwrap());
    says(&words, &["node.key", "À faire"], &["node.key", "What to do"]);
}

#[test]
fn a_secret_that_everybody_can_read_is_refused() {
    for name in ["component.secret", "node.key", "network.key"] {
        let open = |folder: &Path| {
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644)).unwrap();
        };
        says(&refused(open), &["tout le monde", name, "chmod"], &["everybody", name, "chmod"]);
    }
}
