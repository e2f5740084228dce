//! A handheld out of the gateway's reach, and a relay between the two.

use super::*;
use crate::wire::{FLOOD, Routed};

const RELAY: NodeId = NodeId(0x0300);

struct Chain {
    gateway: TestNode,
    relay: TestNode,
    handheld: TestNode,
    now: Instant,
    handheld_on: bool,
    /// What the relay keeps.
    kept: Vec<(u32, Vec<u8>)>,
    states: Vec<State>,
}

impl Chain {
    /// Everybody has heard everybody's beacon but for the two ends, who are out of each other's reach.
    fn new() -> Self {
        let beaconing = |node, role, acceptance| Config {
            beacon_interval: Duration::from_secs(600),
            ..config(node, role, acceptance)
        };
        let mut gateway = TestNode::new(beaconing(GATEWAY, Role::Gateway, Acceptance::Custody), 0, 2, START);
        gateway.add_session(session(PERSON, HANDHELD, None)).unwrap();
        reserve(&mut gateway, HANDHELD);
        let mut handheld =
            TestNode::new(beaconing(HANDHELD, Role::Handheld, Acceptance::Delivered), 0, 1, START);
        handheld.add_session(session(HANDHELD, PERSON, Some(GATEWAY))).unwrap();
        reserve(&mut handheld, PERSON);
        let relay = Config { keeps: true, ..beaconing(RELAY, Role::Relay, Acceptance::Custody) };
        let relay = TestNode::new(relay, 0, 3, START);
        let (handheld_on, kept, states) = (true, Vec::new(), Vec::new());
        let mut chain = Self { gateway, relay, handheld, now: START, handheld_on, kept, states };
        for _ in 0..4 {
            chain.now += Duration::from_secs(5);
            chain.exchange();
        }
        chain
    }

    /// Lets everybody transmit until nobody has anything to say. Returns the frames, in order.
    fn exchange(&mut self) -> Vec<Vec<u8>> {
        let (mut all, now) = (Vec::new(), self.now);
        loop {
            for node in [&mut self.gateway, &mut self.relay, &mut self.handheld] {
                node.handle_timeout(now);
                while let Some(event) = node.poll_event() {
                    match event {
                        Event::Reserve { local, remote, until } => {
                            node.handle_reserved(local, remote, until, now);
                        }
                        Event::Received { id, .. } => node.accept(id, now),
                        Event::State { id, state } => {
                            self.states.push(state);
                            if state.is_final() {
                                node.handle_stored(id, now);
                            }
                        }
                        Event::Keep { identity, frame } => {
                            self.kept.push((identity, frame.to_vec()));
                            node.kept(identity, now);
                        }
                        Event::Fetch { identity } => {
                            let frame = self.kept.iter().find(|(known, _)| *known == identity).unwrap();
                            node.hand_on(&frame.1, now);
                        }
                        Event::Forget { identity } => self.kept.retain(|(known, _)| *known != identity),
                        Event::Closed { .. } | Event::Heard { .. } => {}
                    }
                }
            }
            let by_gateway = transmit(&mut self.gateway, now);
            let by_relay = transmit(&mut self.relay, now);
            hear(&mut self.relay, &by_gateway, now);
            hear(&mut self.gateway, &by_relay, now);
            let mut by_handheld = Vec::new();
            if self.handheld_on {
                by_handheld = transmit(&mut self.handheld, now);
                hear(&mut self.handheld, &by_relay, now);
                hear(&mut self.relay, &by_handheld, now);
            }
            if by_gateway.is_empty() && by_relay.is_empty() && by_handheld.is_empty() {
                return all;
            }
            all.extend(by_gateway.into_iter().chain(by_relay).chain(by_handheld));
        }
    }

    /// Lets this time pass, a second at a time.
    fn pass(&mut self, seconds: u64) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            all.extend(self.exchange());
        }
        all
    }

    fn kinds(frames: &[Vec<u8>]) -> Vec<Kind> {
        frames.iter().filter_map(|frame| kind_of(frame)).filter(|kind| *kind != Kind::Beacon).collect()
    }
}

/// Only then a node has a name.
fn transmit_first_beacon(node: &mut TestNode) {
    let soon = START + Duration::from_secs(20);
    node.handle_timeout(soon);
    assert!(transmit(node, soon).is_empty());
    let Some(Event::Reserve { local, remote, until }) = node.poll_event() else { panic!("no reservation") };
    node.handle_reserved(local, remote, until, soon);
    assert_eq!(transmit(node, soon).len(), 1);
}

#[test]
fn a_text_without_a_known_way_is_flooded_and_its_receipt_comes_back() {
    let mut chain = Chain::new();
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "es-tu l\u{e0}?"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    let first = chain.exchange();
    assert_eq!(Routed::read(&first[0]).map(|routed| routed.next_hop), Some(FLOOD));
    assert_eq!(chain.gateway.pending(), 1, "the relay waits before it floods");
    chain.now += Duration::from_secs(1);
    assert_eq!(Chain::kinds(&chain.exchange()), [Kind::Text, Kind::Receipt]);
    chain.now += Duration::from_secs(1);
    assert_eq!(Chain::kinds(&chain.exchange()), [Kind::Receipt]);
    assert_eq!(chain.gateway.pending(), 0);
    assert_eq!(chain.gateway.stats().delivered, 1);
}

#[test]
fn a_relay_keeps_a_text_for_an_absent_handheld_hands_it_on_and_forgets_it() {
    let mut chain = Chain::new();
    chain.handheld_on = false;
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "quand tu pourras"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    chain.pass(600);
    assert_eq!(chain.kept.len(), 1);
    assert_eq!(chain.states.last(), Some(&State::InCustody(RELAY)));
    assert!(Chain::kinds(&chain.pass(200)).is_empty(), "nobody is pestered");

    chain.handheld_on = true;
    chain.pass(1_200);
    assert_eq!(chain.states.last(), Some(&State::Delivered));
    assert_eq!(chain.handheld.stats().received, 1);
    assert!(chain.kept.is_empty(), "released");
}

#[test]
fn nothing_is_said_to_be_kept_before_it_is_durable() {
    let mut relay = {
        let config = config(RELAY, Role::Relay, Acceptance::Custody);
        let config = Config { keeps: true, beacon_interval: Duration::from_secs(600), ..config };
        TestNode::new(config, 0, 3, START)
    };
    transmit_first_beacon(&mut relay);
    let mut gateway = gateway();
    let id = gateway.send(draft(PERSON, HANDHELD, "allo"), START).unwrap();
    gateway.handle_stored(id, START);
    let mut frame = transmit(&mut gateway, START).remove(0);
    let name = wire::routed::name(RELAY, 0, &frame);
    Routed::redirect(&mut frame, 7, name);
    hear(&mut relay, &[frame], START);
    assert!(transmit(&mut relay, START).is_empty(), "no way, and not yet durable");
    let Some(Event::Keep { identity, .. }) = relay.poll_event() else { panic!("not offered") };
    relay.kept(identity, START);
    assert_eq!(Chain::kinds(&transmit(&mut relay, START)), [Kind::Custody]);
}
