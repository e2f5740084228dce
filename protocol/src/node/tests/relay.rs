//! A handheld out of the gateway's reach, and a relay between the two.

use super::*;
use crate::wire::{FLOOD, Routed};

const RELAY: NodeId = NodeId(0x0300);

struct Chain {
    gateway: TestNode,
    relay: TestNode,
    handheld: TestNode,
    now: Instant,
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
        let relay = TestNode::new(beaconing(RELAY, Role::Relay, Acceptance::Custody), 0, 3, START);
        let mut chain = Self { gateway, relay, handheld, now: START };
        for _ in 0..4 {
            chain.now = chain.now + Duration::from_secs(5);
            chain.exchange();
        }
        chain
    }

    /// Lets everybody transmit until nobody has anything to say. Returns the frames, in order.
    fn exchange(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let now = self.now;
            for node in [&mut self.gateway, &mut self.relay, &mut self.handheld] {
                node.handle_timeout(now);
                while let Some(event) = node.poll_event() {
                    match event {
                        Event::Reserve { local, remote, until } => {
                            node.handle_reserved(local, remote, until, now);
                        }
                        Event::Received { id, .. } => node.accept(id, now),
                        Event::State { id, state } if state.is_final() => node.handle_stored(id, now),
                        _ => {}
                    }
                }
            }
            let by_gateway = transmit(&mut self.gateway, now);
            let by_relay = transmit(&mut self.relay, now);
            let by_handheld = transmit(&mut self.handheld, now);
            hear(&mut self.relay, &by_gateway, now);
            hear(&mut self.gateway, &by_relay, now);
            hear(&mut self.handheld, &by_relay, now);
            hear(&mut self.relay, &by_handheld, now);
            if by_gateway.is_empty() && by_relay.is_empty() && by_handheld.is_empty() {
                return all;
            }
            all.extend(by_gateway.into_iter().chain(by_relay).chain(by_handheld));
        }
    }

    fn kinds(frames: &[Vec<u8>]) -> Vec<Kind> {
        frames.iter().filter_map(|frame| kind_of(frame)).filter(|kind| *kind != Kind::Beacon).collect()
    }
}

#[test]
fn a_text_without_a_known_way_is_flooded_and_its_receipt_comes_back() {
    let mut chain = Chain::new();
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "es-tu l\u{e0}?"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    let first = chain.exchange();
    assert_eq!(Routed::read(&first[0]).map(|routed| routed.next_hop), Some(FLOOD));
    assert_eq!(chain.gateway.pending(), 1, "the relay waits before it floods");
    chain.now = chain.now + Duration::from_secs(1);
    assert_eq!(Chain::kinds(&chain.exchange()), [Kind::Text, Kind::Receipt]);
    chain.now = chain.now + Duration::from_secs(1);
    assert_eq!(Chain::kinds(&chain.exchange()), [Kind::Receipt]);
    assert_eq!(chain.gateway.pending(), 0);
    assert_eq!(chain.gateway.stats().delivered, 1);
}
