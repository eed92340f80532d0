//! Punches of which nobody knows the time: the clock was wrong, and nothing in their boot said by how much, or what was said contradicts
//! itself. Their neighbours in the journal bound them (law 6), and time since boot says how far into those bounds.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _};

use super::cell::{Json, Parsed, Place, number};
use super::error::StoreError;
use super::{SiteId, Store, refresh};
use crate::domain::credential::Credential;
use crate::domain::estimate::{BestTime, is_placed};
use crate::domain::id::{BootId, EntryKey, JournalId, ReaderName, TerminalId};
use crate::domain::time::{ClockReading, Wall};
use crate::wire::entry::{Body, Entry};

/// Most such punches of a site: a kiosk's boot of weeks, many times over.
const ADRIFT_MAX: usize = 100_000;

/// A punch of which nobody knows the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adrift {
    /// Which punch.
    pub key: EntryKey,
    /// Where it was presented.
    pub reader: ReaderName,
    /// What was presented.
    pub credential: Credential,
    /// Its best-known time, wrong as it may be.
    pub best: BestTime,
    /// It was made after this moment.
    pub from: Wall,
    /// It was made before this moment.
    pub to: Wall,
}

impl Adrift {
    /// Whether its best-known time is possible at all.
    pub fn is_plausible(&self) -> bool {
        self.from <= self.best.at && self.best.at <= self.to
    }
}

/// A punch before its neighbours were asked.
struct Loose {
    key: EntryKey,
    reader: ReaderName,
    credential: Credential,
    best: BestTime,
    clock: ClockReading,
    received_at: Wall,
}

impl Store {
    /// The punches of which nobody knows the time.
    ///
    /// # Errors
    /// When the store fails or there are too many.
    pub async fn adrift(&self, site: SiteId) -> Result<Vec<Adrift>, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.read("find punches without a time", move |connection| adrift(connection, site)).await
    }
}

fn adrift(connection: &Connection, site: SiteId) -> Result<Vec<Adrift>, StoreError> {
    let mut found = Vec::new();
    for (terminal, boot) in boots(connection, site)? {
        let moments = refresh::trusted_moments(connection, site, &terminal, boot)?;
        let mut runs: BTreeMap<JournalId, Vec<Loose>> = BTreeMap::new();
        for punch in loose(connection, site, &terminal, boot)? {
            if !is_placed(&punch.clock, &moments) {
                runs.entry(punch.key.journal).or_default().push(punch);
            }
        }
        for run in runs.into_values() {
            found.extend(bounded(connection, site, run)?);
        }
        if found.len() > ADRIFT_MAX {
            return Err(StoreError::Limit { what: "punches without a time", limit: ADRIFT_MAX });
        }
    }
    Ok(found)
}

fn boots(connection: &Connection, site: SiteId) -> Result<Vec<(TerminalId, BootId)>, StoreError> {
    let sql = "SELECT DISTINCT terminal, boot FROM feed WHERE site = ? AND quality = 'suspect'";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([site.0], |row| {
        let terminal: Parsed<TerminalId> = row.get(0)?;
        Ok((terminal.0, BootId(row.get(1)?)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The punches of a boot whose time is suspect, in their order.
fn loose(connection: &Connection, site: SiteId, terminal: &TerminalId, boot: BootId) -> Result<Vec<Loose>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT f.journal, f.sequence, f.best_at, f.quality, e.text, e.received_at FROM feed f
         JOIN entry e USING (site, terminal, journal, sequence)
         WHERE f.site = ? AND f.terminal = ? AND f.boot = ? AND f.quality = 'suspect' ORDER BY f.journal, f.sequence",
    )?;
    let rows = statement.query_map((site.0, terminal.as_str(), boot.0), |row| {
        let (sequence, entry): (Place, Json<Entry>) = (row.get(1)?, row.get(4)?);
        let key = EntryKey { terminal: terminal.clone(), journal: JournalId(row.get(0)?), sequence: sequence.0 };
        let (best, received_at) = (refresh::best_of(row, 2)?, Wall(row.get(5)?));
        let Body::Punch { reader, credential } = entry.0.body else { return Ok(None) };
        Ok(Some(Loose { key, reader, credential, best, clock: entry.0.clock, received_at }))
    })?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What the neighbours of a boot's run of punches leave possible for each of them.
fn bounded(connection: &Connection, site: SiteId, run: Vec<Loose>) -> Result<Vec<Adrift>, StoreError> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(Vec::new()) };
    let (boot, begins, ends) = (first.clock.boot, first.clock.mono, last.clock.mono);
    let before = neighbour(connection, site, &first.key, Side::Before, boot)?;
    let after = neighbour(connection, site, &last.key, Side::After, boot)?;
    let from = before.unwrap_or(added_at(connection, site, &first.key.terminal)?);
    let bound = |punch: Loose| {
        let (since, until) = (punch.clock.mono.millis_since(begins), ends.millis_since(punch.clock.mono));
        let to = after.map_or(punch.received_at, |after| after.minus_millis(until));
        let from = from.plus_millis(i64::try_from(since).unwrap_or(i64::MAX)).min(to);
        Adrift { key: punch.key, reader: punch.reader, credential: punch.credential, best: punch.best, from, to }
    };
    Ok(run.into_iter().map(bound).collect())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// The nearest moment on one side of a place that is known: a punch of a certain time, or a trusted moment of another boot. The latter
/// tells when its boot began.
fn neighbour(connection: &Connection, site: SiteId, key: &EntryKey, side: Side, boot: BootId) -> Result<Option<Wall>, StoreError> {
    let (punches, moments) = match side {
        Side::Before => (
            "SELECT best_at FROM feed WHERE site = ? AND terminal = ? AND journal = ? AND sequence < ? AND quality <> 'suspect'
             ORDER BY sequence DESC LIMIT 1",
            "SELECT text FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence < ? AND kind = 'sync' AND boot <> ?
             ORDER BY sequence DESC LIMIT 1",
        ),
        Side::After => (
            "SELECT best_at FROM feed WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ? AND quality <> 'suspect'
             ORDER BY sequence LIMIT 1",
            "SELECT text FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ? AND kind = 'sync' AND boot <> ?
             ORDER BY sequence LIMIT 1",
        ),
    };
    let (terminal, journal, at) = (key.terminal.as_str(), key.journal.0, number(key.sequence.0));
    let punch: Option<i64> = connection.prepare_cached(punches)?.query_row((site.0, terminal, journal, at), |row| row.get(0)).optional()?;
    let read = |row: &rusqlite::Row<'_>| row.get::<_, Json<Entry>>(0);
    let entry = connection.prepare_cached(moments)?.query_row((site.0, terminal, journal, at, boot.0), read).optional()?;
    let moment = entry.and_then(|Json(entry)| {
        let Body::Sync { wall, .. } = entry.body else { return None };
        Some(if side == Side::After { wall.minus_millis(entry.clock.mono.0) } else { wall })
    });
    let both = [punch.map(Wall), moment].into_iter().flatten();
    Ok(if side == Side::Before { both.max() } else { both.min() })
}

fn added_at(connection: &Connection, site: SiteId, terminal: &TerminalId) -> Result<Wall, StoreError> {
    let sql = "SELECT added_at FROM terminal WHERE site = ? AND terminal = ?";
    Ok(Wall(connection.prepare_cached(sql)?.query_row((site.0, terminal.as_str()), |row| row.get(0))?))
}
