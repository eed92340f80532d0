//! Opening an SQLite file the way durability needs it, and proving that it is so.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::OpenOptions;
use super::directory::{log_of, rollback_of};
use super::error::{JournalError, damaged, file, sqlite};
use super::schema::{Age, Schema};

/// First SQLite that cannot reset a write-ahead log wrongly (release notes of 3.51.3).
const SQLITE_LEAST: i32 = 3_051_003;
/// How long a look from outside (a technician's `sqlite3`) may hold up an append, in milliseconds.
const BUSY_TIMEOUT_MS: u64 = 1_000;
/// A log that grew beyond this is cut back at the next reset, in bytes.
const LOG_BYTES_MAX: i64 = 8 * 1024 * 1024;
/// Page cache of one connection, in KiB (negative means KiB to SQLite).
const CACHE_KIB: i64 = -512;

/// Where the two bytes of write and read version end in the header.
const FORMAT_VERSIONS_END: usize = 20;

/// Whether a file may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    /// It must exist.
    Existing,
    /// It may be new.
    Anew,
}

/// A connection and how far its file has come. Nothing is changed before the file has told that it is ours and not newer.
pub(super) fn connect(path: &Path, schema: &Schema, making: Making, options: &OpenOptions) -> Result<(Connection, Age), JournalError> {
    if rusqlite::version_number() < SQLITE_LEAST {
        return Err(JournalError::OldSqlite { found: rusqlite::version() });
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, making == Making::Anew);
    let opened = match &options.vfs {
        None => Connection::open_with_flags(path, flags),
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str()),
    };
    let connection = opened.map_err(sqlite("open", path))?;
    keep_log_on_close(&connection, true).map_err(sqlite("open", path))?;
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(sqlite("open", path))?;
    if !is_being_rolled_back(path) {
        check_format(path)?;
    }
    let age = schema.examine(&connection, path)?;
    settle(&connection, path, options)?;
    keep_log_on_close(&connection, false).map_err(sqlite("open", path))?;
    Ok((connection, age))
}

/// A connection that changes nothing, to a file that no process of ours has open. Without a log the file is taken as it lies, so that not even
/// an empty log or index is left beside it.
pub(super) fn look(path: &Path, schema: &Schema) -> Result<(Connection, Age), JournalError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let has_log = log_of(path).exists();
    let opened = if has_log {
        Connection::open_with_flags(path, flags)
    } else {
        flags |= OpenFlags::SQLITE_OPEN_URI;
        let name = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
    };
    let connection = opened.map_err(sqlite("open", path))?;
    keep_log_on_close(&connection, true).map_err(sqlite("open", path))?;
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(sqlite("open", path))?;
    check_format(path)?;
    let age = schema.examine(&connection, path)?;
    Ok((connection, age))
}

/// A format that SQLite would only read, or not at all, is none of ours (its file format, §1.3.3): the header is damaged.
fn check_format(path: &Path) -> Result<(), JournalError> {
    let mut header = [0; FORMAT_VERSIONS_END];
    let read = File::open(path).and_then(|mut file| file.read(&mut header)).map_err(file("read", path))?;
    let (_, versions) = header.split_at(FORMAT_VERSIONS_END - 2);
    let known = versions.iter().all(|version| matches!(version, 1 | 2));
    if read < FORMAT_VERSIONS_END || known { Ok(()) } else { Err(damaged(path, "the header names an unknown format")) }
}

/// A power cut while a file was made leaves SQLite something to undo first; what stands in the header until then says nothing.
fn is_being_rolled_back(path: &Path) -> bool {
    std::fs::metadata(rollback_of(path)).is_ok_and(|found| found.len() > 0)
}

/// Whether closing leaves the log as it is: for a damaged file, which is evidence.
pub(super) fn keep_log_on_close(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}

/// Checks the settings on which durability rests, after making them.
fn settle(connection: &Connection, path: &Path, options: &OpenOptions) -> Result<(), JournalError> {
    let failed = || sqlite("set up", path);
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed())?;
    require(path, "journal_mode", &mode, "wal")?;
    for (pragma, value) in [("journal_size_limit", LOG_BYTES_MAX), ("wal_autocheckpoint", 0)] {
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).map_err(failed())?;
    }
    for (pragma, value) in [("synchronous", 2), ("cache_size", CACHE_KIB), ("cell_size_check", 1), ("trusted_schema", 0), ("temp_store", 2)]
    {
        connection.pragma_update(None, pragma, value).map_err(failed())?;
    }
    for (pragma, value) in &options.pragmas {
        connection.execute_batch(&format!("PRAGMA {pragma} = {value}")).map_err(failed())?;
    }
    let weakened = options.pragmas.iter().any(|(pragma, _)| pragma == "synchronous");
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(failed())?;
    if weakened { Ok(()) } else { require(path, "synchronous", &synchronous.to_string(), "2") }
}

fn require(path: &Path, setting: &'static str, found: &str, must: &'static str) -> Result<(), JournalError> {
    if found == must { Ok(()) } else { Err(JournalError::Setting { path: path.to_owned(), setting, found: found.to_owned(), must }) }
}
