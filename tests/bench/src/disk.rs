//! What the disk and SQLite take by themselves for a durable punch: the floor that a kiosk is held to.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use punchd::domain::id::{EntryHash, JournalId, Sequence};
use punchd::domain::time::Wall;
use punchd::wire::canonical;
use rusqlite::Connection;

use crate::fixture::punch;
use crate::stopwatch::{Spread, timed};

/// What SQLite writes for a small commit at the least.
const PAGE_BYTES: usize = 4_096;
/// Commits after which SQLite's log is written back, as the journal does it while people tap.
const WRITE_BACK_EVERY: usize = 1_024;
/// The journal's own table and index; the triggers and the chain are the journal's own doing.
const TABLE: &str = "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, text TEXT NOT NULL, hash BLOB NOT NULL, wall_ms INTEGER NOT NULL,
                                          trusted_ms INTEGER, sync_boot BLOB) STRICT;
                     CREATE INDEX entry_sync ON entry (sync_boot, sequence) WHERE sync_boot IS NOT NULL;";

/// One file to append to, and one SQLite file.
#[derive(Debug)]
pub(crate) struct Floor {
    file: File,
    connection: Connection,
    stored: usize,
    text: String,
    /// Times of an append of 4 KiB with `fdatasync`.
    pub(crate) append: Spread,
    /// Times of a commit of one row.
    pub(crate) commit: Spread,
}

impl Floor {
    /// On the file system of a folder.
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(folder.join("floor.bytes"))?;
        let connection = Connection::open(folder.join("floor.db"))?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        connection.execute_batch(TABLE)?;
        let text = canonical::seal(punch(1, Wall(0)), JournalId([1; 16]), Sequence(1), EntryHash::NONE)?.text;
        Ok(Self { file, connection, stored: 0, text, append: Spread::default(), commit: Spread::default() })
    }

    /// Measures both once.
    pub(crate) fn measure(&mut self) -> anyhow::Result<()> {
        let (written, nanos) = timed(|| self.file.write_all(&[0x5A; PAGE_BYTES]).and_then(|()| self.file.sync_data()));
        written?;
        self.append.add(nanos);
        let row = "INSERT INTO entry (text, hash, wall_ms, trusted_ms) VALUES (?1, zeroblob(32), 0, 0)";
        let (stored, nanos) = timed(|| self.connection.prepare_cached(row)?.execute([&self.text]));
        stored?;
        self.commit.add(nanos);
        self.stored += 1;
        if self.stored.is_multiple_of(WRITE_BACK_EVERY) {
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}
