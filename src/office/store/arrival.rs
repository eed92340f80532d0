//! The transaction that takes a batch: what [`ingest`] decides is carried out whole, with the evidence, the feed and what the terminal told of
//! itself. The answer is given after its commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;

use super::cell::{Json, Place, count, number};
use super::error::StoreError;
use super::refresh::{self, Reckoner};
use super::sqlite::Writing;
use super::{SiteId, Store, bundle, find_site, statement};
use crate::domain::id::{BootId, EntryHash, JournalId, Sequence, TerminalId};
use crate::domain::time::{Wall, WorkDate};
use crate::machine::ingest::{self, Answer, Decision, Held, Holding, Reason, Run, View};
use crate::wire::batch::{CheckedBatch, CheckedEntry, Lost, LostReason};
use crate::wire::canonical::Purpose;
use crate::wire::entry::Body;
use crate::wire::export::Header;

/// Most copies that are kept in quarantine for one terminal; further ones are counted in the log only.
pub const QUARANTINE_MAX: usize = 50_000;
/// Most holes that one journal may declare.
const HOLES_MAX: usize = 10_000;

/// A batch whose signature was verified.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Whose terminal.
    pub site: SiteId,
    /// What it sent.
    pub batch: CheckedBatch,
    /// The signed bytes, to be kept as evidence; none for a part of a file, whose header is kept by [`Store::carried`].
    pub signed: Option<Signed>,
    /// Office time.
    pub at: Wall,
    /// Whether that can be trusted.
    pub at_trusted: bool,
}

/// Signed bytes and who signed them.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What for.
    pub purpose: Purpose,
    /// The key, hexadecimal.
    pub public_key: String,
    /// In the form of the header.
    pub signature: String,
    /// The bytes.
    pub body: Arc<[u8]>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// What the receipt says of the journal.
    pub answer: Answer,
    /// How many entries were new.
    pub accepted: usize,
    /// How many went into quarantine.
    pub quarantined: usize,
    /// The tag of the terminal's bundle.
    pub bundle: String,
    /// The tag of the punches elsewhere.
    pub elsewhere: String,
}

/// A file carried by hand, after its entries were ingested.
#[derive(Debug, Clone)]
pub struct Carried {
    /// Whose terminal.
    pub site: SiteId,
    /// The file's first line.
    pub header: Header,
    /// The signature over it.
    pub signed: Signed,
    /// Office time.
    pub at: Wall,
}

impl Store {
    /// Takes a batch in one transaction. Handed over once, it is carried out even if the caller goes away.
    ///
    /// # Errors
    /// When the store fails; then nothing of the batch was taken.
    pub async fn ingest(&self, arrival: Arrival) -> Result<Ingested, StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite.write("take a batch", move |writing| take(writing, &arrival)).await
    }

    /// Keeps a file's signed header as evidence for the entries that came with it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn carried(&self, carried: Carried) -> Result<(), StoreError> {
        let Self::Sqlite(sqlite) = self;
        sqlite
            .write("keep a file's header", move |writing| {
                let Carried { site, header, signed, at } = &carried;
                let day = civil_day(writing.transaction, *site, *at)?;
                statement::keep_header(writing, *site, header, signed, *at, day)
            })
            .await
    }
}

/// The journal of a batch.
struct Ground<'a> {
    site: SiteId,
    terminal: &'a TerminalId,
    journal: JournalId,
}

impl Ground<'_> {
    fn key(&self) -> (i64, &str, [u8; 16]) {
        (self.site.0, self.terminal.as_str(), self.journal.0)
    }
}

fn take(writing: &mut Writing<'_>, arrival: &Arrival) -> Result<Ingested, StoreError> {
    let batch = &arrival.batch;
    let ground = Ground { site: arrival.site, terminal: &batch.terminal, journal: batch.journal };
    let day = civil_day(writing.transaction, arrival.site, arrival.at)?;
    let view = view(writing.transaction, &ground, batch)?;
    let decision = ingest::decide(&view, batch);
    let quarantined = carry_out(writing, &ground, &decision, arrival.at)?;
    announce(writing, &ground, batch)?;
    if let Some(signed) = &arrival.signed {
        statement::keep(writing, arrival, signed, day)?;
        let (state, key) = (json("a terminal's state", &batch.state)?, ground.key());
        writing.execute(
            "UPDATE terminal SET contact_at = ?, state = ? WHERE site = ? AND terminal = ?",
            (arrival.at.0, state, key.0, key.1),
        )?;
    }
    complete(writing, arrival)?;
    let (bundle, elsewhere) = bundle::tags(writing, arrival.site, ground.terminal, arrival.at)?;
    Ok(Ingested { answer: decision.answer, accepted: decision.insert.len(), quarantined, bundle, elsewhere })
}

fn civil_day(connection: &Connection, site: SiteId, at: Wall) -> Result<WorkDate, StoreError> {
    let site = find_site(connection, site)?.ok_or(StoreError::NoSite(site.0))?;
    Ok(site.utc_offset.civil(at).0)
}

fn json(what: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::content(what, error))
}

fn view(connection: &Connection, ground: &Ground<'_>, batch: &CheckedBatch) -> Result<View, StoreError> {
    let sql = "SELECT mark, forked FROM journal WHERE site = ? AND terminal = ? AND journal = ?";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Place>(0)?.0, row.get(1)?));
    let known: Option<(Sequence, bool)> = connection.prepare_cached(sql)?.query_row(ground.key(), read).optional()?;
    let (mark, forked) = known.unwrap_or((Sequence::ZERO, false));
    let mut held = BTreeMap::new();
    for (from, to) in ingest::wanted(batch).into_iter().chain([(mark, mark)]) {
        held.extend(entries_between(connection, ground, from, to)?);
    }
    let runs = runs(entries_between(connection, ground, mark.next(), Sequence(u64::MAX))?);
    Ok(View { mark, held, runs, holes: holes(connection, ground)?, forked })
}

fn entries_between(
    connection: &Connection,
    ground: &Ground<'_>,
    from: Sequence,
    to: Sequence,
) -> Result<Vec<(Sequence, Held)>, StoreError> {
    let sql = "SELECT sequence, previous, hash FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence BETWEEN ? AND ? ORDER BY sequence";
    let mut statement = connection.prepare_cached(sql)?;
    let (site, terminal, journal) = ground.key();
    let rows = statement.query_map((site, terminal, journal, number(from.0), number(to.0)), |row| {
        let sequence: Place = row.get(0)?;
        Ok((sequence.0, Held { previous: EntryHash(row.get(1)?), hash: EntryHash(row.get(2)?) }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn runs(above: Vec<(Sequence, Held)>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, held) in above {
        match runs.last_mut() {
            Some(run) if run.to.next() == at && run.head == held.previous => (run.to, run.head) = (at, held.hash),
            Some(_) | None => runs.push(Run { from: at, to: at, previous: held.previous, head: held.hash }),
        }
    }
    runs
}

fn holes(connection: &Connection, ground: &Ground<'_>) -> Result<Vec<Lost>, StoreError> {
    let sql = "SELECT first, last, reason, head_after FROM hole WHERE site = ? AND terminal = ? AND journal = ? ORDER BY first, last";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(ground.key(), hole)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A hole from the columns first, last, reason, head_after.
pub(super) fn hole(row: &rusqlite::Row<'_>) -> rusqlite::Result<Lost> {
    let (from, to, reason): (Place, Place, Json<LostReason>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Lost { from: from.0, to: to.0, reason: reason.0, head_after: row.get::<_, Option<[u8; 32]>>(3)?.map(EntryHash) })
}

/// Does what was decided, in the order that the decision asks for; how many copies went into quarantine.
fn carry_out(writing: &mut Writing<'_>, ground: &Ground<'_>, decision: &Decision, at: Wall) -> Result<usize, StoreError> {
    let (site, terminal, journal) = ground.key();
    writing.execute(
        "INSERT INTO journal (site, terminal, journal, first_seen_at, mark, head, announced, forked) VALUES (?, ?, ?, ?, 0, zeroblob(32), 0, 0)
         ON CONFLICT DO NOTHING",
        (site, terminal, journal, at.0),
    )?;
    let mut boots = BTreeSet::new();
    if let Some(above) = decision.demote_above {
        boots.extend(demote(writing, ground, above, at)?);
    }
    let in_quarantine = has_quarantine(writing.transaction, ground)?;
    for entry in &decision.insert {
        insert(writing, ground, entry, at)?;
        if in_quarantine {
            leave_quarantine(writing, ground, entry)?;
        }
        if matches!(entry.entry.body, Body::Sync { .. }) {
            boots.insert(entry.entry.clock.boot);
        }
    }
    let mut reckoner = Reckoner::new(writing, ground.site)?;
    reckoner.expect(writing, decision.insert.iter().filter(|entry| matches!(entry.entry.body, Body::Punch { .. })).count())?;
    for entry in &decision.insert {
        reckoner.arrived(writing, ground.terminal, &entry.entry)?;
    }
    for boot in boots {
        refresh::boot(writing, ground.site, ground.terminal, boot)?;
    }
    let quarantined = quarantine(writing, ground, &decision.quarantine, at)?;
    keep_holes(writing, ground, &decision.holes, at)?;
    writing.execute(
        "UPDATE journal SET mark = ?4, forked = ?5, head = coalesce(
             (SELECT hash FROM entry WHERE site = ?1 AND terminal = ?2 AND journal = ?3 AND sequence = ?4), zeroblob(32))
         WHERE site = ?1 AND terminal = ?2 AND journal = ?3",
        (site, terminal, journal, number(decision.mark.0), decision.forked),
    )?;
    Ok(quarantined)
}

/// Moves everything held above a place into quarantine; the boots whose trusted moments went with it.
fn demote(writing: &mut Writing<'_>, ground: &Ground<'_>, above: Sequence, at: Wall) -> Result<Vec<BootId>, StoreError> {
    statement::make_whole(writing, ground.site, ground.terminal, ground.journal, above)?;
    let (site, terminal, journal) = ground.key();
    let place = (site, terminal, journal, number(above.0));
    let sql = "SELECT DISTINCT boot FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ? AND kind = 'sync'";
    let boots =
        writing.transaction.prepare_cached(sql)?.query_map(place, |row| row.get(0).map(BootId))?.collect::<rusqlite::Result<_>>()?;
    writing.execute(
        "INSERT INTO quarantine (site, terminal, journal, sequence, hash, text, reason, received_at)
         SELECT site, terminal, journal, sequence, hash, text, ?5, ?6 FROM entry
         WHERE site = ?1 AND terminal = ?2 AND journal = ?3 AND sequence > ?4 ON CONFLICT DO NOTHING",
        (site, terminal, journal, number(above.0), Reason::Chain.code(), at.0),
    )?;
    writing.memory.today = None;
    writing.execute("DELETE FROM feed WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ?", place)?;
    writing.execute("DELETE FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ?", place)?;
    Ok(boots)
}

fn insert(writing: &Writing<'_>, ground: &Ground<'_>, entry: &CheckedEntry, at: Wall) -> Result<(), StoreError> {
    let (site, terminal, journal) = ground.key();
    let (stored, read) = (&entry.stored, &entry.entry);
    writing.execute(
        "INSERT INTO entry (site, terminal, journal, sequence, hash, text, received_at, previous, kind, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (site, terminal, journal, number(stored.sequence.0), stored.hash.0, &stored.text, at.0, read.previous.0, kind(&read.body), read.clock.boot.0),
    )?;
    Ok(())
}

/// What stood in quarantine under the very bytes that are held now.
fn leave_quarantine(writing: &Writing<'_>, ground: &Ground<'_>, entry: &CheckedEntry) -> Result<(), StoreError> {
    let ((site, terminal, journal), stored) = (ground.key(), &entry.stored);
    writing.execute(
        "DELETE FROM quarantine WHERE site = ? AND terminal = ? AND journal = ? AND sequence = ? AND hash = ?",
        (site, terminal, journal, number(stored.sequence.0), stored.hash.0),
    )?;
    Ok(())
}

fn has_quarantine(connection: &Connection, ground: &Ground<'_>) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM quarantine WHERE site = ? AND terminal = ? AND journal = ?";
    Ok(connection.prepare_cached(sql)?.exists(ground.key())?)
}

const fn kind(body: &Body) -> &'static str {
    match body {
        Body::Opened { .. } => "opened",
        Body::Punch { .. } => "punch",
        Body::Attempt { .. } => "attempt",
        Body::Sync { .. } => "sync",
        Body::Boot { .. } => "boot",
        Body::ClockStep { .. } => "clock_step",
        Body::Settings { .. } => "settings",
        Body::Maintenance { .. } => "maintenance",
    }
}

fn quarantine(writing: &Writing<'_>, ground: &Ground<'_>, copies: &[(CheckedEntry, Reason)], at: Wall) -> Result<usize, StoreError> {
    if copies.is_empty() {
        return Ok(0);
    }
    let (site, terminal, journal) = ground.key();
    let sql = "SELECT count(*) FROM quarantine WHERE site = ? AND terminal = ?";
    let kept: i64 = writing.transaction.prepare_cached(sql)?.query_row((site, terminal), |row| row.get(0))?;
    if kept + count(copies.len()) > count(QUARANTINE_MAX) {
        tracing::error!(code = "quarantine-full", terminal, "a terminal's quarantine is full; further copies are not kept");
        return Ok(0);
    }
    let mut added = 0;
    for (entry, reason) in copies {
        let stored = &entry.stored;
        added += writing.execute(
            "INSERT INTO quarantine (site, terminal, journal, sequence, hash, text, reason, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            (site, terminal, journal, number(stored.sequence.0), stored.hash.0, &stored.text, reason.code(), at.0),
        )?;
    }
    Ok(added)
}

fn keep_holes(writing: &Writing<'_>, ground: &Ground<'_>, declared: &[Lost], at: Wall) -> Result<(), StoreError> {
    let (site, terminal, journal) = ground.key();
    for lost in declared {
        let reason = json("a hole's reason", &lost.reason)?;
        writing.execute(
            "INSERT INTO hole (site, terminal, journal, first, last, reason, head_after, declared_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            (site, terminal, journal, number(lost.from.0), number(lost.to.0), reason, lost.head_after.map(|head| head.0), at.0),
        )?;
    }
    let sql = "SELECT count(*) FROM hole WHERE site = ? AND terminal = ? AND journal = ?";
    let kept: i64 = writing.transaction.prepare_cached(sql)?.query_row((site, terminal, journal), |row| row.get(0))?;
    if kept > count(HOLES_MAX) { Err(StoreError::Limit { what: "holes in one journal", limit: HOLES_MAX }) } else { Ok(()) }
}

/// Notes the ends that the terminal states, of journals that the office knows.
fn announce(writing: &Writing<'_>, ground: &Ground<'_>, batch: &CheckedBatch) -> Result<(), StoreError> {
    for end in &batch.state.journals {
        writing.execute(
            "UPDATE journal SET announced = ? WHERE site = ? AND terminal = ? AND journal = ?",
            (number(end.sequence.0), ground.site.0, ground.terminal.as_str(), end.journal.0),
        )?;
    }
    Ok(())
}

/// Raises the moment up to which the terminal is complete, if this statement does.
fn complete(writing: &Writing<'_>, arrival: &Arrival) -> Result<(), StoreError> {
    let (site, terminal) = (arrival.site.0, arrival.batch.terminal.as_str());
    let sql = "SELECT j.mark, e.hash FROM journal j
               LEFT JOIN entry e ON (e.site, e.terminal, e.journal) = (j.site, j.terminal, j.journal) AND e.sequence = ?4
               WHERE j.site = ?1 AND j.terminal = ?2 AND j.journal = ?3";
    let mut statement = writing.transaction.prepare_cached(sql)?;
    let mut holdings = BTreeMap::new();
    for end in &arrival.batch.state.journals {
        let read = |row: &rusqlite::Row<'_>| {
            let mark: Place = row.get(0)?;
            Ok(Holding { mark: mark.0, at_stated: row.get::<_, Option<[u8; 32]>>(1)?.map(EntryHash) })
        };
        let holding = statement.query_row((site, terminal, end.journal.0, number(end.sequence.0)), read).optional()?;
        holdings.extend(holding.map(|holding| (end.journal, holding)));
    }
    let now = arrival.at_trusted.then_some(arrival.at);
    if let Some(now) = now {
        // Nothing is complete up to a moment that is still to come: the office's own clock was ahead when that was said.
        writing.execute(
            "UPDATE terminal SET complete_up_to = NULL WHERE site = ?1 AND complete_up_to > ?2",
            (site, now.plus_millis(ingest::AHEAD_MAX_MS).0),
        )?;
    }
    let boot = arrival.batch.state.clock.boot;
    let moments = refresh::trusted_moments(writing.transaction, arrival.site, &arrival.batch.terminal, boot)?;
    let Some(moment) = ingest::complete_by(&arrival.batch.state, &moments, &holdings, now) else { return Ok(()) };
    writing.execute(
        "UPDATE terminal SET complete_up_to = max(coalesce(complete_up_to, ?1), ?1) WHERE site = ?2 AND terminal = ?3",
        (moment.0, site, terminal),
    )?;
    Ok(())
}
