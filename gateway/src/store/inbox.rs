//! Texts from the air that wait for somebody's XMPP account.

use fanal_protocol::id::MessageId;
use fanal_protocol::quality::Quality;
use rusqlite::{Connection, Row, params};

use super::outbox::signed;
use super::session::{self, Window};
use super::sqlite::{Broken, node, unsigned};

/// A text to be taken over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Its name on the air: the handheld's node, the person's, a counter.
    pub id: MessageId,
    /// Whether its author called it urgent.
    pub urgent: bool,
    /// What was written.
    pub text: String,
    /// UNIX time in ms at which it was heard.
    pub received_ms: u64,
    /// How well it was heard.
    pub quality: Quality,
}

/// A text in the inbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place in the inbox.
    pub row: i64,
    /// What was received.
    pub arrival: Arrival,
    /// How often the XMPP server has given it back.
    pub refusals: u32,
}

/// What became of an arrival.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is on the disk.
    New,
    /// It was there already.
    Known,
    /// There is no room. The sender keeps it and tries again.
    Full,
}

/// How many unconfirmed texts the inbox holds at most, per person. A person's account that takes nothing for
/// weeks must not fill the disk.
pub const MOST_PER_PERSON: u32 = 10_000;

/// How many of these are for urgent texts alone.
const KEPT_FOR_URGENT: u32 = 100;

/// How many of these may be of one handheld.
const MOST_FROM_ONE: u32 = MOST_PER_PERSON / 2;

/// How long a text is kept after it was received, whatever became of it, once the server has it.
pub const REMEMBERED_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// The pause before a bounced text is handed over again: doubles from the first to the last.
const PAUSES_MS: (u64, u64) = (60_000, 3_600_000);

const COLUMNS: &str =
    "id, source, destination, counter, urgent, text, received_ms, rssi_dbm, snr_quarter_db, refusals";

/// Rows of the epoch that the session is in now: their counters still mean something on the air.
const CURRENT: &str = "source = ?1 AND destination = ?2 AND counter = ?3 AND epoch = \
    (SELECT epoch FROM session WHERE local = ?2 AND remote = ?1)";

fn message_id(row: &Row<'_>) -> Result<MessageId, Broken> {
    Ok(MessageId {
        source: node(row.get("source")?, "inbox.source")?,
        destination: node(row.get("destination")?, "inbox.destination")?,
        counter: row.get("counter")?,
    })
}

fn entry(row: &Row<'_>) -> Result<Entry, Broken> {
    Ok(Entry {
        row: row.get("id")?,
        arrival: Arrival {
            id: message_id(row)?,
            urgent: row.get("urgent")?,
            text: row.get("text")?,
            received_ms: unsigned(row.get("received_ms")?, "inbox.received_ms")?,
            quality: Quality { rssi_dbm: row.get("rssi_dbm")?, snr_quarter_db: row.get("snr_quarter_db")? },
        },
        refusals: row.get("refusals")?,
    })
}

pub(super) fn receive(db: &Connection, arrival: &Arrival, window: Window) -> Result<Taken, Broken> {
    let MessageId { source, destination, counter } = arrival.id;
    let epoch = session::epoch(db, destination, source)?;
    let unconfirmed: u32 = db
        .prepare_cached("SELECT count(*) FROM inbox WHERE destination = ?1 AND confirmed = 0 AND handed = 0")?
        .query_row([destination.0], |row| row.get(0))?;
    let most = if arrival.urgent { MOST_PER_PERSON } else { MOST_PER_PERSON - KEPT_FOR_URGENT };
    if unconfirmed >= most || from_one(db, arrival.id)? >= MOST_FROM_ONE {
        return Ok(Taken::Full);
    }
    let added = db
        .prepare_cached(
            "INSERT INTO inbox (source, destination, epoch, counter, text, received_ms, rssi_dbm, snr_quarter_db, \
             urgent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            source.0,
            destination.0,
            epoch,
            counter,
            arrival.text,
            signed(arrival.received_ms),
            arrival.quality.rssi_dbm,
            arrival.quality.snr_quarter_db,
            arrival.urgent,
        ])?;
    session::remember_window(db, destination, source, window)?;
    Ok(if added == 1 { Taken::New } else { Taken::Known })
}

/// How many texts of this handheld the person has not been handed yet.
fn from_one(db: &Connection, id: MessageId) -> Result<u32, Broken> {
    let number = db
        .prepare_cached(
            "SELECT count(*) FROM inbox WHERE destination = ?1 AND confirmed = 0 AND handed = 0 AND source = ?2",
        )?
        .query_row([id.destination.0, id.source.0], |row| row.get(0))?;
    Ok(number)
}

pub(super) fn unhanded(db: &Connection, limit: u32, now_ms: u64) -> Result<Vec<Entry>, Broken> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM inbox WHERE handed = 0 AND confirmed = 0 AND retry_ms <= ?2 ORDER BY urgent DESC, id LIMIT ?1"
    ))?;
    statement.query_and_then(params![limit, signed(now_ms)], entry)?.collect()
}

pub(super) fn handed(db: &Connection, rows: &[i64]) -> Result<(), Broken> {
    let mut statement = db.prepare_cached("UPDATE inbox SET handed = 1 WHERE id = ?1")?;
    for row in rows {
        statement.execute([row])?;
    }
    Ok(())
}

pub(super) fn returned(db: &Connection, id: MessageId, now_ms: u64) -> Result<bool, Broken> {
    let (first, most) = PAUSES_MS;
    // 60 s << 6 is beyond the longest pause already.
    let changed = db
        .prepare_cached(&format!(
            "UPDATE inbox SET handed = 0, retry_ms = ?4 + min(?5 << min(refusals, 6), ?6), refusals = refusals + 1 \
             WHERE {CURRENT} AND confirmed = 0"
        ))?
        .execute(params![
            id.source.0,
            id.destination.0,
            id.counter,
            signed(now_ms),
            signed(first),
            signed(most)
        ])?;
    Ok(changed == 1)
}

pub(super) fn confirm(db: &Connection, id: MessageId) -> Result<bool, Broken> {
    let name = params![id.source.0, id.destination.0, id.counter];
    db.prepare_cached(&format!("UPDATE inbox SET confirmed = 1, handed = 1, text = '' WHERE {CURRENT}"))?
        .execute(name)?;
    Ok(db
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM inbox WHERE {CURRENT} AND confirmed = 1 AND closed = 0)"
        ))?
        .query_row(name, |row| row.get(0))?)
}

pub(super) fn unclosed(db: &Connection, limit: u32) -> Result<Vec<MessageId>, Broken> {
    let mut statement = db.prepare_cached(
        "SELECT i.source, i.destination, i.counter FROM inbox i \
         JOIN session s ON s.local = i.destination AND s.remote = i.source AND s.epoch = i.epoch \
         WHERE i.confirmed = 1 AND i.closed = 0 ORDER BY i.id LIMIT ?1",
    )?;
    statement.query_and_then([limit], message_id)?.collect()
}

pub(super) fn close(db: &Connection, id: MessageId) -> Result<(), Broken> {
    db.prepare_cached(&format!("UPDATE inbox SET closed = 1 WHERE {CURRENT}"))?.execute(params![
        id.source.0,
        id.destination.0,
        id.counter
    ])?;
    Ok(())
}

pub(super) fn purge(db: &Connection, now_ms: u64) -> Result<usize, Broken> {
    Ok(db
        .prepare_cached(
            "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE received_ms < ?1 AND handed = 1 LIMIT 1000)",
        )?
        .execute([signed(now_ms.saturating_sub(REMEMBERED_MS))])?)
}
