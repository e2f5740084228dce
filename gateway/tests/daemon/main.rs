//! The program as it is installed, against a real XMPP server and a modem on a pseudo-terminal.

#![allow(clippy::unwrap_used)]

mod handheld;
mod site;

use std::time::Duration;

use fanal_protocol::node::State;
use site::{Site, body, receipt};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};
use xmpp_parsers::message::MessageType;
use xmpp_parsers::stanza::Stanza;

#[tokio::test(flavor = "multi_thread")]
async fn a_text_reaches_the_handheld_and_then_alice_gets_the_receipt() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    alice.write("m1", "Ça va, Rosa? 🙂").await;
    let message = alice.message().await;
    assert_eq!(receipt(&message), Some("m1"), "{message:?}");
    assert_eq!(site.modem.handheld().texts(), ["Ça va, Rosa? 🙂"]);
    assert_eq!(site.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rosa_learns_that_alice_has_her_text_only_when_her_app_says_so() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    let id = site.modem.handheld().write("Il neige ici");
    let message = alice.message().await;
    assert_eq!(body(&message), "Il neige ici");
    assert_eq!(message.from.as_ref().unwrap().to_bare().as_str(), site::ROSA);
    site.until("custody", |site| matches!(site.modem.handheld().state(id), Some(State::InCustody(_)))).await;
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(site.modem.handheld().state(id), Some(State::InCustody(_))));
    alice.confirm(&message).await;
    site.until("delivery", |site| site.modem.handheld().state(id) == Some(State::Delivered)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_says_that_rosa_was_heard() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    site.modem.handheld().write("me voici");
    loop {
        if let Stanza::Presence(presence) = alice.stanza().await
            && presence.statuses.values().any(|status| status.contains("SNR 4 dB"))
        {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alice_wrote_survives_kill_9_and_arrives_once_in_order() {
    let mut site = Site::new().await;
    site.modem.handheld().within_reach = false;
    site.start().await;
    let mut alice = site.alice().await;
    let texts: Vec<String> = (0..6).map(|number| format!("texte {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        alice.write(&format!("m{number}"), text).await;
    }
    // The first is on the air, the others wait.
    site.until("a frame", |site| site.modem.handheld().frames > 1).await;
    sleep(Duration::from_millis(300)).await;
    site.kill();

    site.modem.handheld().within_reach = true;
    for _ in 0..3 {
        site.start().await;
        let got = site.modem.handheld().received.len();
        site.until("one more", |site| site.modem.handheld().received.len() > got || got == 6).await;
        site.kill();
    }
    site.start().await;
    site.until("all of them", |site| site.modem.handheld().received.len() >= 6).await;
    let mut receipts: Vec<String> = Vec::new();
    for message in alice.messages().await {
        assert_ne!(message.type_, MessageType::Error, "{message:?}");
        receipts.push(receipt(&message).unwrap().to_owned());
    }
    assert_eq!(site.modem.handheld().texts(), texts);
    receipts.dedup();
    receipts.sort();
    receipts.dedup();
    assert_eq!(receipts, ["m0", "m1", "m2", "m3", "m4", "m5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rosa_wrote_survives_a_dead_server_and_kill_9() {
    let mut site = Site::new().await;
    site.start().await;
    site.server.stop();
    let mut last = None;
    for number in 0..3 {
        let id = site.modem.handheld().write(&format!("neige {number}"));
        site.until("custody", |site| matches!(site.modem.handheld().state(id), Some(State::InCustody(_))))
            .await;
        last = Some(id);
    }
    site.kill();
    site.server.resume().await.unwrap();
    site.start().await;
    let mut alice = site.alice().await;
    let messages = alice.messages().await;
    let bodies: Vec<&str> = messages.iter().map(body).collect();
    assert_eq!(bodies, ["neige 0", "neige 1", "neige 2"]);

    // The confirmation survives, too.
    for message in &messages {
        site.modem.handheld().within_reach = false;
        alice.confirm(message).await;
    }
    site.until("the confirmations", |site| site.log().matches("the person's app has the text").count() == 3)
        .await;
    site.kill();
    site.modem.handheld().within_reach = true;
    site.start().await;
    let delivered = |site: &Site| site.modem.handheld().state(last.unwrap()) == Some(State::Delivered);
    site.until("delivery", delivered).await;
    assert_eq!(alice.messages().await.len(), 0, "nothing comes twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_stanza_sent_again_is_transmitted_once() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    alice.write("m1", "une fois").await;
    assert_eq!(receipt(&alice.message().await), Some("m1"));
    alice.write("m1", "une fois").await;
    assert_eq!(receipt(&alice.message().await), Some("m1"), "she did not hear the first time, it seems");
    assert_eq!(site.modem.handheld().texts(), ["une fois"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn modem_and_server_may_come_and_go() {
    let mut site = Site::new().await;
    site.modem.unplug();
    site.start().await;
    let mut alice = site.alice().await;
    alice.write("m1", "plus tard").await;
    sleep(Duration::from_millis(500)).await;
    site.modem.plug_in();
    assert_eq!(receipt(&alice.message().await), Some("m1"));
    site.modem.unplug();
    site.modem.plug_in();
    alice.write("m2", "encore").await;
    assert_eq!(receipt(&alice.message().await), Some("m2"));
    site.server.stop();
    site.server.resume().await.unwrap();
    site.until("a new stream", |site| site.log().matches("attached to the XMPP server").count() == 2).await;
    let mut alice = site.alice().await;
    alice.write("m3", "toujours").await;
    assert_eq!(receipt(&alice.message().await), Some("m3"));
    assert_eq!(site.modem.handheld().texts(), ["plus tard", "encore", "toujours"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_sent_comes_back_at_once() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    alice.write("m1", &"é".repeat(121)).await;
    let message = alice.message().await;
    assert_eq!(message.type_, MessageType::Error);
    assert_eq!(message.id.unwrap().0, "m1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_shows_the_line_without_disturbing_it() {
    let mut site = Site::new().await;
    site.start().await;
    let socket = UnixStream::connect(site.path("console")).await.unwrap();
    let mut lines = BufReader::new(socket).lines();
    let mut seen = (false, false);
    while seen != (true, true) {
        let line = timeout(site::SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        seen.0 |= line["direction"] == "sent";
        seen.1 |= line["direction"] == "received";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_store_is_refused() {
    let mut site = Site::new().await;
    site.start().await;
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_fanal"))
        .args(["gateway", "--config"])
        .arg(site.path("fanal.toml"))
        .env("LC_ALL", "en_CA.UTF-8")
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(75));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("Another gateway is at work"), "{said}");
}
