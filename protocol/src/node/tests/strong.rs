//! What a forger at full rate achieves: a delay.

use std::vec;

use super::*;
use crate::wire::{Form, Frame};

/// A second in which a neighbor sends nothing but texts with invented tags, in the name of `source`, or invented answers.
fn flood(node: &mut TestNode, frame: impl Fn(u8) -> Vec<u8>, now: Instant) {
    for number in 0..200 {
        let _ = node.handle_frame(&frame(number), Quality::default(), now);
    }
}

fn forged_text(genuine: &[u8]) -> impl Fn(u8) -> Vec<u8> {
    move |number| {
        let mut forged = genuine.to_vec();
        *forged.last_mut().unwrap() ^= number | 1;
        forged
    }
}

/// The attempts with one text until the other side takes one up, or six.
fn attempts(gateway: &mut TestNode, mut heard: impl FnMut(&[u8], Instant) -> bool) -> usize {
    let mut now = START;
    for attempt in 1..=6 {
        let frames = transmit(gateway, now);
        assert_eq!(frames.len(), 1);
        if heard(&frames[0], now) {
            return attempt;
        }
        now = gateway.poll_timeout().unwrap();
        gateway.handle_timeout(now);
    }
    panic!("six attempts were in vain")
}

#[test]
fn a_flood_of_forged_texts_keeps_the_third_attempt_from_nobody() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let mut first = None;
    let attempt = attempts(&mut gateway, |frame, now| {
        let genuine = first.get_or_insert_with(|| frame.to_vec()).clone();
        flood(&mut handheld, forged_text(&genuine), now);
        handheld.handle_frame(frame, Quality::default(), now).is_ok()
    });
    assert_eq!(attempt, 3);
    assert_eq!(received(&mut handheld), [(id, "allo".into())]);
}

#[test]
fn an_answer_is_as_strong_as_its_text_and_then_no_flood_of_answers_hides_it() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let mut sizes = Vec::new();
    for attempt in 1..=3 {
        let now = START + Duration::from_secs(20 * attempt);
        gateway.handle_timeout(now);
        let frames = transmit(&mut gateway, now);
        hear(&mut handheld, &frames, now);
        for (id, _) in received(&mut handheld) {
            handheld.accept(id, now);
        }
        let answers = transmit(&mut handheld, now);
        sizes.push((frames[0].len(), answers[0].len()));
        flood(&mut gateway, |number| vec![0x20, 1, 2, 3, number], now);
        hear(&mut gateway, &answers, now);
    }
    assert_eq!(sizes, [(15, 5), (15, 5), (22, 9)]);
    assert_eq!(states(&mut gateway, START), [State::Delivered]);
}

#[test]
fn acks_for_others_are_not_taken_for_forgeries() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    flood(&mut gateway, |number| vec![0x20, 1, 2, 3, number], START);
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let frames = transmit(&mut gateway, START);
    hear(&mut handheld, &frames, START);
    received(&mut handheld);
    handheld.accept(id, START);
    let answers = transmit(&mut handheld, START);
    hear(&mut gateway, &answers, START);
    assert_eq!(states(&mut gateway, START), [State::Delivered]);
}

#[test]
fn a_text_that_fits_one_tag_of_two_is_forged() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let mut strong = None;
    attempts(&mut gateway, |frame, _| {
        strong = Some(frame.to_vec());
        frame.len() > 15
    });
    let genuine = strong.unwrap();
    let Ok(Frame::Text(text)) = Frame::parse(&genuine) else { panic!("a text") };
    assert!(matches!(text.form, Form::Strong(_)));
    // Each octet but hop limit and next hop is under one of the tags.
    for place in 2..genuine.len() {
        let mut other = genuine.clone();
        other[place] ^= 1;
        assert!(handheld.handle_frame(&other, Quality::default(), START).is_err(), "octet {place}");
    }
    let mut short = genuine.clone();
    short[0] &= !0b1000;
    assert!(handheld.handle_frame(&short, Quality::default(), START).is_err(), "read as a short form");
    assert!(received(&mut handheld).is_empty());
    assert_eq!(handheld.handle_frame(&genuine, Quality::default(), START), Ok(()));
}

/// A gateway's receipt is repeated like a message, and strong from its third attempt on.
#[test]
fn a_confirmation_gets_through_a_flood_of_receipts() {
    let (mut gateway, mut handheld, id) = in_custody();
    gateway.confirm(id, START).unwrap();
    let attempt = attempts(&mut gateway, |frame, now| {
        flood(&mut handheld, |number| vec![0x3F, 0, 2, 1, 1, 2, 3, number], now);
        handheld.handle_frame(frame, Quality::default(), now).is_ok()
    });
    assert_eq!(attempt, 3);
    assert_eq!(states(&mut handheld, START), [State::Delivered]);
    let acks = transmit(&mut handheld, START);
    assert_eq!(acks[0].len(), wire::Ack::STRONG_OCTETS);
    hear(&mut gateway, &acks, START);
    let closed = |event: Event| matches!(event, Event::Closed { .. });
    assert!(std::iter::from_fn(|| gateway.poll_event()).any(closed));
}
