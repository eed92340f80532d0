//! What a terminal is given to know, built from facts and the feed, and the tags by which it sees that there is something new.

use rusqlite::Connection;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cell::{Parsed, Place, count};
use super::error::StoreError;
use super::sqlite::Writing;
use super::today::{self, Count};
use super::{Site, SiteId, Store, facts, find_site};
use crate::domain::calendar::Calendar;
use crate::domain::id::{EntryKey, JournalId, StaffNo, TerminalId, hex_text};
use crate::domain::roster::Roster;
use crate::domain::rules::RuleBook;
use crate::domain::time::{Wall, WorkDate};
use crate::wire::bundle::{Bundle, Elsewhere, ElsewherePunch};

/// Version of both formats.
const VERSION: u32 = 1;
/// Bytes of a digest that make a tag.
const TAG_BYTES: usize = 16;
/// Most punches that a terminal is told of other terminals.
const ELSEWHERE_MAX: usize = 100_000;

/// A body ready to be signed and sent, and its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Changes whenever the body does.
    pub tag: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// What the bundles of all terminals of a site share.
#[derive(Serialize)]
struct Shared {
    site: String,
    utc_offset: String,
    roster: Roster,
    rules: RuleBook,
    calendar: Calendar,
}

impl Store {
    /// The bundle for a terminal; only its tag where the terminal has that one already.
    ///
    /// # Errors
    /// When the store fails or the site is not set up.
    pub async fn bundle(&self, site: SiteId, terminal: TerminalId, known: Option<String>) -> Result<Result<Sealed, String>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("build a bundle", move |connection| {
                let (place, shared) = shared(connection, site)?;
                let tag = tag_for(&digest(&shared)?, &terminal);
                if known.as_ref() == Some(&tag) {
                    return Ok(Err(tag));
                }
                let Shared { roster, rules, calendar, .. } = shared;
                let bundle = Bundle { version: VERSION, terminal, site: place.name, utc_offset: place.utc_offset, roster, rules, calendar };
                let body = serde_json::to_vec(&bundle).map_err(|error| StoreError::content("a bundle", error))?;
                Ok(Ok(Sealed { tag, body }))
            })
            .await
    }

    /// The punches of a day that people made at other terminals than this one; only the tag where the terminal has that one already.
    ///
    /// # Errors
    /// When the store fails or the site is not set up.
    pub async fn elsewhere(
        &self,
        site: SiteId,
        terminal: TerminalId,
        now: Wall,
        known: Option<String>,
    ) -> Result<Result<Sealed, String>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .read("read punches elsewhere", move |connection| {
                let date = today(connection, site, now)?;
                let tag = elsewhere_tag(connection, site, &terminal, date)?;
                if known.as_ref() == Some(&tag) {
                    return Ok(Err(tag));
                }
                let punches = elsewhere(connection, site, &terminal, date)?;
                let list = Elsewhere { version: VERSION, date: Some(date), punches };
                let body = serde_json::to_vec(&list).map_err(|error| StoreError::content("a list of punches", error))?;
                Ok(Ok(Sealed { tag, body }))
            })
            .await
    }
}

/// Both tags as a receipt names them.
pub(super) fn tags(writing: &mut Writing<'_>, site: SiteId, terminal: &TerminalId, now: Wall) -> Result<(String, String), StoreError> {
    let version = facts::facts_version(writing.transaction, site)?;
    let digest = match writing.memory.bundle_digest {
        Some((of, at, digest)) if (of, at) == (site, version) => digest,
        Some(_) | None => digest(&shared(writing.transaction, site)?.1)?,
    };
    writing.memory.bundle_digest = Some((site, version, digest));
    let date = today(writing.transaction, site, now)?;
    let count = today::elsewhere(writing, site, terminal, date)?;
    Ok((tag_for(&digest, terminal), tag_of_count(writing.transaction, site, date, count)?))
}

fn shared(connection: &Connection, site: SiteId) -> Result<(Site, Shared), StoreError> {
    let place = find_site(connection, site)?.ok_or(StoreError::NoSite(site.0))?;
    let mut roster = facts::roster(connection, site)?;
    roster.people.values_mut().for_each(|person| person.note.clear()); // Never sent to a kiosk.
    let (rules, calendar) = (facts::rule_book(connection, site)?, facts::calendar(connection, site)?);
    let shared = Shared { site: place.name.clone(), utc_offset: place.utc_offset.to_string(), roster, rules, calendar };
    Ok((place, shared))
}

fn digest(shared: &Shared) -> Result<[u8; 32], StoreError> {
    let text = serde_json::to_vec(shared).map_err(|error| StoreError::content("a bundle", error))?;
    Ok(Sha256::digest(text).into())
}

fn tag_for(digest: &[u8; 32], terminal: &TerminalId) -> String {
    tag(Sha256::new().chain_update(digest).chain_update(terminal.as_str()))
}

fn tag(hash: Sha256) -> String {
    let bytes: [u8; 32] = hash.finalize().into();
    hex_text(bytes.get(..TAG_BYTES).unwrap_or_default())
}

fn today(connection: &Connection, site: SiteId, now: Wall) -> Result<WorkDate, StoreError> {
    let place = find_site(connection, site)?.ok_or(StoreError::NoSite(site.0))?;
    Ok(place.utc_offset.civil(now).0)
}

fn elsewhere_tag(connection: &Connection, site: SiteId, terminal: &TerminalId, date: WorkDate) -> Result<String, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT coalesce(max(version), 0), count(staff_no) FROM feed WHERE site = ?1 AND day = ?2 AND terminal <> ?3")?;
    let count = statement
        .query_row((site.0, date.to_string(), terminal.as_str()), |row| Ok(Count { version: row.get(0)?, people: row.get(1)? }))?;
    tag_of_count(connection, site, date, count)
}

/// A punch that leaves the day or loses its person moves the count; one that is added or changed moves the greatest version.
fn tag_of_count(connection: &Connection, site: SiteId, date: WorkDate, count: Count) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached("SELECT feed_epoch FROM site WHERE site = ?1")?;
    let epoch: String = statement.query_row([site.0], |row| row.get(0))?;
    let Count { version, people } = count;
    Ok(tag(Sha256::new().chain_update(format!("{epoch} {date} {version} {people}"))))
}

fn elsewhere(connection: &Connection, site: SiteId, terminal: &TerminalId, date: WorkDate) -> Result<Vec<ElsewherePunch>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT terminal, journal, sequence, staff_no, best_at FROM feed
         WHERE site = ? AND day = ? AND terminal <> ? AND whose = 'person' ORDER BY best_at, terminal, journal, sequence LIMIT ?",
    )?;
    let rows = statement.query_map((site.0, date.to_string(), terminal.as_str(), count(ELSEWHERE_MAX)), |row| {
        let (terminal, sequence, staff_no): (Parsed<TerminalId>, Place, Parsed<StaffNo>) = (row.get(0)?, row.get(2)?, row.get(3)?);
        let key = EntryKey { terminal: terminal.0, journal: JournalId(row.get(1)?), sequence: sequence.0 };
        Ok(ElsewherePunch { key, staff_no: staff_no.0, at: Wall(row.get(4)?) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
