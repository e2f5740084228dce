//! Other nodes' help, and ours for them: which way a frame goes, signs that it goes on, frames of others.

use crate::crypto::{self, Purpose};
use crate::id::NodeId;
use crate::net::{Heard, Hop, Lane, Network};
use crate::priority::Priority;
use crate::quality::Quality;
use crate::time::{Duration, Instant};
use crate::transport::{
    Asked, Attempt, Came, Confirming, Heard as Answered, Outgoing, Phase, Progress, Schedule,
};
use crate::wire::routed::{self, DIRECT, FLOOD, FULL_HOP_LIMIT, Routed};
use crate::wire::{Ack, Metric, Proof, Receipt, Role};

use super::transmit::{Transmission, receipt};
use super::{Discard, Node};

/// Attempts before everybody is asked for a node to which there was a way, and for one of which no beacon has told.
const KNOWN: u8 = 1;
const STRANGER: u8 = 2;
/// After a start, the ways are learned from beacons first.
const LEARNING: Duration = Duration::from_secs(90);
/// How far away a destination is taken to be while no way to it is known, in hops.
const UNKNOWN_HOPS: u32 = 4;

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// Writes into a frame of ours who is to take it.
    pub(super) fn aim(
        &self,
        octets: &mut [u8],
        destination: NodeId,
        schedule: Schedule,
        now: Instant,
    ) -> Attempt {
        let asked = match self.network.next_hop(destination) {
            Some(step) if step.arrives => Asked::End(Some(step.hop.node)),
            Some(step) => Asked::Relay(step.hop),
            None => self.search(destination, schedule, now),
        };
        self.point(octets, asked)
    }

    /// Writes into a frame of ours that this is who is to take it.
    pub(super) fn point(&self, octets: &mut [u8], asked: Asked) -> Attempt {
        let next_hop = match asked {
            Asked::End(_) | Asked::Nobody => DIRECT,
            Asked::Relay(hop) => routed::name(hop.node, hop.sequence, octets),
            Asked::Everybody => FLOOD,
        };
        Routed::redirect(octets, FULL_HOP_LIMIT, next_hop);
        Attempt { asked, identity: Routed::identity(octets), octets: octets.len() }
    }

    /// Whom to ask when no way is known.
    fn search(&self, destination: NodeId, schedule: Schedule, now: Instant) -> Asked {
        // Without beacons of our own nobody tells us of others.
        if self.config.beacon_interval.is_zero() || now - self.started < LEARNING {
            return Asked::End(None);
        }
        // A way that was lost comes back; whom nobody has ever told of is probably not there.
        let patience = if self.network.has_known(destination) { KNOWN } else { STRANGER };
        // A handheld goes away or is switched off: somebody who stays may hear the destination before it does.
        let leaves = self.config.role == Role::Handheld && schedule.attempts() > 0;
        match self.custodian_in_reach().filter(|_| leaves) {
            Some(custodian) => Asked::Relay(custodian),
            None if self.network.has_room() || schedule.attempts() < patience => Asked::Nobody,
            None => Asked::Everybody,
        }
    }

    /// The neighbor that is most likely to keep a text.
    fn custodian_in_reach(&self) -> Option<Hop> {
        let keeps = |role: Option<Role>| matches!(role, Some(Role::Relay | Role::Gateway));
        let keepers = self.network.neighbors().filter(|neighbor| keeps(neighbor.role));
        let nearest = keepers.min_by_key(|neighbor| neighbor.link.cost().metric)?;
        self.network.next_hop(nearest.node).map(|step| step.hop).filter(|hop| hop.node == nearest.node)
    }

    /// A proof for a node that did not speak to us itself. With no way to it, the relay that awaits the proof takes it
    /// back; when none does, everybody.
    pub(super) fn send_far(&mut self, destination: NodeId, proof: Proof, heard: Answered, now: Instant) {
        let mut frame = receipt(destination, proof, false);
        let known = self.network.next_hop(destination).is_some();
        if !known && heard.came == Came::InFlood {
            frame.next_hop = FLOOD;
        }
        let mut octets = [0; Receipt::STRONG_OCTETS];
        if let Ok(len) = frame.emit(&mut octets) {
            // When there is no room, whoever waits for it will ask again.
            let lane = if heard.urgent { Lane::Urgent } else { Lane::Ordinary };
            let _ = match (known, heard.came) {
                (false, Came::OverRelays) => self.relay.send_back(&octets[..len], lane),
                _ => self.relay.send(&octets[..len], FULL_HOP_LIMIT, lane, now),
            };
        }
    }

    /// A frame for somebody else.
    pub(super) fn pass_on(&mut self, octets: &[u8], quality: Quality, now: Instant) -> Result<(), Discard> {
        let identity = Routed::identity(octets);
        if self.confirmation_taken_on(|attempt| attempt.identity == identity, now) {
            return Ok(());
        }
        let routed = Routed::read(octets).filter(|_| self.config.relays).ok_or(Discard::Foreign)?;
        let ours = self.network.is_called(routed.next_hop, octets) || self.is_for_our_house(routed);
        if ours && self.is_kept(identity, now) {
            return Ok(());
        }
        let heard = Heard { octets, routed, ours, quality };
        let taken = self.relay.handle_frame(heard, self.config.rate, &mut self.jitter, now);
        self.note_reached(now);
        if taken { Ok(()) } else { Err(Discard::Foreign) }
    }

    /// Whether it was brought to this gateway because the way to somebody of its house is not known: it may be soon.
    fn is_for_our_house(&self, routed: Routed) -> bool {
        let gateway = self.config.role == Role::Gateway;
        gateway && routed.next_hop == DIRECT && routed.destination.house() == self.config.node
    }

    /// A frame with one of our addresses as its source: a message of ours that a relay passes on, or another node with
    /// the same address.
    pub(super) fn handle_echo(&mut self, octets: &[u8], now: Instant) -> Result<(), Discard> {
        let identity = Routed::identity(octets);
        let further = Routed::read(octets).is_some_and(|routed| routed.hop_limit < FULL_HOP_LIMIT);
        if further && self.taken_on(|attempt| attempt.identity == identity, now) {
            return Ok(());
        }
        Err(Discard::OwnSource)
    }

    /// A neighbor says that it has a frame already. Returns who.
    pub(super) fn handle_hop_ack(&mut self, proof: &[u8; 4], now: Instant) -> Option<NodeId> {
        let key = self.config.network_key.clone();
        let matches = |neighbor: NodeId, identity: u32| {
            crypto::same(&key.proof(Purpose::HopAck, neighbor, identity), proof)
        };
        let relay_of = |attempt: &Attempt| match attempt.asked {
            Asked::Relay(hop) => Some(hop.node),
            Asked::End(_) | Asked::Everybody | Asked::Nobody => None,
        };
        let confirming = self.confirming.iter().filter_map(|entry| entry.last);
        let asked =
            self.outgoing.iter().filter_map(|entry| entry.last).chain(confirming).find_map(|attempt| {
                relay_of(&attempt).filter(|neighbor| matches(*neighbor, attempt.identity))
            });
        if asked.is_some() {
            self.taken_on(|attempt| relay_of(attempt).is_some_and(|n| matches(n, attempt.identity)), now);
            return asked;
        }
        let asked = self.relay.handle_ack(matches);
        self.note_reached(now);
        asked
    }

    /// A relay has taken a message of ours on: no need to hurry. It stays ours; only its destination's receipt ends that.
    fn taken_on(&mut self, which: impl Fn(&Attempt) -> bool, now: Instant) -> bool {
        let rate = self.config.rate;
        let waiting = |entry: &&mut Outgoing| {
            matches!(entry.phase, Phase::Waiting(_) | Phase::Due) && entry.last.as_ref().is_some_and(&which)
        };
        let Some(entry) = self.outgoing.iter_mut().find(waiting) else {
            return self.confirmation_taken_on(which, now);
        };
        let octets = entry.last.map_or(0, |attempt| attempt.octets);
        if let Some(neighbor) = entry.last.and_then(|attempt| attempt.neighbor()) {
            self.network.handle_reached(neighbor, now);
        }
        let hops = hops_to(&self.network, entry.id.destination);
        let again = entry.schedule.relayed(octets, hops, rate, &mut self.jitter, now);
        let planned = if let Phase::Waiting(planned) = entry.phase { planned } else { now };
        entry.phase = Phase::Waiting(again.max(planned));
        true
    }

    /// The same for a receipt that is to be acknowledged.
    fn confirmation_taken_on(&mut self, which: impl Fn(&Attempt) -> bool, now: Instant) -> bool {
        let waiting = |entry: &&mut Confirming| {
            matches!(entry.progress, Progress::Waiting(_)) && entry.last.as_ref().is_some_and(&which)
        };
        let Some(entry) = self.confirming.iter_mut().find(waiting) else { return false };
        let hops = hops_to(&self.network, entry.id.source);
        let octets = crate::wire::Receipt::OCTETS;
        let again = entry.schedule.relayed(octets, hops, self.config.rate, &mut self.jitter, now);
        entry.progress = Progress::Waiting(again);
        true
    }

    fn note_reached(&mut self, now: Instant) {
        while let Some(neighbor) = self.relay.poll_reached() {
            self.network.handle_reached(neighbor, now);
        }
    }

    /// Tells a neighbor that a frame which it repeats is here.
    pub(super) fn transmit_hop_ack(&mut self, buf: &mut [u8]) -> Option<Transmission> {
        let identity = self.relay.poll_ack()?;
        let proof = self.config.network_key.proof(Purpose::HopAck, self.config.node, identity);
        let len = Ack { proof: Proof::Short(proof) }.emit(buf).ok()?;
        Some(Transmission { len, priority: Priority::Receipt, token: self.token() })
    }

    /// A frame of somebody else's, of at least that lane.
    pub(super) fn transmit_for_others(
        &mut self,
        least: Lane,
        now: Instant,
        buf: &mut [u8],
    ) -> Option<Transmission> {
        let token = self.token();
        let network = &self.network;
        let route = |destination: NodeId, tried: &[NodeId]| network.alternative(destination, tried);
        let next = self.relay.poll_transmit(token, least, route, now, buf);
        self.handle_stuck(now);
        let (len, lane) = next?;
        self.stats.relayed = self.stats.relayed.wrapping_add(1);
        let priority = if lane == Lane::Urgent { Priority::Emergency } else { Priority::Receipt };
        Some(Transmission { len, priority, token })
    }
}

/// How many good hops the way to `destination` is worth.
fn hops_to<const NEIGHBORS: usize, const ROUTES: usize>(
    network: &Network<NEIGHBORS, ROUTES>,
    destination: NodeId,
) -> u32 {
    let hops = |metric: Metric| metric.eighths().div_ceil(Metric::HOP.eighths()).into();
    network.metric(destination).map_or(UNKNOWN_HOPS, hops)
}
