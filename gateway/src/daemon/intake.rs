//! What comes from XMPP into the store, in its own task: the reader of the stream never waits for the disk, and
//! texts that arrive together are written together.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanal_protocol::id::MessageId;
use fanal_protocol::priority::Priority;
use tokio::sync::{Notify, mpsc};

use crate::bridge::outbound::Draft;
use crate::bridge::receipt::{self, Refusal};
use crate::clock::Clock;
use crate::radio::Command;
use crate::status::Status;
use crate::store::outbox::{self, Enqueued, Full};
use crate::store::{self, Store};
use crate::xmpp::link::LinkHandle;

/// How long a text is worth delivering: three days, over a week-end.
const LIFETIME_MS: u64 = 72 * 60 * 60 * 1_000;
/// The longest id of a stanza that is remembered.
const MOST_ID_OCTETS: usize = 1_024;
/// Items written together at most.
const BATCH: usize = 64;

/// Something from XMPP that the store is to know.
#[derive(Debug)]
pub(super) enum Item {
    /// A text for a handheld.
    Text(Box<Draft>),
    /// A person's app has this text from the air.
    Confirmed(MessageId),
    /// The server has given this text from the air back.
    Returned(MessageId),
}

/// Where items go.
pub(super) struct Intake<S> {
    pub(super) store: S,
    pub(super) clock: Clock,
    pub(super) status: Arc<Status>,
    pub(super) link: LinkHandle,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) courier: Arc<Notify>,
}

impl<S: Store> Intake<S> {
    /// Takes items until there are no more senders.
    pub(super) async fn run(self, mut items: mpsc::Receiver<Item>) -> Result<(), store::Error> {
        let mut batch = Vec::with_capacity(BATCH);
        while items.recv_many(&mut batch, BATCH).await > 0 {
            let mut texts = Vec::new();
            for item in batch.drain(..) {
                match item {
                    Item::Text(draft) => texts.push(*draft),
                    Item::Confirmed(id) => self.confirm(id).await?,
                    Item::Returned(id) => {
                        if self.store.returned(id, self.clock.unix_ms()).await? {
                            self.status.returned.add_one();
                        }
                    }
                }
            }
            if !texts.is_empty() {
                self.take(texts).await?;
            }
        }
        Ok(())
    }

    async fn confirm(&self, id: MessageId) -> Result<(), store::Error> {
        if self.store.confirm(id).await? {
            self.status.confirmed.add_one();
            tracing::info!(%id, "the person's app has the text");
            self.command(Command::Confirm(id)).await;
        }
        Ok(())
    }

    async fn take(&self, texts: Vec<Draft>) -> Result<(), store::Error> {
        let now_ms = self.clock.unix_ms();
        let drafts = texts.iter().map(|draft| stored(draft, now_ms)).collect();
        let outcomes = self.store.enqueue(drafts).await?;
        let mut fed = BTreeSet::new();
        for (draft, outcome) in texts.iter().zip(outcomes) {
            match outcome {
                Enqueued::Taken { .. } => {
                    self.status.accepted.add_one();
                    fed.insert((draft.source, draft.destination));
                }
                Enqueued::Duplicate { .. } => {
                    self.status.duplicates.add_one();
                    self.courier.notify_one();
                }
                Enqueued::Refused(full) => {
                    tracing::warn!(%full, source = %draft.source, "a text is refused");
                    self.status.refused_full.add_one();
                    self.refuse(draft, full).await;
                }
            }
        }
        for (source, destination) in fed {
            self.command(Command::Feed { source, destination }).await;
        }
        Ok(())
    }

    async fn refuse(&self, draft: &Draft, full: Full) {
        let refusal = if full == Full::Urgent { Refusal::TooManyUrgent } else { Refusal::QueueFull };
        let to = draft.to.clone().into();
        let id = draft.stanza_id.as_deref();
        let answer = receipt::error(&draft.from_full, &to, id, &refusal, draft.language);
        if let Err(error) = self.link.send(answer).await {
            tracing::warn!(%error, "a sender does not know that a text was refused");
        }
    }

    async fn command(&self, command: Command) {
        // The radio ends first only when the store has failed, which ends the daemon.
        let _ = self.commands.send(command).await;
    }
}

/// Ids that no app makes are not kept: the disk is not for filling.
fn named(id: &Option<String>) -> Option<String> {
    id.as_ref().filter(|id| id.len() <= MOST_ID_OCTETS).cloned()
}

fn stored(draft: &Draft, accepted_ms: u64) -> outbox::Draft {
    outbox::Draft {
        sender: draft.from_bare.to_string(),
        recipient: draft.to.to_string(),
        stanza_id: named(&draft.stanza_id),
        repetition_key: named(&draft.repetition_key),
        replaces: named(&draft.replaces),
        reply_to: draft.from_full.to_string(),
        source: draft.source,
        destination: draft.destination,
        priority: if draft.urgent { Priority::Emergency } else { Priority::Text },
        text: draft.body.clone(),
        language: draft.language.tag().to_owned(),
        accepted_ms,
        lifetime_ms: LIFETIME_MS,
        wants_receipt: draft.wants_receipt,
    }
}
