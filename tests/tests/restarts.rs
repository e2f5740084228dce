//! Everything around the gateway goes away and comes back in the middle of the traffic.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::time::Duration;

use fanal_protocol::rand::Jitter;
use fanal_tests::household::{Household, address};
use fanal_tests::journal::What;
use fanal_tests::traffic::{Plan, Traffic, seed};
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(120);

fn rounds() -> usize {
    if std::env::var_os("FANAL_LONG").is_some() { 40 } else { 5 }
}

/// As much as is written during that many rounds.
fn plan(again_after: Option<Duration>) -> Plan {
    let texts = rounds() * 5;
    Plan {
        from_people: texts,
        from_handhelds: texts,
        every: Duration::from_millis(400),
        again_after,
        apps_may_go_unheard: again_after.is_some(),
    }
}

fn a_while(jitter: &mut Jitter) -> Duration {
    Duration::from_millis(300 + jitter.below(1_500))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_restarted_in_mid_traffic() {
    let seed = seed();
    let mut house = Household::new(seed).await;
    // What the server had in memory is lost with it: people send again what was not confirmed.
    let mut traffic = Traffic::new(plan(Some(Duration::from_secs(5))), seed);
    let mut jitter = Jitter::new(seed);
    for _ in 0..rounds() {
        traffic.run(&mut house, a_while(&mut jitter)).await;
        house.server.stop();
        traffic.run(&mut house, a_while(&mut jitter)).await;
        house.server.resume().await.unwrap();
        let attached = house.logged("attached to the XMPP server");
        house.until("a new stream", |house| house.logged("attached to the XMPP server") > attached).await;
    }
    traffic.settle(&mut house, None, PATIENCE).await;
    println!("{} restarts of the server: {}", rounds(), traffic.verdict(&house, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_serial_cable_is_pulled_in_mid_traffic() {
    let seed = seed();
    let mut house = Household::new(seed).await;
    let (mut traffic, mut jitter) = (Traffic::new(plan(None), seed), Jitter::new(seed));
    for _ in 0..rounds() {
        traffic.run(&mut house, a_while(&mut jitter)).await;
        house.cord.pull();
        traffic.run(&mut house, a_while(&mut jitter)).await;
        house.cord.plug();
    }
    traffic.settle(&mut house, None, PATIENCE).await;
    assert!(house.logged("the modem's port is closed") > 0);
    println!("{} pulls of the cable: {}", rounds(), traffic.verdict(&house, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modem_loses_power_in_mid_traffic() {
    let seed = seed();
    let mut house = Household::new(seed).await;
    let (mut traffic, mut jitter) = (Traffic::new(plan(None), seed), Jitter::new(seed));
    for _ in 0..rounds() {
        traffic.run(&mut house, a_while(&mut jitter)).await;
        house.power_modem(false);
        traffic.run(&mut house, a_while(&mut jitter)).await;
        house.power_modem(true);
    }
    traffic.settle(&mut house, None, PATIENCE).await;
    assert!(house.logged("the modem is ready") > 1);
    println!("{} power cycles of the modem: {}", rounds(), traffic.verdict(&house, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_texts_wait_in_order_for_a_handheld_that_is_off() {
    const TEXTS: usize = 20;
    let mut house = Household::new(seed()).await;
    house.desks[0].switch_off();
    let texts: Vec<String> = (0..TEXTS).map(|number| format!("texte {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        house.people[0].write(&address("rosa"), &format!("m{number}"), text);
    }
    // They outlast the gateway, too.
    sleep(Duration::from_secs(2)).await;
    house.kill();
    assert_eq!(house.record().outbox.len(), TEXTS);
    house.start().await;
    assert!(house.journal.shown("rosa").is_empty());
    let before = house.journal.len();
    house.desks[0].switch_on();
    for number in 0..TEXTS {
        house.people[0].hears(before, "receipt", &format!("m{number}")).await;
    }
    assert_eq!(house.journal.shown("rosa"), texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_on_a_handheld_outlasts_its_power() {
    let mut house = Household::new(seed()).await;
    house.power_modem(false);
    for number in 0..3 {
        house.desks[0].type_line(&format!("@alice neige {number}")).await;
    }
    let queued = |entry: &fanal_tests::journal::Entry| {
        (entry.what == What::State { number: 3, sign: '.' }).then_some(())
    };
    house.journal.until(0, "rosa's third text is queued", queued).await;
    house.desks[0].switch_off();
    house.power_modem(true);
    house.desks[0].switch_on();
    let delivered = |entry: &fanal_tests::journal::Entry| {
        (entry.what == What::State { number: 3, sign: '+' }).then_some(())
    };
    house.journal.until(0, "rosa's third text is delivered", delivered).await;
    let texts: Vec<String> = house.journal.read(|entries| {
        entries.iter().filter_map(|entry| entry.what.app("message", "text")).map(str::to_owned).collect()
    });
    assert_eq!(texts, ["neige 0", "neige 1", "neige 2"]);
}
