//! From the store to the XMPP server: texts from the air, and what became of those from XMPP.
//!
//! One batch at a time goes out, followed by a barrier. Only when the barrier has come back is the batch marked;
//! when the stream breaks before that, the batch goes out again on the next stream, with the same stanza ids.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fanal_protocol::id::MessageId;
use jid::{BareJid, Jid};
use xmpp_parsers::message::Message;

use super::date;
use crate::bridge::inbound;
use crate::bridge::receipt::{self, Refusal};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::store::{self, Store, inbox, outbox};
use crate::words::Language;
use crate::xmpp::link::{LinkHandle, SendError};

/// Texts and pieces of news in one batch, each.
const BATCH: u32 = 64;

/// What is on its way to the server, unproven.
struct Flight {
    token: u64,
    inbox: Vec<(i64, MessageId)>,
    outbox: Vec<i64>,
}

/// Hands over what the store holds for XMPP.
pub(super) struct Courier<S> {
    store: S,
    link: LinkHandle,
    directory: Arc<Directory>,
    clock: Clock,
    /// In which urgent texts are told as such.
    language: Language,
    online: bool,
    flight: Option<Flight>,
    /// Texts that came back while their batch was in flight.
    returned: BTreeSet<MessageId>,
    tokens: u64,
}

impl<S: Store> Courier<S> {
    pub(super) fn new(
        store: S,
        link: LinkHandle,
        directory: Arc<Directory>,
        clock: Clock,
        language: Language,
    ) -> Self {
        Self {
            store,
            link,
            directory,
            clock,
            language,
            online: false,
            flight: None,
            returned: BTreeSet::new(),
            tokens: 0,
        }
    }

    /// A stream is open.
    pub(super) async fn online(&mut self) -> Result<(), store::Error> {
        self.offline();
        self.online = true;
        self.deliver().await
    }

    /// The stream has ended: whatever was in flight is unproven.
    pub(super) fn offline(&mut self) {
        self.online = false;
        self.flight = None;
        self.returned.clear();
    }

    /// The server has given this text back.
    pub(super) fn returned(&mut self, id: MessageId) {
        if self.flight.is_some() {
            self.returned.insert(id);
        }
    }

    /// The server has taken everything up to this barrier.
    pub(super) async fn passed(&mut self, token: u64) -> Result<(), store::Error> {
        let Some(flight) = self.flight.take_if(|flight| flight.token == token) else { return Ok(()) };
        let kept = flight.inbox.into_iter().filter(|(_, id)| !self.returned.contains(id));
        let handed: Vec<i64> = kept.map(|(row, _)| row).collect();
        self.returned.clear();
        if !handed.is_empty() {
            self.store.handed(handed).await?;
        }
        if !flight.outbox.is_empty() {
            self.store.told(flight.outbox).await?;
        }
        self.deliver().await
    }

    /// Sends the next batch, if there is a stream, nothing is in flight, and there is something to send.
    pub(super) async fn deliver(&mut self) -> Result<(), store::Error> {
        if !self.online || self.flight.is_some() {
            return Ok(());
        }
        let texts = self.store.unhanded(BATCH, self.clock.unix_ms()).await?;
        let ends = self.store.untold(BATCH).await?;
        if texts.is_empty() && ends.is_empty() {
            return Ok(());
        }
        self.tokens += 1;
        let mut flight = Flight { token: self.tokens, inbox: Vec::new(), outbox: Vec::new() };
        for text in &texts {
            let id = text.arrival.id;
            let Some(message) = self.text(text) else {
                // Perhaps the settings will know them again.
                tracing::warn!(%id, "the person or the handheld of this text is not known any more");
                self.store.returned(id, self.clock.unix_ms()).await?;
                continue;
            };
            if self.send(Some(message)).await.is_err() {
                return Ok(());
            }
            flight.inbox.push((text.row, id));
        }
        for end in &ends {
            if self.send(end_of(end)).await.is_err() {
                return Ok(());
            }
            flight.outbox.push(end.row);
        }
        if self.link.barrier(flight.token).await.is_ok() {
            self.flight = Some(flight);
        }
        Ok(())
    }

    fn text(&self, entry: &inbox::Entry) -> Option<Message> {
        let arrival = &entry.arrival;
        let received = UNIX_EPOCH + Duration::from_millis(arrival.received_ms);
        let text = (arrival.urgent, arrival.text.as_str());
        inbound::message(arrival.id, text, (received, date(&self.clock)), &*self.directory, self.language)
    }

    /// What cannot be said at all counts as said: it would stand in the way of all that follows.
    async fn send(&self, message: Option<Message>) -> Result<(), SendError> {
        let Some(message) = message else { return Ok(()) };
        match self.link.send(message).await {
            Err(error @ (SendError::Unwritable(_) | SendError::TooLong(_))) => {
                tracing::error!(%error, "a stanza cannot be sent");
                Ok(())
            }
            sent => sent,
        }
    }
}

/// What to tell the sender of a text that has ended.
fn end_of(entry: &outbox::Entry) -> Option<Message> {
    let draft = &entry.draft;
    let (Ok(from), Ok(to)) = (draft.reply_to.parse::<Jid>(), draft.recipient.parse::<BareJid>()) else {
        tracing::error!(row = entry.row, "the outbox holds an address that is none");
        return None;
    };
    let refusal = match entry.progress {
        outbox::Progress::Delivered => {
            // A receipt refers to the stanza by its id: without one, there is nothing to say.
            let id = draft.stanza_id.as_deref()?;
            return Some(receipt::delivered(&from, &to, id, &format!("fanal-receipt-{}", entry.row)));
        }
        outbox::Progress::Expired => Refusal::Expired,
        outbox::Progress::Failed => Refusal::Failed,
        outbox::Progress::Queued | outbox::Progress::Sent | outbox::Progress::InCustody(_) => return None,
    };
    let language = Language::of_tag(&draft.language).unwrap_or_default();
    Some(receipt::error(&from, &to.into(), draft.stanza_id.as_deref(), &refusal, language))
}
