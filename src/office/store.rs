//! The office's store: an enum over the databases it can live in. SQL stands here and nowhere else in the office.
//!
//! Invariants:
//! - Entries are unique on (terminal, journal, sequence) and stand as received; what people say is appended beside them, never edited.
//! - Everything belongs to a [`SiteId`].
//! - One writer: changes happen one transaction after the other, each whole or not at all; a call that was handed over is carried out even
//!   if its caller goes away. Feed versions are given by it, so no punch appears behind a cursor already given out.
//! - What is computed (best time, person, day) can be computed again from entries and facts; it is never the truth.

mod adrift;
mod arrival;
mod audit;

mod bundle;
mod cell;
mod error;
mod facts;
mod feed;
mod refresh;
mod sqlite;
mod statement;
mod terminals;
mod today;
mod tokens;

use std::path::{Path, PathBuf};

use crate::domain::time::UtcOffset;
use crate::office::store::cell::Parsed;
use crate::supervise::Supervisor;

pub use adrift::Adrift;
pub use arrival::{Arrival, Carried, Ingested, QUARANTINE_MAX, Signed};

pub use audit::{AuditedEntry, AuditedReceipt, AuditedStatement, JournalPlace};
pub use bundle::Sealed;
pub use error::StoreError;
pub use facts::{BindingId, Fact, FactsAdded};
pub use feed::{FEED_PAGE_MAX, FeedCursor, FeedItem, FeedPage, PunchQuery, UnknownCredential};
pub use sqlite::Sqlite;
pub use terminals::{Pairing, Revoked, TERMINALS_MAX, Terminal, TerminalJournal, TerminalKey};
pub use tokens::{Scope, Token};

/// A centre. One office may serve many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub i64);

impl SiteId {
    /// The site of the configuration.
    pub const FIRST: Self = Self(1);
}

/// A centre's name and civil time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Which.
    pub id: SiteId,
    /// Its name, for the heads of pages.
    pub name: String,
    /// Its civil time.
    pub utc_offset: UtcOffset,
}

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// One SQLite file.
    Sqlite(PathBuf),
}

impl Database {
    /// The file.
    pub fn path(&self) -> &Path {
        let Self::Sqlite(path) = self;
        path
    }
}

/// The store; clones share it.
#[derive(Debug, Clone)]
pub enum Store {
    /// One SQLite file.
    Sqlite(Sqlite),
}

impl Store {
    /// Opens the store, making it if absent, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, is not an office's or is of a newer program.
    pub fn open(database: &Database, supervisor: &Supervisor) -> Result<Self, StoreError> {
        let Database::Sqlite(path) = database;
        Sqlite::open(path, supervisor).map(Self::Sqlite)
    }

    /// Opens a store that is there, of this program's schema, for reading alone; changes fail with [`StoreError::Closed`].
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, is not an office's or is of another schema.
    pub fn open_to_read(database: &Database, supervisor: &Supervisor) -> Result<Self, StoreError> {
        let Database::Sqlite(path) = database;
        Sqlite::open_to_read(path, supervisor).map(Self::Sqlite)
    }

    /// Finishes what was handed over, and closes. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let Self::Sqlite(sqlite) = self;
        sqlite.close().await;
    }

    /// Makes the site known, or takes over its changed name and civil time; what depends on them is computed again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure_site(&self, site: Site) -> Result<(), StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .write("set up the site", move |writing| {
                let known = find_site(writing.transaction, site.id)?;
                if known.as_ref() == Some(&site) {
                    return Ok(());
                }
                let offset_moved = known.is_some_and(|known| known.utc_offset != site.utc_offset);
                writing.execute(
                    "INSERT INTO site (site, name, utc_offset, feed_epoch) VALUES (?1, ?2, ?3, lower(hex(randomblob(4))))
                     ON CONFLICT (site) DO UPDATE SET name = ?2, utc_offset = ?3, facts_version = facts_version + 1",
                    (site.id.0, &site.name, site.utc_offset.to_string()),
                )?;
                if offset_moved { refresh::everything(writing, site.id).map(drop) } else { Ok(()) }
            })
            .await
    }

    /// Proves that the writer lives: answers after it did.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.probe().await
    }

    /// Copies the store as it is at one moment into a new file, while it is in use.
    ///
    /// # Errors
    /// When either file fails.
    pub async fn copy_to(&self, file: PathBuf) -> Result<(), StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("copy the store", move |connection| sqlite::copy(connection, &file)).await
    }

    /// Begins the feed again for everyone, after the store went back in time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_feed_again(&self) -> Result<(), StoreError> {
        let Self::Sqlite(sqlite) = self;
        let sql = "UPDATE site SET feed_epoch = lower(hex(randomblob(4)))";
        sqlite.write("begin the feed again", move |writing| writing.execute(sql, []).map(drop)).await
    }

    /// The site.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn site(&self, site: SiteId) -> Result<Option<Site>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read the site", move |connection| find_site(connection, site)).await
    }
}

fn find_site(connection: &rusqlite::Connection, site: SiteId) -> Result<Option<Site>, StoreError> {
    use rusqlite::OptionalExtension as _;
    let mut statement = connection.prepare_cached("SELECT name, utc_offset FROM site WHERE site = ?1")?;
    let read = |row: &rusqlite::Row<'_>| Ok(Site { id: site, name: row.get(0)?, utc_offset: row.get::<_, Parsed<UtcOffset>>(1)?.0 });
    Ok(statement.query_row([site.0], read).optional()?)
}
