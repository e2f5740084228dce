//! A chain of relays, driven by hand.

use std::vec::Vec;

use super::super::Hop;
use super::*;
use crate::id::SequenceNumber;
use crate::time::Duration;
use crate::wire::{Form, Proof, Text, routed};

type TestRelay = Relay<4, 16>;

const SOURCE: NodeId = NodeId(0x0200);
const FIRST: NodeId = NodeId(0x0300);
const SECOND: NodeId = NodeId(0x0400);
const OTHER: NodeId = NodeId(0x0500);
const DESTINATION: NodeId = NodeId(0x0600);
const START: Instant = Instant::from_secs(100);

fn rate() -> Rate {
    "SF9/500".parse().unwrap()
}

/// A text as its source would send it by way of `next`, or to everybody.
fn text(sequence: u8, hop_limit: u8, next: Option<NodeId>) -> Vec<u8> {
    let text = Text {
        hop_limit,
        next_hop: FLOOD,
        destination: DESTINATION,
        source: SOURCE,
        form: Form::Short(SequenceNumber(sequence)),
        sealed: &[1, 2, 3, 4, 5, 6, sequence],
    };
    let mut out = [0; MAX_FRAME];
    let len = text.emit(&mut out).unwrap();
    let mut frame = out[..len].to_vec();
    if let Some(next) = next {
        let name = routed::name(next, 0, &frame);
        Routed::redirect(&mut frame, hop_limit, name);
    }
    frame
}

fn receipt(destination: NodeId, hop_limit: u8, next: Option<NodeId>) -> Vec<u8> {
    let proof = Proof::Short([9, 8, 7, 6]);
    let receipt = Receipt { hop_limit, next_hop: DIRECT, destination, acknowledge: false, proof };
    let mut frame = [0; Receipt::OCTETS].to_vec();
    receipt.emit(&mut frame).unwrap();
    if let Some(next) = next {
        let name = routed::name(next, 0, &frame);
        Routed::redirect(&mut frame, hop_limit, name);
    }
    frame
}

/// The route of the tests: to the destination by way of `SECOND`, then `OTHER`; to the source directly.
fn route(destination: NodeId, tried: &[NodeId]) -> Option<Step> {
    let ways: &[NodeId] = if destination == SOURCE { &[SOURCE] } else { &[SECOND, OTHER] };
    let way = ways.iter().copied().find(|way| !tried.contains(way));
    way.map(|node| Step { hop: Hop { node, sequence: 0 }, arrives: node == destination })
}

struct Bench {
    relay: TestRelay,
    jitter: Jitter,
    now: Instant,
    token: u32,
    silent: Vec<NodeId>,
}

impl Bench {
    fn new() -> Self {
        Self { relay: TestRelay::new(), jitter: Jitter::new(5), now: START, token: 0, silent: Vec::new() }
    }

    fn hear(&mut self, frame: &[u8]) -> bool {
        let routed = Routed::read(frame).unwrap();
        let ours = routed.next_hop == routed::name(FIRST, 0, frame);
        let heard = Heard { octets: frame, routed, ours, quality: Quality::default() };
        self.relay.handle_frame(heard, rate(), &mut self.jitter, self.now)
    }

    /// What goes on the air now.
    fn transmit(&mut self) -> Option<Vec<u8>> {
        let (frame, _) = self.poll()?;
        self.relay.handle_transmitted(self.token, rate(), &mut self.jitter, self.now);
        Some(frame)
    }

    fn poll(&mut self) -> Option<(Vec<u8>, Lane)> {
        let mut buf = [0; MAX_FRAME];
        self.token += 1;
        let (len, lane) = self.relay.poll_transmit(self.token, Lane::Ordinary, route, self.now, &mut buf)?;
        Some((buf[..len].to_vec(), lane))
    }

    /// Waits for the next deadline; what goes on the air then.
    fn wait(&mut self) -> Option<Vec<u8>> {
        self.now = self.relay.poll_timeout()?;
        self.relay.handle_timeout(self.now, |neighbor| self.silent.push(neighbor));
        self.transmit()
    }
}

fn is_for(frame: &[u8], node: NodeId) -> bool {
    frame[1] == routed::name(node, 0, frame)
}

#[test]
fn a_frame_goes_on_with_one_hop_less_and_overhearing_it_further_on_ends_the_work() {
    let mut bench = Bench::new();
    assert!(bench.hear(&text(1, 7, Some(FIRST))));
    let forwarded = bench.transmit().unwrap();
    assert_eq!(Routed::read(&forwarded).map(|routed| routed.hop_limit), Some(6));
    assert!(is_for(&forwarded, SECOND));
    assert_eq!(Routed::identity(&forwarded), Routed::identity(&text(1, 7, None)));
    assert!(bench.hear(&text(1, 5, Some(DESTINATION))), "overheard");
    assert!(bench.relay.is_empty());
}

#[test]
fn a_frame_for_another_next_hop_is_left_alone() {
    let mut bench = Bench::new();
    assert!(!bench.hear(&text(1, 7, Some(SECOND))));
    assert!(bench.relay.is_empty());
}

#[test]
fn a_frame_whose_hops_have_ended_begins_them_anew_on_a_known_way_and_not_in_a_flood() {
    let mut bench = Bench::new();
    assert!(!bench.hear(&text(1, 0, None)), "a flood");
    assert!(bench.hear(&text(2, 0, Some(FIRST))));
    let forwarded = bench.transmit().unwrap();
    assert_eq!(Routed::read(&forwarded).map(|routed| routed.hop_limit), Some(FULL_HOP_LIMIT - 1));
    assert!(bench.hear(&text(2, 4, Some(DESTINATION))), "overheard two hops further");
    assert!(bench.relay.is_empty());
}

/// The destination knows no way back: whoever has just given it the text does.
#[test]
fn a_receipt_that_names_nobody_is_taken_by_the_relay_that_awaits_it_and_by_no_other() {
    let mut bench = Bench::new();
    let answer = receipt(SOURCE, 7, None);
    assert!(!bench.hear(&answer), "nothing is awaited");
    let mut text = text(1, 5, Some(FIRST));
    text[2..4].copy_from_slice(&SECOND.0.to_be_bytes());
    text[1] = routed::name(FIRST, 0, &text);
    assert!(bench.hear(&text));
    assert!(!bench.hear(&answer), "the text has not gone out yet");
    assert_eq!(bench.transmit().unwrap()[1], DIRECT);
    assert!(bench.hear(&answer));
    let forwarded = bench.transmit().unwrap();
    assert_eq!(
        Routed::read(&forwarded).map(|routed| (routed.kind, routed.hop_limit)),
        Some((Kind::Receipt, 6))
    );
    assert!(bench.relay.is_empty());
}

#[test]
fn a_copy_counts_as_further_only_within_three_hops() {
    for ours in 0..FULL_HOP_LIMIT {
        let further: Vec<u8> = (0..=FULL_HOP_LIMIT).filter(|heard| is_further(*heard, ours)).collect();
        let mut hops = ours;
        let mut expected: Vec<u8> = (0..3)
            .map(|_| {
                hops = onward(hops, false).unwrap();
                hops
            })
            .collect();
        expected.sort_unstable();
        assert_eq!(further, expected, "after {ours}");
    }
    assert!((0..FULL_HOP_LIMIT).all(|heard| is_further(heard, FULL_HOP_LIMIT)));
    assert!(!is_further(FULL_HOP_LIMIT, FULL_HOP_LIMIT));
}

#[test]
fn a_silent_neighbor_is_tried_three_times_then_another_one_and_both_once_more_then_the_frame_is_stuck() {
    let mut bench = Bench::new();
    bench.hear(&text(1, 7, Some(FIRST)));
    let mut hops = Vec::from([bench.transmit().unwrap()]);
    while let Some(frame) = bench.wait() {
        hops.push(frame);
    }
    assert_eq!(hops.len(), 12);
    for (turn, node) in hops.chunks(3).zip([SECOND, OTHER, SECOND, OTHER]) {
        assert!(turn.iter().all(|frame| is_for(frame, node)));
    }
    assert_eq!(bench.silent, [SECOND, OTHER, SECOND, OTHER]);
    assert_eq!(bench.relay.poll_stuck().and_then(|stuck| stuck.unreachable), Some(OTHER));
    assert!(bench.relay.is_empty() && bench.relay.poll_timeout().is_none());
}

#[test]
fn a_repetition_by_the_hop_before_is_answered_with_an_ack() {
    let mut bench = Bench::new();
    let frame = text(1, 7, Some(FIRST));
    bench.hear(&frame);
    assert!(bench.hear(&frame) && bench.relay.poll_ack().is_none(), "it will hear us pass it on");
    bench.transmit();
    assert!(bench.hear(&frame));
    assert_eq!(bench.relay.poll_ack(), Some(Routed::identity(&frame)), "under way");
    bench.hear(&text(1, 5, Some(DESTINATION)));
    assert!(bench.hear(&frame));
    assert_eq!(bench.relay.poll_ack(), Some(Routed::identity(&frame)), "passed on");
    assert_eq!(bench.transmit(), None);
}

#[test]
fn a_source_that_asks_again_gets_the_receipt_that_got_lost_and_then_a_new_attempt() {
    let mut bench = Bench::new();
    let frame = text(1, 7, Some(FIRST));
    bench.hear(&frame);
    bench.transmit();
    bench.hear(&text(1, 5, Some(DESTINATION)));
    assert!(bench.hear(&receipt(SOURCE, 6, Some(FIRST))));
    assert!(bench.transmit().is_some_and(|frame| frame[0] >> 4 == 3 && frame[1] == DIRECT));
    assert!(bench.relay.is_empty(), "a receipt that its destination hears needs no sign");

    bench.now += Duration::from_secs(20);
    assert!(bench.hear(&frame));
    assert!(bench.transmit().is_some_and(|frame| frame[0] >> 4 == 3), "from memory");
    bench.now += Duration::from_secs(20);
    assert!(bench.hear(&frame));
    assert!(bench.transmit().is_some_and(|frame| frame[0] >> 4 == 1), "the receipt may have been another's");
}

#[test]
fn a_receipt_ends_the_waiting_for_the_destination() {
    let direct = |node: NodeId, _: &[NodeId]| Some(Step { hop: Hop { node, sequence: 0 }, arrives: true });
    let mut bench = Bench::new();
    bench.hear(&text(1, 7, Some(FIRST)));
    let mut buf = [0; MAX_FRAME];
    bench.relay.poll_transmit(1, Lane::Ordinary, direct, bench.now, &mut buf).unwrap();
    assert_eq!(buf[1], DIRECT);
    bench.relay.handle_transmitted(1, rate(), &mut bench.jitter, bench.now);
    bench.hear(&receipt(SOURCE, 7, Some(FIRST)));
    assert!(bench.transmit().is_some_and(|frame| frame[0] >> 4 == 3));
    assert!(bench.relay.is_empty());
}

#[test]
fn a_flood_is_passed_on_once_and_not_when_others_have_done_it() {
    let mut bench = Bench::new();
    assert!(bench.hear(&text(1, 7, None)));
    assert!(bench.wait().is_some_and(|frame| frame[1] == FLOOD && frame[0] & 7 == 6));
    assert!(!bench.hear(&text(1, 7, None)) && bench.transmit().is_none());

    assert!(bench.hear(&text(2, 7, None)));
    bench.hear(&text(2, 6, None));
    bench.hear(&text(2, 6, None));
    assert!(bench.relay.is_empty(), "two others were heard");
}

#[test]
fn who_heard_a_flood_worst_goes_first() {
    let mut jitter = Jitter::new(1);
    let mut mean = |snr_db: i8| -> Duration {
        let quality = Quality { rssi_dbm: -100, snr_quarter_db: snr_db * 4 };
        (0..200).map(|_| passing::flood_delay(quality, rate(), &mut jitter)).sum::<Duration>() / 200
    };
    assert!(mean(-15) * 3 < mean(8));
}

#[test]
fn a_full_relay_takes_nothing_more_and_goes_on() {
    let mut bench = Bench::new();
    for number in 0..3 {
        assert!(bench.hear(&invented(number, Kind::Text)));
    }
    assert!(!bench.hear(&invented(9, Kind::Text)));
    assert!(bench.transmit().is_some());
}

#[test]
fn the_ack_of_the_neighbor_that_was_asked_ends_the_work() {
    let mut bench = Bench::new();
    bench.hear(&text(1, 7, Some(FIRST)));
    bench.transmit();
    let identity = Routed::identity(&text(1, 7, None));
    assert_eq!(bench.relay.handle_ack(|neighbor, known| neighbor == OTHER && known == identity), None);
    let acked = bench.relay.handle_ack(|neighbor, known| neighbor == SECOND && known == identity);
    assert_eq!(acked, Some(SECOND));
    assert!(bench.relay.is_empty());
}

/// A text that somebody without any key has made up, for us to pass on.
fn invented(number: u16, kind: Kind) -> Vec<u8> {
    let [high, low] = (0x1000 + number).to_be_bytes();
    let [to_high, to_low] = DESTINATION.0.to_be_bytes();
    let head = kind.number() << 4 | FULL_HOP_LIMIT;
    let mut frame = [head, 0, to_high, to_low, high, low, 7, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].to_vec();
    frame[1] = routed::name(FIRST, 0, &frame);
    frame
}

#[test]
fn one_source_has_half_of_the_places() {
    let mut bench = Bench::new();
    for sequence in 0..4 {
        bench.hear(&text(sequence, 7, Some(FIRST)));
    }
    assert_eq!(bench.relay.len(), 2);
}

#[test]
fn a_neighbor_that_invents_frames_cannot_keep_another_from_one_transmission() {
    let mut bench = Bench::new();
    for number in 0..200 {
        bench.hear(&invented(number, Kind::Text));
        bench.transmit();
    }
    assert!(bench.relay.len() < 4, "the last place is for urgent texts");
    let genuine = text(7, 7, Some(FIRST));
    assert!(bench.hear(&genuine));
    let sent = bench.transmit().unwrap();
    assert_eq!(Routed::identity(&sent), Routed::identity(&genuine));
    bench.hear(&text(8, 7, Some(FIRST)));
    assert!(bench.relay.has(Routed::identity(&genuine)), "its own next text does not push it out");
}

#[test]
fn a_place_is_free_for_an_urgent_text_which_goes_first() {
    let mut bench = Bench::new();
    for number in 0..4 {
        bench.hear(&invented(number, Kind::Text));
    }
    assert_eq!(bench.relay.len(), 3);
    assert!(bench.hear(&invented(9, Kind::Urgent)));
    let (frame, lane) = bench.poll().unwrap();
    assert_eq!((frame[5], lane), (9, Lane::Urgent));
}

#[test]
fn urgent_texts_beyond_the_pace_pass_like_others() {
    let mut bench = Bench::new();
    let lanes: Vec<Lane> = (0..10)
        .map(|number| {
            bench.hear(&invented(number, Kind::Urgent));
            let (_, lane) = bench.poll().unwrap();
            bench.relay.passing.clear();
            lane
        })
        .collect();
    let urgent = lanes.iter().filter(|lane| **lane == Lane::Urgent).count();
    assert_eq!((urgent, lanes[9]), (URGENT_PACE.0 as usize, Lane::Ordinary));
}

#[test]
fn invented_floods_are_passed_on_at_a_slow_pace() {
    let mut bench = Bench::new();
    let mut passed = 0;
    for number in 0..400 {
        let mut frame = invented(number, Kind::Text);
        frame[1] = FLOOD;
        bench.hear(&frame);
        while bench.wait().is_some() {
            passed += 1;
        }
        bench.now = START + Duration::from_millis(100) * u32::from(number);
    }
    assert!((20..=40).contains(&passed), "{passed} in 40 seconds");
}
