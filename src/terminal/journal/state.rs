//! `state.db`: what is known beside the journals. The office's marks and receipts are written lazily, since losing one only sends entries
//! again; a kept value is durable before it is acknowledged. Every text has its digest, and one that does not match counts as not there.
//!
//! Whatever is written is synced: something unsynced in the log would stand before a later value that is, and a sync that failed in between
//! would take that value with it at the next power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::OpenOptions;
use super::directory::{Directory, log_of};
use super::error::{JournalError, sqlite};
use super::file::{Heal, Place};
use super::open::{Making, connect, keep_log_on_close, look};
use super::schema::{STATE, digest};
use crate::domain::id::{JournalId, Sequence};
use crate::wire::batch::Receipt;

/// Longest kept value, in bytes: a bundle with a large roster.
pub(super) const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Acknowledged entries after which the marks are written.
const FLUSH_ENTRIES: u64 = 512;
/// Pages in the log from which it is written back, about 1 MB.
const LOG_PAGES_MAX: usize = 250;
/// Bytes of a page.
const PAGE_BYTES: usize = 4_096;
/// Pages that the smallest change writes.
const PAGES_MIN: usize = 2;

/// What is known of a journal beside its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The how-manieth of the data directory.
    pub(super) ordinal: u64,
    /// The office's mark.
    pub(super) mark: Sequence,
    /// The receipt of that mark.
    pub(super) receipt: Option<Receipt>,
    /// The receipt of the highest mark ever given, which proves what an office restored from a backup once held.
    pub(super) highest: Option<Receipt>,
    /// The last entry seen durable.
    pub(super) seen: Place,
    /// The last entry pruned.
    pub(super) pruned: Place,
    /// The first entry that another machine's conflicts with.
    pub(super) forked: Option<Sequence>,
    /// What was still to be written again in it when it was found damaged.
    pub(super) heal: Option<Heal>,
    /// Whether the file was removed after everything in it had been pruned.
    pub(super) removed: bool,
}

impl Known {
    /// Of a journal met for the first time.
    pub(super) const fn new(ordinal: u64) -> Self {
        let (seen, pruned) = (Place::START, Place::START);
        Self { ordinal, mark: Sequence::ZERO, receipt: None, highest: None, seen, pruned, forked: None, heal: None, removed: false }
    }
}

/// The open `state.db`, and what is in it.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    connection: Connection,
    known: BTreeMap<JournalId, Known>,
    changed: BTreeSet<JournalId>,
    unwritten: u64,
    lost_rows: bool,
    in_log: usize,
    /// Whether the log was left by another run, or something could not be written or synced, and it was not begun again since.
    log_in_doubt: bool,
}

impl State {
    /// Opens or makes it. A damaged one is set aside, and what can still be read is taken over.
    pub(super) fn open(directory: &Directory, options: &OpenOptions) -> Result<Self, JournalError> {
        let path = directory.state();
        let vfs = OpenOptions { vfs: options.vfs.clone(), pragmas: Vec::new() };
        match Self::read(path.clone(), &vfs) {
            Err(error) if error.is_damage() => {
                tracing::error!(error = error.advice(), "the state is damaged and set aside");
                let aside = directory.set_aside(&path)?;
                let mut state = Self::read(path, &vfs)?;
                state.take_over(&aside, &vfs)?;
                state.lost_rows = true;
                Ok(state)
            }
            other => other,
        }
    }

    fn read(path: PathBuf, options: &OpenOptions) -> Result<Self, JournalError> {
        let log_in_doubt = std::fs::metadata(log_of(&path)).is_ok_and(|log| log.len() > 0);
        let (mut connection, age) = connect(&path, &STATE, Making::Anew, options)?;
        let failed = || sqlite("read", &path);
        if !STATE.is_current(age) {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
            STATE.migrate(&transaction, age).map_err(failed())?;
            transaction.commit().map_err(failed())?;
        }
        let checked: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed())?;
        if checked != "ok" {
            keep_log_on_close(&connection, true).map_err(failed())?;
            return Err(super::error::damaged(&path, checked));
        }
        let (mut known, mut lost_rows) = (BTreeMap::new(), false);
        for (key, text) in rows(&connection, "SELECT journal, text, hash FROM journal").map_err(failed())? {
            match (key.parse(), text.and_then(|text| serde_json::from_str(&text).ok())) {
                (Ok(journal), Some(row)) => drop(known.insert(journal, row)),
                (Ok(_) | Err(_), _) => lost_rows = true,
            }
        }
        Ok(Self { path, connection, known, changed: BTreeSet::new(), unwritten: 0, lost_rows, in_log: 0, log_in_doubt })
    }

    /// Whether something in it did not match its digest.
    pub(super) const fn is_damaged(&self) -> bool {
        self.lost_rows
    }

    /// Every journal that was ever known here.
    pub(super) const fn all(&self) -> &BTreeMap<JournalId, Known> {
        &self.known
    }

    /// What is known of a journal.
    pub(super) fn known(&self, journal: JournalId) -> Option<&Known> {
        self.known.get(&journal)
    }

    /// Changes what is known of a journal; written with the next flush.
    pub(super) fn change(&mut self, journal: JournalId, change: impl FnOnce(&mut Known)) {
        let next = self.known.values().map(|known| known.ordinal).max().unwrap_or(0) + 1;
        let known = self.known.entry(journal).or_insert_with(|| Known::new(next));
        let before = known.clone();
        change(known);
        if *known != before {
            self.changed.insert(journal);
        }
    }

    /// Takes the office's mark and receipt.
    pub(super) fn acknowledge(&mut self, journal: JournalId, mark: Sequence, receipt: Receipt) {
        let before = self.known(journal).map_or(Sequence::ZERO, |known| known.mark);
        self.unwritten += mark.0.saturating_sub(before.0);
        self.change(journal, |known| {
            if known.highest.as_ref().is_none_or(|highest| highest.mark <= receipt.mark) {
                known.highest = Some(receipt.clone());
            }
            known.mark = mark;
            known.receipt = Some(receipt);
        });
    }

    /// Whether enough was acknowledged that it should be written.
    pub(super) const fn is_due(&self) -> bool {
        self.unwritten >= FLUSH_ENTRIES
    }

    /// Writes what changed and waits until it is durable.
    pub(super) fn flush(&mut self) -> Result<(), JournalError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        self.begin_log_again()?;
        let written = self.write_changed();
        self.settle(written, PAGES_MIN * self.changed.len())?;
        self.changed.clear();
        self.unwritten = 0;
        Ok(())
    }

    fn write_changed(&mut self) -> Result<(), JournalError> {
        let failed = || sqlite("write", &self.path);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        for journal in &self.changed {
            let Some(text) = self.known.get(journal).and_then(|known| serde_json::to_string(known).ok()) else { continue };
            let upsert = "INSERT INTO journal (journal, text, hash) VALUES (?1, ?2, ?3)
                          ON CONFLICT (journal) DO UPDATE SET text = excluded.text, hash = excluded.hash";
            transaction.execute(upsert, params![journal.to_string(), text, digest(&text)]).map_err(failed())?;
        }
        transaction.commit().map_err(failed())
    }

    /// What follows a write: a failure is remembered, and a long log written back. SQLite would do that by itself, but keep to itself that a
    /// sync failed.
    fn settle(&mut self, written: Result<(), JournalError>, pages: usize) -> Result<(), JournalError> {
        self.log_in_doubt |= written.is_err();
        self.in_log += pages;
        if !self.log_in_doubt && self.in_log >= LOG_PAGES_MAX {
            match self.checkpoint("PASSIVE") {
                Ok(()) => self.in_log = 0,
                Err(error) => {
                    tracing::warn!(error = error.advice(), "the state's log was not written back");
                    self.log_in_doubt = true;
                }
            }
        }
        written
    }

    /// After a failure, and on a log that another run left: writes it back and begins it again, since a sync that succeeds makes nothing
    /// certain that an earlier one failed to.
    fn begin_log_again(&mut self) -> Result<(), JournalError> {
        if self.log_in_doubt {
            self.checkpoint("TRUNCATE")?;
            (self.log_in_doubt, self.in_log) = (false, 0);
        }
        Ok(())
    }

    fn checkpoint(&self, mode: &str) -> Result<(), JournalError> {
        let done = self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        done.map_err(sqlite("write back the log of", &self.path))
    }

    /// Keeps a value durably.
    pub(super) fn keep(&mut self, key: &'static str, value: &str) -> Result<(), JournalError> {
        if value.len() > KEPT_BYTES_MAX {
            return Err(JournalError::KeptTooLong { key, bytes: value.len() });
        }
        self.begin_log_again()?;
        let put = self.put(key, value).map_err(sqlite("write", &self.path));
        self.settle(put, value.len() / PAGE_BYTES + PAGES_MIN)
    }

    /// Every kept value, by name.
    pub(super) fn kept(&self) -> Result<Vec<(String, String)>, JournalError> {
        let found = rows(&self.connection, "SELECT key, value, hash FROM kept ORDER BY key").map_err(sqlite("read", &self.path))?;
        Ok(found.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
    }

    fn put(&self, key: &str, value: &str) -> rusqlite::Result<()> {
        let upsert = "INSERT INTO kept (key, value, hash) VALUES (?1, ?2, ?3)
                      ON CONFLICT (key) DO UPDATE SET value = excluded.value, hash = excluded.hash";
        self.connection.execute(upsert, params![key, value, digest(value)]).map(drop)
    }

    /// Reads what a damaged state still gives, row by row.
    fn take_over(&mut self, aside: &Path, options: &OpenOptions) -> Result<(), JournalError> {
        let Ok((old, _)) = connect(aside, &STATE, Making::Existing, options) else { return Ok(()) };
        keep_log_on_close(&old, true).map_err(sqlite("read", aside))?;
        for (key, value) in rows(&old, "SELECT key, value, hash FROM kept").unwrap_or_default() {
            if let Some(value) = value {
                self.put(&key, &value).map_err(sqlite("write", &self.path))?;
            }
        }
        for (key, text) in rows(&old, "SELECT journal, text, hash FROM journal").unwrap_or_default() {
            let row: Option<Known> = text.and_then(|text| serde_json::from_str(&text).ok());
            if let (Ok(journal), Some(row)) = (key.parse(), row) {
                self.change(journal, |known| *known = row);
            }
        }
        self.flush()
    }
}

/// What a state that no process of ours has open knows of each journal; empty where it cannot be read. Nothing is changed.
pub(super) fn look_at(path: &Path) -> BTreeMap<JournalId, Known> {
    let Ok((connection, _)) = look(path, &STATE) else { return BTreeMap::new() };
    let found = rows(&connection, "SELECT journal, text, hash FROM journal").unwrap_or_default();
    found.into_iter().filter_map(|(key, text)| Some((key.parse().ok()?, serde_json::from_str(&text?).ok()?))).collect()
}

/// Names with their texts; `None` for a text that does not match its digest. A row that cannot be read ends the list.
fn rows(connection: &Connection, select: &str) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut select = connection.prepare(select)?;
    let read = |row: &Row<'_>| {
        let (key, text, hash) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, [u8; 32]>(2)?);
        Ok((key, (digest(&text) == hash).then_some(text)))
    };
    let found = select.query_map([], read)?;
    Ok(found.map_while(Result::ok).collect())
}
