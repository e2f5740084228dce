//! A handheld and a gateway that have never seen each other, brought together by codes alone, as the readme says.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use fanal_tests::household::{Household, address};
use fanal_tests::program::pair;

/// [`Household::new`] pairs by an invitation and a card.
#[tokio::test(flavor = "multi_thread")]
async fn codes_are_all_that_it_takes_to_talk_and_both_sides_see_the_same_digits() {
    let mut house = Household::new(1).await;
    let rosa = house.desks.iter().position(|desk| desk.name == "rosa").unwrap();
    let digits = pair(&house.path("fanal.toml"), &["verify", "Rosa"]).unwrap();
    let digits = |person: &str| {
        let line = digits.lines().find(|line| line.contains(person)).expect(person);
        line.split(person).next().unwrap().trim().to_owned()
    };
    for person in ["alice", "bob"] {
        let shown = house.desks[rosa].ask(&format!("/verify {person}"), &format!("{person} must see")).await;
        assert!(shown.ends_with(&digits(person)), "{person}: {shown}");
    }
    assert_ne!(digits("alice"), digits("bob"));

    house.people[0].write(&address("rosa"), "p1", "Bonjour Rosa");
    house.shows("rosa", "Bonjour Rosa").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_taken_only_when_a_person_says_so() {
    let mut house = Household::new(2).await;
    let config = house.path("fanal.toml");
    let rosa = house.desks.iter().position(|desk| desk.name == "rosa").unwrap();
    let before = std::fs::read_to_string(&config).unwrap();

    house.desks[rosa].ask("/key new", "! your key would be lost").await;
    house.desks[rosa].ask("/key new replace", "public key ").await;
    let card = house.desks[rosa].ask("/pair", "card, not a secret: ").await;
    let refused = pair(&config, &["take", &card]).unwrap_err();
    assert!(refused.contains("another key"), "{refused}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);

    pair(&config, &["take", &card, "--replace"]).unwrap();
    house.kill();
    house.start().await;
    house.people[0].write(&address("rosa"), "p2", "Nouvelle clé ?");
    house.shows("rosa", "Nouvelle clé ?").await;
}
