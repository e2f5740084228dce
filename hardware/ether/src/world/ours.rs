//! A world of our own nodes: who is there, who knows whom, and what the onlooker has to say of it.

use fanal_protocol::crypto::{SecretKey, SessionKey, agree};
use fanal_protocol::id::NodeId;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::Channel;
use fanal_protocol::time::Duration;

use super::watch::Report;
use super::{World, is_read};
use crate::channel::{Position, Settings, StationId};
use crate::occupant::Input;
use crate::station::{Peer, Setup, Station};

impl World {
    /// An empty world, all of whose stations share `channel`.
    pub fn new(settings: Settings, channel: Channel, seed: u64) -> Self {
        Self::empty(settings, channel, seed)
    }

    /// Adds a station, switched off.
    pub fn add(&mut self, setup: Setup) -> StationId {
        let (position, node, channel) = (setup.position, setup.node, self.channel);
        self.settle(position, node, |id, seed| Station::new(id, setup, channel, super::NETWORK_KEY, seed))
    }

    /// Makes address `near` of station `a` and address `far` of station `b` know each other. An address that
    /// is not the station's own is that of a person behind it.
    ///
    /// # Panics
    /// As [`station`](World::station), and when a station knows [`MOST_PEERS`](crate::station::MOST_PEERS) already.
    pub fn acquaint(&mut self, near: (StationId, NodeId), far: (StationId, NodeId)) {
        let key = agree(&secret(near.1), near.1, &secret(far.1).public(), far.1);
        self.share(near, far, &key.expect("keys made here contribute"));
    }

    /// As [`acquaint`](World::acquaint), once for each pair, with a key that follows from the seed: people who have
    /// met, without the price of their meeting. `false`: one of the two knows too many people
    /// ([`MOST_PEERS`](crate::station::MOST_PEERS)).
    ///
    /// # Panics
    /// As [`station`](World::station).
    pub fn introduce(&mut self, near: (StationId, NodeId), far: (StationId, NodeId)) -> bool {
        if self.watch.knows(near.1, far.1) {
            return true;
        }
        if [near, far].iter().any(|(station, _)| !self.stations[station.0].has_room()) {
            return false;
        }
        let (low, high) = (near.1.min(far.1), near.1.max(far.1));
        let mut jitter = Jitter::new(self.seed ^ (u64::from(low.0) << 32 | u64::from(high.0)).rotate_left(9));
        let mut octets = [0; 16];
        for half in octets.chunks_exact_mut(8) {
            half.copy_from_slice(&jitter.next_u64().to_be_bytes());
        }
        self.share(near, far, &SessionKey::from_bytes(octets));
        true
    }

    /// Two addresses have a key in common.
    fn share(&mut self, near: (StationId, NodeId), far: (StationId, NodeId), key: &SessionKey) {
        for ((station, local), (other, remote)) in [(near, far), (far, near)] {
            let node = self.stations[other.0].setup().node;
            let via = (node != remote).then_some(node);
            self.homes.insert(local, station);
            self.stations[station.0].meet(Peer { local, remote, via, key: key.clone() });
        }
        self.watch.acquaint(near.1, far.1, key.clone());
    }

    /// Adds somebody who keeps to no protocol: see [`inject`](World::inject).
    pub fn intruder(&mut self, position: Position) -> StationId {
        let id = self.add(Setup::handheld(NodeId::NONE, position));
        self.watch.intruder(id);
        id
    }

    /// The station's own clock jumps ahead.
    ///
    /// # Panics
    /// As [`station`](World::station).
    pub fn jump_clock(&mut self, station: StationId, ahead: Duration) {
        self.stations[station.0].jump(ahead);
        self.input(station, Input::Timeout);
    }

    /// Lets time pass until every message has its final state and every receipt its ack, `limit` at most. `true`:
    /// so it is.
    ///
    /// # Panics
    /// As [`run_for`](World::run_for).
    pub fn run_until_settled(&mut self, limit: Duration) -> bool {
        let until = self.now + limit;
        while !self.is_settled() {
            if !self.turn(until) {
                self.now = until;
                return false;
            }
        }
        true
    }

    fn is_settled(&self) -> bool {
        self.agenda.is_empty() && self.stations.iter().all(|s| s.store().is_settled() && !s.waits())
    }

    /// What came of it.
    pub fn report(&self) -> Report {
        self.watch.report(|id| {
            let source = self.homes.get(&id.source).and_then(|home| self.stations.get(home.0));
            let state = source.and_then(|station| station.store().outbox.get(&id)).map(|row| row.state);
            (is_read(&self.stations, &self.homes, id), state)
        })
    }
}

/// The secret of an address, the same in every world.
fn secret(node: NodeId) -> SecretKey {
    let [high, low] = node.0.to_be_bytes();
    let mut octets = [0x5A; 32];
    // Not in the first octet, whose low bits are the same in all keys.
    octets[1..3].copy_from_slice(&[high, low]);
    SecretKey::from_bytes(octets)
}
