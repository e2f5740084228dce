//! A handheld out of the gateway's reach, and a relay between the two.

use super::*;
use crate::wire::Routed;

const RELAY: NodeId = NodeId(0x0300);

struct Chain {
    gateway: TestNode,
    relay: TestNode,
    handheld: TestNode,
    now: Instant,
    handheld_on: bool,
    /// Whether what the relay is asked to keep becomes durable.
    store_works: bool,
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
        let mut chain = Self {
            gateway,
            relay,
            handheld,
            now: START,
            handheld_on: true,
            store_works: true,
            kept: Vec::new(),
            states: Vec::new(),
        };
        chain.pass(180);
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
                        Event::Received { id, .. } | Event::ReceivedLong { id, .. } => node.accept(id, now),
                        Event::State { id, state } => {
                            self.states.push(state);
                            if state.is_final() {
                                node.handle_stored(id, now);
                            }
                        }
                        Event::Keep { identity, frame } => {
                            self.kept.push((identity, frame.to_vec()));
                            if self.store_works {
                                node.kept(identity, now);
                            }
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

#[test]
fn a_text_goes_over_a_relay_and_its_receipt_comes_back() {
    let mut chain = Chain::new();
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "es-tu l\u{e0}?"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    let frames = chain.exchange();
    assert_eq!(Chain::kinds(&frames), [Kind::Text, Kind::Text, Kind::Receipt, Kind::Receipt]);
    let text = Routed::read(&frames[0]).unwrap();
    assert_eq!((text.hop_limit, text.next_hop), (7, wire::routed::name(RELAY, 0, &frames[0])));
    assert_eq!(chain.gateway.stats().delivered, 1);
    assert_eq!(chain.relay.stats().relayed, 2, "nobody spent a frame on an ack");
}

#[test]
fn a_relay_keeps_a_text_for_an_absent_handheld_hands_it_on_and_forgets_it() {
    let mut chain = Chain::new();
    chain.handheld_on = false;
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "quand tu pourras"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    chain.pass(900);
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
    let mut chain = Chain::new();
    (chain.handheld_on, chain.store_works) = (false, false);
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "allo"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    assert!(!Chain::kinds(&chain.pass(600)).contains(&Kind::Custody));
    assert_eq!(chain.states, [State::Sent]);
    let identity = chain.kept[0].0;
    chain.relay.kept(identity, chain.now);
    assert_eq!(Chain::kinds(&chain.exchange()), [Kind::Custody]);
    assert_eq!(chain.states.last(), Some(&State::InCustody(RELAY)));
}

#[test]
fn a_receipt_that_only_the_source_can_check_does_not_end_custody() {
    let mut chain = Chain::new();
    chain.handheld_on = false;
    let id = chain.gateway.send(draft(PERSON, HANDHELD, "garde-le"), chain.now).unwrap();
    chain.gateway.handle_stored(id, chain.now);
    chain.pass(600);
    assert_eq!(chain.kept.len(), 1);
    let (hop_limit, next_hop) = (7, wire::DIRECT);
    let forged = wire::Receipt {
        hop_limit,
        next_hop,
        destination: PERSON,
        acknowledge: false,
        proof: Proof::Short([9; 4]),
    };
    let mut frame = [0; wire::Receipt::OCTETS];
    forged.emit(&mut frame).unwrap();
    let name = wire::routed::name(RELAY, 0, &frame);
    Routed::redirect(&mut frame, hop_limit, name);
    hear(&mut chain.relay, &[frame.to_vec()], chain.now);
    chain.pass(60);
    assert_eq!(chain.kept.len(), 1, "still kept");
    assert_eq!(chain.gateway.stats().delivered, 0);
}
