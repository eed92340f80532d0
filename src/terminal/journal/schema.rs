//! How a file tells what it is: an application id, a schema version, and tables that are exactly those of the migrations.
//!
//! Constraints of the format:
//! - A migration that was once shipped is never edited.
//! - Every migration changes the tables (if need be by an empty one), so that the number in the header and the tables vouch for each other.
//! - So a file of a newer version, which is refused and left as it is, has another number *and* other tables. Another number over tables that
//!   are known here is a damaged header.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::ffi::SQLITE_ERROR;
use sha2::{Digest, Sha256};

use super::error::{JournalError, damaged, sqlite};

/// `punc`: a journal.
const JOURNAL_APPLICATION: i64 = 0x7075_6E63;
/// `puns`: the state beside the journals.
const STATE_APPLICATION: i64 = 0x7075_6E73;
/// Greatest version that a newer program can plausibly have written; beyond it the header is damaged.
const PLAUSIBLE_VERSION_MAX: i64 = 9_999;

/// One kind of file.
#[derive(Debug)]
pub(super) struct Schema {
    application: i64,
    migrations: &'static [&'static str],
}

/// The journals'.
pub(super) const JOURNAL: Schema = Schema { application: JOURNAL_APPLICATION, migrations: &[include_str!("migrations/journal-0001.sql")] };
/// `state.db`'s.
pub(super) const STATE: Schema = Schema { application: STATE_APPLICATION, migrations: &[include_str!("migrations/state-0001.sql")] };

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Nothing was ever written to it.
    Unborn,
    /// This many migrations were applied.
    Version(usize),
}

impl Schema {
    /// Reads what a file is, without changing it.
    pub(super) fn examine(&self, connection: &Connection, path: &Path) -> Result<Age, JournalError> {
        let read =
            |pragma: &'static str| connection.pragma_query_value::<i64, _>(None, pragma, |row| row.get(0)).map_err(sqlite("read", path));
        let (application, version) = (read("application_id")?, read("user_version")?);
        let found = listing(connection).map_err(|error| unreadable(error, path))?;
        if application == 0 && version == 0 && found.is_empty() {
            return Ok(Age::Unborn);
        }
        if application != self.application {
            return Err(damaged(path, format!("application id {application:#x} is not {:#x}", self.application)));
        }
        let known = self.migrations.len();
        let newer = i64::try_from(known).is_ok_and(|known| version > known);
        if newer && version <= PLAUSIBLE_VERSION_MAX {
            for older in 1..=known {
                if found == self.expected(older).map_err(sqlite("compare the schema of", path))? {
                    return Err(damaged(path, format!("the header names schema {version}, and the tables are those of schema {older}")));
                }
            }
            return Err(JournalError::Newer { path: path.to_owned(), found: version, known });
        }
        let version = usize::try_from(version).ok().filter(|version| (1..=known).contains(version));
        let version = version.ok_or_else(|| damaged(path, "the schema version makes no sense"))?;
        if found != self.expected(version).map_err(sqlite("compare the schema of", path))? {
            return Err(damaged(path, "tables are not those of its schema version"));
        }
        Ok(Age::Version(version))
    }

    /// Applies what is missing; to be called inside a transaction.
    pub(super) fn migrate(&self, connection: &Connection, age: Age) -> rusqlite::Result<()> {
        let applied = if let Age::Version(applied) = age { applied } else { 0 };
        for migration in self.migrations.iter().skip(applied) {
            connection.execute_batch(migration)?;
        }
        connection.pragma_update(None, "application_id", self.application)?;
        connection.pragma_update(None, "user_version", i64::try_from(self.migrations.len()).unwrap_or(i64::MAX))
    }

    /// Whether every migration was applied.
    pub(super) fn is_current(&self, age: Age) -> bool {
        age == Age::Version(self.migrations.len())
    }

    fn expected(&self, version: usize) -> rusqlite::Result<Vec<String>> {
        let model = Connection::open_in_memory()?;
        self.migrations.iter().take(version).try_for_each(|migration| model.execute_batch(migration))?;
        listing(&model)
    }
}

/// SQLite has no code of its own for a format number that it does not know, which no file of ours has.
fn unreadable(error: rusqlite::Error, path: &Path) -> JournalError {
    let unspecific = error.sqlite_error().is_some_and(|found| found.extended_code == SQLITE_ERROR);
    if unspecific { damaged(path, error.to_string()) } else { sqlite("read the schema of", path)(error) }
}

/// Every object of a database with its definition, in a fixed order.
fn listing(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let select = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    connection.prepare(select)?.query_map([], |row| row.get(0))?.collect()
}

/// What vouches for a text that is not in the chain.
pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"punchd kept 1\n").chain_update(text.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_changes_the_tables() {
        for schema in [&JOURNAL, &STATE] {
            for version in 1..=schema.migrations.len() {
                assert_ne!(schema.expected(version).unwrap(), schema.expected(version - 1).unwrap(), "version {version}");
            }
        }
    }
}
