//! `fanal demo --json`, driven as a program would.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use fanal_tests::household::RADIO;
use fanal_tests::journal::{Entry, Journal, What};
use fanal_tests::person::Person;
use fanal_tests::{images, program};
use serde_json::{Value, json};
use tokio::time::sleep;

/// The demo and one of its people. Dropped, both end.
struct Demo {
    demo: Child,
    orders: Option<ChildStdin>,
    alice: Option<Person>,
    journal: Journal,
    rosa: String,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.demo.kill();
        let _ = self.demo.wait();
    }
}

impl Demo {
    async fn start(arguments: &[&str]) -> Self {
        let mut demo = Command::new(program::fanal())
            .args(["demo", "--json", "--seed", "7"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let journal = Journal::default();
        let (orders, said) = (demo.stdin.take(), BufReader::new(demo.stdout.take().unwrap()));
        let notes = journal.clone();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                notes.note("demo", What::App(serde_json::from_str(&line).unwrap()));
            }
        });
        let mut demo = Self { demo, orders, alice: None, journal, rosa: String::new() };
        let ready = demo.says(0, "ready", |_| true).await;
        assert_eq!(ready["handhelds"].as_array().unwrap().len(), 2);
        let console = std::path::Path::new(ready["console"].as_str().unwrap());
        for _ in 0..500 {
            if console.exists() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        assert!(console.exists(), "{ready}");
        demo.rosa = ready["handhelds"][0]["jid"].as_str().unwrap().to_owned();
        let (xmpp, account) = (&ready["xmpp"], &ready["xmpp"]["accounts"][0]);
        let at = format!("{}:{}", xmpp["host"].as_str().unwrap(), xmpp["port"]);
        let at: SocketAddr = at.parse().unwrap();
        let (jid, password) = (account["jid"].as_str().unwrap(), account["password"].as_str().unwrap());
        demo.alice = Some(Person::open(jid, password, at, &demo.journal));
        demo.alice().is_online().await;
        demo
    }

    fn alice(&mut self) -> &mut Person {
        self.alice.as_mut().unwrap()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
    }

    /// Waits for this event of the demo.
    async fn says(&self, after: usize, event: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = |entry: &Entry| match &entry.what {
            What::App(value) if entry.who == "demo" && value["event"] == event && wanted(value) => {
                Some(value.clone())
            }
            _ => None,
        };
        self.journal.until(after, &format!("the demo says {event}"), found).await
    }

    async fn complains(&mut self, order: &str, words: &str) {
        let before = self.journal.len();
        self.order(order);
        let error = self.says(before, "error", |_| true).await;
        assert!(error["message"].as_str().unwrap().contains(words), "{order}: {error}");
    }

    /// One text each way, with all that is to be said about it.
    async fn both_ways(&mut self, number: u32) {
        let (before, rosa, id) = (self.journal.len(), self.rosa.clone(), format!("m{number}"));
        let (down, up) = (format!("Ça va, Rosa? {number}"), format!("Il neige — {number}"));
        self.alice().write(&rosa, &id, &down);
        self.says(before, "received", |said| {
            said["by"] == "Rosa" && said["from"] == "alice" && said["text"] == down
        })
        .await;
        self.alice().hears(before, "receipt", &id).await;
        let order = json!({ "send": { "as": "Rosa", "to": "alice@home.arpa", "text": up } });
        self.order(&order.to_string());
        let what = format!("alice reads {up}");
        let read = |entry: &Entry| (entry.what.app("message", "text") == Some(&up)).then(|| entry.clone());
        let read = self.journal.until(before, &what, read).await;
        assert!(read.what.app("message", "from").unwrap().starts_with(&rosa));
        self.says(before, "state", |said| said["state"] == "delivered").await;
    }

    async fn quit(mut self) {
        self.order(r#"{"quit":{}}"#);
        let until = Instant::now() + Duration::from_secs(20);
        let ended = loop {
            if let Some(ended) = self.demo.try_wait().unwrap() {
                break ended;
            }
            assert!(Instant::now() < until, "the demo does not quit");
            sleep(Duration::from_millis(20)).await;
        };
        assert!(ended.success(), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_go_both_ways_until_the_program_says_quit() {
    let mut demo = Demo::start(&[]).await;
    assert_eq!(demo.rosa, format!("rosa@{RADIO}"));
    demo.both_ways(1).await;
    demo.both_ways(2).await;
    demo.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handheld_gets_what_was_written_while_it_was_off() {
    let mut demo = Demo::start(&[]).await;
    demo.order(r#"{"power":{"node":"Rosa","on":false}}"#);
    demo.complains(r#"{"send":{"as":"Rosa","to":"alice@home.arpa","text":"x"}}"#, "switched off").await;
    let rosa = demo.rosa.clone();
    demo.alice().write(&rosa, "m1", "à plus tard");
    sleep(Duration::from_secs(1)).await;
    let early =
        demo.journal.read(|entries| entries.iter().any(|entry| entry.what.app("receipt", "id").is_some()));
    assert!(!early, "nobody has it yet");
    demo.order(r#"{"power":{"node":"Rosa","on":true}}"#);
    demo.says(0, "received", |said| said["text"] == "à plus tard").await;
    demo.alice().hears(0, "receipt", "m1").await;
    demo.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_air_delays_texts_and_loses_none() {
    let mut demo = Demo::start(&["--loss", "0.1"]).await;
    demo.order(r#"{"air":{"loss":1.0}}"#);
    let rosa = demo.rosa.clone();
    demo.alice().write(&rosa, "m1", "malgré tout");
    sleep(Duration::from_secs(2)).await;
    let early =
        demo.journal.read(|entries| entries.iter().any(|entry| entry.what.app("received", "text").is_some()));
    assert!(!early, "the air is silent");
    demo.order(r#"{"air":{"loss":0.0}}"#);
    demo.says(0, "received", |said| said["text"] == "malgré tout").await;
    demo.alice().hears(0, "receipt", "m1").await;
    demo.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_commands_are_told_and_change_nothing() {
    let mut demo = Demo::start(&[]).await;
    demo.complains("hello", "expected").await;
    demo.complains(r#"{"fly":{}}"#, "fly").await;
    demo.complains(r#"{"air":{"loss":2}}"#, "0 to 1").await;
    demo.complains(r#"{"power":{"node":"nobody","on":true}}"#, "nobody").await;
    demo.complains(r#"{"send":{"as":"nobody","to":"alice@home.arpa","text":"x"}}"#, "nobody").await;
    demo.complains(r#"{"send":{"as":"Rosa","to":"nobody@home.arpa","text":"x"}}"#, "nobody").await;
    let long = json!({ "send": { "as": "Rosa", "to": "alice@home.arpa", "text": "é".repeat(2049) } });
    demo.complains(&long.to_string(), "4098").await;
    demo.both_ways(1).await;
    demo.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_the_firmware_of_microcontrollers() {
    // The demo builds them itself; here the time that it takes is not counted.
    images::handheld();
    let mut demo = Demo::start(&["--firmware", "qemu"]).await;
    demo.both_ways(1).await;
    demo.order(r#"{"power":{"node":"Rosa","on":false}}"#);
    let rosa = demo.rosa.clone();
    demo.alice().write(&rosa, "m9", "à plus tard");
    sleep(Duration::from_secs(1)).await;
    demo.order(r#"{"power":{"node":"Rosa","on":true}}"#);
    demo.says(0, "received", |said| said["text"] == "à plus tard").await;
    demo.quit().await;
}
