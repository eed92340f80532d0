//! The SQLite backend: one writer thread and a few readers over one file, all ended by closing.
//!
//! Invariants: WAL, `synchronous=FULL`, foreign keys; the file carries our application id and a known schema version, and a newer one is
//! refused, never overwritten; each piece of work is one transaction; a write that was handed over runs even if nobody waits for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::SiteId;
use super::error::StoreError;
use super::statement::KeptReceipt;
use super::today::Today;
use crate::domain::id::{JournalId, TerminalId};
use crate::office::matching::Directory;
use crate::supervise::Supervisor;

/// `PnOf`: marks the file as an office's store.
const APPLICATION_ID: i32 = 0x506E_4F66;
/// One SQL text for each schema version, never edited once released.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];
/// The oldest SQLite without the WAL-reset corruption bug (3.51.3; sqlite.org/wal.html).
const SQLITE_OLDEST: i32 = 3_051_003;
/// How long a write waits for another process (an administration verb beside a running server).
const BUSY_MAX: Duration = Duration::from_secs(15);
/// Threads that read.
const READERS: usize = 3;
/// Most writes that wait to be carried out.
const WRITES_QUEUED_MAX: usize = 256;
/// Most reads that wait to be carried out.
const READS_QUEUED_MAX: usize = 256;
/// Statements kept prepared on each connection.
const STATEMENTS_CACHED: usize = 64;
/// Pages copied at a time for a backup: 4 MiB.
const COPY_PAGES: std::ffi::c_int = 1_024;
/// Most receipts that wait for the next write.
const RECEIPTS_WAITING_MAX: usize = 4_096;

type Write = Box<dyn FnOnce(&mut Connection, &mut Memory) + Send>;
type Read = Box<dyn FnOnce(&Connection) + Send>;

enum ReaderCall {
    Work(Read),
    Close,
}

enum WriterCall {
    Work(Write),
    Receipt(Box<KeptReceipt>),
    Close(oneshot::Sender<()>),
}

/// The threads' mailboxes.
#[derive(Debug, Clone)]
pub struct Sqlite {
    writer: mpsc::Sender<WriterCall>,
    readers: mpsc::Sender<ReaderCall>,
}

/// What the writer remembers between transactions; all of it can be read again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The roster for matching, of this version of the facts.
    pub(super) directory: Option<(SiteId, i64, Arc<Directory>)>,
    /// The digest of what all bundles of a site share, of this version of the facts.
    pub(super) bundle_digest: Option<(SiteId, i64, [u8; 32])>,
    /// Today's punches by terminal.
    pub(super) today: Option<Today>,
    receipts: BTreeMap<(SiteId, TerminalId, JournalId), KeptReceipt>,
}

/// One write under way.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    /// Its transaction.
    pub(super) transaction: &'a Transaction<'a>,
    /// What the writer remembers.
    pub(super) memory: &'a mut Memory,
}

impl Writing<'_> {
    /// Runs one statement, kept prepared; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize, StoreError> {
        Ok(self.transaction.prepare_cached(sql)?.execute(parameters)?)
    }
}

impl Sqlite {
    pub(super) fn open(path: &Path, supervisor: &Supervisor) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        check(&connection, path)?;
        migrate(&mut connection, path)?;
        let (writer, writes) = mpsc::channel(WRITES_QUEUED_MAX);
        let readers = start_readers(path, supervisor)?;
        supervisor.essential_thread("store-writer", move || write_until_closed(connection, writes)).map_err(StoreError::Thread)?;
        Ok(Self { writer, readers })
    }

    pub(super) fn open_to_read(path: &Path, supervisor: &Supervisor) -> Result<Self, StoreError> {
        let connection = connect_to_read(path)?;
        check(&connection, path)?;
        let (found, known) = (pragma(&connection, "user_version")?, newest_schema());
        if found != known {
            return Err(StoreError::Newer { path: path.to_owned(), found, known });
        }
        let (writer, _) = mpsc::channel(1);
        Ok(Self { writer, readers: start_readers(path, supervisor)? })
    }

    pub(super) async fn close(&self) {
        for _ in 0..READERS {
            self.readers.send(ReaderCall::Close).await.ok();
        }
        let (closed, wait) = oneshot::channel();
        if self.writer.send(WriterCall::Close(closed)).await.is_ok() {
            wait.await.ok();
        }
    }

    /// Answers after the writer came past, without touching the disk.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        let job: Write = Box::new(move |_, _| {
            done.send(()).ok();
        });
        self.writer.send(WriterCall::Work(job)).await.or(Err(StoreError::Closed))?;
        wait.await.or(Err(StoreError::Closed))
    }

    /// Carries out a change in one transaction. Once this has been awaited to the point where the work is queued, dropping it changes nothing.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, wait) = oneshot::channel();
        let job: Write = Box::new(move |connection, memory| {
            let result = in_transaction(connection, memory, work).map_err(|error| error.during(operation));
            done.send(result).ok();
        });
        self.writer.send(WriterCall::Work(job)).await.or(Err(StoreError::Closed))?;
        wait.await.or(Err(StoreError::Closed))?
    }

    /// Reads in one transaction, so that several statements see the same moment.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, wait) = oneshot::channel();
        let job: Read = Box::new(move |connection| {
            let result = connection.unchecked_transaction().map_err(StoreError::from).and_then(|transaction| work(&transaction));
            done.send(result.map_err(|error| error.during(operation))).ok();
        });
        self.readers.send(ReaderCall::Work(job)).await.or(Err(StoreError::Closed))?;
        wait.await.or(Err(StoreError::Closed))?
    }

    /// Keeps a receipt with the next write; it is dropped where too many wait, which only costs evidence that the terminal has too.
    pub(super) fn keep_receipt(&self, receipt: KeptReceipt) {
        self.writer.try_send(WriterCall::Receipt(Box::new(receipt))).ok();
    }
}

fn start_readers(path: &Path, supervisor: &Supervisor) -> Result<mpsc::Sender<ReaderCall>, StoreError> {
    let (readers, reads) = mpsc::channel(READS_QUEUED_MAX);
    let reads = Arc::new(Mutex::new(reads));
    for number in 1..=READERS {
        let (connection, reads) = (connect_to_read(path)?, Arc::clone(&reads));
        let name = format!("store-reader-{number}");
        supervisor.essential_thread(&name, move || read_until_closed(&connection, &reads)).map_err(StoreError::Thread)?;
    }
    Ok(readers)
}

/// Copies a whole database at one moment, with SQLite's backup interface, and makes it durable.
pub(super) fn copy(from: &Connection, path: &Path) -> Result<(), StoreError> {
    let mut to = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    rusqlite::backup::Backup::new(from, &mut to)?.run_to_completion(COPY_PAGES, Duration::ZERO, None)?;
    to.pragma_update(None, "synchronous", "full")?;
    check(&to, path)
}

fn in_transaction<T>(
    connection: &mut Connection,
    memory: &mut Memory,
    work: impl FnOnce(&mut Writing<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let receipts = std::mem::take(&mut memory.receipts);
    let attempt = |memory: &mut Memory| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        receipts.values().try_for_each(|receipt| receipt.insert(&transaction))?;
        let value = work(&mut Writing { transaction: &transaction, memory })?;
        transaction.commit()?;
        Ok(value)
    };
    let result = attempt(memory);
    if result.is_err() {
        // What was remembered may be of the transaction that was undone.
        *memory = Memory { receipts, ..Memory::default() };
    }
    result
}

fn write_until_closed(mut connection: Connection, mut calls: mpsc::Receiver<WriterCall>) {
    let mut memory = Memory::default();
    let mut closing = None;
    while let Some(call) = calls.blocking_recv() {
        match call {
            WriterCall::Work(work) => work(&mut connection, &mut memory),
            WriterCall::Receipt(receipt) if memory.receipts.len() < RECEIPTS_WAITING_MAX => {
                memory.receipts.insert(receipt.key(), *receipt);
            }
            WriterCall::Receipt(_) => {}
            WriterCall::Close(closed) => {
                calls.close(); // What is queued already still comes out.
                closing = Some(closed);
            }
        }
    }
    finish(connection, &mut memory);
    if let Some(closed) = closing {
        closed.send(()).ok();
    }
}

/// Writes what waits and folds the log into the file, so that a copy of the file alone is whole.
fn finish(mut connection: Connection, memory: &mut Memory) {
    if !memory.receipts.is_empty() && in_transaction(&mut connection, memory, |_| Ok(())).is_err() {
        tracing::warn!("the last receipts were not kept; terminals hold them too");
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
}

fn read_until_closed(connection: &Connection, calls: &Mutex<mpsc::Receiver<ReaderCall>>) {
    loop {
        let call = calls.lock().ok().and_then(|mut calls| calls.blocking_recv());
        match call {
            Some(ReaderCall::Work(read)) => read(connection),
            Some(ReaderCall::Close) | None => return,
        }
    }
}

/// Opens a file that must be there, for reading alone.
fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_OLDEST {
        return Err(StoreError::Library(rusqlite::version()));
    }
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = opened.map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(connection)
}

fn pragma(connection: &Connection, name: &str) -> Result<i32, StoreError> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

/// Whose file it is, of which version, and whether its pages agree.
fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let read = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        value.map_err(|source| StoreError::Open { path: path.to_owned(), source })
    };
    let (application, version) = (read("application_id")?, read("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(StoreError::Foreign { path: path.to_owned(), found: application });
    }
    let known = newest_schema();
    if version > known {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known });
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), found }) }
}

fn newest_schema() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = pragma(&transaction, "user_version")?;
    let missing = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)).unwrap_or_default();
    for migration in missing {
        transaction.execute_batch(migration).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
    }
    if !missing.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", newest_schema())?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::store::{Database, Store};

    #[tokio::test]
    async fn a_newer_or_a_foreign_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (name, sql, code) in [
            ("newer.db", "PRAGMA application_id = 1349406566; PRAGMA user_version = 99", "store-newer"),
            ("foreign.db", "CREATE TABLE theirs (a); PRAGMA application_id = 7", "store-foreign"),
        ] {
            let path = folder.path().join(name);
            Connection::open(&path).unwrap().execute_batch(sql).unwrap();
            let before = std::fs::read(&path).unwrap();
            let refused = Store::open(&Database::Sqlite(path.clone()), &Supervisor::new().0).unwrap_err();
            assert_eq!(refused.code(), code);
            let version = |bytes: &[u8]| bytes[60..72].to_vec();
            assert_eq!(version(&std::fs::read(&path).unwrap()), version(&before));
        }
    }

    #[tokio::test]
    async fn the_file_is_durable_and_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("office.db");
        let store = Store::open(&Database::Sqlite(path.clone()), &Supervisor::new().0).unwrap();
        let Store::Sqlite(sqlite) = &store;
        let pragmas = sqlite
            .write("look", |writing| {
                let number = |name| pragma(writing.transaction, name);
                Ok([number("synchronous")?, number("foreign_keys")?, number("application_id")?, number("user_version")?])
            })
            .await
            .unwrap();
        assert_eq!(pragmas, [2, 1, APPLICATION_ID, newest_schema()]);
        store.close().await;
        assert!(matches!(store.site(SiteId::FIRST).await, Ok(None) | Err(StoreError::Closed)));
        assert!(!path.with_extension("db-wal").exists() || std::fs::metadata(path.with_extension("db-wal")).unwrap().len() == 0);
    }

    #[tokio::test]
    async fn an_entry_cannot_be_changed_or_removed_by_any_statement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("office.db");
        let store = Store::open(&Database::Sqlite(path.clone()), &Supervisor::new().0).unwrap();
        store.close().await;
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = off;
                 INSERT INTO entry VALUES (1, 't', x'01', 1, x'02', 'text', 0, x'00', 'boot', x'03');
                 INSERT INTO person VALUES (1, 'k', 1, '{}', 'a', 0);",
            )
            .unwrap();
        for sql in ["UPDATE entry SET text = 'other'", "DELETE FROM entry", "UPDATE person SET content = NULL", "DELETE FROM person"] {
            assert!(connection.execute_batch(sql).is_err(), "{sql}");
        }
    }
}
