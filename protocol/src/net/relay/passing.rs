//! One frame on its way through: to whom, how often already, what is waited for.

use heapless::Vec;

use super::super::Step;
use super::places::Lane;
use crate::id::NodeId;
use crate::quality::Quality;
use crate::rand::Jitter;
use crate::region::Rate;
use crate::time::{Duration, Instant};
use crate::wire::routed::{self, DIRECT, FLOOD, Routed};
use crate::wire::{Kind, MAX_FRAME, Receipt, kind_of};

/// Attempts with one neighbor.
const ATTEMPTS: u8 = 3;
/// Whoever misses a receipt asks again: it is repeated once.
const RECEIPT_ATTEMPTS: u8 = 2;
/// A way that is lost may be found again soon: wait for it so often, and so long each time.
const WAITS: u8 = 3;
const WAIT_FOR_WAY: Duration = Duration::from_secs(15);
/// Neighbors that are tried.
const NEIGHBORS: usize = 3;
/// Room for the next hop to find the channel free, beyond the time on air of what is waited for.
const SLACK: Duration = Duration::from_millis(500);
/// A dropped frame is handed out again after this time.
const DROPPED_RETRY: Duration = Duration::from_millis(500);
/// The slots from which the delay of a flooded frame is drawn: heard at the limit, and heard very well.
const FLOOD_SLOTS: (u64, u64) = (4, 32);
/// Signal-to-noise ratios, dB, that stand for the two.
const FLOOD_SNR_DB: (i32, i32) = (-20, 10);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// To one neighbor after the other until one of them reacts.
    Unicast {
        /// Those that did not react.
        tried: Vec<NodeId, NEIGHBORS>,
        /// Whether all were tried before, and are tried once more.
        again: bool,
        /// The one that is being tried.
        current: Option<Step>,
    },
    /// To the relay that awaits just this answer, once: it knows a way.
    Back,
    /// To everybody, once.
    Flood {
        /// How often others were heard passing it on.
        copies: u8,
    },
}

impl Way {
    pub(super) const fn unicast() -> Self {
        Self::Unicast { tried: Vec::new(), again: false, current: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Not before this instant.
    Delayed(Instant),
    /// As soon as possible.
    Due,
    /// Handed out under this token.
    OnAir(u32),
    /// Transmitted; a sign is awaited until then.
    Waiting(Instant),
}

#[derive(Clone, Debug)]
pub(super) struct Passing {
    pub(super) identity: u32,
    pub(super) frame: Vec<u8, MAX_FRAME>,
    /// With which it is sent.
    pub(super) hop_limit: u8,
    pub(super) lane: Lane,
    pub(super) way: Way,
    pub(super) phase: Phase,
    /// Attempts with the neighbor that is being tried.
    attempts: u8,
    /// Times that it waited because there was no way.
    waits: u8,
}

impl Passing {
    /// `None`: these octets are not a frame that is passed on.
    pub(super) fn new(
        octets: &[u8],
        way: Way,
        due: Option<Instant>,
        hop_limit: u8,
        lane: Lane,
    ) -> Option<Self> {
        Routed::read(octets)?;
        Some(Self {
            identity: Routed::identity(octets),
            frame: Vec::from_slice(octets).ok()?,
            hop_limit,
            lane,
            way,
            phase: due.map_or(Phase::Due, Phase::Delayed),
            attempts: 0,
            waits: 0,
        })
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        kind_of(&self.frame)
    }

    fn is_text(&self) -> bool {
        self.kind().is_some_and(Kind::is_text)
    }

    fn destination(&self) -> Option<NodeId> {
        Routed::read(&self.frame).map(|routed| routed.destination)
    }

    /// The neighbor that is being tried.
    pub(super) fn next_hop(&self) -> Option<Step> {
        match &self.way {
            Way::Unicast { current, .. } => *current,
            Way::Flood { .. } | Way::Back => None,
        }
    }

    pub(super) fn was_transmitted(&self) -> bool {
        self.attempts > 0
    }

    /// Whether another frame may have its place: it has been on the air, or nobody knows where to send it.
    pub(super) fn may_yield(&self) -> bool {
        match self.phase {
            Phase::Waiting(_) => true,
            Phase::Delayed(_) => self.waits > 0,
            Phase::Due | Phase::OnAir(_) => false,
        }
    }

    /// Whether it was given to its destination itself, whose answer is awaited.
    pub(super) fn awaits_destination(&self) -> bool {
        self.was_transmitted() && self.arrives()
    }

    /// Whether the neighbor that is being tried is the end of the way.
    fn arrives(&self) -> bool {
        self.next_hop().is_some_and(|step| step.arrives)
    }

    /// Whom to try next, as long as somebody is left; `true` also for a flood, and while one is being tried.
    pub(super) fn choose_hop(&mut self, route: impl Fn(NodeId, &[NodeId]) -> Option<Step>) -> bool {
        let Some(destination) = self.destination() else { return false };
        let Way::Unicast { tried, again, current } = &mut self.way else { return true };
        if current.is_none() && !tried.is_full() {
            *current = route(destination, tried);
        }
        if current.is_none() && !*again && !tried.is_empty() {
            *again = true;
            tried.clear();
            *current = route(destination, tried);
        }
        current.is_some()
    }

    /// There is nobody to ask. `false`: nor was there for long.
    pub(super) fn wait_for_way(&mut self, now: Instant) -> bool {
        let tried = self.unreachable().is_some();
        if tried || self.waits >= WAITS || !self.is_text() {
            return false;
        }
        self.waits += 1;
        self.phase = Phase::Delayed(now + WAIT_FOR_WAY);
        true
    }

    pub(super) fn transmit(&mut self, token: u32, buf: &mut [u8]) -> Option<usize> {
        let next_hop = match (&self.way, self.next_hop()) {
            (Way::Back, _) => DIRECT,
            (_, None) => FLOOD,
            (_, Some(step)) if step.arrives => DIRECT,
            (_, Some(Step { hop, .. })) => routed::name(hop.node, hop.sequence, &self.frame),
        };
        Routed::redirect(&mut self.frame, self.hop_limit, next_hop);
        buf.get_mut(..self.frame.len())?.copy_from_slice(&self.frame);
        self.phase = Phase::OnAir(token);
        Some(self.frame.len())
    }

    /// It has left the antenna; whether anything is to be waited for.
    pub(super) fn transmitted(&mut self, rate: Rate, jitter: &mut Jitter, now: Instant) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        // The destination answers a text; of all else it is only overheard that it goes on.
        let answered = self.is_text() || !self.arrives();
        if !matches!(self.way, Way::Unicast { .. }) || !answered {
            return false;
        }
        let sign = rate.time_on_air(self.frame.len().max(Receipt::OCTETS)) * 2 + SLACK;
        let patience = sign * (1 << self.attempts.min(ATTEMPTS)) / 2;
        self.phase = Phase::Waiting(now + patience + jitter.duration_up_to(sign));
        true
    }

    pub(super) fn dropped(&mut self, jitter: &mut Jitter, now: Instant) {
        self.phase = Phase::Delayed(now + DROPPED_RETRY + jitter.duration_up_to(DROPPED_RETRY));
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Delayed(at) | Phase::Waiting(at) => Some(at),
            Phase::Due | Phase::OnAir(_) => None,
        }
    }

    /// Time has passed. Returns a neighbor that has not reacted to all attempts; the next one is then to be chosen.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<NodeId> {
        match self.phase {
            Phase::Delayed(at) if at <= now => self.phase = Phase::Due,
            Phase::Waiting(at) if at <= now => {
                self.phase = Phase::Due;
                let attempts = if self.is_text() { ATTEMPTS } else { RECEIPT_ATTEMPTS };
                if self.attempts >= attempts {
                    return self.give_neighbor_up();
                }
            }
            _ => {}
        }
        None
    }

    fn give_neighbor_up(&mut self) -> Option<NodeId> {
        self.attempts = 0;
        let Way::Unicast { tried, current, .. } = &mut self.way else { return None };
        let silent = current.take()?.hop.node;
        // When full, nobody else is tried.
        let _ = tried.push(silent);
        Some(silent)
    }

    /// The last neighbor that did not react.
    pub(super) fn unreachable(&self) -> Option<NodeId> {
        match &self.way {
            Way::Unicast { tried, .. } => tried.last().copied(),
            Way::Flood { .. } | Way::Back => None,
        }
    }
}

/// How long to wait with a flooded frame. Whoever heard it worst is probably farthest and reaches most others, so goes
/// first.
pub(super) fn flood_delay(quality: Quality, rate: Rate, jitter: &mut Jitter) -> Duration {
    let (worst, best) = FLOOD_SNR_DB;
    let above = (i32::from(quality.snr_quarter_db) / 4).clamp(worst, best) - worst;
    let slots = FLOOD_SLOTS.0 + (FLOOD_SLOTS.1 - FLOOD_SLOTS.0) * above as u64 / (best - worst) as u64;
    let slot = rate.symbol() * 4 + Duration::from_millis(2);
    slot * (1 + jitter.below(slots) as u32)
}
