//! The facade of the protocol: one node, whatever it runs on.
//!
//! A node owns sessions, decides what to transmit, when, and what a received frame means. It never touches a
//! radio, a clock or a disk. The host feeds it and, **after every mutation**, drains it:
//!
//! 1. [`Node::poll_transmit`] until `None` or until the host's transmit queue is full,
//! 2. [`Node::poll_event`] until `None`,
//! 3. then waits for the earliest of a frame, a command and [`Node::poll_timeout`].
//!
//! Spurious calls are harmless. Storage is I/O too: the node asks for durability by an [`Event`] and goes on
//! only after [`Node::handle_stored`], [`Node::accept`] or [`Node::handle_reserved`]; a crash in between is a
//! retransmission, never a loss.
//!
//! `docs/protocol.md`, sections "Transport", "Relaying" and "Custody".

mod config;
mod custody;
mod direct;
mod event;
mod long;
mod outbound;
mod proof;
mod receive;
mod relay;
mod stats;
mod timer;
mod transmit;
mod urgent;

pub use config::{Acceptance, Config, Draft};
pub use event::{Discard, Event, Full, SendError};
pub use stats::Stats;
pub use transmit::Transmission;

pub use crate::net::Neighbor;
pub use crate::transport::{Failure, Session, State};

use heapless::{Deque, Vec};

use crate::budget::Budget;
use crate::id::{MessageId, NodeId};
use crate::net::{self, Network, Relay};
use crate::rand::Jitter;
use crate::time::{Duration, Instant};
use crate::transport::{Arriving, Confirming, Custody, Outgoing, Reservation};
use crate::wire::{MAX_FRAME, Proof};

pub use custody::KEEP_FOR;
use custody::Kept;
use long::Long;

/// Neighbors remembered.
const NEIGHBORS: usize = 32;
/// Destinations to which ways are known.
const ROUTES: usize = 128;
/// Time between beacons while much changes: no less than this, and so many times as long as a beacon that tells much.
const SHORTEST_BEACON_INTERVAL: (Duration, u32) = (Duration::from_secs(15), 60);
const LONG_BEACON_OCTETS: usize = 112;
/// Messages that may wait for the host's store at one time.
const ARRIVING: usize = 4;
/// Our messages in other nodes' custody whose receipts are awaited. One more stays with us, and is repeated.
pub const IN_CUSTODY: usize = 64;
/// Acks and receipts that may wait for the air.
const ANSWERS: usize = 8;
/// Wrong tags of 32 bits that are looked at in a burst, and the time after which there may be one more: guessing one takes 272
/// years on average.
const WRONG_TAGS: (u32, Duration) = (64, Duration::from_secs(4));
/// Frames of others on their way through.
const PASSING: usize = 8;
/// Frames of others that are recognised when they come again.
const REMEMBERED: usize = 64;

/// One node with room for `SESSIONS` pairs of addresses, `PENDING` messages of ours under way (and as many receipts to
/// be confirmed), to know of `KEPT` texts that its host keeps for absent nodes, and for `LONG` long texts each way (0: for
/// none, whose lengths are then refused). At most `SESSIONS` x 88 + `PENDING` x 380 + `KEPT` x 72 + `LONG` x 8600 octets and 10 kB.
pub struct Node<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize> {
    config: Config,
    started: Instant,
    jitter: Jitter,
    /// In the order of their addresses: a crowd is looked up for every text that is heard.
    sessions: Vec<Session, SESSIONS>,
    /// Some session may want more counters.
    wants_counters: bool,
    outgoing: Vec<Outgoing, PENDING>,
    in_custody: Vec<Custody, IN_CUSTODY>,
    arriving: Vec<Arriving, ARRIVING>,
    confirming: Vec<Confirming, PENDING>,
    /// Proofs for neighbors that were heard just now.
    answers: Deque<Proof, ANSWERS>,
    /// For urgent messages of ours.
    urgent_pace: Budget,
    relay: Relay<PASSING, REMEMBERED>,
    kept: Vec<Kept, KEPT>,
    long: Long<LONG>,
    /// The text that the host is asked to keep.
    offered: Option<Vec<u8, MAX_FRAME>>,
    network: Network<NEIGHBORS, ROUTES>,
    beacon_counters: Reservation,
    forgeries: Budget,
    /// For acks, which may just as well be somebody else's.
    stray_acks: Budget,
    next_token: u32,
    stats: Stats,
}

impl<const SESSIONS: usize, const PENDING: usize, const KEPT: usize, const LONG: usize>
    Node<SESSIONS, PENDING, KEPT, LONG>
{
    /// A node that begins at `now`. Beacon counters below `beacon_counter` may have been used before.
    /// All jitter follows from `seed`.
    pub fn new(config: Config, beacon_counter: u32, seed: u64, now: Instant) -> Self {
        let mut jitter = Jitter::new(seed);
        let network = net::Settings {
            node: config.node,
            forwards: config.relays,
            rate: config.rate,
            shortest: shortest_beacon_interval(config.rate).min(config.beacon_interval),
            longest: config.beacon_interval,
        };
        let network = Network::new(network, beacon_counter, jitter.next_u64(), now);
        Self {
            config,
            started: now,
            jitter,
            sessions: Vec::new(),
            wants_counters: false,
            outgoing: Vec::new(),
            in_custody: Vec::new(),
            arriving: Vec::new(),
            confirming: Vec::new(),
            answers: Deque::new(),
            urgent_pace: urgent::pace(now),
            relay: Relay::new(),
            kept: Vec::new(),
            long: Long::new(),
            offered: None,
            network,
            beacon_counters: Reservation::starting_at(beacon_counter),
            forgeries: Budget::new(WRONG_TAGS.0, WRONG_TAGS.1, now),
            stray_acks: Budget::new(WRONG_TAGS.0, WRONG_TAGS.1, now),
            next_token: 0,
            stats: Stats::default(),
        }
    }

    /// Adds a pair of addresses, or replaces the session of the same pair.
    ///
    /// # Errors
    /// [`Full`]: there is no room for another session.
    pub fn add_session(&mut self, session: Session) -> Result<(), Full> {
        match self.session_index(session.local, session.remote) {
            Ok(index) => {
                self.sessions[index] = session;
                Ok(())
            }
            Err(index) => self.sessions.insert(index, session).map_err(|_| Full),
        }
    }

    /// This node's own address.
    pub const fn id(&self) -> NodeId {
        self.config.node
    }

    /// The nodes heard directly.
    pub fn neighbors(&self) -> impl Iterator<Item = &Neighbor> {
        self.network.neighbors()
    }

    /// What has happened so far, in numbers.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Messages of ours that wait for the air or for an answer.
    pub fn pending(&self) -> usize {
        self.outgoing.len()
    }

    /// The rate of the channel has changed: waits for answers follow it from the next attempt on.
    pub fn set_rate(&mut self, rate: crate::region::Rate) {
        self.config.rate = rate;
        self.network.set_rate(rate);
    }

    /// Where a session is; where it would be.
    fn session_index(&self, local: NodeId, remote: NodeId) -> Result<usize, usize> {
        self.sessions.binary_search_by_key(&(local, remote), |session| (session.local, session.remote))
    }

    fn session(&mut self, local: NodeId, remote: NodeId) -> Option<&mut Session> {
        let index = self.session_index(local, remote).ok()?;
        self.sessions.get_mut(index)
    }

    /// The session of one of our own messages.
    fn session_of(&mut self, id: MessageId) -> Option<&mut Session> {
        self.session(id.source, id.destination)
    }

    fn token(&mut self) -> u32 {
        self.next_token = self.next_token.wrapping_add(1);
        self.next_token
    }
}

fn shortest_beacon_interval(rate: crate::region::Rate) -> Duration {
    let (least, times) = SHORTEST_BEACON_INTERVAL;
    least.max(rate.time_on_air(LONG_BEACON_OCTETS) * times)
}

#[cfg(test)]
mod tests;
