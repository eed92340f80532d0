//! The evidence for entries: bodies that a terminal signed, kept so that each entry stays vouched for without every body being kept.
//!
//! By the chain, a signature over an entry vouches for all before it. So of each run of entries without a gap only the statement that reaches
//! furthest is kept, and of each day the first and the last (for *complete up to*), and whatever shows a fork or declares a hole, for good.
//! The entries of a kept batch are not stored twice: the body is what stands before them, their texts, and what stands behind.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::arrival::{Arrival, Signed};
use super::cell::{Place, number};
use super::error::StoreError;
use super::sqlite::Writing;
use super::{SiteId, Store};
use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::domain::time::{Wall, WorkDate};
use crate::wire::batch::{CheckedBatch, Receipt};
use crate::wire::canonical::Purpose;

/// A receipt to be kept.
#[derive(Debug, Clone)]
pub(super) struct KeptReceipt {
    site: SiteId,
    receipt: Receipt,
    body: Vec<u8>,
    signature: String,
}

impl KeptReceipt {
    pub(super) fn key(&self) -> (SiteId, TerminalId, JournalId) {
        (self.site, self.receipt.terminal.clone(), self.receipt.journal)
    }

    pub(super) fn insert(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO receipt (site, terminal, journal, given_at, body, signature) VALUES (?, ?, ?, ?, ?, ?)";
        let (terminal, journal) = (self.receipt.terminal.as_str(), self.receipt.journal.0);
        transaction.prepare_cached(sql)?.execute((self.site.0, terminal, journal, self.receipt.at.0, &self.body, &self.signature))?;
        Ok(())
    }
}

impl Store {
    /// Keeps the office's last signed word to a journal, with the next write.
    pub fn keep_receipt(&self, site: SiteId, receipt: Receipt, body: Vec<u8>, signature: String) {
        let Self::Sqlite(sqlite) = self;
        sqlite.keep_receipt(KeptReceipt { site, receipt, body, signature });
    }
}

/// Where a statement stands.
struct Ground<'a> {
    site: SiteId,
    terminal: &'a TerminalId,
    journal: JournalId,
}

/// The body's parts and how far it vouches.
struct Parts {
    before: Vec<u8>,
    after: Vec<u8>,
    entries: usize,
    reach: Sequence,
    evidence: bool,
}

/// Keeps a signed batch or heartbeat after its entries were applied.
pub(super) fn keep(writing: &Writing<'_>, arrival: &Arrival, signed: &Signed, day: WorkDate) -> Result<(), StoreError> {
    let ground = Ground { site: arrival.site, terminal: &arrival.batch.terminal, journal: arrival.batch.journal };
    let parts = parts(writing.transaction, &ground, &arrival.batch, &signed.body)?;
    let number = insert(writing, &ground, signed, arrival.at, day, &parts)?;
    cover(writing, &ground, number, parts.reach)?;
    forget(writing, &ground, day)
}

/// Keeps the signed header of a file carried by hand: one statement for each journal whose end it names and the office holds.
pub(super) fn keep_header(
    writing: &Writing<'_>,
    site: SiteId,
    header: &crate::wire::export::Header,
    signed: &Signed,
    at: Wall,
    day: WorkDate,
) -> Result<(), StoreError> {
    for end in &header.state.journals {
        let ground = Ground { site, terminal: &header.terminal, journal: end.journal };
        if hash_at(writing.transaction, &ground, end.sequence)? == Some(end.head) {
            let parts = Parts { before: signed.body.to_vec(), after: Vec::new(), entries: 0, reach: end.sequence, evidence: false };
            let number = insert(writing, &ground, signed, at, day, &parts)?;
            cover(writing, &ground, number, end.sequence)?;
        }
        forget(writing, &ground, day)?;
    }
    Ok(())
}

/// Before entries above a place leave for quarantine: statements that lean on their texts get their whole bodies.
pub(super) fn make_whole(
    writing: &Writing<'_>,
    site: SiteId,
    terminal: &TerminalId,
    journal: JournalId,
    above: Sequence,
) -> Result<(), StoreError> {
    let sql = "SELECT number, reach, entries, before, after FROM statement
               WHERE site = ? AND terminal = ? AND journal = ? AND entries > 0 AND reach > ?";
    let mut statement = writing.transaction.prepare_cached(sql)?;
    let rows = statement.query_map((site.0, terminal.as_str(), journal.0, number(above.0)), |row| {
        let reach: Place = row.get(1)?;
        Ok((row.get::<_, i64>(0)?, reach.0, row.get::<_, i64>(2)?, row.get::<_, Vec<u8>>(3)?, row.get::<_, Vec<u8>>(4)?))
    })?;
    let leaning = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for (number, reach, entries, before, after) in leaning {
        let whole = body(writing.transaction, (site, terminal, journal), reach, entries, before, after)?;
        writing.execute(
            "UPDATE statement SET before = ?, after = x'', entries = 0, reach = 0, covers = 0, evidence = 1 WHERE site = ? AND terminal = ? AND number = ?",
            (whole, site.0, terminal.as_str(), number),
        )?;
    }
    Ok(())
}

/// A statement's signed bytes, put together again.
pub(super) fn body(
    connection: &Connection,
    (site, terminal, journal): (SiteId, &TerminalId, JournalId),
    reach: Sequence,
    entries: i64,
    mut before: Vec<u8>,
    after: Vec<u8>,
) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT text FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ? AND sequence <= ? ORDER BY sequence";
    let mut statement = connection.prepare_cached(sql)?;
    let last = number(reach.0);
    let rows = statement.query_map((site.0, terminal.as_str(), journal.0, last - entries, last), |row| row.get::<_, String>(0))?;
    let texts = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    before.extend(texts.join(",").into_bytes());
    before.extend(after);
    Ok(before)
}

fn parts(connection: &Connection, ground: &Ground<'_>, batch: &CheckedBatch, body: &[u8]) -> Result<Parts, StoreError> {
    let held = batch.span().map_or_else(|| Ok(BTreeMap::new()), |(first, last)| hashes(connection, ground, first, last))?;
    let all_held = batch.entries.iter().all(|entry| held.get(&entry.stored.sequence) == Some(&entry.stored.hash));
    let evidence = !all_held || !batch.lost.is_empty();
    let reach = batch.span().filter(|_| all_held).map_or(Sequence::ZERO, |(_, last)| last);
    let texts: Vec<&str> = batch.entries.iter().map(|entry| entry.stored.text.as_str()).collect();
    let texts = texts.join(",");
    let split = (all_held && !texts.is_empty()).then(|| split_around(body, texts.as_bytes())).flatten();
    Ok(match split {
        Some((before, after)) => Parts { before: before.to_vec(), after: after.to_vec(), entries: batch.entries.len(), reach, evidence },
        None => Parts { before: body.to_vec(), after: Vec::new(), entries: 0, reach, evidence },
    })
}

fn split_around<'a>(body: &'a [u8], texts: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = body.windows(texts.len()).position(|window| window == texts)?;
    let (before, rest) = body.split_at_checked(at)?;
    Some((before, rest.split_at_checked(texts.len())?.1))
}

fn insert(writing: &Writing<'_>, ground: &Ground<'_>, signed: &Signed, at: Wall, day: WorkDate, parts: &Parts) -> Result<i64, StoreError> {
    let key = (ground.site.0, ground.terminal.as_str());
    let next = "UPDATE terminal SET statements = statements + 1 WHERE site = ? AND terminal = ? RETURNING statements";
    let place: i64 = writing.transaction.prepare_cached(next)?.query_row(key, |row| row.get(0))?;
    let purpose = if signed.purpose == Purpose::Export { "export" } else { "batch" };
    writing.execute(
        "INSERT INTO statement (site, terminal, number, received_at, day, purpose, public_key, signature, journal, reach, entries, before, after, covers, evidence)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
        rusqlite::params![
            key.0,
            key.1,
            place,
            at.0,
            day.to_string(),
            purpose,
            signed.public_key,
            signed.signature,
            ground.journal.0,
            number(parts.reach.0),
            super::cell::count(parts.entries),
            parts.before,
            parts.after,
            parts.evidence,
        ],
    )?;
    Ok(place)
}

/// Decides which statements still reach furthest over their run of entries.
fn cover(writing: &Writing<'_>, ground: &Ground<'_>, new: i64, reach: Sequence) -> Result<(), StoreError> {
    if reach == Sequence::ZERO {
        return Ok(());
    }
    let key = (ground.site.0, ground.terminal.as_str(), ground.journal.0);
    let sql = "SELECT number, reach FROM statement WHERE site = ? AND terminal = ? AND journal = ? AND covers = 1";
    let mut statement = writing.transaction.prepare_cached(sql)?;
    let rows = statement.query_map(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Place>(1)?.0)))?;
    let mut covers = true;
    for (other, theirs) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        if !is_contiguous(writing.transaction, ground, reach.min(theirs), reach.max(theirs))? {
            continue;
        }
        if theirs >= reach {
            covers = false;
        } else {
            writing.execute("UPDATE statement SET covers = 0 WHERE site = ? AND terminal = ? AND number = ?", (key.0, key.1, other))?;
        }
    }
    writing.execute("UPDATE statement SET covers = ? WHERE site = ? AND terminal = ? AND number = ?", (covers, key.0, key.1, new))?;
    Ok(())
}

fn is_contiguous(connection: &Connection, ground: &Ground<'_>, after: Sequence, last: Sequence) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence > ? AND sequence <= ?";
    let place = (ground.site.0, ground.terminal.as_str(), ground.journal.0, number(after.0), number(last.0));
    let held: Place = connection.prepare_cached(sql)?.query_row(place, |row| row.get(0))?;
    Ok(held.0.0 == last.0 - after.0)
}

/// Drops what vouches for nothing that another statement does not vouch for, and is neither the first nor the last of its day.
fn forget(writing: &Writing<'_>, ground: &Ground<'_>, day: WorkDate) -> Result<(), StoreError> {
    writing.execute(
        "DELETE FROM statement WHERE site = ?1 AND terminal = ?2 AND day = ?3 AND covers = 0 AND evidence = 0
         AND number > (SELECT min(number) FROM statement WHERE site = ?1 AND terminal = ?2 AND day = ?3)
         AND number < (SELECT max(number) FROM statement WHERE site = ?1 AND terminal = ?2 AND day = ?3)",
        (ground.site.0, ground.terminal.as_str(), day.to_string()),
    )?;
    Ok(())
}

fn hashes(
    connection: &Connection,
    ground: &Ground<'_>,
    first: Sequence,
    last: Sequence,
) -> Result<BTreeMap<Sequence, EntryHash>, StoreError> {
    let sql = "SELECT sequence, hash FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence BETWEEN ? AND ?";
    let place = (ground.site.0, ground.terminal.as_str(), ground.journal.0, number(first.0), number(last.0));
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(place, |row| Ok((row.get::<_, Place>(0)?.0, EntryHash(row.get(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn hash_at(connection: &Connection, ground: &Ground<'_>, sequence: Sequence) -> Result<Option<EntryHash>, StoreError> {
    let sql = "SELECT hash FROM entry WHERE site = ? AND terminal = ? AND journal = ? AND sequence = ?";
    let place = (ground.site.0, ground.terminal.as_str(), ground.journal.0, number(sequence.0));
    Ok(connection.prepare_cached(sql)?.query_row(place, |row| row.get(0)).optional()?.map(EntryHash))
}
