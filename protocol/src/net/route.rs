//! The ways to other nodes: what neighbors offer, which offer is used, what is wanted when none will do.
//!
//! A record per destination keeps the best few offers of neighbors (RFC 8966, section 3.2.6, "route table") and the
//! feasibility distance (section 3.2.5, "source table"). The rules are those of sections 3.5 to 3.8: an offer is
//! used only if it is [feasible](super::distance); what was told and is no more is retracted; who is left with
//! offers that are not feasible asks the destination for a newer sequence.
//!
//! The destination itself is always feasible as a next hop: there the way ends.

use core::cmp::Reverse;

use heapless::Vec;

use crate::id::NodeId;
use crate::time::{Duration, Instant};
use crate::wire::Metric;

use super::distance::{Distance, is_newer};
use super::link::Cost;

/// Offers remembered for a destination: the one in use and two to fall back on.
const OFFERS: usize = 3;
/// Beacons that carry a request.
const ASKINGS: u8 = 2;
/// How far beyond what is offered a request may go.
const FURTHEST_ASKED: u8 = 8;

/// Where to send a frame next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop {
    /// The neighbor.
    pub node: NodeId,
    /// The neighbor's sequence when it offered the way. A node that has restarted since has forgotten what it then
    /// told, and must not answer to this name: see [`Network::answers_to`](super::Network::answers_to).
    pub sequence: u8,
}

/// A destination and the way to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// Where it leads.
    pub destination: NodeId,
    /// The first step; `None` while there is no way.
    pub hop: Option<Hop>,
    /// What the whole way costs.
    pub metric: Metric,
}

/// How long what is told is good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetimes {
    /// An offer that is not repeated.
    pub(super) offer: Duration,
    /// One's own feasibility distance after it was last told: longer than any neighbor keeps an offer.
    pub(super) memory: Duration,
    /// Until a request that has brought nothing asks for more.
    pub(super) request: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    hop: Hop,
    distance: Distance,
    /// The best that the neighbor has told under the same name: its feasibility distance is no worse.
    best: Distance,
    heard_at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    sequence: u8,
    askings: u8,
    since: Instant,
}

/// What a record is worth when the table is full: neighbors first, then what is in use, then what is near.
type Worth = (bool, bool, Reverse<Metric>);

/// All that is known of a destination.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) node: NodeId,
    offers: Vec<Offer, OFFERS>,
    selected: Option<NodeId>,
    /// The cost of the selected way, as of the last selection.
    metric: Metric,
    /// The feasibility distance: the best ever told to others.
    told_best: Option<Distance>,
    told_at: Option<Instant>,
    /// What our beacons last said, and when.
    pub(super) said: Option<(Metric, Instant)>,
    wanted: Option<Wanted>,
    /// Somebody waits for what we have.
    asked: bool,
    used_at: Option<Instant>,
    /// Told no more, so that it can be forgotten.
    retired: bool,
}

impl Record {
    fn new(node: NodeId) -> Self {
        Self {
            node,
            offers: Vec::new(),
            selected: None,
            metric: Metric::UNREACHABLE,
            told_best: None,
            told_at: None,
            said: None,
            wanted: None,
            asked: false,
            used_at: None,
            retired: false,
        }
    }

    /// The best feasible way that does not begin at one of `tried`, and its cost.
    fn best(&self, tried: &[NodeId], cost: impl Fn(NodeId) -> Cost) -> Option<(&Offer, Total)> {
        self.offers
            .iter()
            .filter(|offer| self.is_feasible(offer) && !tried.contains(&offer.hop.node))
            .map(|offer| (offer, total(offer, &cost)))
            .filter(|(_, total)| total.metric.is_reachable())
            .min_by_key(|(_, total)| total.felt)
    }

    /// The next hop: the selected one, or another when it has been tried.
    pub(super) fn hop(&self, tried: &[NodeId], cost: impl Fn(NodeId) -> Cost) -> Option<Hop> {
        match self.selected_offer() {
            Some(offer) if !tried.contains(&offer.hop.node) => Some(offer.hop),
            _ => self.best(tried, cost).map(|(offer, _)| offer.hop),
        }
    }

    pub(super) fn route(&self) -> Route {
        let hop = self.selected_offer().map(|offer| offer.hop);
        Route { destination: self.node, hop, metric: self.metric }
    }

    /// What others may be told: the metric and the sequence it belongs to.
    pub(super) fn tellable(&self) -> Distance {
        match self.selected_offer() {
            Some(offer) if !self.retired => {
                Distance { sequence: offer.distance.sequence, metric: self.metric }
            }
            _ => Distance {
                sequence: self.told_best.map_or(0, |told| told.sequence),
                metric: Metric::UNREACHABLE,
            },
        }
    }

    /// Whether beacons speak of it at all: there is a way, or there was one when they last did.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.said.is_some() || self.tellable().metric.is_reachable()
    }

    /// Whether it should be among the first in the next beacon.
    pub(super) fn is_news(&self) -> bool {
        self.asked || differ(self.said_metric(), self.tellable().metric, 5, 4)
    }

    /// Whether others should hear of it soon.
    fn is_urgent(&self) -> bool {
        self.asked || self.said_metric().is_reachable() != self.tellable().metric.is_reachable()
    }

    /// Others are being told: what we hold ourselves to from now on.
    pub(super) fn tell(&mut self, now: Instant) -> Distance {
        let distance = self.tellable();
        if distance.metric.is_reachable() {
            self.told_at = Some(now);
            if self.told_best.is_none_or(|best| distance.is_better_than(best)) {
                self.told_best = Some(distance);
            }
        }
        self.said = Some((distance.metric, now));
        self.asked = false;
        distance
    }

    /// The sequence to ask for in this beacon.
    pub(super) fn ask(&mut self) -> Option<u8> {
        let wanted = self.wanted.as_mut().filter(|wanted| wanted.askings > 0)?;
        wanted.askings -= 1;
        Some(wanted.sequence)
    }

    /// Somebody asks for this sequence: it is told soon, or asked for in turn; each sequence once only.
    pub(super) fn handle_request(&mut self, sequence: u8, now: Instant) {
        match self.selected_offer() {
            Some(offer) if !is_newer(sequence, offer.distance.sequence) => self.asked = true,
            _ => self.want(sequence, now),
        }
    }

    fn want(&mut self, sequence: u8, now: Instant) {
        if self.wanted.is_none_or(|wanted| is_newer(sequence, wanted.sequence)) {
            self.wanted = Some(Wanted { sequence, askings: ASKINGS, since: now });
        }
    }

    fn said_metric(&self) -> Metric {
        self.said.map_or(Metric::UNREACHABLE, |(metric, _)| metric)
    }

    fn selected_offer(&self) -> Option<&Offer> {
        let selected = self.selected?;
        self.offers.iter().find(|offer| offer.hop.node == selected)
    }

    fn is_feasible(&self, offer: &Offer) -> bool {
        offer.hop.node == self.node || self.told_best.is_none_or(|told| offer.best.is_better_than(told))
    }

    /// Takes an offer in; of too many, the worst that is not in use goes.
    fn put(&mut self, offer: Offer, cost: impl Fn(NodeId) -> Cost) {
        if let Some(known) = self.offers.iter_mut().find(|known| known.hop.node == offer.hop.node) {
            let best = if known.hop == offer.hop && known.best.is_better_than(offer.best) {
                known.best
            } else {
                offer.best
            };
            *known = Offer { best, ..offer };
            return;
        }
        let Err(offer) = self.offers.push(offer) else { return };
        let rank = |offer: &Offer| (self.is_feasible(offer), Reverse(total(offer, &cost).felt));
        let unused =
            self.offers.iter().enumerate().filter(|(_, offer)| self.selected != Some(offer.hop.node));
        let worst = unused.min_by_key(|(_, offer)| rank(offer));
        if let Some((index, worst)) = worst
            && rank(worst) < rank(&offer)
        {
            self.offers[index] = offer;
        }
    }

    /// Chooses anew: stays with the selected way unless another is better by an eighth, or it is no way any more.
    fn select(&mut self, cost: impl Fn(NodeId) -> Cost, lifetimes: Lifetimes, now: Instant) {
        let had = self.selected.is_some();
        let current = self
            .selected_offer()
            .filter(|offer| self.is_feasible(offer))
            .map(|offer| (offer.hop.node, total(offer, &cost)))
            .filter(|(_, total)| total.metric.is_reachable());
        let best = self.best(&[], &cost).map(|(offer, total)| (offer.hop.node, total));
        let chosen = match (current, best) {
            (Some(current), Some(best)) if current.1.felt * 7 <= best.1.felt * 8 => Some(current),
            _ => best,
        };
        self.selected = chosen.map(|(node, _)| node);
        self.metric = chosen.map_or(Metric::UNREACHABLE, |(_, total)| total.metric);
        match self.selected_offer().map(|offer| offer.distance.sequence) {
            Some(sequence) => self.is_satisfied(sequence),
            None => self.starve(had, cost, lifetimes, now),
        }
    }

    /// There is a way of this sequence: whoever was waiting for it is to be told.
    fn is_satisfied(&mut self, sequence: u8) {
        if self.wanted.is_some_and(|wanted| !is_newer(wanted.sequence, sequence)) {
            self.wanted = None;
            self.asked = true;
        }
    }

    /// There is no way. If there just was one, or if there are offers that are not feasible, a newer sequence is
    /// wanted; and after some time in vain a still newer one, since who has passed a request on does not do so
    /// twice.
    fn starve(&mut self, just_lost: bool, cost: impl Fn(NodeId) -> Cost, lifetimes: Lifetimes, now: Instant) {
        let Some(told) = self.told_best else { return };
        let reachable = self.offers.iter().filter(|offer| total(offer, &cost).metric.is_reachable());
        let offered =
            reachable.map(|offer| offer.distance.sequence).reduce(|a, b| if is_newer(a, b) { a } else { b });
        if just_lost || offered.is_some() {
            self.want(told.sequence.wrapping_add(1), now);
        }
        let in_vain = self.wanted.filter(|wanted| now - wanted.since > lifetimes.request);
        if let (Some(wanted), Some(offered)) = (in_vain, offered)
            && !is_newer(wanted.sequence, offered.wrapping_add(FURTHEST_ASKED))
        {
            self.want(wanted.sequence.wrapping_add(1), now);
        }
    }

    fn worth(&self, lifetimes: Lifetimes, now: Instant) -> Worth {
        let near = self.offers.iter().any(|offer| offer.hop.node == self.node);
        let in_use = self.used_at.is_some_and(|at| now - at <= lifetimes.offer);
        (near, in_use, Reverse(self.metric))
    }

    /// Whether nobody holds us to anything any more: a neighbor that once took our offer has dropped it by now.
    fn is_forgettable(&self, lifetimes: Lifetimes, now: Instant) -> bool {
        self.told_at.is_none_or(|at| now - at > lifetimes.memory)
    }
}

/// The ways to `N` destinations.
#[derive(Debug)]
pub(super) struct Routes<const N: usize> {
    records: Vec<Record, N>,
    lifetimes: Lifetimes,
}

impl<const N: usize> Routes<N> {
    pub(super) const fn new(lifetimes: Lifetimes) -> Self {
        Self { records: Vec::new(), lifetimes }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.records.iter_mut()
    }

    pub(super) fn find(&self, node: NodeId) -> Option<&Record> {
        self.records.iter().find(|record| record.node == node)
    }

    pub(super) fn find_mut(&mut self, node: NodeId) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.node == node)
    }

    /// A neighbor offers a way to `node`, or takes its offer back with a metric that is not reachable.
    pub(super) fn handle_offer(
        &mut self,
        hop: Hop,
        node: NodeId,
        distance: Distance,
        cost: impl Fn(NodeId) -> Cost,
        now: Instant,
    ) {
        if !distance.metric.is_reachable() {
            if let Some(record) = self.find_mut(node) {
                record.offers.retain(|offer| offer.hop.node != hop.node);
            }
            return;
        }
        let offer = Offer { hop, distance, best: distance, heard_at: now };
        if let Some(record) = self.find_mut(node) {
            return record.put(offer, cost);
        }
        let worth = (hop.node == node, false, Reverse(total(&offer, &cost).metric));
        self.make_room(worth, now);
        // Fails when all records are worth more or may not be forgotten yet.
        if self.records.push(Record::new(node)).is_ok()
            && let Some(record) = self.records.last_mut()
        {
            record.put(offer, cost);
        }
    }

    /// `neighbor` has restarted: what it offered before the sequence `first` it has forgotten.
    pub(super) fn handle_restart(&mut self, neighbor: NodeId, first: u8) {
        for record in &mut self.records {
            record.offers.retain(|offer| offer.hop.node != neighbor || !is_newer(first, offer.hop.sequence));
        }
    }

    /// Costs or offers have changed: chooses anew for every destination.
    pub(super) fn select(&mut self, cost: impl Fn(NodeId) -> Cost, now: Instant) {
        for record in &mut self.records {
            record.select(&cost, self.lifetimes, now);
        }
    }

    /// Whether a destination may have been left out because others took its place.
    pub(super) fn is_full(&self) -> bool {
        self.records.is_full()
    }

    /// Somebody here has use for the way to `node`.
    pub(super) fn used(&mut self, node: NodeId, now: Instant) {
        if let Some(record) = self.find_mut(node) {
            record.used_at = Some(now);
        }
    }

    /// Whether others should hear of a change soon; `offers`: whether they are told of our ways.
    pub(super) fn are_urgent(&self, offers: bool) -> bool {
        let asks = |record: &Record| record.wanted.is_some_and(|wanted| wanted.askings > 0);
        self.records.iter().any(|record| asks(record) || offers && record.is_urgent())
    }

    /// Drops the offers of who is no neighbor any more and those not repeated for too long, and what is left
    /// without any.
    pub(super) fn expire(&mut self, is_neighbor: impl Fn(NodeId) -> bool, now: Instant) {
        let lifetimes = self.lifetimes;
        for record in &mut self.records {
            record
                .offers
                .retain(|offer| is_neighbor(offer.hop.node) && now - offer.heard_at <= lifetimes.offer);
        }
        self.records.retain(|record| {
            let needed = !record.offers.is_empty() && !record.retired;
            needed || !record.is_forgettable(lifetimes, now)
        });
    }

    /// If the table is full, forgets a record of less worth than the newcomer's. One that neighbors may still rely on
    /// is told no more, so that it can be forgotten later; only an eighth of the table at a time.
    fn make_room(&mut self, newcomer: Worth, now: Instant) {
        if !self.records.is_full() {
            return;
        }
        let lifetimes = self.lifetimes;
        let worth = |record: &Record| record.worth(lifetimes, now);
        let forgettable =
            self.records.iter().enumerate().filter(|(_, record)| record.is_forgettable(lifetimes, now));
        let least = forgettable.min_by_key(|(_, record)| worth(record));
        if let Some((index, least)) = least
            && worth(least) < newcomer
        {
            self.records.swap_remove(index);
            return;
        }
        let retired = self.records.iter().filter(|record| record.retired).count();
        let least =
            self.records.iter_mut().filter(|record| !record.retired).min_by_key(|record| worth(record));
        if let Some(least) = least
            && worth(least) < newcomer
            && retired <= N / 8
        {
            least.retired = true;
        }
    }
}

/// What a way costs.
#[derive(Clone, Copy)]
struct Total {
    /// Eighths of a transmission, with what is felt of the first link: for choosing.
    felt: u32,
    /// What others are told.
    metric: Metric,
}

fn total(offer: &Offer, cost: impl Fn(NodeId) -> Cost) -> Total {
    let (rest, link) = (offer.distance.metric, cost(offer.hop.node));
    Total { felt: u32::from(rest.eighths()) + link.felt(), metric: rest.saturating_add(link.metric) }
}

/// Whether one is reachable and the other not, or one is more than `much` / `than` of the other.
pub(super) fn differ(a: Metric, b: Metric, much: u32, than: u32) -> bool {
    let (low, high) = (u32::from(a.min(b).eighths()), u32::from(a.max(b).eighths()));
    a.is_reachable() != b.is_reachable() || high * than > low * much
}
