//! What must never be forgotten about a pair of nodes: counters handed out, counters seen.

use fanal_protocol::id::NodeId;
use rusqlite::{Connection, OptionalExtension, params};

use super::sqlite::Broken;

/// A replay window as it is stored: what `fanal_protocol::crypto::Window` is restored from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    /// The highest counter received, `None` before the first.
    pub top: Option<u32>,
    /// Bit n set: `top - n` was received.
    pub bits: u64,
}

/// What is known about a pair at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Remembered {
    /// Every counter below this one may have been used already.
    pub reserved: u32,
    /// What was received.
    pub window: Window,
    /// The keys differ from those used before.
    pub new_keys: bool,
}

/// A pair of nodes, one of them ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    /// Our address.
    pub local: NodeId,
    /// The other side.
    pub remote: NodeId,
    /// Both public keys, ours first.
    pub keys: [u8; 64],
}

pub(super) fn open(db: &Connection, pair: &Pair) -> Result<Remembered, Broken> {
    let Pair { local, remote, keys } = pair;
    type Known = (Vec<u8>, u32, Option<u32>, i64);
    let known: Option<Known> = db
        .prepare_cached(
            "SELECT keys, reserved, window_top, window_bits FROM session WHERE local = ?1 AND remote = ?2",
        )?
        .query_row([local.0, remote.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    match known {
        None => {
            db.prepare_cached("INSERT INTO session (local, remote, keys) VALUES (?1, ?2, ?3)")?
                .execute(params![local.0, remote.0, keys])?;
            Ok(Remembered::default())
        }
        Some((old, reserved, top, bits)) if old == keys => {
            let window = Window { top, bits: bits.cast_unsigned() };
            Ok(Remembered { reserved, window, new_keys: false })
        }
        // The other side starts counting anew; we go on counting, which no key minds.
        Some((_, reserved, ..)) => {
            db.prepare_cached(
                "UPDATE session SET keys = ?3, epoch = epoch + 1, window_top = NULL, window_bits = 0 \
                 WHERE local = ?1 AND remote = ?2",
            )?
            .execute(params![local.0, remote.0, keys])?;
            Ok(Remembered { reserved, window: Window::default(), new_keys: true })
        }
    }
}

pub(super) fn reserve(db: &Connection, local: NodeId, remote: NodeId, until: u32) -> Result<(), Broken> {
    db.prepare_cached(
        "INSERT INTO session (local, remote, keys, reserved) VALUES (?1, ?2, x'', ?3) \
         ON CONFLICT DO UPDATE SET reserved = max(reserved, excluded.reserved)",
    )?
    .execute(params![local.0, remote.0, until])?;
    Ok(())
}

pub(super) fn epoch(db: &Connection, local: NodeId, remote: NodeId) -> Result<i64, Broken> {
    Ok(db
        .prepare_cached("SELECT epoch FROM session WHERE local = ?1 AND remote = ?2")?
        .query_row([local.0, remote.0], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

pub(super) fn remember_window(
    db: &Connection,
    local: NodeId,
    remote: NodeId,
    window: Window,
) -> Result<(), Broken> {
    db.prepare_cached(
        "UPDATE session SET window_top = ?3, window_bits = ?4 WHERE local = ?1 AND remote = ?2",
    )?
    .execute(params![local.0, remote.0, window.top, window.bits.cast_signed()])?;
    Ok(())
}
