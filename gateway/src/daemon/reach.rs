//! Whom the radio reaches: what was heard, when, and who is to know.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanal_protocol::id::NodeId;
use fanal_protocol::quality::Quality;
use fanal_protocol::time::Instant;
use xmpp_parsers::presence::Presence;

use super::date;
use crate::bridge::presence::{self, Edges, Hearing, Manner, Thresholds};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::radio::Heard;
use crate::words::Language;
use crate::xmpp::link::LinkHandle;

/// What is known of the handhelds' reach, and to whom it was said.
pub(super) struct Reach {
    directory: Arc<Directory>,
    link: LinkHandle,
    clock: Clock,
    manner: Manner,
    heard: BTreeMap<NodeId, (Instant, Quality)>,
    waiting: BTreeMap<NodeId, usize>,
    edges: Edges,
}

impl Reach {
    pub(super) fn new(directory: Arc<Directory>, link: LinkHandle, clock: Clock, language: Language) -> Self {
        Self {
            directory,
            link,
            clock,
            manner: Manner { thresholds: Thresholds::default(), language },
            heard: BTreeMap::new(),
            waiting: BTreeMap::new(),
            edges: Edges::default(),
        }
    }

    /// The radio has heard somebody.
    pub(super) async fn heard(&mut self, heard: &Heard) {
        let Heard { node, quality, .. } = *heard;
        if self.directory.handheld_at(node).is_some() {
            self.heard.insert(node, (self.clock.now(), quality));
            self.say_if_due(node).await;
        }
    }

    /// How many texts wait for each handheld; and time has passed.
    pub(super) async fn waiting(&mut self, lengths: Vec<(NodeId, usize)>) {
        self.waiting = lengths.into_iter().collect();
        let heard: Vec<NodeId> = self.heard.keys().copied().collect();
        for node in heard {
            self.say_if_due(node).await;
        }
    }

    /// A new stream: the server may believe what we said in an earlier run.
    pub(super) async fn online(&mut self) {
        self.edges.forget();
        let nodes: Vec<NodeId> = self.directory.handhelds().map(|handheld| handheld.node).collect();
        for node in nodes {
            if self.heard.contains_key(&node) {
                self.say_if_due(node).await;
            } else {
                // Out of turn: when it is heard for the first time, that is to be said at once.
                self.say(node, &Hearing::default()).await;
            }
        }
    }

    /// Answers a presence stanza.
    pub(super) async fn answer(&self, presence: &Presence) {
        let hearing = |node| self.hearing(node);
        let answers = presence::answer(presence, &*self.directory, hearing, date(&self.clock), self.manner);
        for answer in answers {
            self.send(answer).await;
        }
    }

    fn hearing(&self, node: NodeId) -> Hearing {
        let heard = self.heard.get(&node);
        Hearing {
            ago: heard.map(|(at, _)| self.clock.now().saturating_since(*at)),
            quality: heard.map(|(_, quality)| *quality),
            waiting: self.waiting.get(&node).copied().unwrap_or(0),
        }
    }

    async fn say_if_due(&mut self, node: NodeId) {
        let hearing = self.hearing(node);
        if self.edges.due(node, hearing.level(&self.manner.thresholds), self.clock.now()) {
            self.say(node, &hearing).await;
        }
    }

    /// Tells everybody.
    async fn say(&self, node: NodeId, hearing: &Hearing) {
        let Some(handheld) = self.directory.handheld_at(node) else { return };
        for person in self.directory.persons() {
            let to = person.jid.clone().into();
            let presence = presence::of_handheld(&handheld.jid, &to, hearing, date(&self.clock), self.manner);
            self.send(presence).await;
        }
    }

    async fn send(&self, presence: Presence) {
        if let Err(error) = self.link.send(presence).await {
            tracing::debug!(%error, "a presence was not sent");
        }
    }
}
