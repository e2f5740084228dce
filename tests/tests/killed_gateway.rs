//! `kill -9` at any moment: nothing that was accepted is lost, and nothing comes twice.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::time::{Duration, Instant};

use fanal_protocol::rand::Jitter;
use fanal_tests::household::Household;
use fanal_tests::record::Record;
use fanal_tests::traffic::{Plan, Traffic, seed};

/// How long everything may take to arrive once the kills have ended.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many kills, given the number of an ordinary run.
fn kills(ordinary: u32) -> u32 {
    if std::env::var_os("FANAL_LONG").is_some() { ordinary * 10 } else { ordinary }
}

/// The life of the gateway until the next kill, and for how long it is dead.
async fn one_life(house: &mut Household, traffic: &mut Traffic, jitter: &mut Jitter) -> Record {
    traffic.run(house, Duration::from_millis(200 + jitter.below(1_300))).await;
    house.kill();
    let record = house.record();
    traffic.check_promises(house, &record);
    // Most of the time its supervisor is quick; now and then somebody writes while it is away.
    if jitter.below(8) == 0 {
        traffic.run(house, Duration::from_millis(jitter.below(400))).await;
    }
    house.launch();
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_send_again_what_was_not_confirmed_lose_nothing_and_see_nothing_twice() {
    let (seed, began, kills) = (seed(), Instant::now(), kills(70));
    let mut house = Household::new(seed).await;
    let texts = kills as usize * 2;
    let plan = Plan {
        from_people: texts,
        from_handhelds: texts,
        every: Duration::from_millis(350),
        again_after: Some(Duration::from_secs(4)),
        apps_may_go_unheard: true,
    };
    let (mut traffic, mut jitter) = (Traffic::new(plan, seed), Jitter::new(seed ^ 1));
    let mut before = Record::default();
    for _ in 0..kills {
        let record = one_life(&mut house, &mut traffic, &mut jitter).await;
        assert!(before.ids().is_subset(&record.ids()), "what was on the disk is gone");
        before = record;
    }
    traffic.settle(&mut house, None, PATIENCE).await;
    let figures = traffic.verdict(&house, None);
    println!("{kills} kills in {:.0} s: {figures}", began.elapsed().as_secs_f64());
}

/// A person who sends each text once: whatever of it was on the disk at a kill arrives all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_the_disk_when_the_gateway_was_killed_needs_nobody_to_send_it_again() {
    let (seed, began, kills) = (seed(), Instant::now(), kills(30));
    let mut house = Household::new(seed).await;
    let texts = kills as usize * 2;
    let every = Duration::from_millis(350);
    let plan = Plan {
        from_people: texts,
        from_handhelds: texts / 2,
        every,
        again_after: None,
        apps_may_go_unheard: true,
    };
    let (mut traffic, mut jitter) = (Traffic::new(plan, seed), Jitter::new(seed ^ 2));
    let mut before = Record::default();
    for _ in 0..kills {
        let record = one_life(&mut house, &mut traffic, &mut jitter).await;
        assert!(before.ids().is_subset(&record.ids()), "what was on the disk is gone");
        before = record;
    }
    // The rest is written in peace; then what is on the disk is all that was ever accepted.
    while !traffic.all_written() {
        traffic.run(&mut house, every).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    house.kill();
    let accepted = house.record();
    house.launch();
    assert!(before.ids().is_subset(&accepted.ids()), "what was on the disk is gone");
    traffic.settle(&mut house, Some(&accepted), PATIENCE).await;
    // Time for anything that would come once too often.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let figures = traffic.verdict(&house, Some(&accepted));
    println!("{kills} kills in {:.0} s, nothing sent again: {figures}", began.elapsed().as_secs_f64());
}
