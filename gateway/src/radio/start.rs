//! From what the store remembers to a running pump.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanal_protocol::crypto;
use fanal_protocol::id::NodeId;
use fanal_protocol::node::{Acceptance, Config, Node, SendError, Session};
use fanal_protocol::time::Duration;
use fanal_protocol::wire::Role;
use tokio::sync::{Notify, mpsc};

use super::{Command, Heard, Radio};
use crate::clock::Clock;
use crate::config;
use crate::directory::Directory;
use crate::modem::Link;
use crate::status::Status;
use crate::store::outbox::Progress;
use crate::store::session::Pair;
use crate::store::{self, Store};

/// Time between beacons: who has not been heard for a few of them is out of reach.
const BEACON_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// All that a pump is made of.
pub struct Setup<'a, S> {
    /// Who is who.
    pub directory: &'a Directory,
    /// What the radio is set to.
    pub radio: &'a config::Radio,
    /// The modem.
    pub link: Link,
    /// The durable state.
    pub store: S,
    /// The time.
    pub clock: Clock,
    /// Counters.
    pub status: Arc<Status>,
    /// What the pump is asked to do.
    pub commands: mpsc::Receiver<Command>,
    /// What it notices.
    pub news: mpsc::Sender<Heard>,
    /// Rung when the store holds something for the XMPP side.
    pub courier: Arc<Notify>,
    /// Sixty-four random bits, for jitter.
    pub seed: u64,
}

impl<S: Store> Setup<'_, S> {
    /// A pump that takes up where the store left off.
    ///
    /// # Errors
    ///
    /// The store has failed.
    pub async fn start(self) -> Result<Radio<S>, store::Error> {
        let Self { directory, radio, link, store, clock, status, commands, news, courier, seed } = self;
        let gateway = directory.gateway();
        let beacon = Pair { local: gateway, remote: NodeId::BROADCAST, keys: [0; 64] };
        let beacon = store.open_sessions(vec![beacon]).await?;
        let config = Config {
            node: gateway,
            role: Role::Gateway,
            network_key: radio.network_key.clone(),
            rate: radio.channel.rate,
            beacon_interval: BEACON_INTERVAL,
            relays: true,
            keeps: true,
            acceptance: Acceptance::Custody,
        };
        let least = clock.least_counter();
        let used = beacon.first().map_or(0, |beacon| beacon.reserved).max(least);
        let mut node = Box::new(Node::new(config, used, seed, clock.now()));

        let (mut pairs, mut keys) = (Vec::new(), Vec::new());
        for (person, handheld, key) in directory.pairs() {
            let mut both = [0; 64];
            let (ours, theirs) = both.split_at_mut(32);
            ours.copy_from_slice(&person.public_key.0);
            theirs.copy_from_slice(&handheld.public_key.0);
            pairs.push(Pair { local: person.node, remote: handheld.node, keys: both });
            keys.push(key);
        }
        let remembered = store.open_sessions(pairs.clone()).await?;
        for ((pair, key), remembered) in pairs.into_iter().zip(keys).zip(remembered) {
            let Pair { local, remote, .. } = pair;
            if remembered.new_keys {
                tracing::warn!(person = %local, handheld = %remote, "this pair has new keys");
            }
            let window = crypto::Window::restore(remembered.window.top, remembered.window.bits);
            let used = remembered.reserved.max(least);
            let session = Session::new(local, remote, None, key, used, window);
            if node.add_session(session).is_err() {
                // The directory holds no more pairs than the node.
                tracing::error!(person = %local, handheld = %remote, "there is no room for this pair");
            }
        }

        let hungry = BTreeSet::from_iter(store.waiting().await?);
        let mut pump = Radio {
            node,
            link,
            store,
            clock,
            status,
            commands,
            news,
            courier,
            hungry,
            starved: BTreeSet::new(),
            unconfirmed: false,
        };
        pump.resume().await?;
        pump.resume_kept().await?;
        pump.confirm_what_is_left().await?;
        Ok(pump)
    }
}

impl<S: Store> Radio<S> {
    /// Takes up the texts of others that are kept here.
    async fn resume_kept(&mut self) -> Result<(), store::Error> {
        let now_ms = self.clock.unix_ms();
        for frame in self.store.all_kept().await? {
            let left = Duration::from_millis(frame.expires_ms.saturating_sub(now_ms));
            if self.node.resume_kept(&frame.octets, left, self.clock.now()).is_err() {
                tracing::warn!("there is no room to resume a text that is kept for an absent node");
            }
        }
        Ok(())
    }

    /// Takes up the texts that had a counter when the last run ended.
    async fn resume(&mut self) -> Result<(), store::Error> {
        let mut under_way = self.store.under_way().await?;
        under_way.sort_by_key(|entry| entry.id());
        for entry in under_way {
            let Some(id) = entry.id() else { continue };
            let left = Duration::from_millis(entry.lifetime_left_ms(self.clock.unix_ms()));
            let in_custody = matches!(entry.progress, Progress::InCustody(_));
            let draft = &entry.draft;
            match self.node.resume(id, &draft.text, left, draft.priority, in_custody, self.clock.now()) {
                Ok(()) => {}
                // In custody with many others: the store ends it when its time is over.
                Err(SendError::QueueFull | SendError::LongTextsUnderWay) => {
                    tracing::warn!(%id, "there is no room to resume this text")
                }
                Err(error) => {
                    tracing::warn!(%id, %error, "a text of the last run cannot be sent any more");
                    self.store.advance(id, Progress::Failed).await?;
                    self.courier.notify_one();
                }
            }
        }
        Ok(())
    }
}
