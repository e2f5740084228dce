//! Texts of others that are kept for nodes that are absent: frames, by their identity.

use rusqlite::{Connection, OptionalExtension, params};

use super::outbox::signed;
use super::sqlite::{Broken, unsigned};

/// A frame that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// 1 to 255 octets.
    pub octets: Vec<u8>,
    /// Until when, UNIX ms.
    pub expires_ms: u64,
}

pub(super) fn keep(db: &Connection, identity: u32, frame: &Frame) -> Result<(), Broken> {
    db.prepare_cached("INSERT OR REPLACE INTO kept (identity, frame, expires_ms) VALUES (?1, ?2, ?3)")?
        .execute(params![identity, frame.octets, signed(frame.expires_ms)])?;
    Ok(())
}

pub(super) fn fetch(db: &Connection, identity: u32) -> Result<Option<Vec<u8>>, Broken> {
    Ok(db
        .prepare_cached("SELECT frame FROM kept WHERE identity = ?1")?
        .query_row([identity], |row| row.get(0))
        .optional()?)
}

pub(super) fn forget(db: &Connection, identity: u32) -> Result<(), Broken> {
    db.prepare_cached("DELETE FROM kept WHERE identity = ?1")?.execute([identity])?;
    Ok(())
}

pub(super) fn all(db: &Connection) -> Result<Vec<Frame>, Broken> {
    let mut statement = db.prepare_cached("SELECT frame, expires_ms FROM kept ORDER BY rowid")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (octets, expires_ms) = row?;
        Ok(Frame { octets, expires_ms: unsigned(expires_ms, "kept.expires_ms")? })
    })
    .collect()
}

pub(super) fn purge(db: &Connection, now_ms: u64) -> Result<usize, Broken> {
    Ok(db.prepare_cached("DELETE FROM kept WHERE expires_ms <= ?1")?.execute([signed(now_ms)])?)
}
