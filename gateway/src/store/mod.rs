//! What survives a power cut: texts waiting in both directions, counters, replay windows.
//!
//! Everything the gateway promises to anyone stands here first. A returned value means that the change is on
//! the disk; an [`Error`] means that the world broke, and the daemon stops so that its supervisor starts it
//! again. Refusals that a caller can act on ([`outbox::Full`], a duplicate) are values, not errors.
//!
//! The trait is shaped so that several boxes can one day share one database: every verb is one transaction,
//! duplicates are recognised by authenticated names alone, and no verb hands out a cursor.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use fanal_protocol::id::{MessageId, NodeId};

pub mod inbox;
pub mod kept;
pub mod outbox;
pub mod session;
pub mod sqlite;

pub use sqlite::SqliteStore;

/// The durable state of one gateway.
///
/// # Cancel safety
///
/// Dropping a future does not take its change back: it may or may not be made.
pub trait Store: Clone + Send + Sync + 'static {
    /// Takes over texts from XMPP, in this order, each unless it is known already or there is no room.
    fn enqueue(
        &self,
        drafts: Vec<outbox::Draft>,
    ) -> impl Future<Output = Result<Vec<outbox::Enqueued>, Error>> + Send;

    /// The next text without a counter for this pair: most urgent first, then oldest first. `None` also
    /// while an earlier one of the pair is under way.
    fn next_queued(
        &self,
        source: NodeId,
        destination: NodeId,
        now_ms: u64,
    ) -> impl Future<Output = Result<Option<outbox::Entry>, Error>> + Send;

    /// Gives a queued text its counter. `false` when it had ended meanwhile.
    fn assign(&self, row: i64, id: MessageId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Records how far a text has come; ends are final. `false` when the text is unknown or ended before.
    fn advance(
        &self,
        id: MessageId,
        progress: outbox::Progress,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Ends a text that never got a counter.
    fn give_up(&self, row: i64) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends what has outlived its lifetime while waiting for its turn; how many.
    fn expire(&self, now_ms: u64) -> impl Future<Output = Result<usize, Error>> + Send;

    /// Texts that have a counter and have not ended: to be resumed after a start.
    fn under_way(&self) -> impl Future<Output = Result<Vec<outbox::Entry>, Error>> + Send;

    /// Pairs (source, destination) with a text waiting.
    fn waiting(&self) -> impl Future<Output = Result<Vec<(NodeId, NodeId)>, Error>> + Send;

    /// At most `limit` ended texts whose sender has not been told.
    fn untold(&self, limit: u32) -> impl Future<Output = Result<Vec<outbox::Entry>, Error>> + Send;

    /// The senders of these have been told how they ended.
    fn told(&self, rows: Vec<i64>) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes over a text from the air together with the replay window that now contains it.
    fn receive(
        &self,
        text: inbox::Arrival,
        window: session::Window,
    ) -> impl Future<Output = Result<inbox::Taken, Error>> + Send;

    /// At most `limit` texts that the XMPP server is not known to have, oldest first.
    fn unhanded(
        &self,
        limit: u32,
        now_ms: u64,
    ) -> impl Future<Output = Result<Vec<inbox::Entry>, Error>> + Send;

    /// The XMPP server has these.
    fn handed(&self, rows: Vec<i64>) -> impl Future<Output = Result<(), Error>> + Send;

    /// The XMPP server gave this back: it is handed over again later, each time after a longer pause.
    fn returned(&self, id: MessageId, now_ms: u64) -> impl Future<Output = Result<bool, Error>> + Send;

    /// The person's app has this one. `true` when the radio sender is still to be told.
    fn confirm(&self, id: MessageId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// At most `limit` texts confirmed by the person's app whose radio sender does not know yet.
    fn unclosed(&self, limit: u32) -> impl Future<Output = Result<Vec<MessageId>, Error>> + Send;

    /// The radio sender knows that this one has arrived.
    fn close(&self, id: MessageId) -> impl Future<Output = Result<(), Error>> + Send;

    /// What is remembered about each pair under these keys; other keys than before start a new epoch.
    fn open_sessions(
        &self,
        pairs: Vec<session::Pair>,
    ) -> impl Future<Output = Result<Vec<session::Remembered>, Error>> + Send;

    /// No counter below `until` will be handed out again after a restart.
    fn reserve(
        &self,
        local: NodeId,
        remote: NodeId,
        until: u32,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes over a text of somebody else's for an absent node, by the identity of its frame.
    fn keep(&self, identity: u32, frame: kept::Frame) -> impl Future<Output = Result<(), Error>> + Send;

    /// The frame that was kept under this identity.
    fn kept(&self, identity: u32) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;

    /// Nobody needs this one any more.
    fn forget(&self, identity: u32) -> impl Future<Output = Result<(), Error>> + Send;

    /// All that is kept, for a start.
    fn all_kept(&self) -> impl Future<Output = Result<Vec<kept::Frame>, Error>> + Send;

    /// Forgets what ended long ago; how many rows.
    fn purge(&self, now_ms: u64) -> impl Future<Output = Result<usize, Error>> + Send;

    /// Remembers the time.
    fn tick(&self, now_ms: u64) -> impl Future<Output = Result<(), Error>> + Send;

    /// The latest time remembered, UNIX ms; 0 in a new store.
    fn seen(&self) -> impl Future<Output = Result<u64, Error>> + Send;

    /// The clock was set: moves every remembered time `by_ms` forward.
    fn shift_clock(&self, by_ms: u64) -> impl Future<Output = Result<(), Error>> + Send;

    /// How many texts wait for each handheld, where there are any.
    fn lengths(&self) -> impl Future<Output = Result<Vec<(NodeId, usize)>, Error>> + Send;

    /// How much is waiting.
    fn depth(&self) -> impl Future<Output = Result<Depth, Error>> + Send;
}

/// How much waits in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Depth {
    /// Texts for the air that have not ended.
    pub outbox: u64,
    /// Texts from the air that the person's app has not confirmed.
    pub inbox: u64,
}

/// The store is unusable: stop, and let the supervisor start the daemon again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// SQLite refused, or the disk below it.
    #[error("the database failed while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The SQLite library can corrupt a database in WAL mode.
    #[error("sqlite {found} is too old, 3.51.3 is needed")]
    LibraryTooOld {
        /// The version in this program.
        found: &'static str,
    },
    /// `PRAGMA integrity_check` found something.
    #[error("the database {path} is damaged: {report}", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The first finding.
        report: String,
    },
    /// A later version of this program has written the database.
    #[error("the database {path} has schema {found}, this program knows up to {known}", path = path.display())]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its schema number.
        found: u32,
        /// The latest schema that this program knows.
        known: u32,
    },
    /// Another process works with the database.
    #[error("the database {path} is in use by another process", path = path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The database file cannot be created, opened or locked.
    #[error("cannot open the database {path}", path = path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The database holds something that this program never writes.
    #[error("the database holds an impossible value in {column}")]
    Impossible {
        /// Where.
        column: &'static str,
    },
    /// The writer thread is gone without a word.
    #[error("the store has stopped")]
    Stopped,
}

#[cfg(test)]
mod tests;
