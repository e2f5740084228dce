//! Texts between neighbors.

use super::*;
use crate::wire::{Direct, Frame};

const OTHER: NodeId = NodeId(0x0202);

/// A gateway and a handheld that have heard each other's beacons, and the time now.
fn neighbors() -> (TestNode, TestNode, Instant) {
    let beaconing = |node, role, acceptance, seed| {
        let config = Config { beacon_interval: DAY / 24, ..config(node, role, acceptance) };
        TestNode::new(config, 0, seed, START)
    };
    let mut gateway = beaconing(GATEWAY, Role::Gateway, Acceptance::Custody, 2);
    let mut handheld = beaconing(HANDHELD, Role::Handheld, Acceptance::Delivered, 1);
    gateway.add_session(session(PERSON, HANDHELD, None)).unwrap();
    handheld.add_session(session(HANDHELD, PERSON, Some(GATEWAY))).unwrap();
    let mut now = START;
    for _ in 0..40 {
        for node in [&mut gateway, &mut handheld] {
            while let Some(event) = node.poll_event() {
                if let Event::Reserve { local, remote, until } = event {
                    node.handle_reserved(local, remote, until, now);
                }
            }
        }
        now += Duration::from_secs(5);
        gateway.handle_timeout(now);
        handheld.handle_timeout(now);
        let frames = transmit(&mut gateway, now);
        hear(&mut handheld, &frames, now);
        let frames = transmit(&mut handheld, now);
        hear(&mut gateway, &frames, now);
    }
    reserve(&mut gateway, HANDHELD);
    reserve(&mut handheld, PERSON);
    (gateway, handheld, now)
}

#[test]
fn a_text_for_a_neighbor_costs_eight_octets_and_a_receipt_of_five() {
    let (mut gateway, mut handheld, now) = neighbors();
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), now).unwrap();
    gateway.handle_stored(id, now);
    let frames = transmit(&mut gateway, now);
    assert_eq!((frames[0].len(), kind_of(&frames[0])), (8 + 4, Some(Kind::Direct)));
    hear(&mut handheld, &frames, now);
    assert_eq!(received(&mut handheld), [(id, "allo".into())]);
    handheld.accept(id, now);
    let answers = transmit(&mut handheld, now);
    assert_eq!(answers[0].len(), 5);
    hear(&mut gateway, &answers, now);
    assert!(states(&mut gateway, now).contains(&State::Delivered));
}

#[test]
fn after_two_attempts_it_is_routed_and_strong_and_the_same_message() {
    let (mut gateway, mut handheld, mut now) = neighbors();
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), now).unwrap();
    gateway.handle_stored(id, now);
    let mut sizes = Vec::new();
    while sizes.len() < 3 {
        for frame in transmit(&mut gateway, now).iter().filter(|frame| kind_of(frame) != Some(Kind::Beacon)) {
            sizes.push(frame.len());
            let _ = handheld.handle_frame(frame, Quality::default(), now);
            for (id, _) in received(&mut handheld) {
                handheld.accept(id, now);
            }
        }
        now = gateway.poll_timeout().unwrap();
        gateway.handle_timeout(now);
    }
    assert_eq!(sizes, [8 + 4, 8 + 4, 18 + 4]);
    assert_eq!((handheld.stats().received, handheld.stats().duplicates), (1, 2));
}

/// Two sessions that have one label are both tried.
#[test]
fn labels_that_collide_are_told_apart_by_the_tag() {
    let (mut gateway, mut handheld, now) = neighbors();
    let wanted = session(PERSON, HANDHELD, None).key.label(PERSON, HANDHELD);
    let mut number = 0_u128;
    let key = loop {
        let key = crate::crypto::SessionKey::from_bytes(number.to_be_bytes());
        if key.label(OTHER, HANDHELD) == wanted {
            break key;
        }
        number += 1;
    };
    let first = std::mem::take(&mut handheld.sessions);
    handheld.add_session(Session::new(HANDHELD, OTHER, None, key, 0, Window::new())).unwrap();
    handheld.sessions.extend(first);
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), now).unwrap();
    gateway.handle_stored(id, now);
    let frames = transmit(&mut gateway, now);
    assert_eq!(handheld.handle_frame(&frames[0], Quality::default(), now), Ok(()));
    assert_eq!(received(&mut handheld), [(id, "allo".into())]);
}

#[test]
fn a_label_tells_directions_and_sessions_apart_and_a_wrong_one_is_nobody_s() {
    let (mut gateway, mut handheld, now) = neighbors();
    let key = session(PERSON, HANDHELD, None).key;
    assert_ne!(key.label(PERSON, HANDHELD), key.label(HANDHELD, PERSON));
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), now).unwrap();
    gateway.handle_stored(id, now);
    let genuine = transmit(&mut gateway, now).remove(0);
    let Ok(Frame::Direct(Direct { label, .. })) = Frame::parse(&genuine) else { panic!("a direct text") };
    assert_eq!(label, key.label(PERSON, HANDHELD));
    for place in 1..genuine.len() {
        let mut other = genuine.clone();
        other[place] ^= 1;
        let expected = if place < 3 { Discard::Foreign } else { Discard::Forged };
        assert_eq!(handheld.handle_frame(&other, Quality::default(), now), Err(expected), "octet {place}");
    }
    assert_eq!(gateway.handle_frame(&genuine, Quality::default(), now), Err(Discard::Foreign), "an echo");
    assert_eq!(handheld.handle_frame(&genuine, Quality::default(), now), Ok(()));
}
