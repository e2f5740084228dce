//! A store in memory. Each method is one durable write: it happens wholly or not at all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fanal_protocol::crypto::{self, Purpose, Window};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::{Acceptance, State};
use fanal_protocol::priority::Priority;
use fanal_protocol::time::Instant;
use fanal_protocol::wire::{Proof, STRONG_OCTETS};

use super::Peer;

/// A message of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboxRow {
    /// What it says.
    pub text: String,
    /// What it may overtake.
    pub priority: Priority,
    /// When it is given up. A real store keeps the lifetime that is left.
    pub expires_at: Instant,
    /// What is known of it.
    pub state: State,
}

/// A message for us, or for somebody behind us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InboxRow {
    /// What it says.
    pub text: String,
    /// Its reader has it.
    pub read: bool,
    /// Nothing more is owed to its source.
    pub closed: bool,
}

/// A text of somebody else's, kept for an absent node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptRow {
    /// The frame.
    pub frame: Vec<u8>,
    /// When it is forgotten. A real store keeps the lifetime that is left.
    pub expires_at: Instant,
}

/// What survives a loss of power.
#[derive(Debug, Default)]
pub struct Store {
    counters: BTreeMap<(NodeId, NodeId), u32>,
    windows: BTreeMap<(NodeId, NodeId), Window>,
    /// Messages of ours.
    pub outbox: BTreeMap<MessageId, OutboxRow>,
    /// Messages for us.
    pub inbox: BTreeMap<MessageId, InboxRow>,
    /// Texts of others, by the identity of their frames.
    pub kept: BTreeMap<u32, KeptRow>,
    /// The proofs that may now be said in acks, and in receipts: each follows from what is stored.
    acks: BTreeSet<[u8; STRONG_OCTETS]>,
    receipts: BTreeSet<[u8; STRONG_OCTETS]>,
}

impl Store {
    pub(super) fn counter(&self, local: NodeId, remote: NodeId) -> u32 {
        self.counters.get(&(local, remote)).copied().unwrap_or(0)
    }

    pub(super) fn window(&self, local: NodeId, remote: NodeId) -> Window {
        self.windows.get(&(local, remote)).copied().unwrap_or_default()
    }

    pub(super) fn reserve(&mut self, local: NodeId, remote: NodeId, until: u32) {
        self.counters.insert((local, remote), until);
    }

    /// `false` when the message was here before.
    pub(super) fn receive(
        &mut self,
        id: MessageId,
        text: &str,
        window: Window,
        acceptance: Acceptance,
        peers: &[Peer],
    ) -> bool {
        self.windows.insert((id.destination, id.source), window);
        let here = acceptance == Acceptance::Delivered;
        let (proofs, purpose) = match acceptance {
            Acceptance::Delivered => (&mut self.receipts, Purpose::Receipt),
            Acceptance::Custody => (&mut self.acks, Purpose::Ack),
        };
        proofs.extend(proof(peers, purpose, id));
        if self.inbox.contains_key(&id) {
            return false;
        }
        self.inbox.insert(id, InboxRow { text: text.into(), read: here, closed: here });
        true
    }

    /// The reader of a message in our custody has it.
    pub(super) fn confirm(&mut self, id: MessageId, peers: &[Peer]) {
        self.receipts.extend(proof(peers, Purpose::Receipt, id));
        if let Some(row) = self.inbox.get_mut(&id) {
            row.read = true;
        }
    }

    pub(super) fn close(&mut self, id: MessageId) {
        if let Some(row) = self.inbox.get_mut(&id) {
            row.closed = true;
        }
    }

    pub(super) fn set_state(&mut self, id: MessageId, state: State, peers: &[Peer]) {
        if state.is_final() {
            self.acks.extend(proof(peers, Purpose::ReceiptAck, id));
        }
        if let Some(row) = self.outbox.get_mut(&id) {
            row.state = state;
        }
    }

    /// Whether this may now be said in an ack or a receipt.
    pub(crate) fn may_say(&self, proof: &Proof) -> bool {
        let known = |said: &[u8; STRONG_OCTETS]| crypto::proves(proof, said);
        self.acks.iter().any(known) || self.receipts.iter().any(known)
    }

    /// Our messages that have no final state, in the order of their ids.
    pub(super) fn unsettled(&self) -> VecDeque<MessageId> {
        self.outbox.iter().filter(|(_, row)| !row.state.is_final()).map(|(id, _)| *id).collect()
    }

    /// Messages that were read after a time in our custody, and whose sources may not know it yet.
    pub(super) fn unclosed(&self) -> VecDeque<MessageId> {
        self.inbox.iter().filter(|(_, row)| row.read && !row.closed).map(|(id, _)| *id).collect()
    }

    /// Messages in our custody that were not read yet.
    pub(super) fn unread(&self) -> impl Iterator<Item = MessageId> {
        self.inbox.iter().filter(|(_, row)| !row.read).map(|(id, _)| *id)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.outbox.values().all(|row| row.state.is_final()) && self.inbox.values().all(|row| row.closed)
    }
}

fn proof(peers: &[Peer], purpose: Purpose, id: MessageId) -> Option<[u8; STRONG_OCTETS]> {
    let ours = |peer: &&Peer| {
        (peer.local, peer.remote) == (id.source, id.destination)
            || (peer.local, peer.remote) == (id.destination, id.source)
    };
    peers.iter().find(ours).map(|peer| peer.key.strong_proof(purpose, id))
}
