//! What the gateway has on its disk at this moment: what it would find there after a power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// The contents of a store, as far as tests care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Texts from XMPP by (sender, stanza id), in the order in which they were taken, and whether they are delivered.
    pub outbox: Vec<(String, String, bool)>,
    /// Texts from the air: how many from each node.
    pub inbox: BTreeMap<u16, u32>,
}

impl Record {
    /// Reads the store at `path` without touching it: a copy is opened.
    ///
    /// The gateway that owns it must not be running.
    pub fn read(path: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        for suffix in ["", "-wal"] {
            let beside = |path: &Path| {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                name
            };
            match fs::copy(beside(path), beside(&copy)) {
                // A gateway that was killed early has not made it.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
        let db = Connection::open(&copy).unwrap();
        let made: bool = db
            .query_row("SELECT count(*) FROM sqlite_master WHERE name = 'inbox'", [], |row| row.get(0))
            .unwrap();
        let mut record = Self::default();
        if !made {
            return record;
        }
        let mut texts = db
            .prepare("SELECT sender, stanza_id, state FROM outbox WHERE stanza_id NOT NULL ORDER BY id")
            .unwrap();
        let rows =
            texts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? == 3))).unwrap();
        record.outbox = rows.map(Result::unwrap).collect();
        let mut texts = db.prepare("SELECT source, count(*) FROM inbox GROUP BY source").unwrap();
        let rows = texts.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        record.inbox = rows.map(Result::unwrap).collect();
        record
    }

    /// The stanza ids in the outbox.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.outbox.iter().map(|(_, id, _)| id.as_str()).collect()
    }
}
