//! Long texts from a person behind the gateway to the handheld, and what the two promise of them.

use std::collections::BTreeMap;

use super::*;
use crate::id::SequenceNumber;
use crate::rand::Jitter;
use crate::wire::{FragmentSet, Frame, Kind};

fn long_text(len: usize) -> String {
    "Le pont est coupé depuis hier soir. ".chars().cycle().take(len).collect()
}

/// The long texts that this node asks its host to store.
fn arrived(node: &mut TestNode) -> Vec<MessageId> {
    let mut ids = Vec::new();
    while let Some(event) = node.poll_event() {
        if let Event::ReceivedLong { id, .. } = event {
            ids.push(id);
        }
    }
    ids
}

/// Who loses power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Gateway,
    Handheld,
}

/// Both nodes, what their hosts keep in durable storage, and the air between them.
struct Talk {
    gateway: TestNode,
    handheld: TestNode,
    text: String,
    now: Instant,
    /// Durable: what the gateway has to send, and whether it has arrived.
    id: Option<MessageId>,
    delivered: bool,
    /// Durable: what the handheld has received.
    inbox: Vec<String>,
    window: Window,
    /// Percent of the frames.
    loss: u64,
    doubled: u64,
    overtaken: u64,
    /// Frames that do not arrive, counted from 1.
    doomed: Vec<usize>,
    ended: usize,
    dice: Jitter,
    air: Vec<(Side, Vec<u8>)>,
    /// All that was on the air, in order.
    heard: Vec<Vec<u8>>,
    steps: u32,
    crash: Option<(u32, Side)>,
}

impl Talk {
    fn new(len: usize, seed: u64) -> Self {
        let mut talk = Self {
            gateway: gateway(),
            handheld: handheld(),
            text: long_text(len),
            now: START,
            id: None,
            delivered: false,
            inbox: Vec::new(),
            window: Window::new(),
            loss: 0,
            doubled: 0,
            overtaken: 0,
            doomed: Vec::new(),
            ended: 0,
            dice: Jitter::new(seed),
            air: Vec::new(),
            heard: Vec::new(),
            steps: 0,
            crash: None,
        };
        let id = talk.gateway.send(draft(PERSON, HANDHELD, &talk.text), START).unwrap();
        talk.id = Some(id);
        talk.gateway.handle_stored(id, START);
        talk
    }

    /// Counts one step of this side; a planned loss of power happens here. Whether it was this side's.
    fn crashes(&mut self, at: Side) -> bool {
        self.steps += 1;
        let Some((_, side)) = self.crash.take_if(|(step, _)| *step == self.steps) else { return false };
        match side {
            Side::Gateway => {
                self.gateway =
                    TestNode::new(config(GATEWAY, Role::Gateway, Acceptance::Custody), 0, 12, self.now);
                let known = Session { ..session(PERSON, HANDHELD, None) };
                // Durable: the mark below which counters may have been used.
                self.gateway
                    .add_session(Session::new(PERSON, HANDHELD, None, known.key, 32, Window::new()))
                    .unwrap();
                if let Some(id) = self.id.filter(|_| !self.delivered) {
                    self.gateway.resume(id, &self.text, DAY, Priority::Text, false, self.now).unwrap();
                }
            }
            Side::Handheld => {
                self.handheld =
                    TestNode::new(config(HANDHELD, Role::Handheld, Acceptance::Delivered), 0, 11, self.now);
                let known = session(HANDHELD, PERSON, Some(GATEWAY));
                let restored = Session::new(HANDHELD, PERSON, Some(GATEWAY), known.key, 32, self.window);
                self.handheld.add_session(restored).unwrap();
            }
        }
        side == at
    }

    fn drain(&mut self) {
        loop {
            if let Some(event) = self.gateway.poll_event() {
                if let Event::State { id, state: State::Delivered } = event
                    && !self.crashes(Side::Gateway)
                {
                    self.delivered = true;
                    if !self.crashes(Side::Gateway) {
                        self.gateway.handle_stored(id, self.now);
                    }
                }
            } else if let Some(event) = self.handheld.poll_event() {
                if let Event::ReceivedLong { id, window, .. } = event {
                    let text = self.handheld.long_text(id).unwrap().into();
                    if self.crashes(Side::Handheld) {
                        continue;
                    }
                    self.inbox.push(text);
                    self.window = window;
                    if !self.crashes(Side::Handheld) {
                        self.handheld.accept(id, self.now);
                    }
                }
            } else {
                break;
            }
        }
        for (side, node) in [(Side::Gateway, &mut self.gateway), (Side::Handheld, &mut self.handheld)] {
            for frame in transmit(node, self.now) {
                self.heard.push(frame.clone());
                self.air.push((side, frame));
            }
        }
    }

    /// One frame arrives, or nothing does until the next deadline.
    fn turn(&mut self) {
        self.crashes(Side::Gateway);
        self.drain();
        if self.air.is_empty() {
            let next = [self.gateway.poll_timeout(), self.handheld.poll_timeout()];
            self.now = next.into_iter().flatten().min().unwrap_or(self.now).max(self.now);
            self.gateway.handle_timeout(self.now);
            self.handheld.handle_timeout(self.now);
            return;
        }
        self.now += Duration::from_millis(150);
        let which = if self.dice.below(100) < self.overtaken { self.air.len() - 1 } else { 0 };
        let (side, frame) = self.air.remove(which);
        if self.dice.below(100) < self.doubled {
            self.air.push((side, frame.clone()));
        }
        self.ended += 1;
        if self.dice.below(100) >= self.loss && !self.doomed.contains(&self.ended) {
            let receiver = if side == Side::Gateway { &mut self.handheld } else { &mut self.gateway };
            let _ = receiver.handle_frame(&frame, Quality::default(), self.now);
        }
    }

    /// Until it is delivered; then what must always hold is looked at.
    fn finish(&mut self) -> &mut Self {
        for _ in 0..20_000 {
            self.turn();
            if self.delivered && self.air.is_empty() {
                break;
            }
        }
        assert!(self.delivered, "not delivered: {:?}", self.kinds());
        assert_eq!(self.inbox, std::slice::from_ref(&self.text), "shown once, and whole");
        let mut sealed = BTreeMap::new();
        for frame in &self.heard {
            if let Ok(Frame::Fragment(fragment)) = Frame::parse(frame)
                && fragment.poll_proof().is_none()
            {
                let counter = fragment.0.form.recover(0);
                let known = sealed.entry(counter).or_insert_with(|| fragment.0.sealed.to_vec());
                assert_eq!(known, fragment.0.sealed, "a nonce served twice");
            }
        }
        self
    }

    fn kinds(&self) -> Vec<Kind> {
        self.heard.iter().filter_map(|frame| kind_of(frame)).collect()
    }

    fn fragments(&self) -> usize {
        let full = |frame: &&Vec<u8>| kind_of(frame) == Some(Kind::Fragment) && frame.len() > 18;
        self.heard.iter().filter(full).count()
    }
}

#[test]
fn without_losses_a_long_text_is_a_poll_its_fragments_and_a_receipt() {
    let mut talk = Talk::new(1000, 1);
    talk.finish();
    let (poll, status) = (Kind::Fragment, Kind::Status);
    let mut expected = std::vec![poll, status];
    // 1027 octets.
    expected.extend([Kind::Fragment; 5]);
    expected.push(Kind::Ack);
    assert_eq!(talk.kinds(), expected, "nothing told that the handheld is there: it was asked first");
}

#[test]
fn a_way_that_is_known_saves_the_poll() {
    let mut talk = Talk::new(1000, 1);
    let mut handheld = TestNode::new(
        Config {
            beacon_interval: Duration::from_secs(600),
            ..config(HANDHELD, Role::Handheld, Acceptance::Delivered)
        },
        0,
        1,
        START,
    );
    handheld.handle_reserved(HANDHELD, NodeId::BROADCAST, 32, START);
    let due = handheld.poll_timeout().unwrap();
    handheld.handle_timeout(due);
    hear(&mut talk.gateway, &transmit(&mut handheld, due), due);
    talk.now = due;
    talk.finish();
    assert_eq!(talk.kinds(), [[Kind::Fragment; 5].as_slice(), &[Kind::Ack]].concat());
}

#[test]
fn whatever_is_lost_doubled_or_overtaken_a_long_text_arrives_once() {
    for seed in 0..60 {
        let mut talk = Talk::new(260 + 63 * seed as usize, seed);
        (talk.loss, talk.doubled, talk.overtaken) = (seed % 50, seed % 31, seed % 23);
        talk.finish();
    }
}

#[test]
fn power_cuts_of_either_side_at_every_step_lose_nothing_and_show_nothing_twice() {
    for side in [Side::Gateway, Side::Handheld] {
        for loss in [0, 30] {
            let mut steps = 1;
            loop {
                let mut talk = Talk::new(900, 7);
                talk.loss = loss;
                talk.crash = Some((steps, side));
                talk.finish();
                if talk.crash.is_some() {
                    break;
                }
                steps += 1;
            }
            assert!(steps > 10, "{steps} steps");
        }
    }
}

#[test]
fn only_what_is_missing_is_sent_again() {
    let mut talk = Talk::new(1900, 1);
    // A poll and its status, then nine fragments: of these the second, the fifth and the last.
    talk.doomed = std::vec![4, 7, 11];
    talk.finish();
    assert_eq!(talk.fragments(), 9 + 3);
    let statuses: Vec<_> = talk
        .heard
        .iter()
        .filter_map(|frame| match Frame::parse(frame) {
            Ok(Frame::Status(status)) => Some(status.missing.within(FragmentSet::first(9))),
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [FragmentSet::first(9), FragmentSet(1 << 1 | 1 << 4 | 1 << 8)]);
}

#[test]
fn a_fragment_of_a_message_that_is_known_is_answered_with_its_receipt() {
    let mut talk = Talk::new(600, 1);
    talk.finish();
    let receipt = talk.heard.last().unwrap().clone();
    let fragments: Vec<_> =
        talk.heard.iter().filter(|frame| kind_of(frame) == Some(Kind::Fragment)).cloned().collect();
    assert_eq!(fragments.len(), 4, "a poll and three fragments");
    for fragment in fragments {
        assert_eq!(
            talk.handheld.handle_frame(&fragment, Quality::default(), talk.now),
            Err(Discard::Duplicate)
        );
        assert_eq!(transmit(&mut talk.handheld, talk.now), std::slice::from_ref(&receipt));
    }
    assert!(received(&mut talk.handheld).is_empty());
}

#[test]
fn nothing_is_said_of_a_long_text_before_it_is_durable() {
    let mut talk = Talk::new(600, 1);
    while talk.handheld.stats().received == 0 {
        talk.drain();
        talk.turn();
    }
    let id = talk.id.unwrap();
    assert!(talk.handheld.long_text(id).is_some());
    let fragments: Vec<_> =
        talk.heard.iter().filter(|frame| kind_of(frame) == Some(Kind::Fragment)).cloned().collect();
    let mut handheld = handheld();
    hear(&mut handheld, &fragments, START);
    transmit(&mut handheld, START);
    assert_eq!(arrived(&mut handheld), [id]);
    // A poll, or a fragment again, while the host stores it.
    hear(&mut handheld, &fragments, START);
    assert!(transmit(&mut handheld, START).is_empty() && arrived(&mut handheld).is_empty());
    handheld.refuse(id);
    assert!(transmit(&mut handheld, START).is_empty());
    assert_eq!(handheld.long_text(id), None);
    hear(&mut handheld, &fragments, START);
    assert_eq!(arrived(&mut handheld), [id], "fresh again");
    transmit(&mut handheld, START);
    handheld.accept(id, START);
    assert_eq!(transmit(&mut handheld, START).len(), 1);
}

#[test]
fn forged_fragments_polls_and_statuses_change_nothing_and_are_cut_off() {
    let mut talk = Talk::new(600, 1);
    talk.drain();
    let poll = talk.heard[0].clone();
    let mut forged = poll.clone();
    forged[7] ^= 1;
    let mut discards: Vec<_> = (0..100)
        .map(|_| talk.handheld.handle_frame(&forged, Quality::default(), START).unwrap_err())
        .collect();
    discards.dedup();
    assert_eq!(discards, [Discard::Forged, Discard::OverBudget]);
    assert!(transmit(&mut talk.handheld, START).is_empty());

    let missing = FragmentSet::only(2);
    let (hop_limit, next_hop) = (7, wire::DIRECT);
    let status = wire::Status { hop_limit, next_hop, destination: PERSON, proof: [9; 4], missing };
    let mut frame = [0; wire::Status::MAX_OCTETS];
    let len = status.emit(&mut frame).unwrap();
    let before = talk.heard.len();
    assert_eq!(talk.gateway.handle_frame(&frame[..len], Quality::default(), START), Err(Discard::Forged));
    assert_eq!(talk.heard.len(), before);
    talk.now += Duration::from_secs(600);
    talk.finish();

    // An authentic fragment in which one bit is flipped later on.
    let mut fragment = talk.heard.iter().find(|frame| frame.len() > 100).unwrap().clone();
    *fragment.last_mut().unwrap() ^= 0x10;
    let result = talk.handheld.handle_frame(&fragment, Quality::default(), talk.now);
    assert_eq!(result, Err(Discard::Forged));
}

#[test]
fn octets_that_are_no_utf8_are_never_shown() {
    let mut handheld = handheld();
    let known = session(PERSON, HANDHELD, None);
    let octets = [0xFF; 300];
    let cut = crate::transport::Cut::of(octets.len()).unwrap();
    for index in 0..cut.count() {
        let (mut plain, mut sealed) = ([0; 255], [0; 255]);
        let len = cut.piece(&octets, index).unwrap().emit(&mut plain).unwrap();
        let id = MessageId { source: PERSON, destination: HANDHELD, counter: index.into() };
        let len = known.key.seal_fragment(id, &plain[..len], &mut sealed).unwrap();
        let text = wire::Text {
            hop_limit: 7,
            next_hop: wire::DIRECT,
            destination: HANDHELD,
            source: PERSON,
            form: wire::Form::Short(SequenceNumber(index)),
            sealed: &sealed[..len],
        };
        let mut frame = [0; 255];
        let len = wire::Fragment(text).emit(&mut frame).unwrap();
        let result = handheld.handle_frame(&frame[..len], Quality::default(), START);
        let last = index == cut.last();
        assert_eq!(result, if last { Err(Discard::Unreadable) } else { Ok(()) });
    }
    assert!(arrived(&mut handheld).is_empty());
    assert!(transmit(&mut handheld, START).is_empty());
}

#[test]
fn texts_between_two_addresses_keep_their_order_whatever_their_length() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let mut ids = Vec::new();
    for text in ["avant", &long_text(500), "après"] {
        ids.push(gateway.send(draft(PERSON, HANDHELD, text), START).unwrap());
    }
    ids.iter().for_each(|id| gateway.handle_stored(*id, START));
    let counters: Vec<_> = ids.iter().map(|id| id.counter).collect();
    assert_eq!(counters, [0, 1, 4], "a counter for each of three fragments");
    let (mut now, mut order) = (START, Vec::new());
    for _ in 0..100 {
        let frames = transmit(&mut gateway, now);
        hear(&mut handheld, &frames, now);
        while let Some(event) = handheld.poll_event() {
            if let Event::Received { id, .. } | Event::ReceivedLong { id, .. } = event {
                order.push(id);
                handheld.accept(id, now);
            }
        }
        let answers = transmit(&mut handheld, now);
        hear(&mut gateway, &answers, now);
        states(&mut gateway, now);
        now += Duration::from_secs(1);
        gateway.handle_timeout(now);
    }
    assert_eq!(order, ids);
    assert_eq!(gateway.pending(), 0);
}

#[test]
fn a_second_long_text_waits_with_the_host_and_a_short_one_does_not() {
    let mut talk = Talk::new(600, 1);
    let other = long_text(300);
    let refused = talk.gateway.send(draft(PERSON, HANDHELD, &other), START);
    assert_eq!(refused, Err(SendError::LongTextsUnderWay));
    assert!(talk.gateway.send(draft(PERSON, HANDHELD, "court"), START).is_ok());
    talk.finish();
    assert!(talk.gateway.send(draft(PERSON, HANDHELD, &other), talk.now).is_ok());
}

#[test]
fn a_long_text_that_is_given_up_or_too_old_leaves_its_room_to_others() {
    for cancelled in [false, true] {
        let mut talk = Talk::new(600, 1);
        talk.loss = 100;
        for _ in 0..10 {
            talk.turn();
        }
        if cancelled {
            assert!(talk.gateway.cancel(talk.id.unwrap()));
        }
        talk.now += DAY * 2;
        talk.gateway.handle_timeout(talk.now);
        let said = states(&mut talk.gateway, talk.now);
        let last = if cancelled { State::Failed(Failure::Cancelled) } else { State::Expired };
        assert_eq!(said.last(), Some(&last));
        assert!(talk.gateway.send(draft(PERSON, HANDHELD, &talk.text), talk.now).is_ok());
        assert!(transmit(&mut talk.gateway, talk.now).is_empty(), "nothing more of the former one");
    }
}

#[test]
fn a_node_without_room_for_long_texts_says_how_many_octets_fit() {
    let mut node: Node<1, 1, 0, 0> =
        Node::new(config(GATEWAY, Role::Gateway, Acceptance::Custody), 0, 2, START);
    node.add_session(session(PERSON, HANDHELD, None)).unwrap();
    let text = long_text(242);
    assert_eq!(node.send(draft(PERSON, HANDHELD, &text), START), Err(SendError::TooLong { max: 237 }));
    let mut talk = Talk::new(600, 1);
    talk.drain();
    let poll = talk.heard[0].clone();
    let mut mute: Node<1, 1, 0, 0> =
        Node::new(config(HANDHELD, Role::Handheld, Acceptance::Delivered), 0, 2, START);
    mute.add_session(session(HANDHELD, PERSON, Some(GATEWAY))).unwrap();
    let _ = mute.handle_frame(&poll, Quality::default(), START);
    assert_eq!(mute.poll_transmit(START, &mut [0; 255]), None, "without room nothing is said");
}
