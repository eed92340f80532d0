//! Reading for the verifier: everything as it stands, page by page, believed in nothing.

use rusqlite::Connection;

use super::arrival::hole;
use super::cell::{Place, count, number};
use super::error::StoreError;
use super::{SiteId, Store, statement};
use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::wire::batch::Lost;
use crate::wire::canonical::Purpose;

/// An entry as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedEntry {
    /// Under which place.
    pub sequence: Sequence,
    /// Under which hash.
    pub hash: EntryHash,
    /// The text.
    pub text: String,
}

/// A signed body as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedStatement {
    /// Its number among the terminal's.
    pub number: u64,
    /// What it was signed for.
    pub purpose: Purpose,
    /// The key that is said to have signed it.
    pub public_key: String,
    /// The signature in the form of the header.
    pub signature: String,
    /// The journal of its entries.
    pub journal: JournalId,
    /// The last entry it vouches for; 0 for none.
    pub reach: Sequence,
    /// The signed bytes.
    pub body: Vec<u8>,
    /// Whether it is kept because it shows a fork or declares a hole.
    pub evidence: bool,
}

/// A receipt as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedReceipt {
    /// To which journal.
    pub journal: JournalId,
    /// The signed bytes.
    pub body: Vec<u8>,
    /// The signature in the form of the header.
    pub signature: String,
}

/// One journal of one terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPlace {
    /// The site.
    pub site: SiteId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The journal.
    pub journal: JournalId,
}

impl JournalPlace {
    fn key(&self) -> (i64, &str, [u8; 16]) {
        (self.site.0, self.terminal.as_str(), self.journal.0)
    }
}

impl Store {
    /// A journal's entries after a place, in order, at most so many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_entries(&self, place: JournalPlace, after: Sequence, limit: usize) -> Result<Vec<AuditedEntry>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("read entries", move |connection| {
                let sql = "SELECT sequence, hash, text FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ? ORDER BY sequence LIMIT ?";
                let mut statement = connection.prepare_cached(sql)?;
                let (site, terminal, journal) = place.key();
                let rows = statement.query_map((site, terminal, journal, number(after.0), count(limit)), |row| {
                    let sequence: Place = row.get(0)?;
                    Ok(AuditedEntry { sequence: sequence.0, hash: EntryHash(row.get(1)?), text: row.get(2)? })
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// A journal's declared holes, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holes(&self, place: JournalPlace) -> Result<Vec<Lost>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("read holes", move |connection| {
                let sql =
                    "SELECT first, last, reason, head_after FROM hole WHERE site = ? AND terminal = ? AND journal = ? ORDER BY first, last";
                Ok(connection.prepare_cached(sql)?.query_map(place.key(), hole)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// A terminal's kept statements after a number, in order, at most so many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_statements(
        &self,
        site: SiteId,
        terminal: TerminalId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditedStatement>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read statements", move |connection| statements(connection, site, &terminal, after, limit)).await
    }

    /// The office's last receipt to each of a terminal's journals.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_receipts(&self, site: SiteId, terminal: TerminalId) -> Result<Vec<AuditedReceipt>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("read receipts", move |connection| {
                let sql = "SELECT journal, body, signature FROM receipt WHERE site = ? AND terminal = ? ORDER BY journal";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map((site.0, terminal.as_str()), |row| {
                    Ok(AuditedReceipt { journal: JournalId(row.get(0)?), body: row.get(1)?, signature: row.get(2)? })
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }
}

fn statements(
    connection: &Connection,
    site: SiteId,
    terminal: &TerminalId,
    after: u64,
    limit: usize,
) -> Result<Vec<AuditedStatement>, StoreError> {
    let sql = "SELECT number, purpose, public_key, signature, journal, reach, evidence, entries, before, after FROM statement
               WHERE site = ? AND terminal = ? AND number > ? ORDER BY number LIMIT ?";
    let mut rows = connection.prepare_cached(sql)?;
    let rows = rows.query_map((site.0, terminal.as_str(), number(after), count(limit)), |row| {
        let (number, reach, purpose): (Place, Place, String) = (row.get(0)?, row.get(5)?, row.get(1)?);
        let kept = AuditedStatement {
            number: number.0.0,
            purpose: if purpose == "export" { Purpose::Export } else { Purpose::Batch },
            public_key: row.get(2)?,
            signature: row.get(3)?,
            journal: JournalId(row.get(4)?),
            reach: reach.0,
            body: row.get(8)?,
            evidence: row.get(6)?,
        };
        Ok((kept, row.get::<_, i64>(7)?, row.get::<_, Vec<u8>>(9)?))
    })?;
    let mut statements = Vec::new();
    for row in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let (mut kept, entries, behind) = row;
        kept.body = statement::body(connection, (site, terminal, kept.journal), kept.reach, entries, kept.body, behind)?;
        statements.push(kept);
    }
    Ok(statements)
}
