//! One journal file: entries numbered from 1 without gaps, each carrying the hash of the one before.
//!
//! Constraints of the format:
//! - Sequence and `previous` are given inside the transaction that stores the entry, from the end that the file itself shows there.
//! - `hash` follows `text` in the same page (an entry is never longer than [`ENTRY_LOCAL_MAX`]), so a damaged file can be read without its trees.
//! - Every entry read from the disk is proven: its hash, its place, and the hash of the entry before.
//! - What a failed commit left in the log is written over before anything else is stored, through the connection that failed: it knows the
//!   log's true end. Whoever opens the file anew reads the log from memory, where a commit whose sync failed looks like any other.
//! - Then, and when another run left a log, the log is written back and begun again before an entry is stored: a sync that succeeds makes
//!   nothing certain that an earlier one failed to.
//! - The log is written back when it holds [`LOG_ENTRIES_IDLE`] entries and nobody taps, and at [`LOG_ENTRIES_MAX`] in any case.

use std::path::{Path, PathBuf};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::OpenOptions;
use super::directory::{Identity, log_of};
use super::error::{JournalError, damaged, file, sqlite};
use super::log;
use super::open::{Making, connect, keep_log_on_close, look};
use super::schema::{Age, JOURNAL, digest};
use crate::domain::id::{BootId, EntryHash, JournalId, Sequence};
use crate::domain::time::{Trust, Wall};
use crate::wire::canonical;
use crate::wire::entry::{Body, Draft, Entry, Predecessor, Stored};

/// Most bytes of an entry, so that it fits into one page of 4,096 bytes with its hash and is never split (SQLite's file format, §1.6).
/// The longest reading, 512 bytes of text escaped sixfold, needs fewer.
pub(super) const ENTRY_LOCAL_MAX: usize = 3_900;
/// Entries in the log from which it is written back as soon as nobody taps.
pub(super) const LOG_ENTRIES_IDLE: usize = 256;
/// Entries in the log from which it is written back even while people tap (about 6 MB).
pub(super) const LOG_ENTRIES_MAX: usize = 1_024;
/// Entries removed by one transaction.
const PRUNE_SLICE: u64 = 512;
/// A file of at most one page holds nothing yet.
const UNBORN_BYTES_MAX: u64 = 4_096;

const INSERT: &str = "INSERT INTO entry (sequence, text, hash, wall_ms, trusted_ms, sync_boot) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const SELECT: &str = "SELECT sequence, text, hash FROM entry WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2";
const SELECT_COLUMNS: &str = "SELECT wall_ms, trusted_ms, sync_boot FROM entry WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2";
const SELECT_TAIL: &str = "SELECT sequence, hash FROM entry ORDER BY sequence DESC LIMIT 1";

/// A place in a journal and the hash of the entry there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its number; 0 before the first.
    pub(super) sequence: Sequence,
    /// Its hash; `NONE` before the first, or where it is not known.
    pub(super) hash: EntryHash,
}

impl Place {
    /// Before the first entry.
    pub(super) const START: Self = Self { sequence: Sequence::ZERO, hash: EntryHash::NONE };
}

/// What a journal knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// Its id.
    pub(super) journal: JournalId,
    /// The how-manieth of its data directory, from 1.
    pub(super) ordinal: u64,
    /// The machine that it was begun on.
    pub(super) machine: String,
    /// The journal before it.
    pub(super) predecessor: Option<Predecessor>,
    /// What is still to be written again here after a fork.
    pub(super) heal: Option<Heal>,
    /// The last entry that was pruned.
    pub(super) pruned: Place,
}

/// Entries of a forked journal that are written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heal {
    /// The forked journal.
    pub(super) journal: JournalId,
    /// The first of them.
    pub(super) from: Sequence,
    /// The next to be written.
    pub(super) next: Sequence,
    /// The last of them.
    pub(super) to: Sequence,
}

/// An open journal file.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    identity: Identity,
    connection: Option<Connection>,
    options: OpenOptions,
    meta: Meta,
    tail: Place,
    in_log: usize,
    /// Whether the log was left by another connection, or a commit failed, and it was not begun again since.
    log_in_doubt: bool,
}

impl JournalFile {
    /// Makes a journal with its first entry, in one transaction.
    pub(super) fn create(path: &Path, options: &OpenOptions, meta: Meta, opened: Draft) -> Result<Self, JournalError> {
        let (mut connection, age) = connect(path, &JOURNAL, Making::Anew, options)?;
        let failed = || sqlite("begin", path);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        JOURNAL.migrate(&transaction, age).map_err(failed())?;
        let text = meta_text(&meta)?;
        let insert = "INSERT INTO meta (one, text, hash, pruned_to) VALUES (1, ?1, ?2, 0)";
        transaction.execute(insert, params![text, digest(&text)]).map_err(failed())?;
        let mut insert = transaction.prepare_cached(INSERT).map_err(failed())?;
        let stored = add(&mut insert, path, meta.journal, Place::START, opened)?;
        drop(insert);
        transaction.commit().map_err(failed())?;
        let identity = Identity::of(path).map_err(file("open", path))?;
        let tail = Place { sequence: stored.sequence, hash: stored.hash };
        Ok(Self { in_log: 1, ..Self::around(path, identity, connection, options, meta, tail) })
    }

    /// Opens a journal; `None` if its first transaction never came to its end. A damaged file is not changed.
    pub(super) fn open(path: &Path, journal: JournalId, options: &OpenOptions) -> Result<Option<Self>, JournalError> {
        log::check_beside_empty(path)?;
        let log_in_doubt = std::fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
        let (mut connection, age) = connect(path, &JOURNAL, Making::Existing, options)?;
        let read = Self::read(&mut connection, age, path, journal);
        if read.is_err() {
            keep_log_on_close(&connection, true).map_err(sqlite("open", path))?;
        }
        let Some((meta, tail)) = read? else { return Ok(None) };
        let identity = Identity::of(path).map_err(file("open", path))?;
        Ok(Some(Self { log_in_doubt, ..Self::around(path, identity, connection, options, meta, tail) }))
    }

    fn around(path: &Path, identity: Identity, connection: Connection, options: &OpenOptions, meta: Meta, tail: Place) -> Self {
        let (path, connection, options) = (path.to_owned(), Some(connection), options.clone());
        Self { path, identity, connection, options, meta, tail, in_log: 0, log_in_doubt: false }
    }

    /// Opens a journal that no process of ours has open, to be read and never changed; `None` if nothing was ever stored in it.
    pub(super) fn look(path: &Path, journal: JournalId) -> Result<Option<Self>, JournalError> {
        let (mut connection, age) = look(path, &JOURNAL)?;
        if age != Age::Unborn && !JOURNAL.is_current(age) {
            let setting = "the schema's version";
            return Err(JournalError::Setting { path: path.to_owned(), setting, found: format!("{age:?}"), must: "this program's" });
        }
        let Some((meta, tail)) = Self::read(&mut connection, age, path, journal)? else { return Ok(None) };
        let identity = Identity::of(path).map_err(file("open", path))?;
        Ok(Some(Self::around(path, identity, connection, &OpenOptions::default(), meta, tail)))
    }

    fn read(connection: &mut Connection, age: Age, path: &Path, journal: JournalId) -> Result<Option<(Meta, Place)>, JournalError> {
        if age == Age::Unborn {
            log::check_end(connection, path, journal, Sequence::ZERO)?;
            let bytes = std::fs::metadata(path).map_err(file("open", path))?.len();
            return if bytes <= UNBORN_BYTES_MAX { Ok(None) } else { Err(damaged(path, "all tables are gone")) };
        }
        if !JOURNAL.is_current(age) {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite("migrate", path))?;
            JOURNAL.migrate(&transaction, age).map_err(sqlite("migrate", path))?;
            transaction.commit().map_err(sqlite("migrate", path))?;
        }
        let meta = stored_meta(connection, path)?;
        if meta.journal != journal {
            return Err(damaged(path, format!("holds journal {}", meta.journal)));
        }
        let tail = stored_tail(connection, path, meta.pruned)?;
        log::check_end(connection, path, journal, tail.sequence)?;
        Ok(Some((meta, tail)))
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it knows of itself.
    pub(super) const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Its last entry.
    pub(super) const fn tail(&self) -> Place {
        self.tail
    }

    /// The first entry that is still kept; one past the last if none is.
    pub(super) const fn first(&self) -> Sequence {
        self.meta.pruned.sequence.next()
    }

    /// Whether it can be used: not closed after a failure.
    pub(super) const fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether a failed commit may still stand in its log, so that only this connection may write to it.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.log_in_doubt
    }

    /// Whether it is still the file at its path.
    pub(super) fn is_there(&self) -> Result<(), JournalError> {
        let there = Identity::of(&self.path).is_ok_and(|found| found == self.identity);
        if there { Ok(()) } else { Err(JournalError::Gone { path: self.path.clone() }) }
    }

    /// Stores drafts in one transaction. `sealed` tells what was tried, also when it failed: one result for each draft, in order.
    /// With `heal`, the journal's progress of healing is stored in the same transaction.
    pub(super) fn append(
        &mut self,
        drafts: &[Draft],
        heal: Option<Heal>,
        sealed: &mut Vec<Result<Stored, JournalError>>,
    ) -> Result<(), JournalError> {
        sealed.clear();
        let path = self.path.clone();
        let (journal, expected, pruned) = (self.meta.journal, self.tail, self.meta.pruned);
        let meta = heal.map(|heal| Meta { heal: Some(heal), ..self.meta.clone() });
        let transaction =
            self.connection_mut()?.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite("append to", &path))?;
        let mut tail = stored_tail(&transaction, &path, pruned)?;
        if tail != expected {
            return Err(JournalError::TailMoved { path, found: tail.sequence.0, expected: expected.sequence.0 });
        }
        let mut insert = transaction.prepare_cached(INSERT).map_err(sqlite("append to", &path))?;
        for draft in drafts {
            match add(&mut insert, &path, journal, tail, draft.clone()) {
                Err(error @ (JournalError::TooLong { .. } | JournalError::Content(_))) => sealed.push(Err(error)),
                Err(error) => return Err(error),
                Ok(stored) => {
                    tail = Place { sequence: stored.sequence, hash: stored.hash };
                    sealed.push(Ok(stored));
                }
            }
        }
        drop(insert);
        if let Some(meta) = &meta {
            write_meta(&transaction, meta).map_err(sqlite("append to", &path))?;
        }
        let committed = transaction.commit().map_err(sqlite("append to", &path));
        self.settle(committed)?;
        self.in_log += usize::try_from(tail.sequence.0 - expected.sequence.0).unwrap_or(usize::MAX);
        self.tail = tail;
        self.meta = meta.unwrap_or_else(|| self.meta.clone());
        Ok(())
    }

    /// Entries from a place on, proven and contiguous, at most `limit`.
    pub(super) fn page(&self, from: Sequence, limit: usize) -> Result<Vec<Stored>, JournalError> {
        let first = self.first();
        let from = from.max(first);
        let wanted = usize::try_from((self.tail.sequence.0 + 1).saturating_sub(from.0)).unwrap_or(usize::MAX).min(limit);
        let mut select = self.connection()?.prepare_cached(SELECT).map_err(sqlite("read", &self.path))?;
        let bounds = params![number(from), i64::try_from(wanted).unwrap_or(i64::MAX)];
        let rows = select.query_map(bounds, raw).map_err(sqlite("read", &self.path))?;
        let (mut expected, mut previous) = (from, (from == first).then_some(self.meta.pruned.hash));
        let mut page = Vec::with_capacity(wanted);
        for row in rows {
            let stored = self.proven(row.map_err(sqlite("read", &self.path))?, expected, previous)?;
            (expected, previous) = (expected.next(), Some(stored.hash));
            page.push(stored);
        }
        if page.len() == wanted { Ok(page) } else { Err(damaged(&self.path, format!("entry {expected} is missing"))) }
    }

    /// Compares what stands beside the texts of a page of entries with what follows from them.
    pub(super) fn compare_columns(&self, page: &[Stored]) -> Result<(), JournalError> {
        let Some(first) = page.first() else { return Ok(()) };
        let mut select = self.connection()?.prepare_cached(SELECT_COLUMNS).map_err(sqlite("read", &self.path))?;
        let bounds = params![number(first.sequence), i64::try_from(page.len()).unwrap_or(i64::MAX)];
        let columns = |row: &Row<'_>| Ok(Columns { wall_ms: row.get(0)?, trusted_ms: row.get(1)?, sync_boot: row.get(2)? });
        let rows = select.query_map(bounds, columns).map_err(sqlite("read", &self.path))?;
        for (stored, row) in page.iter().zip(rows) {
            let found = row.map_err(sqlite("read", &self.path))?;
            // What a newer program wrote is compared by that one.
            let Ok(entry) = canonical::open(&stored.text) else { continue };
            if found != Columns::of(&draft_of(entry)) {
                return Err(damaged(&self.path, format!("what stands beside entry {} does not follow from it", stored.sequence)));
            }
        }
        Ok(())
    }

    /// The trusted moments of a boot, oldest first, at most `limit` of the newest.
    pub(super) fn trusted_moments(&self, boot: BootId, limit: usize) -> Result<Vec<Stored>, JournalError> {
        let select = "SELECT sequence, text, hash FROM entry WHERE sync_boot = ?1 ORDER BY sequence DESC LIMIT ?2";
        let mut select = self.connection()?.prepare_cached(select).map_err(sqlite("read", &self.path))?;
        let rows = select.query_map(params![boot.0, i64::try_from(limit).unwrap_or(i64::MAX)], raw).map_err(sqlite("read", &self.path))?;
        let mut found = Vec::new();
        for row in rows {
            let row = row.map_err(sqlite("read", &self.path))?;
            let sequence = row.sequence;
            found.push(self.proven(row, sequence, None)?);
        }
        found.reverse();
        Ok(found)
    }

    /// Removes one slice of what is acknowledged up to `mark` and, by trusted time, older than `cutoff`; whether there is more.
    ///
    /// An entry without trusted time of its own is as old as the next trusted one after it, at least. One whose trusted time lies after `now`
    /// was written while a wrong source was trusted, and has none.
    pub(super) fn prune(&mut self, mark: Sequence, cutoff: Wall, now: Wall) -> Result<bool, JournalError> {
        let path = self.path.clone();
        let failed = || sqlite("prune", &path);
        let first = self.first();
        let connection = self.connection_mut()?;
        let newer = "SELECT sequence FROM entry WHERE sequence >= ?1 AND trusted_ms BETWEEN ?2 AND ?3 ORDER BY sequence LIMIT 1";
        let newer: Option<i64> =
            connection.query_row(newer, params![number(first), cutoff.0, now.0], |row| row.get(0)).optional().map_err(failed())?;
        let bound = newer.map_or(number(mark), |newer| number(mark).min(newer - 1));
        let last = "SELECT sequence FROM entry WHERE sequence BETWEEN ?1 AND ?2 AND trusted_ms < ?3 ORDER BY sequence DESC LIMIT 1";
        let last: Option<i64> =
            connection.query_row(last, params![number(first), bound, cutoff.0], |row| row.get(0)).optional().map_err(failed())?;
        let Some(last) = last.and_then(|last| u64::try_from(last).ok()) else { return Ok(false) };
        let end = Sequence(last.min(first.0 + PRUNE_SLICE - 1));
        self.remove_up_to(end)?;
        Ok(end.0 < last)
    }

    fn remove_up_to(&mut self, end: Sequence) -> Result<(), JournalError> {
        let path = self.path.clone();
        let failed = || sqlite("prune", &path);
        let mut meta = self.meta.clone();
        let transaction = self.connection_mut()?.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        let hash: [u8; 32] =
            transaction.query_row("SELECT hash FROM entry WHERE sequence = ?1", [number(end)], |row| row.get(0)).map_err(failed())?;
        meta.pruned = Place { sequence: end, hash: EntryHash(hash) };
        write_meta(&transaction, &meta).map_err(failed())?;
        transaction.execute("DELETE FROM entry WHERE sequence <= ?1", [number(end)]).map_err(failed())?;
        let committed = transaction.commit().map_err(failed());
        self.settle(committed)?;
        self.in_log += usize::try_from(PRUNE_SLICE / 8).unwrap_or(usize::MAX);
        self.meta = meta;
        Ok(())
    }

    /// Writes a little, so that it is known that it can be written and the next entry needs one sync only.
    ///
    /// What is written stands where the next entry would, and so takes the place of what a failed commit left in the log. Then the log is
    /// begun again, since no later sync makes certain what an earlier one failed to.
    pub(super) fn prove_writable(&mut self) -> Result<(), JournalError> {
        if self.log_in_doubt {
            self.count_opening()?;
            if self.checkpoint("TRUNCATE")? != (0, 0) {
                tracing::warn!(path = %self.path.display(), "somebody reads the journal, so its log cannot be begun again yet");
            }
            self.log_in_doubt = false;
        }
        self.count_opening()
    }

    fn count_opening(&mut self) -> Result<(), JournalError> {
        let counted = self.connection()?.execute("UPDATE meta SET opens = opens + 1", []).map_err(sqlite("write to", &self.path));
        if self.settle(counted)? == 1 { Ok(()) } else { Err(damaged(&self.path, "knows nothing of itself")) }
    }

    /// Remembers that a commit failed.
    fn settle<T>(&mut self, committed: Result<T, JournalError>) -> Result<T, JournalError> {
        self.log_in_doubt |= committed.is_err();
        committed
    }

    /// Closes after a failure, opens again, writes the log back, and reads the true end.
    pub(super) fn reopen(&mut self) -> Result<(), JournalError> {
        drop(self.connection.take());
        self.is_there()?;
        let again = Self::open(&self.path, self.meta.journal, &self.options)?;
        let mut again = again.ok_or_else(|| damaged(&self.path, "all tables are gone"))?;
        again.empty_log()?;
        if again.tail.sequence < self.tail.sequence {
            return Err(damaged(&self.path, format!("ended at {} and ends at {}", self.tail.sequence, again.tail.sequence)));
        }
        *self = again;
        Ok(())
    }

    /// Writes the whole log back and gives its room to the disk.
    pub(super) fn empty_log(&mut self) -> Result<(), JournalError> {
        if self.checkpoint("TRUNCATE")? != (0, 0) {
            return Err(JournalError::Closed { path: self.path.clone() });
        }
        self.log_in_doubt = false;
        Ok(())
    }

    /// Writes the log back if it is long enough for the occasion.
    pub(super) fn write_back(&mut self, idle: bool) -> Result<(), JournalError> {
        let enough = if idle { LOG_ENTRIES_IDLE } else { LOG_ENTRIES_MAX };
        if self.in_log >= enough {
            self.checkpoint("PASSIVE")?;
            self.in_log = 0;
        }
        Ok(())
    }

    /// Lets go of a damaged file without changing it any more.
    pub(super) fn abandon(mut self) {
        if let Some(connection) = self.connection.take() {
            keep_log_on_close(&connection, true).ok();
        }
    }

    /// The connection, for a check of the whole file.
    pub(super) fn connection_mut(&mut self) -> Result<&mut Connection, JournalError> {
        self.connection.as_mut().ok_or_else(|| JournalError::Closed { path: self.path.clone() })
    }

    fn connection(&self) -> Result<&Connection, JournalError> {
        self.connection.as_ref().ok_or_else(|| JournalError::Closed { path: self.path.clone() })
    }

    fn checkpoint(&self, mode: &str) -> Result<(i64, i64), JournalError> {
        let found = self.connection()?.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| Ok((row.get(0)?, row.get(1)?)));
        found.map_err(sqlite("write back the log of", &self.path))
    }

    fn proven(&self, row: Raw, expected: Sequence, previous: Option<EntryHash>) -> Result<Stored, JournalError> {
        if row.sequence != expected {
            return Err(damaged(&self.path, format!("entry {expected} is missing")));
        }
        if canonical::entry_hash(&row.text) != row.hash {
            return Err(damaged(&self.path, format!("entry {expected} does not match its hash")));
        }
        let link: Link = serde_json::from_str(&row.text).or(Err(damaged(&self.path, format!("entry {expected} cannot be read"))))?;
        let fits = link.journal == self.meta.journal && link.sequence == expected && previous.is_none_or(|hash| hash == link.previous);
        if fits {
            Ok(Stored { journal: link.journal, sequence: expected, text: row.text, hash: row.hash })
        } else {
            Err(damaged(&self.path, format!("entry {expected} does not follow the entry before it")))
        }
    }
}

/// The place that an entry claims.
#[derive(Deserialize)]
struct Link {
    journal: JournalId,
    sequence: Sequence,
    previous: EntryHash,
}

/// A row as it lies on the disk.
struct Raw {
    sequence: Sequence,
    text: String,
    hash: EntryHash,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let sequence: i64 = row.get(0)?;
    Ok(Raw { sequence: Sequence(u64::try_from(sequence).unwrap_or_default()), text: row.get(1)?, hash: EntryHash(row.get(2)?) })
}

/// Gives a draft the place behind `tail` and stores it.
fn add(insert: &mut CachedStatement<'_>, path: &Path, journal: JournalId, tail: Place, draft: Draft) -> Result<Stored, JournalError> {
    let columns = Columns::of(&draft);
    let stored = canonical::seal(draft, journal, tail.sequence.next(), tail.hash)?;
    if stored.text.len() > ENTRY_LOCAL_MAX {
        return Err(JournalError::TooLong { bytes: stored.text.len() });
    }
    let row = params![number(stored.sequence), stored.text, stored.hash.0, columns.wall_ms, columns.trusted_ms, columns.sync_boot];
    insert.execute(row).map_err(sqlite("append to", path))?;
    Ok(stored)
}

/// What stands beside an entry's text, for pruning and for finding trusted moments. All of it follows from the entry, and files are compared
/// with it: how it follows is part of the format.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    wall_ms: i64,
    trusted_ms: Option<i64>,
    sync_boot: Option<[u8; 16]>,
}

impl Columns {
    fn of(draft: &Draft) -> Self {
        let clock = draft.clock;
        let latest = |wall: Wall, uncertainty: u64| wall.plus_millis(i64::try_from(uncertainty).unwrap_or(i64::MAX)).0;
        let own = match clock.trust {
            Trust::Synced | Trust::Holdover => Some(latest(clock.wall, clock.uncertainty_ms)),
            Trust::Suspect | Trust::Unset => None,
        };
        match draft.body {
            Body::Sync { wall, uncertainty_ms, .. } => {
                Self { wall_ms: clock.wall.0, trusted_ms: Some(latest(wall, uncertainty_ms)), sync_boot: Some(clock.boot.0) }
            }
            Body::Opened { .. }
            | Body::Punch { .. }
            | Body::Attempt { .. }
            | Body::Boot { .. }
            | Body::ClockStep { .. }
            | Body::Settings { .. }
            | Body::Maintenance { .. } => Self { wall_ms: clock.wall.0, trusted_ms: own, sync_boot: None },
        }
    }
}

/// An entry read again as what was once to be appended.
pub(super) fn draft_of(entry: Entry) -> Draft {
    Draft { clock: entry.clock, body: entry.body, origin: entry.origin }
}

fn stored_tail(connection: &Connection, path: &Path, pruned: Place) -> Result<Place, JournalError> {
    let place = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
    let mut select = connection.prepare_cached(SELECT_TAIL).map_err(sqlite("read", path))?;
    match select.query_row([], place).optional().map_err(sqlite("read", path))? {
        None => Ok(pruned),
        Some((sequence, hash)) => {
            let sequence = u64::try_from(sequence).ok().filter(|sequence| *sequence > pruned.sequence.0);
            let sequence = sequence.ok_or_else(|| damaged(path, "an entry's place makes no sense"))?;
            Ok(Place { sequence: Sequence(sequence), hash: EntryHash(hash) })
        }
    }
}

fn stored_meta(connection: &Connection, path: &Path) -> Result<Meta, JournalError> {
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, i64>(2)?));
    let (text, hash, pruned_to) = connection.query_row("SELECT text, hash, pruned_to FROM meta", [], read).map_err(sqlite("read", path))?;
    let meta: Option<Meta> = (digest(&text) == hash).then(|| serde_json::from_str(&text).ok()).flatten();
    meta.filter(|meta| number(meta.pruned.sequence) == pruned_to)
        .ok_or_else(|| damaged(path, "what it knows of itself does not match its digest"))
}

fn write_meta(connection: &Connection, meta: &Meta) -> rusqlite::Result<()> {
    let text = meta_text(meta).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let update = "UPDATE meta SET text = ?1, hash = ?2, pruned_to = ?3";
    connection.execute(update, params![text, digest(&text), number(meta.pruned.sequence)]).map(drop)
}

fn meta_text(meta: &Meta) -> Result<String, JournalError> {
    serde_json::to_string(meta).map_err(|error| JournalError::Content(canonical::CanonicalError::Entry(error.to_string())))
}

/// A sequence as SQLite stores it.
fn number(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}
