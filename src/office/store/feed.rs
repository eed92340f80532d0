//! The feed of punches: every punch once, at the place where it became known or was last known better.
//!
//! Each site counts versions from 1. A new punch gets the next version; a punch whose person or best time comes out otherwise moves to the
//! next version. The single writer gives versions inside its transactions, so whoever has read up to a version has seen everything that will
//! ever stand at or before it: nothing appears behind a cursor already given out. A cursor names the store's epoch too; after a restore the
//! epoch is another one, and the feed begins again from the start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::cell::{Json, Parsed, Place, count, number};
use super::error::StoreError;
use super::refresh::{best_of, whose_of};
use super::{SiteId, Store, refresh};
use crate::domain::credential::Credential;
use crate::domain::id::{EntryHash, EntryKey, JournalId, ReaderName, StaffNo, TerminalId};
use crate::domain::person::Person;
use crate::domain::punch::{Origin, Punch};
use crate::domain::time::{Wall, WorkDate};
use crate::office::matching::Whose;
use crate::wire::entry::{Body, Entry};

/// Most punches of one page.
pub const FEED_PAGE_MAX: usize = 1_000;
/// Most punches of one query by days: a month of the largest site.
const QUERY_MAX: usize = 4_000_000;
/// Most unknown credentials that are listed.
const UNKNOWN_MAX: usize = 10_000;

/// How far a reader of the feed has come. Its text is opaque to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCursor {
    epoch: String,
    version: u64,
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.version)
    }
}

impl FromStr for FeedCursor {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "not a cursor that this office gave out";
        let (epoch, version) = text.split_once('.').ok_or(wrong)?;
        let known = epoch.len() == 8 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
        let version = version.parse().or(Err(wrong))?;
        if known { Ok(Self { epoch: epoch.to_owned(), version }) } else { Err(wrong) }
    }
}

/// A punch with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedItem {
    /// Its place in the feed.
    pub version: u64,
    /// The punch and its best-known time.
    pub punch: Punch,
    /// What it is a record of: itself, or the entry that was written again after a fork.
    pub record: Origin,
    /// Whose it is.
    pub whose: Whose,
    /// That person's name.
    pub name: Option<String>,
    /// The civil date of its best-known time.
    pub day: WorkDate,
    /// When the office received it.
    pub received_at: Wall,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// In the order of their versions.
    pub items: Vec<FeedItem>,
    /// Where the next page begins; equal to the cursor asked with when nothing is new.
    pub next: FeedCursor,
}

/// Which punches are wanted by day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PunchQuery {
    /// The first day, by best-known time.
    pub first: WorkDate,
    /// The last day, included.
    pub last: WorkDate,
    /// Only this person's.
    pub staff_no: Option<StaffNo>,
}

/// A credential that was presented and is nobody's now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCredential {
    /// Where it was presented last.
    pub terminal: TerminalId,
    /// At which reader.
    pub reader: ReaderName,
    /// What it is.
    pub credential: Credential,
    /// The person whose it was, for one that was ended.
    pub formerly: Option<StaffNo>,
    /// How often it was presented.
    pub count: u64,
    /// First time, by best-known time.
    pub first_at: Wall,
    /// Last time, by best-known time.
    pub last_at: Wall,
}

impl Store {
    /// The punches after a cursor, at most `limit` and never more than [`FEED_PAGE_MAX`]; from the beginning without one or with one of
    /// another epoch.
    ///
    /// # Errors
    /// When the store fails or the site is not set up.
    pub async fn feed_after(&self, site: SiteId, after: Option<FeedCursor>, limit: usize) -> Result<FeedPage, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read the feed", move |connection| page(connection, site, after, limit.clamp(1, FEED_PAGE_MAX))).await
    }

    /// Issues punches again, as the newest of the feed; how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn touch(&self, site: SiteId, entries: Vec<EntryKey>) -> Result<usize, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.write("issue punches again", move |writing| refresh::touch(writing, site, &entries)).await
    }

    /// The punches of some days, by best-known time, each record once.
    ///
    /// # Errors
    /// When the store fails or there are more than a month of the largest site has.
    pub async fn punches(&self, site: SiteId, query: PunchQuery) -> Result<Vec<FeedItem>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("read punches", move |connection| punches(connection, site, &query)).await
    }

    /// Credentials that were presented and are nobody's now, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unknown_credentials(&self, site: SiteId) -> Result<Vec<UnknownCredential>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("list unknown credentials", move |connection| unknown(connection, site)).await
    }
}

const COLUMNS: &str =
    "f.version, f.terminal, f.journal, f.sequence, f.best_at, f.quality, f.whose, f.staff_no, f.day, e.text, e.received_at, e.hash";

fn page(connection: &Connection, site: SiteId, after: Option<FeedCursor>, limit: usize) -> Result<FeedPage, StoreError> {
    let mut statement = connection.prepare_cached("SELECT feed_epoch FROM site WHERE site = ?")?;
    let epoch: String = statement.query_row([site.0], |row| row.get(0)).optional()?.ok_or(StoreError::NoSite(site.0))?;
    let version = after.filter(|after| after.epoch == epoch).map_or(0, |after| after.version);
    let sql = format!(
        "SELECT {COLUMNS} FROM feed f JOIN entry e USING (site, terminal, journal, sequence)
         WHERE f.site = ? AND f.version > ? ORDER BY f.version LIMIT ?"
    );
    let items = items(connection, site, &sql, (site.0, number(version), count(limit)))?;
    let version = items.last().map_or(version, |last| last.version);
    Ok(FeedPage { items, next: FeedCursor { epoch, version } })
}

fn punches(connection: &Connection, site: SiteId, query: &PunchQuery) -> Result<Vec<FeedItem>, StoreError> {
    let sql = punches_sql(query.staff_no.is_some());
    let staff_no = query.staff_no.as_ref().map(StaffNo::as_str);
    let items = items(connection, site, &sql, (site.0, query.first.to_string(), query.last.to_string(), staff_no, count(QUERY_MAX + 1)))?;
    if items.len() > QUERY_MAX { Err(StoreError::Limit { what: "punches in one query", limit: QUERY_MAX }) } else { Ok(once(items)) }
}

/// Of punches that are one record only one: the entry itself before its copies. An office set back to a backup from before a fork was settled
/// may hold both, or two copies.
fn once(mut items: Vec<FeedItem>) -> Vec<FeedItem> {
    let record = |item: &FeedItem| (item.punch.key.terminal.clone(), item.record.journal, item.record.sequence, item.record.hash);
    let copied: BTreeSet<_> = items.iter().filter(|item| item.punch.origin.is_some()).map(record).collect();
    if copied.is_empty() {
        return items;
    }
    let rank = |item: &FeedItem| (item.punch.origin.is_some(), item.punch.key.journal, item.punch.key.sequence);
    let mut counts = BTreeMap::new();
    for item in items.iter().filter(|item| copied.contains(&record(item))) {
        let best = counts.entry(record(item)).or_insert_with(|| rank(item));
        *best = rank(item).min(*best);
    }
    items.retain(|item| counts.get(&record(item)).is_none_or(|best| *best == rank(item)));
    items
}

/// A statement of its own for one person, who is found by an index; one statement for both would read everybody's punches.
fn punches_sql(of_one: bool) -> String {
    let person = if of_one { "AND f.staff_no = ?4 AND f.whose = 'person'" } else { "" };
    format!(
        "SELECT {COLUMNS} FROM feed f JOIN entry e USING (site, terminal, journal, sequence)
         WHERE f.site = ?1 AND f.day BETWEEN ?2 AND ?3 {person}
         ORDER BY f.best_at, f.terminal, f.journal, f.sequence LIMIT ?5"
    )
}

fn items(connection: &Connection, site: SiteId, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<FeedItem>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, item)?;
    let mut names = BTreeMap::new();
    let mut items = Vec::new();
    for row in rows {
        let mut item = row?;
        if let Some(staff_no) = item.whose.staff_no() {
            if !names.contains_key(staff_no) {
                names.insert(staff_no.clone(), name(connection, site, staff_no)?);
            }
            item.name = names.get(staff_no).cloned().flatten();
        }
        items.push(item);
    }
    Ok(items)
}

fn item(row: &Row<'_>) -> rusqlite::Result<FeedItem> {
    let (version, terminal, sequence): (Place, Parsed<TerminalId>, Place) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let (day, entry): (Parsed<WorkDate>, Json<Entry>) = (row.get(8)?, row.get(9)?);
    let Body::Punch { reader, credential } = entry.0.body else {
        return Err(rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, "not a punch".into()));
    };
    let key = EntryKey { terminal: terminal.0, journal: JournalId(row.get(2)?), sequence: sequence.0 };
    let own = Origin { journal: key.journal, sequence: key.sequence, hash: EntryHash(row.get(11)?) };
    let record = entry.0.origin.unwrap_or(own);
    let punch = Punch { key, origin: entry.0.origin, reader, credential, clock: entry.0.clock, best: best_of(row, 4)? };
    Ok(FeedItem { version: version.0.0, punch, record, whose: whose_of(row, 6)?, name: None, day: day.0, received_at: Wall(row.get(10)?) })
}

fn name(connection: &Connection, site: SiteId, staff_no: &StaffNo) -> Result<Option<String>, StoreError> {
    let sql = "SELECT content FROM person WHERE site = ? AND key = ? ORDER BY revision DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let person: Option<Option<Json<Person>>> = statement.query_row((site.0, staff_no.as_str()), |row| row.get(0)).optional()?;
    Ok(person.flatten().map(|person| person.0.name))
}

fn unknown(connection: &Connection, site: SiteId) -> Result<Vec<UnknownCredential>, StoreError> {
    // With max() alone in a query, SQLite takes the bare columns from the row that has the maximum.
    let mut statement = connection.prepare_cached(
        "SELECT terminal, reader, credential, staff_no, times, last_at,
                (SELECT min(best_at) FROM feed f WHERE f.site = ?1 AND f.whose <> 'person' AND f.credential = g.credential
                 AND (module IS NULL OR module = f.terminal || '/' || f.reader))
         FROM (SELECT terminal, reader, credential, staff_no, count(*) AS times, max(best_at) AS last_at,
                      CASE WHEN credential LIKE 'finger:%' THEN terminal || '/' || reader END AS module
               FROM feed WHERE site = ?1 AND whose <> 'person' GROUP BY credential, module) g
         ORDER BY last_at DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((site.0, count(UNKNOWN_MAX)), |row| {
        let (terminal, reader, credential): (Parsed<TerminalId>, Parsed<ReaderName>, Parsed<Credential>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let (formerly, times): (Option<Parsed<StaffNo>>, Place) = (row.get(3)?, row.get(4)?);
        Ok(UnknownCredential {
            terminal: terminal.0,
            reader: reader.0,
            credential: credential.0,
            formerly: formerly.map(|staff_no| staff_no.0),
            count: times.0.0,
            first_at: Wall(row.get(6)?),
            last_at: Wall(row.get(5)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::store::Database;
    use crate::supervise::Supervisor;

    #[tokio::test]
    async fn one_persons_month_is_read_without_reading_everybodys() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Database::Sqlite(folder.path().join("office.db")), &Supervisor::new().0).unwrap();
        let Store::Sqlite(sqlite) = &store;
        let plan = |of_one| {
            sqlite.read("look", move |connection| {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", punches_sql(of_one)))?;
                let lines = statement.query_map((1, "2026-11-01", "2026-11-30", "ZC0101", 9), |row| row.get::<_, String>(3))?;
                Ok(lines.collect::<rusqlite::Result<Vec<_>>>()?.join("\n"))
            })
        };
        assert!(plan(true).await.unwrap().contains("feed_by_person (site=? AND staff_no=? AND day>? AND day<?)"));
        assert!(plan(false).await.unwrap().contains("feed_by_day (site=? AND day>? AND day<?)"));
        store.close().await;
    }
}
