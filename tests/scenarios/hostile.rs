//! A neighbor that means harm: it hears everything, repeats it late and changed, and makes frames up; with the key of the
//! network also such as the nodes believe.

use std::sync::Arc;

use fanal_ether::channel::StationId;
use fanal_ether::world::{Happening, NETWORK_KEY, World};
use fanal_protocol::crypto::Purpose;
use fanal_protocol::id::NodeId;
use fanal_protocol::region::MAX_FRAME;
use fanal_protocol::time::Duration;
use fanal_protocol::wire::{
    Ack, Beacon, Custody, Entries, FLOOD, FULL_HOP_LIMIT, Frame, Metric, Proof, Role, RouteEntry, Routed,
};

use crate::campaign::Draw;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Knows {
    Nothing,
    NetworkKey,
}

pub(crate) struct Hostile {
    station: StationId,
    knows: Knows,
    heard: Vec<Arc<[u8]>>,
    /// How much of the world's history it has gone through.
    read: usize,
}

impl Hostile {
    pub(crate) fn new(station: StationId, knows: Knows) -> Self {
        Self { station, knows, heard: Vec::new(), read: 0 }
    }

    /// Puts a few frames on the air within `step`; now and then a flood of them.
    pub(crate) fn act(&mut self, world: &mut World, draw: &mut Draw, step: Duration) {
        self.listen(world);
        let frames = if draw.once_in(12) { 80 } else { draw.below(5) };
        for _ in 0..frames {
            let Some(frame) = self.invent(draw) else { return };
            world.inject(self.station, &frame, draw.time(step));
        }
    }

    fn listen(&mut self, world: &World) {
        let news = &world.history()[self.read..];
        self.heard.extend(news.iter().filter_map(|(_, station, what)| match what {
            Happening::Transmits(frame) if *station != self.station => Some(frame.clone()),
            _ => None,
        }));
        self.read = world.history().len();
    }

    /// `None` while it has heard nothing.
    fn invent(&self, draw: &mut Draw) -> Option<Vec<u8>> {
        if self.heard.is_empty() {
            return None;
        }
        // What is new as often as what is old.
        let latest = if draw.once_in(2) { self.heard.len().min(8) } else { self.heard.len() };
        let mut frame = self.heard[self.heard.len() - 1 - draw.below(latest)].to_vec();
        let kinds = if self.knows == Knows::NetworkKey { 8 } else { 4 };
        match draw.below(kinds) {
            0 => {}
            1 => Routed::redirect(&mut frame, draw.octet(), [0, FLOOD, draw.octet()][draw.below(3)]),
            2 => {
                let place = draw.below(frame.len());
                frame[place] ^= 1 << draw.below(8);
                frame.truncate(1 + draw.below(MAX_FRAME));
            }
            3 => frame.iter_mut().skip(6).for_each(|octet| *octet = draw.octet()),
            4 | 5 => frame = self.beacon(draw),
            6 => frame = self.ack(&frame, draw),
            _ => frame = self.notice(&frame, draw),
        }
        Some(frame)
    }

    /// Somebody whose address was heard, or nobody.
    fn somebody(&self, draw: &mut Draw) -> NodeId {
        let heard = &self.heard[draw.below(self.heard.len())];
        match Frame::parse(heard) {
            Ok(Frame::Beacon(beacon)) => beacon.source,
            Ok(Frame::Text(text)) => text.source,
            _ => NodeId(1 + draw.below(0xFFF0) as u16),
        }
    }

    /// Ways to everybody that lead here, in the name of anybody.
    fn beacon(&self, draw: &mut Draw) -> Vec<u8> {
        let mut octets = Vec::new();
        for _ in 0..draw.below(30) {
            let entry = RouteEntry {
                node: self.somebody(draw),
                sequence: draw.octet(),
                metric: Metric::of_eighths(draw.below(128) as u32),
                direct: draw.once_in(2),
            };
            octets.extend(entry.octets());
        }
        let entries = Entries::parse(&octets).unwrap_or(Entries::NONE);
        let counter = [draw.below(64) as u32, draw.below(1 << 20) as u32, u32::MAX][draw.below(3)];
        let (source, role) = (self.somebody(draw), Role::of(draw.octet() % 5));
        let tag = NETWORK_KEY.seal_beacon(source, counter, role.octet(), entries);
        let mut out = [0; MAX_FRAME];
        let len = Beacon { hop_limit: 0, source, counter, role, entries, tag }.emit(&mut out).unwrap_or(1);
        out[..len].to_vec()
    }

    /// "I have it", in the name of a relay.
    fn ack(&self, frame: &[u8], draw: &mut Draw) -> Vec<u8> {
        let proof = NETWORK_KEY.proof(Purpose::HopAck, self.somebody(draw), Routed::identity(frame));
        let mut out = [0; MAX_FRAME];
        let len = Ack { proof: Proof::Short(proof) }.emit(&mut out).unwrap_or(1);
        out[..len].to_vec()
    }

    /// "I keep it", or "it has arrived: forget it".
    fn notice(&self, frame: &[u8], draw: &mut Draw) -> Vec<u8> {
        let release = draw.once_in(2);
        let purpose = if release { Purpose::Release } else { Purpose::Custody };
        let source = match Frame::parse(frame) {
            Ok(Frame::Text(text)) => text.source,
            _ => self.somebody(draw),
        };
        let about = self.somebody(draw);
        let destination = if release { self.somebody(draw) } else { source };
        let proof = NETWORK_KEY.proof(purpose, about, Routed::identity(frame));
        let notice =
            Custody { hop_limit: FULL_HOP_LIMIT, next_hop: FLOOD, destination, release, about, proof };
        let mut out = [0; MAX_FRAME];
        let len = notice.emit(&mut out).unwrap_or(1);
        out[..len].to_vec()
    }
}
