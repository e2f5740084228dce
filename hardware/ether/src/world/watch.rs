//! The onlooker: sees all stores and all frames, and says what must never happen and did.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use fanal_protocol::crypto::{NetworkKey, Purpose, SessionKey};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::State;
use fanal_protocol::region::{Channel, Limit, MAX_FRAME};
use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::{Custody, Direct, Form, Frame, Kind, Proof, Routed, Strong, Text};

use crate::channel::StationId;
use crate::occupant::Notice;
use crate::station::Store;

mod pieces;

/// What came of a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    /// Messages that a station accepted.
    pub sent: usize,
    /// Those whose reader has them.
    pub delivered: usize,
    /// Those of which the sender says so.
    pub reported_delivered: usize,
    /// Those of which the sender said so before it was true. Always 0.
    pub false_delivered: usize,
    /// Times that a message was handed over again. Always 0.
    pub duplicates: usize,
    /// Those of which the sender says that they were given up, delivered or not.
    pub given_up: usize,
    /// Neither delivered nor given up: 0 once everything is settled.
    pub lost: usize,
    /// Frames on the air.
    pub transmissions: u64,
    /// Their time on air.
    pub airtime: Duration,
    /// What must never happen and did. Always empty.
    pub violations: Vec<Violation>,
}

/// Frames that were on the air last and are looked at first.
const LATELY: usize = 1024;

/// A breach of what must always hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// When.
    pub at: Instant,
    /// What.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.at, self.what)
    }
}

pub(super) struct Watch {
    limit: Limit,
    keys: BTreeMap<(NodeId, NodeId), SessionKey>,
    accepted: BTreeSet<MessageId>,
    sealed: BTreeMap<MessageId, Vec<u8>>,
    beacons: BTreeSet<(StationId, u32)>,
    intruders: BTreeSet<StationId>,
    nodes: BTreeMap<StationId, NodeId>,
    network_key: NetworkKey,
    /// Frames that relays may pass on, by identity.
    seen: BTreeSet<u32>,
    /// Those that were on the air last, the latest at the end: what hop acks are about.
    lately: VecDeque<u32>,
    /// The texts among them, by the station that wrote them.
    texts: BTreeMap<StationId, Vec<(u32, MessageId)>>,
    /// Who has heard what that was never sent.
    damaged: BTreeSet<(StationId, u32)>,
    on_air: BTreeMap<StationId, VecDeque<(Instant, Duration)>>,
    report: Report,
}

impl Watch {
    pub(super) fn new(channel: Channel, network_key: NetworkKey) -> Self {
        Self {
            limit: channel.lawful().unwrap_or(Limit::Unlimited),
            keys: BTreeMap::new(),
            accepted: BTreeSet::new(),
            sealed: BTreeMap::new(),
            beacons: BTreeSet::new(),
            intruders: BTreeSet::new(),
            nodes: BTreeMap::new(),
            network_key,
            seen: BTreeSet::new(),
            lately: VecDeque::new(),
            texts: BTreeMap::new(),
            damaged: BTreeSet::new(),
            on_air: BTreeMap::new(),
            report: Report::default(),
        }
    }

    pub(super) fn acquaint(&mut self, a: NodeId, b: NodeId, key: SessionKey) {
        self.keys.insert((a, b), key.clone());
        self.keys.insert((b, a), key);
    }

    /// This station has this address.
    pub(super) fn resident(&mut self, station: StationId, node: NodeId) {
        self.nodes.insert(station, node);
    }

    /// This station has heard a frame otherwise than it was sent, and cannot know.
    pub(super) fn heard_damaged(&mut self, station: StationId, frame: &[u8]) {
        self.damaged.insert((station, Routed::identity(frame)));
    }

    /// This station is judged by nothing.
    pub(super) fn intruder(&mut self, station: StationId) {
        self.intruders.insert(station);
    }

    /// Whether these two addresses know each other.
    pub(super) fn knows(&self, a: NodeId, b: NodeId) -> bool {
        self.keys.contains_key(&(a, b))
    }

    pub(super) fn notice(&mut self, notice: &Notice, is_read: impl Fn(MessageId) -> bool, now: Instant) {
        match notice {
            Notice::Accepted(id) => {
                if !self.accepted.insert(*id) {
                    self.violation(now, format!("{id} was given to two messages"));
                }
            }
            Notice::StoredAgain(id) => {
                self.report.duplicates += 1;
                self.violation(now, format!("{id} was handed over twice"));
            }
            Notice::State(id, State::Delivered) if !is_read(*id) => {
                self.report.false_delivered += 1;
                self.violation(now, format!("{id} is said to be delivered and is not"));
            }
            Notice::Refused(error) => self.violation(now, format!("a letter was refused: {error}")),
            Notice::Stored(id) if !self.accepted.contains(id) => {
                self.violation(now, format!("{id} was received and never sent"));
            }
            Notice::Stored(_) | Notice::State(..) | Notice::Forwarded(_) => {}
        }
    }

    pub(super) fn transmission(
        &mut self,
        station: StationId,
        store: &Store,
        frame: &[u8],
        channel: &Channel,
        now: Instant,
    ) {
        if self.intruders.contains(&station) {
            // Who relays cannot know better.
            self.saw(Routed::identity(frame));
            return;
        }
        let airtime = channel.rate.time_on_air(frame.len());
        self.report.transmissions += 1;
        self.report.airtime += airtime;
        self.law(station, airtime, now);
        let identity = Routed::identity(frame);
        let routed = Routed::read(frame).is_some();
        let before = routed && self.seen.contains(&identity);
        if routed {
            self.saw(identity);
        }
        // A relay may pass on what was on the air before, whatever it is, and what it took for that; nothing else.
        if before || self.damaged.contains(&(station, identity)) {
            return;
        }
        match Frame::parse(frame) {
            Ok(Frame::Text(text)) => {
                if let Some(id) = self.text(&text, store, now) {
                    self.texts.entry(station).or_default().push((identity, id));
                }
            }
            Ok(Frame::Direct(direct)) => self.direct(&direct, store, now),
            Ok(Frame::Ack(ack)) => {
                if !store.may_say(&ack.proof) && !self.is_hop_ack(station, &ack.proof) {
                    self.violation(now, format!("{station} sent an ack for something it has not stored"));
                }
            }
            Ok(Frame::Receipt(receipt)) => {
                if !store.may_say(&receipt.proof) {
                    self.violation(now, format!("{station} sent a receipt for something that was not read"));
                }
            }
            Ok(Frame::Custody(notice)) => {
                if !self.is_true(station, &notice, store) {
                    self.violation(now, format!("{station} sent a custody notice that is not true"));
                }
            }
            Ok(Frame::Beacon(beacon)) => {
                if !self.beacons.insert((station, beacon.counter)) {
                    self.violation(now, format!("{station} used beacon counter {} twice", beacon.counter));
                }
            }
            Ok(Frame::Fragment(fragment)) => self.fragment(&fragment, store, now),
            Ok(Frame::Status(status)) => self.status(&status, now),
            Ok(Frame::Unknown { .. }) | Err(_) => {
                self.violation(now, format!("{station} sent something that is no frame"));
            }
        }
    }

    /// A frame that relays may pass on is on the air.
    fn saw(&mut self, identity: u32) {
        self.seen.insert(identity);
        if self.lately.len() == LATELY {
            self.lately.pop_front();
        }
        self.lately.push_back(identity);
    }

    /// Whether this says that the station has a frame that was on the air, or that it took for one.
    fn is_hop_ack(&self, station: StationId, proof: &Proof) -> bool {
        let Proof::Short(proof) = proof else { return false };
        let Some(node) = self.nodes.get(&station) else { return false };
        let said = |identity: &u32| self.network_key.proof(Purpose::HopAck, *node, *identity) == *proof;
        // Nearly always the frame was on the air a moment ago; all of them are too many to try for each ack.
        let damaged = self.damaged.range((station, 0)..=(station, u32::MAX)).map(|(_, identity)| identity);
        self.lately.iter().rev().any(said) || damaged.rev().any(said) || self.seen.iter().any(said)
    }

    /// Whether the custodian has what it says that it keeps; whether what may be forgotten has been delivered.
    fn is_true(&self, station: StationId, notice: &Custody, store: &Store) -> bool {
        let proves = |purpose: Purpose, identity: u32| {
            self.network_key.proof(purpose, notice.about, identity) == notice.proof
        };
        if !notice.release {
            return store.kept.keys().any(|identity| proves(Purpose::Custody, *identity));
        }
        let delivered =
            |id: &MessageId| store.outbox.get(id).is_some_and(|row| row.state == State::Delivered);
        // What is released now was written last.
        let texts = self.texts.get(&station).into_iter().flatten().rev();
        texts.filter(|(_, id)| delivered(id)).any(|(identity, _)| proves(Purpose::Release, *identity))
    }

    /// Finds out which message a text frame is, and that its nonce never sealed another text.
    fn text(&mut self, text: &Text<'_>, store: &Store, now: Instant) -> Option<MessageId> {
        let id = self.named(text, now, |key, id| opens(key, text, id))?;
        self.stored_text(id, text.sealed, store, now);
        Some(id)
    }

    /// The id whose counter such a frame names in short: the one with which it `opens`.
    fn named(
        &mut self,
        frame: &Text<'_>,
        now: Instant,
        opens: impl Fn(&SessionKey, MessageId) -> bool,
    ) -> Option<MessageId> {
        let Text { source, destination, .. } = *frame;
        let Some(key) = self.keys.get(&(source, destination)) else {
            self.violation(now, format!("{source} writes to {destination}, whom it does not know"));
            return None;
        };
        let id = candidates(frame).find(|id| opens(key, *id));
        if id.is_none() {
            self.violation(now, format!("a frame of {source} opens with no counter"));
        }
        id
    }

    /// The same of a text that names no address.
    fn direct(&mut self, direct: &Direct<'_>, store: &Store, now: Instant) {
        let id = self.keys.iter().find_map(|((source, destination), key)| {
            let called = key.label(*source, *destination) == direct.label;
            called.then(|| opened(key, &direct.between(*source, *destination))).flatten()
        });
        match id {
            Some(id) => self.stored_text(id, direct.sealed, store, now),
            None => self.violation(now, "a direct text opens with no session".to_owned()),
        }
    }

    /// The text of this message is on the air as these octets.
    fn stored_text(&mut self, id: MessageId, sealed: &[u8], store: &Store, now: Instant) {
        if !store.outbox.contains_key(&id) {
            self.violation(now, format!("{id} is on the air and not stored"));
        }
        self.sealed_once(id, sealed, now);
    }

    /// Whatever is sealed under a counter is the same each time.
    fn sealed_once(&mut self, id: MessageId, sealed: &[u8], now: Instant) {
        if let Some(former) = self.sealed.insert(id, sealed.to_vec())
            && former != sealed
        {
            self.violation(now, format!("the nonce of {id} was used for two texts"));
        }
    }

    fn law(&mut self, station: StationId, airtime: Duration, now: Instant) {
        let (allowed, window) = match self.limit {
            Limit::Unlimited => return,
            Limit::DutyCycle { permille, window } => (window * u32::from(permille) / 1000, window),
            Limit::Dwell { limit, window } => (limit, window),
        };
        let recent = self.on_air.entry(station).or_default();
        recent.push_back((now, airtime));
        while recent.front().is_some_and(|(begun, airtime)| *begun + *airtime + window <= now) {
            recent.pop_front();
        }
        // The window that ends with this frame: of the first one only what reaches into it counts.
        let end = now + airtime;
        let begin = end.saturating_sub(window);
        let total: Duration = recent
            .iter()
            .map(|(begun, airtime)| (*begun + *airtime).saturating_since((*begun).max(begin)))
            .sum();
        if total > allowed {
            self.violation(
                now,
                format!("{station} was on the air for {total:?} of {allowed:?} in {window:?}"),
            );
        }
    }

    fn violation(&mut self, at: Instant, what: String) {
        self.report.violations.push(Violation { at, what });
    }

    /// What came of it, by what the stores say of each message: whether it is read, and its state at its source.
    pub(super) fn report(&self, look_up: impl Fn(MessageId) -> (bool, Option<State>)) -> Report {
        let mut report = self.report.clone();
        for id in &self.accepted {
            let (read, state) = look_up(*id);
            let given_up = matches!(state, Some(State::Expired | State::Failed(_)));
            report.sent += 1;
            report.delivered += usize::from(read);
            report.reported_delivered += usize::from(state == Some(State::Delivered));
            report.given_up += usize::from(given_up);
            report.lost += usize::from(!read && !given_up);
        }
        report
    }
}

/// Which message of the session a text is.
fn opened(key: &SessionKey, text: &Text<'_>) -> Option<MessageId> {
    candidates(text).find(|id| opens(key, text, *id))
}

/// The messages that a frame may mean by the counter in it.
fn candidates(frame: &Text<'_>) -> impl Iterator<Item = MessageId> + use<> {
    let Text { source, destination, form, .. } = *frame;
    let counters = match form {
        Form::Strong(strong) | Form::Urgent(strong) => vec![strong.counter],
        Form::Short(sequence) => (0..64).map(|turn| u32::from(sequence.0) + 256 * turn).collect(),
    };
    counters.into_iter().map(move |counter| MessageId { source, destination, counter })
}

fn opens(key: &SessionKey, text: &Text<'_>, id: MessageId) -> bool {
    let mut plain = [0; MAX_FRAME];
    let first = match text.form.kind() {
        Kind::Urgent => key.open_urgent(id, text.sealed, &mut plain),
        _ => key.open_text(id, text.sealed, &mut plain),
    };
    let second = |strong: Strong| key.check_strong(text.form.kind(), id, text.sealed, &strong.second_tag);
    first.is_ok() && text.form.strong().is_none_or(|strong| second(strong).is_ok())
}
