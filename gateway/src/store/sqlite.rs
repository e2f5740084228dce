//! The store in one SQLite file: one connection, owned by one thread, many changes per commit.
//!
//! WAL with `synchronous = FULL`: a commit that returned survives a power cut. Requests that arrive while a
//! commit is being written share the next one, so a burst of texts costs a few flushes, not one each.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::priority::Priority;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{Depth, Error, Store, inbox, kept, outbox, session};

/// Schema number n is reached by running the first n of these.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_kept.sql"),
    include_str!("migrations/0003_urgent.sql"),
];

/// Older libraries can corrupt a database when a write-ahead log is reset (sqlite.org/wal.html, "The WAL-Reset
/// Bug").
const OLDEST_LIBRARY: i32 = 3_051_003;

/// Requests that wait for the writer; more wait at the sender.
const WAITING: usize = 512;
/// Changes in one transaction at most, so that the first of them does not wait for long.
const GROUP: usize = 256;

/// Runs inside the transaction; what it returns runs after the commit.
type Work = Box<dyn FnOnce(&Connection) -> Result<Announce, Broken> + Send>;
type Announce = Box<dyn FnOnce() + Send>;

/// A handle on the database; clones share it. The file is closed when the last one is dropped.
#[derive(Clone)]
pub struct SqliteStore {
    work: mpsc::Sender<(&'static str, Work)>,
    failure: Arc<OnceLock<Error>>,
    limits: outbox::Limits,
}

/// Why a piece of work could not be done. Every kind is the end of the store.
#[derive(Debug)]
pub(super) enum Broken {
    Sqlite(rusqlite::Error),
    Impossible(&'static str),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Broken {
    fn into_error(self, doing: &'static str) -> Error {
        match self {
            Self::Sqlite(source) => Error::Database { doing, source: Arc::new(source) },
            Self::Impossible(column) => Error::Impossible { column },
        }
    }
}

impl SqliteStore {
    /// Opens the database at `path`, creating it readable by its owner only, checks it from end to end and
    /// brings its schema up to date. Takes as long as reading the file does.
    ///
    /// # Errors
    ///
    /// The library is too old, the file is damaged, of a later version, used by another process, or cannot be
    /// opened or written.
    pub fn open(path: &Path, limits: outbox::Limits) -> Result<Self, Error> {
        if rusqlite::version_number() < OLDEST_LIBRARY {
            return Err(Error::LibraryTooOld { found: rusqlite::version() });
        }
        let lock = lock(path)?;
        let connection = connect(path)?;
        let (work, requests) = mpsc::channel(WAITING);
        let failure = Arc::new(OnceLock::new());
        let report = Arc::clone(&failure);
        thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                let _lock = lock;
                let mut requests = requests;
                if let Err(error) = write(connection, &mut requests) {
                    tracing::error!(%error, "the store has failed");
                    let _ = report.set(error);
                }
                // Only now may callers learn that nobody answers any more.
                drop(requests);
            })
            .map_err(|source| Error::Open { path: path.into(), source: Arc::new(source) })?;
        Ok(Self { work, failure, limits })
    }

    /// Runs `work` in a transaction on the writer's thread.
    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |db| {
            let value = work(db)?;
            Ok(Box::new(move || drop(answer.send(value))))
        });
        if self.work.send((doing, work)).await.is_ok()
            && let Ok(value) = answered.await
        {
            return Ok(value);
        }
        self.work.closed().await;
        Err(self.failure.get().cloned().unwrap_or(Error::Stopped))
    }
}

/// The writer: takes what waits, commits it as one, tells everyone.
fn write(
    mut connection: Connection,
    requests: &mut mpsc::Receiver<(&'static str, Work)>,
) -> Result<(), Error> {
    let mut announcements: Vec<Announce> = Vec::with_capacity(GROUP);
    while let Some(first) = requests.blocking_recv() {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| Broken::Sqlite(error).into_error("beginning a transaction"))?;
        let mut next = Some(first);
        while let Some((doing, work)) = next {
            announcements.push(work(&transaction).map_err(|broken| broken.into_error(doing))?);
            next = if announcements.len() < GROUP { requests.try_recv().ok() } else { None };
        }
        transaction.commit().map_err(|error| Broken::Sqlite(error).into_error("committing"))?;
        announcements.drain(..).for_each(|announce| announce());
    }
    Ok(())
}

/// Nobody else may work with this database while the returned file is open.
fn lock(path: &Path) -> Result<File, Error> {
    let failed = |source: io::Error| Error::Open { path: path.into(), source: Arc::new(source) };
    let private = |path: &Path| {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
    };
    // SQLite would create the file readable by everyone; its -wal and -shm take over the mode of this one.
    drop(private(path).map_err(failed)?);
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let lock = private(&PathBuf::from(beside)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.into() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let opened = || -> Result<Connection, Broken> {
        let db = Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        db.pragma_update(None, "trusted_schema", false)?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(db)
    };
    let mut db = opened().map_err(|broken| damaged(path, broken, "opening the database"))?;
    let checked =
        || -> Result<String, Broken> { Ok(db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?) };
    let report = checked().map_err(|broken| damaged(path, broken, "checking the database"))?;
    if report != "ok" {
        return Err(Error::Damaged { path: path.into(), report });
    }
    migrate(&mut db, path)?;
    Ok(db)
}

/// What SQLite cannot make sense of at the start is a damaged file, not a broken disk.
fn damaged(path: &Path, broken: Broken, doing: &'static str) -> Error {
    match broken {
        Broken::Sqlite(error)
            if matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
            ) =>
        {
            Error::Damaged { path: path.into(), report: error.to_string() }
        }
        broken => broken.into_error(doing),
    }
}

fn migrate(db: &mut Connection, path: &Path) -> Result<(), Error> {
    let migrated = |db: &mut Connection| -> Result<Option<u32>, Broken> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let Some(pending) = MIGRATIONS.get(found as usize..) else {
            return Ok(Some(found));
        };
        for migration in pending {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
        transaction.commit()?;
        Ok(None)
    };
    match migrated(db) {
        Ok(None) => Ok(()),
        Ok(Some(found)) => Err(Error::TooNew { path: path.into(), found, known: MIGRATIONS.len() as u32 }),
        Err(broken) => Err(broken.into_error("bringing the database up to date")),
    }
}

pub(super) fn node(number: i64, column: &'static str) -> Result<NodeId, Broken> {
    u16::try_from(number).ok().map(NodeId).filter(|node| node.is_unicast()).ok_or(Broken::Impossible(column))
}

pub(super) fn unsigned(number: i64, column: &'static str) -> Result<u64, Broken> {
    u64::try_from(number).map_err(|_| Broken::Impossible(column))
}

pub(super) fn from_priority(priority: Priority) -> i64 {
    match priority {
        Priority::Background => 0,
        Priority::Text => 1,
        Priority::Receipt => 2,
        Priority::Emergency => 3,
    }
}

pub(super) fn priority(number: i64) -> Result<Priority, Broken> {
    match number {
        0 => Ok(Priority::Background),
        1 => Ok(Priority::Text),
        2 => Ok(Priority::Receipt),
        3 => Ok(Priority::Emergency),
        _ => Err(Broken::Impossible("outbox.priority")),
    }
}

impl Store for SqliteStore {
    async fn enqueue(&self, drafts: Vec<outbox::Draft>) -> Result<Vec<outbox::Enqueued>, Error> {
        let limits = self.limits;
        self.run("taking over texts", move |db| {
            drafts.iter().map(|draft| outbox::enqueue(db, draft, &limits)).collect()
        })
        .await
    }

    async fn next_queued(
        &self,
        source: NodeId,
        destination: NodeId,
        now_ms: u64,
    ) -> Result<Option<outbox::Entry>, Error> {
        self.run("reading the outbox", move |db| outbox::next_queued(db, source, destination, now_ms)).await
    }

    async fn assign(&self, row: i64, id: MessageId) -> Result<bool, Error> {
        self.run("numbering a text", move |db| outbox::assign(db, row, id)).await
    }

    async fn advance(&self, id: MessageId, progress: outbox::Progress) -> Result<bool, Error> {
        self.run("recording how far a text has come", move |db| outbox::advance(db, id, progress)).await
    }

    async fn give_up(&self, row: i64) -> Result<(), Error> {
        self.run("giving up a text", move |db| outbox::give_up(db, row)).await
    }

    async fn expire(&self, now_ms: u64) -> Result<usize, Error> {
        self.run("ending expired texts", move |db| outbox::expire(db, now_ms)).await
    }

    async fn under_way(&self) -> Result<Vec<outbox::Entry>, Error> {
        self.run("reading the outbox", outbox::under_way).await
    }

    async fn waiting(&self) -> Result<Vec<(NodeId, NodeId)>, Error> {
        self.run("reading the outbox", outbox::waiting).await
    }

    async fn untold(&self, limit: u32) -> Result<Vec<outbox::Entry>, Error> {
        self.run("reading the outbox", move |db| outbox::untold(db, limit)).await
    }

    async fn told(&self, rows: Vec<i64>) -> Result<(), Error> {
        self.run("recording what senders know", move |db| outbox::told(db, &rows)).await
    }

    async fn receive(&self, text: inbox::Arrival, window: session::Window) -> Result<inbox::Taken, Error> {
        self.run("taking over a text from the air", move |db| inbox::receive(db, &text, window)).await
    }

    async fn unhanded(&self, limit: u32, now_ms: u64) -> Result<Vec<inbox::Entry>, Error> {
        self.run("reading the inbox", move |db| inbox::unhanded(db, limit, now_ms)).await
    }

    async fn handed(&self, rows: Vec<i64>) -> Result<(), Error> {
        self.run("recording what the server has", move |db| inbox::handed(db, &rows)).await
    }

    async fn returned(&self, id: MessageId, now_ms: u64) -> Result<bool, Error> {
        self.run("taking back a bounced text", move |db| inbox::returned(db, id, now_ms)).await
    }

    async fn confirm(&self, id: MessageId) -> Result<bool, Error> {
        self.run("recording a confirmation", move |db| inbox::confirm(db, id)).await
    }

    async fn unclosed(&self, limit: u32) -> Result<Vec<MessageId>, Error> {
        self.run("reading the inbox", move |db| inbox::unclosed(db, limit)).await
    }

    async fn close(&self, id: MessageId) -> Result<(), Error> {
        self.run("closing a text", move |db| inbox::close(db, id)).await
    }

    async fn open_sessions(&self, pairs: Vec<session::Pair>) -> Result<Vec<session::Remembered>, Error> {
        self.run("opening sessions", move |db| pairs.iter().map(|pair| session::open(db, pair)).collect())
            .await
    }

    async fn reserve(&self, local: NodeId, remote: NodeId, until: u32) -> Result<(), Error> {
        self.run("reserving counters", move |db| session::reserve(db, local, remote, until)).await
    }

    async fn keep(&self, identity: u32, frame: kept::Frame) -> Result<(), Error> {
        self.run("keeping a text for an absent node", move |db| kept::keep(db, identity, &frame)).await
    }

    async fn kept(&self, identity: u32) -> Result<Option<Vec<u8>>, Error> {
        self.run("reading a text for an absent node", move |db| kept::fetch(db, identity)).await
    }

    async fn forget(&self, identity: u32) -> Result<(), Error> {
        self.run("forgetting a text for an absent node", move |db| kept::forget(db, identity)).await
    }

    async fn all_kept(&self) -> Result<Vec<kept::Frame>, Error> {
        self.run("reading what is kept for absent nodes", kept::all).await
    }

    async fn purge(&self, now_ms: u64) -> Result<usize, Error> {
        self.run("forgetting old texts", move |db| {
            Ok(outbox::purge(db, now_ms)? + inbox::purge(db, now_ms)? + kept::purge(db, now_ms)?)
        })
        .await
    }

    async fn tick(&self, now_ms: u64) -> Result<(), Error> {
        self.run("remembering the time", move |db| {
            db.execute("UPDATE clock SET seen_ms = ?1", [outbox::signed(now_ms)])?;
            Ok(())
        })
        .await
    }

    async fn seen(&self) -> Result<u64, Error> {
        self.run("reading the time", |db| {
            unsigned(db.query_row("SELECT seen_ms FROM clock", [], |row| row.get(0))?, "clock.seen_ms")
        })
        .await
    }

    async fn shift_clock(&self, by_ms: u64) -> Result<(), Error> {
        self.run("setting the clock", move |db| {
            let by = [outbox::signed(by_ms)];
            db.execute("UPDATE outbox SET accepted_ms = accepted_ms + ?1", by)?;
            db.execute("UPDATE inbox SET received_ms = received_ms + ?1, retry_ms = 0", by)?;
            db.execute("UPDATE kept SET expires_ms = expires_ms + ?1", by)?;
            db.execute("UPDATE clock SET seen_ms = seen_ms + ?1", by)?;
            Ok(())
        })
        .await
    }

    async fn lengths(&self) -> Result<Vec<(NodeId, usize)>, Error> {
        self.run("counting what waits", outbox::lengths).await
    }

    async fn depth(&self) -> Result<Depth, Error> {
        self.run("counting what waits", |db| {
            let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
            let outbox = count("SELECT coalesce(max(number), 0) FROM depth WHERE kind = '*'")?;
            let inbox = count("SELECT count(*) FROM inbox WHERE handed = 0 AND confirmed = 0")?;
            Ok(Depth { outbox: unsigned(outbox, "depth.number")?, inbox: unsigned(inbox, "inbox")? })
        })
        .await
    }
}
