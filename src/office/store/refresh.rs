//! Computes what depends on other entries and on facts: the best time, the day and the person of a punch. Whatever comes out otherwise than
//! before gets the feed's next version, so that whoever follows the feed learns of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::cell::{Json, Parsed, Place, count, number};
use super::error::StoreError;
use super::sqlite::Writing;
use super::today::{self, Count};
use super::{SiteId, facts, find_site};
use crate::domain::credential::Credential;
use crate::domain::estimate::{BestTime, Quality, TrustedMoment, best_time, contradict};
use crate::domain::id::{BootId, EntryKey, JournalId, ReaderName, StaffNo, TerminalId};
use crate::domain::roster::{Binding, Roster};
use crate::domain::time::{ClockReading, UtcOffset, WorkDate};
use crate::office::matching::{Directory, Whose};
use crate::wire::entry::{Body, Entry};

/// How many punches are looked at between two questions to the database.
const STEP: i64 = 4_096;
/// None drawn.
const NO_VERSIONS: Range<i64> = 0..0;

/// What is computed of a punch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reckoning {
    best: BestTime,
    day: WorkDate,
    whose: Whose,
}

/// What computing needs, for one transaction.
#[derive(Debug)]
pub(super) struct Reckoner {
    site: SiteId,
    offset: UtcOffset,
    directory: Arc<Directory>,
    moments: BTreeMap<(TerminalId, BootId), Vec<TrustedMoment>>,
    /// Versions of the feed that were drawn together.
    versions: Range<i64>,
}

impl Reckoner {
    pub(super) fn new(writing: &mut Writing<'_>, site: SiteId) -> Result<Self, StoreError> {
        let offset = find_site(writing.transaction, site)?.ok_or(StoreError::NoSite(site.0))?.utc_offset;
        Ok(Self { site, offset, directory: directory(writing, site)?, moments: BTreeMap::new(), versions: NO_VERSIONS })
    }

    /// Draws the feed's versions for so many arrivals at once.
    pub(super) fn expect(&mut self, writing: &Writing<'_>, arrivals: usize) -> Result<(), StoreError> {
        if arrivals == 0 {
            return Ok(());
        }
        let last = draw(writing, self.site, arrivals)?;
        self.versions = (last - count(arrivals) + 1)..(last + 1);
        Ok(())
    }

    fn reckon(&mut self, connection: &Connection, read: &Reading<'_>) -> Result<Reckoning, StoreError> {
        let key = (read.terminal.clone(), read.clock.boot);
        let moments = match self.moments.entry(key) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(unknown) => {
                let moments = trusted_moments(connection, self.site, read.terminal, read.clock.boot)?;
                unknown.insert(moments)
            }
        };
        let best = best_time(read.clock, moments);
        let (day, _) = self.offset.civil(best.at);
        let whose = self.directory.whose(read.terminal, read.reader, read.credential, day);
        Ok(Reckoning { best, day, whose })
    }

    /// Puts a punch that has just arrived into the feed.
    pub(super) fn arrived(&mut self, writing: &mut Writing<'_>, terminal: &TerminalId, entry: &Entry) -> Result<(), StoreError> {
        let Some(reading) = Reading::of(terminal, entry) else { return Ok(()) };
        let reckoning = self.reckon(writing.transaction, &reading)?;
        let version = self.versions.next().map_or_else(|| draw(writing, self.site, 1), Ok)?;
        let quality = quality_name(reckoning.best.quality);
        let sql = "INSERT INTO feed (site, terminal, journal, sequence, version, boot, reader, credential, best_at, quality, day, whose, staff_no)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        writing.execute(
            sql,
            rusqlite::params![
                self.site.0,
                terminal.as_str(),
                entry.journal.0,
                number(entry.sequence.0),
                version,
                entry.clock.boot.0,
                reading.reader.as_str(),
                reading.credential.to_string(),
                reckoning.best.at.0,
                quality,
                reckoning.day.to_string(),
                reckoning.whose.code(),
                reckoning.whose.staff_no().map(StaffNo::as_str),
            ],
        )?;
        let count = Count { version, people: i64::from(reckoning.whose.staff_no().is_some()) };
        today::arrived(writing.memory, (self.site, terminal), reckoning.day, count);
        Ok(())
    }

    /// Computes one punch of the feed again; whether anything came out otherwise, or it is to come again anyhow.
    fn again(&mut self, writing: &mut Writing<'_>, key: &EntryKey, anyhow: bool) -> Result<bool, StoreError> {
        let Some((entry, before)) = stored(writing.transaction, self.site, key)? else { return Ok(false) };
        let Some(reading) = Reading::of(&key.terminal, &entry) else { return Ok(false) };
        let reckoning = self.reckon(writing.transaction, &reading)?;
        if reckoning == before && !anyhow {
            return Ok(false);
        }
        let version = draw(writing, self.site, 1)?;
        writing.memory.today = None; // It may leave the day, or enter it.
        let values = (
            (version, reckoning.best.at.0, quality_name(reckoning.best.quality), reckoning.day.to_string()),
            (reckoning.whose.code(), reckoning.whose.staff_no().map(StaffNo::as_str)),
        );
        writing.execute(
            "UPDATE feed SET version = ?, best_at = ?, quality = ?, day = ?, whose = ?, staff_no = ?
             WHERE site = ? AND terminal = ? AND journal = ? AND sequence = ?",
            rusqlite::params![
                values.0.0,
                values.0.1,
                values.0.2,
                values.0.3,
                values.1.0,
                values.1.1,
                self.site.0,
                key.terminal.as_str(),
                key.journal.0,
                number(key.sequence.0)
            ],
        )?;
        Ok(true)
    }

    fn all_again(&mut self, writing: &mut Writing<'_>, keys: &[EntryKey]) -> Result<usize, StoreError> {
        let mut changed = 0;
        for key in keys {
            changed += usize::from(self.again(writing, key, false)?);
        }
        Ok(changed)
    }
}

/// Issues these punches again, whatever comes out.
pub(super) fn touch(writing: &mut Writing<'_>, site: SiteId, keys: &[EntryKey]) -> Result<usize, StoreError> {
    let mut reckoner = Reckoner::new(writing, site)?;
    let mut issued = 0;
    for key in keys {
        issued += usize::from(reckoner.again(writing, key, true)?);
    }
    Ok(issued)
}

/// After a trusted moment of a boot became known or was taken back: its punches that were not trusted in themselves, and those that were where
/// its moments contradict each other.
pub(super) fn boot(writing: &mut Writing<'_>, site: SiteId, terminal: &TerminalId, boot: BootId) -> Result<usize, StoreError> {
    let sql = if contradict(boot, &trusted_moments(writing.transaction, site, terminal, boot)?) {
        "SELECT terminal, journal, sequence FROM feed WHERE site = ? AND terminal = ? AND boot = ?"
    } else {
        "SELECT terminal, journal, sequence FROM feed WHERE site = ? AND terminal = ? AND boot = ? AND quality <> 'trusted'"
    };
    let keys = keys(writing.transaction, sql, (site.0, terminal.as_str(), boot.0))?;
    Reckoner::new(writing, site)?.all_again(writing, &keys)
}

/// After facts of these people changed: the punches with a credential that is, or was before, one of theirs.
pub(super) fn people(
    writing: &mut Writing<'_>,
    site: SiteId,
    concerned: &BTreeSet<StaffNo>,
    before: Vec<Binding>,
) -> Result<usize, StoreError> {
    if concerned.is_empty() {
        return Ok(0);
    }
    let mut reckoner = Reckoner::new(writing, site)?;
    let former = Directory::new(Roster { people: BTreeMap::new(), bindings: before });
    let sql = "SELECT DISTINCT terminal, reader, credential FROM feed WHERE site = ?";
    let mut statement = writing.transaction.prepare_cached(sql)?;
    let rows = statement.query_map([site.0], |row| {
        let (terminal, reader, credential): (Parsed<TerminalId>, Parsed<ReaderName>, Parsed<Credential>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((terminal.0, reader.0, credential.0))
    })?;
    let presented = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut changed = 0;
    for (terminal, reader, credential) in presented {
        let now = reckoner.directory.candidates(&terminal, &reader, &credential);
        let then = former.candidates(&terminal, &reader, &credential);
        if now.chain(then).any(|binding| concerned.contains(&binding.staff_no)) {
            let keys = keys(
                writing.transaction,
                "SELECT terminal, journal, sequence FROM feed WHERE site = ? AND credential = ? AND terminal = ? AND reader = ?",
                (site.0, credential.to_string(), terminal.as_str(), reader.as_str()),
            )?;
            changed += reckoner.all_again(writing, &keys)?;
        }
    }
    Ok(changed)
}

/// Everything, after the site's civil time changed.
pub(super) fn everything(writing: &mut Writing<'_>, site: SiteId) -> Result<usize, StoreError> {
    let mut reckoner = Reckoner::new(writing, site)?;
    let mut changed = 0;
    let mut after = (String::new(), Vec::new(), 0_i64);
    loop {
        let page = keys(
            writing.transaction,
            "SELECT terminal, journal, sequence FROM feed WHERE site = ? AND (terminal, journal, sequence) > (?, ?, ?)
             ORDER BY terminal, journal, sequence LIMIT ?",
            (site.0, &after.0, &after.1, after.2, STEP),
        )?;
        let Some(last) = page.last() else { return Ok(changed) };
        after = (last.terminal.to_string(), last.journal.0.to_vec(), number(last.sequence.0));
        changed += reckoner.all_again(writing, &page)?;
    }
}

/// What of a punch is matched and timed.
struct Reading<'a> {
    terminal: &'a TerminalId,
    reader: &'a ReaderName,
    credential: &'a Credential,
    clock: &'a ClockReading,
}

impl<'a> Reading<'a> {
    fn of(terminal: &'a TerminalId, entry: &'a Entry) -> Option<Self> {
        match &entry.body {
            Body::Punch { reader, credential } => Some(Self { terminal, reader, credential, clock: &entry.clock }),
            Body::Opened { .. }
            | Body::Attempt { .. }
            | Body::Sync { .. }
            | Body::Boot { .. }
            | Body::ClockStep { .. }
            | Body::Settings { .. }
            | Body::Maintenance { .. } => None,
        }
    }
}

/// Draws the feed's next versions; the last of them.
fn draw(writing: &Writing<'_>, site: SiteId, how_many: usize) -> Result<i64, StoreError> {
    let sql = "UPDATE site SET feed_version = feed_version + ? WHERE site = ? RETURNING feed_version";
    Ok(writing.transaction.prepare_cached(sql)?.query_row((count(how_many), site.0), |row| row.get(0))?)
}

fn keys(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<EntryKey>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, |row| {
        let (terminal, sequence): (Parsed<TerminalId>, Place) = (row.get(0)?, row.get(2)?);
        Ok(EntryKey { terminal: terminal.0, journal: JournalId(row.get(1)?), sequence: sequence.0 })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn stored(connection: &Connection, site: SiteId, key: &EntryKey) -> Result<Option<(Entry, Reckoning)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT e.text, f.best_at, f.quality, f.day, f.whose, f.staff_no FROM feed f
         JOIN entry e USING (site, terminal, journal, sequence)
         WHERE f.site = ? AND f.terminal = ? AND f.journal = ? AND f.sequence = ?",
    )?;
    let found = statement.query_row((site.0, key.terminal.as_str(), key.journal.0, number(key.sequence.0)), |row| {
        let entry: Json<Entry> = row.get(0)?;
        let (best, whose) = (best_of(row, 1)?, whose_of(row, 4)?);
        let day: Parsed<WorkDate> = row.get(3)?;
        Ok((entry.0, Reckoning { best, day: day.0, whose }))
    });
    Ok(found.optional()?)
}

/// A best-known time from two neighbouring columns.
pub(super) fn best_of(row: &Row<'_>, index: usize) -> rusqlite::Result<BestTime> {
    let quality: String = row.get(index + 1)?;
    let quality =
        [Quality::Trusted, Quality::Estimated].into_iter().find(|known| quality_name(*known) == quality).unwrap_or(Quality::Suspect);
    Ok(BestTime { at: crate::domain::time::Wall(row.get(index)?), quality })
}

/// Whose it is from two neighbouring columns.
pub(super) fn whose_of(row: &Row<'_>, index: usize) -> rusqlite::Result<Whose> {
    let (whose, staff_no): (String, Option<Parsed<StaffNo>>) = (row.get(index)?, row.get(index + 1)?);
    Ok(match (whose.as_str(), staff_no) {
        ("person", Some(staff_no)) => Whose::Person(staff_no.0),
        ("disabled", Some(staff_no)) => Whose::Disabled(staff_no.0),
        _ => Whose::Unknown,
    })
}

const fn quality_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Trusted => "trusted",
        Quality::Estimated => "estimated",
        Quality::Suspect => "suspect",
    }
}

/// The trusted moments held of a boot.
pub(super) fn trusted_moments(
    connection: &Connection,
    site: SiteId,
    terminal: &TerminalId,
    boot: BootId,
) -> Result<Vec<TrustedMoment>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT text FROM entry WHERE site = ? AND terminal = ? AND boot = ? AND kind = 'sync'")?;
    let rows = statement.query_map((site.0, terminal.as_str(), boot.0), |row| row.get::<_, Json<Entry>>(0))?;
    let mut moments = Vec::new();
    for row in rows {
        let entry = row?.0;
        if let Body::Sync { wall, uncertainty_ms, .. } = entry.body {
            moments.push(TrustedMoment { boot, mono: entry.clock.mono, wall, uncertainty_ms });
        }
    }
    Ok(moments)
}

fn directory(writing: &mut Writing<'_>, site: SiteId) -> Result<Arc<Directory>, StoreError> {
    let version = facts::facts_version(writing.transaction, site)?;
    if let Some((of, at, directory)) = &writing.memory.directory
        && (*of, *at) == (site, version)
    {
        return Ok(Arc::clone(directory));
    }
    let directory = Arc::new(Directory::new(facts::roster(writing.transaction, site)?));
    writing.memory.directory = Some((site, version, Arc::clone(&directory)));
    Ok(directory)
}
