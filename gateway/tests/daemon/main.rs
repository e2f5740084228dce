//! The program as it is installed, against a real XMPP server and a modem on a pseudo-terminal.

#![allow(clippy::unwrap_used)]

mod handheld;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fanal_protocol::node::State;
use fanal_protocol::rand::Jitter;
use site::{Site, body, receipt};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};
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
async fn long_texts_go_both_ways_whole_although_the_gateway_is_killed() {
    let mut site = Site::new().await;
    site.modem.handheld().within_reach = false;
    site.start().await;
    let mut alice = site.alice().await;
    let text: String =
        "Le pont est coupé. ".chars().cycle().take(3_800).collect::<String>().trim_end().into();
    alice.write("m1", &text).await;
    alice.write("m2", &"x".repeat(4_097)).await;
    let refused = alice.message().await;
    assert_eq!(refused.type_, MessageType::Error, "{refused:?}");
    assert!(format!("{refused:?}").contains("4097") && format!("{refused:?}").contains("4096"));
    site.until("a poll", |site| site.modem.handheld().frames > 1).await;
    site.kill();
    site.modem.handheld().within_reach = true;
    site.start().await;
    let message = alice.message().await;
    assert_eq!(receipt(&message), Some("m1"), "{message:?}");
    assert_eq!(site.modem.handheld().texts(), [text.as_str()]);

    let id = site.modem.handheld().write(&text);
    let message = alice.message().await;
    assert_eq!(body(&message), text, "one bubble");
    site.until("custody", |site| matches!(site.modem.handheld().state(id), Some(State::InCustody(_)))).await;
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
async fn a_text_that_the_server_never_read_is_handed_over_again() {
    let mut site = Site::new().await;
    site.start().await;
    site.freeze_server();
    let id = site.modem.handheld().write("neige");
    site.until("custody", |site| matches!(site.modem.handheld().state(id), Some(State::InCustody(_)))).await;
    // Long enough for the daemon to write it to a server that does not read.
    sleep(Duration::from_millis(500)).await;
    site.server.stop();
    site.server.resume().await.unwrap();
    let mut alice = site.alice().await;
    let messages = alice.messages().await;
    assert_eq!(messages.iter().map(body).collect::<Vec<_>>(), ["neige"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_costs_no_text_that_is_written_later() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    alice.write("m1", "avant").await;
    assert_eq!(receipt(&alice.message().await), Some("m1"));
    assert_eq!(site.stop().await, Some(0));
    std::fs::remove_file(site.path("fanal.sqlite")).unwrap();
    site.start().await;
    alice.write("m2", "après").await;
    while receipt(&alice.message().await) != Some("m2") {}
    let handheld = site.modem.handheld();
    assert_eq!(handheld.texts(), ["avant", "après"]);
    assert_ne!(handheld.received[0].0, handheld.received[1].0, "one counter for two texts");
}

/// Whatever is being done when the power fails, nothing is lost and nothing comes twice. Alice does what a person
/// does: she sends again what was not received, for the server drops what the gateway had no time to read.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_power_cuts_loses_nothing_and_doubles_nothing() {
    const TEXTS: usize = 12;
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    let mut jitter = Jitter::new(5);
    let (mut written, mut sent, mut cuts) = (Vec::new(), 0, 0);
    let (mut receipts, mut stanzas) = (BTreeSet::new(), BTreeMap::new());
    let mut last_sent = [Instant::now(); TEXTS];
    let mut next_cut = Instant::now() + Duration::from_millis(600);
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let delivered =
            written.iter().filter(|id| site.modem.handheld().state(**id) == Some(State::Delivered)).count();
        if delivered == TEXTS && receipts.len() == TEXTS && cuts >= 12 {
            break;
        }
        assert!(Instant::now() < until, "{delivered} {receipts:?}\n{}", site.log());
        if let Ok(message) = timeout(Duration::from_millis(100), alice.message()).await {
            if let Some(id) = receipt(&message) {
                receipts.insert(id.to_owned());
            } else if message.type_ != MessageType::Error {
                alice.confirm(&message).await;
                stanzas.insert(message.id.clone().unwrap().0, body(&message).to_owned());
            }
        }
        if written.len() < TEXTS && site.modem.handheld().waiting() < 4 {
            let text = format!("de Rosa {}", written.len());
            written.push(site.modem.handheld().write(&text));
        }
        for (number, last) in last_sent.iter_mut().enumerate() {
            let id = format!("m{number}");
            let first = number == sent;
            let again =
                number < sent && last.elapsed() > Duration::from_millis(700) && !receipts.contains(&id);
            if first || again {
                alice.write(&id, &format!("d'Alice {number}")).await;
                *last = Instant::now();
                sent += usize::from(first);
                break;
            }
        }
        if cuts < 12 && Instant::now() > next_cut {
            site.kill();
            site.launch();
            cuts += 1;
            site.modem.handheld().within_reach = cuts % 2 == 0;
            next_cut = Instant::now() + Duration::from_millis(200 + jitter.below(2_000));
        }
    }
    let handheld = site.modem.handheld();
    let mut arrived = handheld.texts();
    arrived.sort_unstable();
    let mut all: Vec<String> = (0..TEXTS).map(|number| format!("d'Alice {number}")).collect();
    all.sort_unstable();
    assert_eq!(arrived, all);
    let shown: BTreeSet<&str> = stanzas.values().map(String::as_str).collect();
    assert_eq!((stanzas.len(), shown.len()), (TEXTS, TEXTS), "{stanzas:?}");
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
    // Whether she has the second receipt, the gateway cannot know.
    while receipt(&alice.message().await) != Some("m3") {}
    assert_eq!(site.modem.handheld().texts(), ["plus tard", "encore", "toujours"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_sent_comes_back_at_once() {
    let mut site = Site::new().await;
    site.start().await;
    let mut alice = site.alice().await;
    alice.write("m1", &"é".repeat(2049)).await;
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
