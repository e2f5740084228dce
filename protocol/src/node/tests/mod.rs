//! The promises of one node, with a second one to talk to and no radio in between.

mod direct;
mod long;
mod relay;
mod strong;
mod urgent;

use std::string::String;
use std::vec::Vec;

use super::*;
use crate::crypto::{NetworkKey, SecretKey, Window, agree};
use crate::priority::Priority;
use crate::quality::Quality;
use crate::time::Duration;
use crate::wire::{self, Kind, Role, kind_of};

type TestNode = Node<4, 4, 4, 1>;

const HANDHELD: NodeId = NodeId(0x0201);
const PERSON: NodeId = NodeId(0x0101);
const GATEWAY: NodeId = NodeId(0x0100);
const START: Instant = Instant::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn config(node: NodeId, role: Role, acceptance: Acceptance) -> Config {
    Config {
        node,
        role,
        network_key: NetworkKey([7; 16]),
        rate: "SF9/500".parse().unwrap(),
        beacon_interval: Duration::ZERO,
        relays: true,
        keeps: false,
        acceptance,
    }
}

fn session(local: NodeId, remote: NodeId, via: Option<NodeId>) -> Session {
    let secret = |node: NodeId| SecretKey::from_bytes([node.0 as u8 + (node.0 >> 8) as u8; 32]);
    let key = agree(&secret(local), local, &secret(remote).public(), remote).unwrap();
    Session::new(local, remote, via, key, 0, Window::new())
}

fn handheld() -> TestNode {
    let config = config(HANDHELD, Role::Handheld, Acceptance::Delivered);
    let mut node = TestNode::new(config, 0, 1, START);
    node.add_session(session(HANDHELD, PERSON, Some(GATEWAY))).unwrap();
    reserve(&mut node, PERSON);
    node
}

fn gateway() -> TestNode {
    let mut node = TestNode::new(config(GATEWAY, Role::Gateway, Acceptance::Custody), 0, 2, START);
    node.add_session(session(PERSON, HANDHELD, None)).unwrap();
    reserve(&mut node, HANDHELD);
    node
}

fn reserve(node: &mut TestNode, remote: NodeId) {
    let local = if remote == PERSON { HANDHELD } else { PERSON };
    let draft = draft(local, remote, "x");
    assert_eq!(node.send(draft, START), Err(SendError::CountersNotReserved));
    let Some(Event::Reserve { local, remote, until }) = node.poll_event() else { panic!("no reservation") };
    node.handle_reserved(local, remote, until, START);
}

fn draft<'a>(source: NodeId, destination: NodeId, text: &'a str) -> Draft<'a> {
    Draft { source, destination, text, lifetime: DAY, priority: Priority::Text }
}

/// All frames the node would transmit now; each is reported as transmitted.
fn transmit(node: &mut TestNode, now: Instant) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut buf = [0; 255];
    while let Some(transmission) = node.poll_transmit(now, &mut buf) {
        frames.push(buf[..transmission.len].to_vec());
        node.handle_transmitted(transmission.token, now);
    }
    frames
}

fn hear(node: &mut TestNode, frames: &[Vec<u8>], now: Instant) {
    for frame in frames {
        let _ = node.handle_frame(frame, Quality::default(), now);
    }
}

fn states(node: &mut TestNode, now: Instant) -> Vec<State> {
    let mut states = Vec::new();
    while let Some(event) = node.poll_event() {
        if let Event::State { id, state } = event {
            states.push(state);
            if state.is_final() {
                node.handle_stored(id, now);
            }
        }
    }
    states
}

fn received(node: &mut TestNode) -> Vec<(MessageId, String)> {
    let mut texts = Vec::new();
    while let Some(event) = node.poll_event() {
        if let Event::Received { id, text, .. } = event {
            texts.push((id, text.as_str().into()));
        }
    }
    texts
}

#[test]
fn nothing_is_transmitted_before_it_is_stored() {
    let mut gateway = gateway();
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    assert!(transmit(&mut gateway, START).is_empty());
    gateway.handle_stored(id, START);
    assert_eq!(transmit(&mut gateway, START).len(), 1);
}

#[test]
fn a_receipt_goes_out_only_after_the_message_is_durable() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let frames = transmit(&mut gateway, START);
    hear(&mut handheld, &frames, START);
    assert_eq!(received(&mut handheld), [(id, "allo".into())]);
    assert!(transmit(&mut handheld, START).is_empty());
    // Heard again while the store is busy: still no answer, and no second message.
    hear(&mut handheld, &frames, START);
    assert!(received(&mut handheld).is_empty() && transmit(&mut handheld, START).is_empty());
    handheld.accept(id, START);
    let receipts = transmit(&mut handheld, START);
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].len(), wire::Ack::OCTETS, "straight from the source: the short form");
    hear(&mut gateway, &receipts, START);
    assert_eq!(states(&mut gateway, START), [State::Delivered]);
    assert_eq!(gateway.pending(), 0);
}

#[test]
fn a_duplicate_is_answered_again_and_shown_once() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let first = transmit(&mut gateway, START);
    hear(&mut handheld, &first, START);
    received(&mut handheld);
    handheld.accept(id, START);
    let lost = transmit(&mut handheld, START);
    let later = gateway.poll_timeout().unwrap();
    gateway.handle_timeout(later);
    let again = transmit(&mut gateway, later);
    assert_eq!(again, first, "a repetition is the same octets: the nonce serves once");
    assert_eq!(handheld.handle_frame(&again[0], Quality::default(), later), Err(Discard::Duplicate));
    assert!(received(&mut handheld).is_empty());
    assert_eq!(transmit(&mut handheld, later), lost);
}

#[test]
fn a_refused_message_is_fresh_when_it_comes_again() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let frames = transmit(&mut gateway, START);
    hear(&mut handheld, &frames, START);
    assert_eq!(received(&mut handheld).len(), 1);
    handheld.refuse(id);
    hear(&mut handheld, &frames, START);
    assert_eq!(received(&mut handheld).len(), 1);
}

/// A text of the handheld, taken into custody by the gateway.
fn in_custody() -> (TestNode, TestNode, MessageId) {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = handheld.send(draft(HANDHELD, PERSON, "rentre tard"), START).unwrap();
    handheld.handle_stored(id, START);
    let frames = transmit(&mut handheld, START);
    hear(&mut gateway, &frames, START);
    assert_eq!(received(&mut gateway), [(id, "rentre tard".into())]);
    gateway.accept(id, START);
    let acks = transmit(&mut gateway, START);
    assert_eq!((acks.len(), acks[0].len()), (1, 5));
    hear(&mut handheld, &acks, START);
    assert_eq!(states(&mut handheld, START), [State::InCustody(GATEWAY)]);
    (gateway, handheld, id)
}

#[test]
fn custody_is_not_called_delivered() {
    let (_, mut handheld, _) = in_custody();
    assert_eq!(handheld.poll_timeout(), Some(START + DAY), "only the end of its life is waited for");
    handheld.handle_timeout(START + DAY);
    assert_eq!(states(&mut handheld, START + DAY), [State::Expired]);
}

#[test]
fn a_confirmation_is_repeated_until_it_is_acknowledged() {
    let (mut gateway, mut handheld, id) = in_custody();
    gateway.confirm(id, START).unwrap();
    assert_eq!(transmit(&mut gateway, START).len(), 1, "lost");
    let later = gateway.poll_timeout().unwrap();
    gateway.handle_timeout(later);
    let receipts = transmit(&mut gateway, later);
    hear(&mut handheld, &receipts, later);
    assert!(transmit(&mut handheld, later).is_empty(), "no ack before \"delivered\" is durable");
    assert_eq!(states(&mut handheld, later), [State::Delivered]);
    let acks = transmit(&mut handheld, later);
    assert_eq!(acks.len(), 1);
    hear(&mut gateway, &acks, later);
    assert!(
        std::iter::from_fn(|| gateway.poll_event())
            .any(|event| matches!(event, Event::Closed { id: closed } if closed == id))
    );
    assert_eq!(gateway.poll_timeout(), None);
}

#[test]
fn a_confirmation_that_is_no_longer_awaited_is_acknowledged_again() {
    let (mut gateway, mut handheld, id) = in_custody();
    gateway.confirm(id, START).unwrap();
    let receipts = transmit(&mut gateway, START);
    hear(&mut handheld, &receipts, START);
    states(&mut handheld, START);
    let lost = transmit(&mut handheld, START);
    hear(&mut handheld, &receipts, START);
    assert_eq!(transmit(&mut handheld, START), lost);
}

#[test]
fn messages_between_two_addresses_keep_their_order() {
    let mut gateway = gateway();
    for text in ["un", "deux"] {
        let id = gateway.send(draft(PERSON, HANDHELD, text), START).unwrap();
        gateway.handle_stored(id, START);
    }
    assert_eq!(transmit(&mut gateway, START).len(), 1);
    gateway.handle_timeout(START + Duration::from_secs(60));
    assert_eq!(transmit(&mut gateway, START + Duration::from_secs(60)).len(), 1, "the first one again");
}

#[test]
fn an_emergency_overtakes_answers_and_texts_of_others() {
    let mut gateway = gateway();
    gateway.add_session(session(GATEWAY, HANDHELD, None)).unwrap();
    let plain = gateway.send(draft(PERSON, HANDHELD, "un"), START).unwrap();
    gateway.send(draft(GATEWAY, HANDHELD, "x"), START).unwrap_err();
    gateway.handle_reserved(GATEWAY, HANDHELD, 32, START);
    let urgent = Draft { priority: Priority::Emergency, ..draft(GATEWAY, HANDHELD, "au feu") };
    let urgent = gateway.send(urgent, START).unwrap();
    gateway.handle_stored(plain, START);
    gateway.handle_stored(urgent, START);
    let mut buf = [0; 255];
    assert_eq!(gateway.poll_transmit(START, &mut buf).unwrap().priority, Priority::Emergency);
}

#[test]
fn a_message_resumed_after_a_crash_keeps_its_identity() {
    let (mut handheld, mut first) = (handheld(), gateway());
    let id = first.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    first.handle_stored(id, START);
    let frames = transmit(&mut first, START);
    hear(&mut handheld, &frames, START);
    received(&mut handheld);
    handheld.accept(id, START);
    // The gateway dies before it hears the receipt.
    let mut second = gateway();
    second.resume(id, "allo", DAY, Priority::Text, false, START).unwrap();
    let again = transmit(&mut second, START);
    assert_eq!(handheld.handle_frame(&again[0], Quality::default(), START), Err(Discard::Duplicate));
    let mut receipts = transmit(&mut handheld, START);
    receipts.dedup();
    hear(&mut second, &receipts, START);
    assert_eq!(states(&mut second, START), [State::Delivered]);
    let next = second.send(draft(PERSON, HANDHELD, "encore"), START).unwrap();
    assert!(next.counter > id.counter, "a counter is never used twice");
}

#[test]
fn a_counter_far_ahead_of_what_the_other_side_knows_travels_in_full() {
    let mut gateway = TestNode::new(config(GATEWAY, Role::Gateway, Acceptance::Custody), 0, 2, START);
    let fresh = session(PERSON, HANDHELD, None);
    gateway.add_session(Session::new(PERSON, HANDHELD, None, fresh.key, 1_000, Window::new())).unwrap();
    reserve(&mut gateway, HANDHELD);
    let mut handheld = handheld();
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
        gateway.handle_stored(id, START);
        let frames = transmit(&mut gateway, START);
        sizes.push(frames[0].len());
        hear(&mut handheld, &frames, START);
        assert_eq!(received(&mut handheld).len(), 1);
        handheld.accept(id, START);
        let receipts = transmit(&mut handheld, START);
        hear(&mut gateway, &receipts, START);
        assert_eq!(states(&mut gateway, START), [State::Delivered]);
    }
    assert_eq!(sizes, [18 + 4, 11 + 4]);
}

#[test]
fn an_absent_destination_costs_a_probe_now_and_then_and_is_served_at_once_when_heard() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let mut now = START;
    let mut attempts = transmit(&mut gateway, now).len();
    while let Some(next) = gateway.poll_timeout().filter(|next| *next < START + DAY / 2) {
        now = next;
        gateway.handle_timeout(now);
        attempts += transmit(&mut gateway, now).len();
    }
    assert!(attempts < 60, "{attempts} attempts in half a day");
    // The handheld says something: the waiting text follows within two seconds.
    let hello = handheld.send(draft(HANDHELD, PERSON, "de retour"), now).unwrap();
    handheld.handle_stored(hello, now);
    let now = now + Duration::from_secs(60);
    let frames = transmit(&mut handheld, now);
    hear(&mut gateway, &frames, now);
    let next = gateway.poll_timeout().unwrap();
    assert!(next - now < Duration::from_secs(2));
}

#[test]
fn forged_frames_change_nothing_and_are_cut_off() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let genuine = transmit(&mut gateway, START).remove(0);
    let mut forged = genuine.clone();
    *forged.last_mut().unwrap() ^= 1;
    let mut discards: Vec<_> =
        (0..100).map(|_| handheld.handle_frame(&forged, Quality::default(), START).unwrap_err()).collect();
    discards.dedup();
    assert_eq!(discards, [Discard::Forged, Discard::OverBudget]);
    assert!(received(&mut handheld).is_empty());
    let later = START + Duration::from_secs(60);
    hear(&mut handheld, &[genuine], later);
    assert_eq!(received(&mut handheld).len(), 1);
}

#[test]
fn an_expired_message_says_so_and_leaves() {
    let mut gateway = gateway();
    let draft = Draft { lifetime: Duration::from_secs(30), ..draft(PERSON, HANDHELD, "allo") };
    let id = gateway.send(draft, START).unwrap();
    gateway.handle_stored(id, START);
    transmit(&mut gateway, START);
    assert_eq!(states(&mut gateway, START), [State::Sent]);
    while let Some(next) = gateway.poll_timeout() {
        gateway.handle_timeout(next);
        transmit(&mut gateway, next);
        if gateway.poll_timeout().is_none_or(|next| next > START + Duration::from_secs(31)) {
            break;
        }
    }
    assert_eq!(states(&mut gateway, START), [State::Expired]);
    assert_eq!(gateway.pending(), 0);
}

#[test]
fn beacons_carry_a_reserved_counter() {
    let config = Config {
        beacon_interval: Duration::from_secs(600),
        relays: true,
        keeps: false,
        ..config(GATEWAY, Role::Gateway, Acceptance::Custody)
    };
    let mut gateway = TestNode::new(config, 64, 2, START);
    let due = gateway.poll_timeout().unwrap();
    gateway.handle_timeout(due);
    assert!(transmit(&mut gateway, due).is_empty(), "no counter yet");
    let Some(Event::Reserve { local, remote, until }) = gateway.poll_event() else {
        panic!("no reservation")
    };
    assert_eq!((local, remote), (GATEWAY, NodeId::BROADCAST));
    gateway.handle_reserved(local, remote, until, due);
    let beacons = transmit(&mut gateway, due);
    assert_eq!(beacons.len(), 1);
    assert_eq!(kind_of(&beacons[0]), Some(Kind::Beacon));
    let mut handheld = handheld();
    assert_eq!(handheld.handle_frame(&beacons[0], Quality::default(), due), Ok(()));
    assert_eq!(handheld.handle_frame(&beacons[0], Quality::default(), due), Err(Discard::Replayed));
    assert_eq!(handheld.neighbors().next().unwrap().role, Some(Role::Gateway));
}

#[test]
fn a_text_of_many_octets_is_refused_with_the_number_that_fits() {
    let mut gateway = gateway();
    let long = "é".repeat(2049);
    assert_eq!(gateway.send(draft(PERSON, HANDHELD, &long), START), Err(SendError::TooLong { max: 4096 }));
    assert!(gateway.send(draft(PERSON, HANDHELD, &long[..4096]), START).is_ok());
    assert_eq!(gateway.send(draft(PERSON, HANDHELD, ""), START), Err(SendError::Empty));
    assert_eq!(gateway.send(draft(PERSON, NodeId(9), "x"), START), Err(SendError::UnknownDestination));
}
