//! Texts from XMPP that wait for the air.

use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::priority::Priority;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::sqlite::{Broken, from_priority, node, priority, unsigned};

/// A text to be taken over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// Bare JID of the person who wrote it.
    pub sender: String,
    /// Bare JID it was addressed to.
    pub recipient: String,
    /// The sender's name for it, in what is said about it.
    pub stanza_id: Option<String>,
    /// What tells a repetition, with the two JIDs; without it there is none.
    pub repetition_key: Option<String>,
    /// The stanza id of an earlier text that this one takes the place of, if that one still waits.
    pub replaces: Option<String>,
    /// Full JID that wants to hear how it ended.
    pub reply_to: String,
    /// The person's node.
    pub source: NodeId,
    /// The handheld's node.
    pub destination: NodeId,
    /// How urgent.
    pub priority: Priority,
    /// What was written.
    pub text: String,
    /// Language of the sender (BCP 47, may be empty), for what the gateway says about it.
    pub language: String,
    /// UNIX time in ms at which it came.
    pub accepted_ms: u64,
    /// How long it is worth delivering, ms.
    pub lifetime_ms: u64,
    /// Whether the sender asked for a receipt (XEP-0184).
    pub wants_receipt: bool,
}

/// A text in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place in the outbox.
    pub row: i64,
    /// What was handed in; the text is empty once its end has been told.
    pub draft: Draft,
    /// Its counter, once it has one.
    pub counter: Option<u32>,
    /// How far it has come.
    pub progress: Progress,
}

impl Entry {
    /// Its name on the air, once it has one.
    pub fn id(&self) -> Option<MessageId> {
        let Draft { source, destination, .. } = self.draft;
        self.counter.map(|counter| MessageId { source, destination, counter })
    }

    /// What is left of its lifetime, ms.
    pub fn lifetime_left_ms(&self, now_ms: u64) -> u64 {
        let age = now_ms.saturating_sub(self.draft.accepted_ms);
        self.draft.lifetime_ms.saturating_sub(age)
    }
}

/// How far a text has come on its way to the handheld.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It waits.
    Queued,
    /// It was transmitted at least once.
    Sent,
    /// This node keeps it until the handheld is within reach.
    InCustody(NodeId),
    /// The handheld has it.
    Delivered,
    /// Its lifetime ended before that.
    Expired,
    /// It cannot be delivered.
    Failed,
}

impl Progress {
    /// Whether nothing more will happen.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Delivered | Self::Expired | Self::Failed)
    }

    const fn number(self) -> i64 {
        match self {
            Self::Queued => 0,
            Self::Sent => 1,
            Self::InCustody(_) => 2,
            Self::Delivered => 3,
            Self::Expired => 4,
            Self::Failed => 5,
        }
    }

    fn read(number: i64, custodian: Option<i64>) -> Result<Self, Broken> {
        Ok(match number {
            0 => Self::Queued,
            1 => Self::Sent,
            2 => Self::InCustody(node(custodian.unwrap_or_default(), "outbox.custodian")?),
            3 => Self::Delivered,
            4 => Self::Expired,
            5 => Self::Failed,
            _ => return Err(Broken::Impossible("outbox.state")),
        })
    }
}

/// What became of a draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enqueued {
    /// It is on the disk.
    Taken {
        /// Its place.
        row: i64,
    },
    /// The same stanza came before; nothing was added.
    Duplicate {
        /// Where it was put the first time.
        row: i64,
    },
    /// There is no room.
    Refused(Full),
}

/// Which bound was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Full {
    /// This sender has too many texts waiting.
    #[error("too many texts of this sender are waiting")]
    Sender,
    /// Too many texts wait for this handheld.
    #[error("too many texts are waiting for this handheld")]
    Handheld,
    /// This sender has too many urgent texts waiting.
    #[error("too many urgent texts of this sender are waiting")]
    Urgent,
    /// The gateway has too many texts waiting.
    #[error("too many texts are waiting")]
    Gateway,
}

/// How many open texts the outbox may hold. A tenth of each is kept free for emergencies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Per bare JID.
    pub sender: u32,
    /// Per handheld.
    pub handheld: u32,
    /// In all.
    pub gateway: u32,
}

impl Default for Limits {
    /// A day of one sender's talk at the rates a LoRa channel carries; about 60 MB of disk when full.
    fn default() -> Self {
        Self { sender: 2_000, handheld: 20_000, gateway: 120_000 }
    }
}

/// How long the traces of an ended text are kept, so that the same stanza sent again is recognised.
pub const REMEMBERED_MS: u64 = 8 * 24 * 60 * 60 * 1_000;

/// A text with a counter that has not ended so long after its lifetime is ended by the store.
const OVERDUE_MS: u64 = 60 * 60 * 1_000;

/// Open urgent texts of one sender.
const MOST_URGENT: u32 = 8;

const COLUMNS: &str = "id, sender, recipient, stanza_id, repetition_key, reply_to, source, destination, counter, \
                       priority, text, language, accepted_ms, lifetime_ms, wants_receipt, state, custodian";

fn entry(row: &Row<'_>) -> Result<Entry, Broken> {
    Ok(Entry {
        row: row.get("id")?,
        draft: Draft {
            sender: row.get("sender")?,
            recipient: row.get("recipient")?,
            stanza_id: row.get("stanza_id")?,
            repetition_key: row.get("repetition_key")?,
            replaces: None,
            reply_to: row.get("reply_to")?,
            source: node(row.get("source")?, "outbox.source")?,
            destination: node(row.get("destination")?, "outbox.destination")?,
            priority: priority(row.get("priority")?)?,
            text: row.get("text")?,
            language: row.get("language")?,
            accepted_ms: unsigned(row.get("accepted_ms")?, "outbox.accepted_ms")?,
            lifetime_ms: unsigned(row.get("lifetime_ms")?, "outbox.lifetime_ms")?,
            wants_receipt: row.get("wants_receipt")?,
        },
        counter: row.get("counter")?,
        progress: Progress::read(row.get("state")?, row.get("custodian")?)?,
    })
}

fn entries(db: &Connection, rest: &str, arguments: impl rusqlite::Params) -> Result<Vec<Entry>, Broken> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox {rest}"))?;
    statement.query_and_then(arguments, entry)?.collect()
}

pub(super) fn enqueue(db: &Connection, draft: &Draft, limits: &Limits) -> Result<Enqueued, Broken> {
    let known: Option<(i64, i64)> = db
        .prepare_cached(
            "SELECT id, state FROM outbox WHERE sender = ?1 AND recipient = ?2 AND repetition_key = ?3",
        )?
        .query_row(params![draft.sender, draft.recipient, draft.repetition_key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((row, state)) = known {
        // Whoever sends it again has not heard how it ended, or not believed it.
        if state > Progress::InCustody(NodeId::NONE).number() {
            db.prepare_cached("UPDATE outbox SET told = 0, reply_to = ?2 WHERE id = ?1 AND told = 1 AND (state > 3 OR wants_receipt)")?
                .execute(params![row, draft.reply_to])?;
        }
        return Ok(Enqueued::Duplicate { row });
    }
    if let Some(full) = full(db, draft, limits)? {
        return Ok(Enqueued::Refused(full));
    }
    if let Some(replaced) = &draft.replaces {
        db.prepare_cached(
            "UPDATE outbox SET state = 5, told = 1, text = '' WHERE sender = ?1 AND recipient = ?2 \
             AND stanza_id = ?3 AND state = 0 AND counter IS NULL",
        )?
        .execute(params![draft.sender, draft.recipient, replaced])?;
    }
    db.prepare_cached(
        "INSERT INTO outbox (sender, recipient, stanza_id, repetition_key, reply_to, source, destination, priority, \
         text, language, accepted_ms, lifetime_ms, wants_receipt) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        draft.sender,
        draft.recipient,
        draft.stanza_id,
        draft.repetition_key,
        draft.reply_to,
        draft.source.0,
        draft.destination.0,
        from_priority(draft.priority),
        draft.text,
        draft.language,
        signed(draft.accepted_ms),
        signed(draft.lifetime_ms),
        draft.wants_receipt,
    ])?;
    Ok(Enqueued::Taken { row: db.last_insert_rowid() })
}

fn full(db: &Connection, draft: &Draft, limits: &Limits) -> Result<Option<Full>, Broken> {
    let urgent = draft.priority >= Priority::Emergency;
    if urgent && open_urgent(db, &draft.sender)? >= MOST_URGENT {
        return Ok(Some(Full::Urgent));
    }
    let mut statement = db.prepare_cached("SELECT number FROM depth WHERE kind = ?1 AND name = ?2")?;
    let mut met = |kind: &str, name: &str, limit: u32| -> Result<bool, Broken> {
        let open: i64 = statement.query_row([kind, name], |row| row.get(0)).optional()?.unwrap_or(0);
        let kept_free = if urgent { 0 } else { limit.div_ceil(10) };
        Ok(open >= i64::from(limit.saturating_sub(kept_free)))
    };
    if met("sender", &draft.sender, limits.sender)? {
        return Ok(Some(Full::Sender));
    }
    if met("destination", &draft.destination.0.to_string(), limits.handheld)? {
        return Ok(Some(Full::Handheld));
    }
    Ok(met("*", "", limits.gateway)?.then_some(Full::Gateway))
}

fn open_urgent(db: &Connection, sender: &str) -> Result<u32, Broken> {
    let number = db
        .prepare_cached("SELECT count(*) FROM outbox WHERE sender = ?1 AND state <= 2 AND priority >= ?2")?
        .query_row(params![sender, from_priority(Priority::Emergency)], |row| row.get(0))?;
    Ok(number)
}

/// The next text of a pair: none while one of it is under way, but for an urgent one, which waits for others of its like alone.
pub(super) fn next_queued(
    db: &Connection,
    source: NodeId,
    destination: NodeId,
    now_ms: u64,
) -> Result<Option<Entry>, Broken> {
    let under_way: Option<i64> = db
        .prepare_cached(
            "SELECT max(priority) FROM outbox WHERE source = ?1 AND destination = ?2 AND state <= 1 \
             AND counter IS NOT NULL",
        )?
        .query_row([source.0, destination.0], |row| row.get(0))?;
    Ok(entries(
        db,
        "WHERE source = ?1 AND destination = ?2 AND state <= 2 AND counter IS NULL AND accepted_ms + lifetime_ms > ?3 \
         AND priority > ?4 ORDER BY priority DESC, id LIMIT 1",
        params![source.0, destination.0, signed(now_ms), under_way.unwrap_or(-1)],
    )?
    .pop())
}

pub(super) fn assign(db: &Connection, row: i64, id: MessageId) -> Result<bool, Broken> {
    let changed = db
        .prepare_cached(
            "UPDATE outbox SET counter = ?2 WHERE id = ?1 AND counter IS NULL AND state = 0 \
             AND source = ?3 AND destination = ?4",
        )?
        .execute(params![row, id.counter, id.source.0, id.destination.0])?;
    Ok(changed == 1)
}

pub(super) fn advance(db: &Connection, id: MessageId, progress: Progress) -> Result<bool, Broken> {
    let custodian = match progress {
        Progress::InCustody(node) => Some(node.0),
        _ => None,
    };
    // Who asked for no receipt hears of failures only.
    let changed = db
        .prepare_cached(
            "UPDATE outbox SET state = ?4, custodian = coalesce(?5, custodian), \
             told = (?4 = 3 AND NOT wants_receipt), text = iif(?4 = 3 AND NOT wants_receipt, '', text) \
             WHERE source = ?1 AND destination = ?2 AND counter = ?3 AND state <= 2",
        )?
        .execute(params![id.source.0, id.destination.0, id.counter, progress.number(), custodian])?;
    Ok(changed == 1)
}

pub(super) fn give_up(db: &Connection, row: i64) -> Result<(), Broken> {
    db.prepare_cached("UPDATE outbox SET state = 5 WHERE id = ?1 AND state <= 2")?.execute([row])?;
    Ok(())
}

pub(super) fn expire(db: &Connection, now_ms: u64) -> Result<usize, Broken> {
    // What has a counter is the node's business: only it knows whether a receipt is on its way. What it has not
    // ended long after its time is unknown to it.
    Ok(db
        .prepare_cached(
            "UPDATE outbox SET state = 4 WHERE state <= 2 AND accepted_ms + lifetime_ms <= ?1 \
             AND (counter IS NULL OR accepted_ms + lifetime_ms <= ?1 - ?2)",
        )?
        .execute([signed(now_ms), signed(OVERDUE_MS)])?)
}

pub(super) fn under_way(db: &Connection) -> Result<Vec<Entry>, Broken> {
    entries(db, "WHERE state <= 2 AND counter IS NOT NULL ORDER BY id", [])
}

pub(super) fn waiting(db: &Connection) -> Result<Vec<(NodeId, NodeId)>, Broken> {
    let mut statement =
        db.prepare_cached("SELECT DISTINCT source, destination FROM outbox WHERE state <= 2")?;
    statement
        .query_and_then([], |row| {
            Ok((node(row.get(0)?, "outbox.source")?, node(row.get(1)?, "outbox.destination")?))
        })?
        .collect()
}

pub(super) fn lengths(db: &Connection) -> Result<Vec<(NodeId, usize)>, Broken> {
    let mut statement =
        db.prepare_cached("SELECT CAST(name AS INTEGER), number FROM depth WHERE kind = 'destination'")?;
    statement
        .query_and_then([], |row| {
            let number: u32 = row.get(1)?;
            Ok((node(row.get(0)?, "depth.name")?, usize::try_from(number).unwrap_or(usize::MAX)))
        })?
        .collect()
}

pub(super) fn untold(db: &Connection, limit: u32) -> Result<Vec<Entry>, Broken> {
    entries(db, "WHERE state > 2 AND told = 0 ORDER BY id LIMIT ?1", [limit])
}

pub(super) fn told(db: &Connection, rows: &[i64]) -> Result<(), Broken> {
    let mut statement =
        db.prepare_cached("UPDATE outbox SET told = 1, text = '' WHERE id = ?1 AND state > 2")?;
    for row in rows {
        statement.execute([row])?;
    }
    Ok(())
}

pub(super) fn purge(db: &Connection, now_ms: u64) -> Result<usize, Broken> {
    let before = signed(now_ms.saturating_sub(REMEMBERED_MS));
    Ok(db
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state > 2 AND told = 1 \
             AND accepted_ms < ?1 LIMIT 1000)",
        )?
        .execute([before])?)
}

/// As SQLite keeps it. Times beyond the year 292,000,000 count as that year.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
