//! The punches of today by terminal, counted in the writer's memory: on a busy day a batch costs no more than on a quiet one.
//!
//! Invariant: what is counted is what the feed holds. Arrivals are added as they come; whatever else changes the feed, in this process or in
//! another, makes it be counted anew.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::SiteId;
use super::cell::Parsed;
use super::error::StoreError;
use super::sqlite::{Memory, Writing};
use crate::domain::id::TerminalId;
use crate::domain::time::WorkDate;

/// A day's punches as they were last counted.
#[derive(Debug)]
pub(super) struct Today {
    site: SiteId,
    date: WorkDate,
    /// SQLite's number of what other connections committed.
    others: i64,
    terminals: BTreeMap<TerminalId, Count>,
}

/// The punches of one terminal, or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// The newest version in the feed; 0 where there is none.
    pub(super) version: i64,
    /// How many have a person.
    pub(super) people: i64,
}

impl Count {
    fn with(self, other: Self) -> Self {
        Self { version: self.version.max(other.version), people: self.people + other.people }
    }
}

/// The punches of a day at all terminals but this one.
pub(super) fn elsewhere(writing: &mut Writing<'_>, site: SiteId, terminal: &TerminalId, date: WorkDate) -> Result<Count, StoreError> {
    let others = commits_of_others(writing.transaction)?;
    let known = writing.memory.today.take().filter(|today| (today.site, today.date, today.others) == (site, date, others));
    let today = match known {
        Some(today) => today,
        None => Today { site, date, others, terminals: by_terminal(writing.transaction, site, date)? },
    };
    let count = today.terminals.iter().filter(|(other, _)| *other != terminal).fold(Count::default(), |sum, (_, count)| sum.with(*count));
    writing.memory.today = Some(today);
    Ok(count)
}

/// Counts a punch that has just been put into the feed.
pub(super) fn arrived(memory: &mut Memory, (site, terminal): (SiteId, &TerminalId), date: WorkDate, punch: Count) {
    if let Some(today) = memory.today.as_mut().filter(|today| (today.site, today.date) == (site, date)) {
        let count = today.terminals.entry(terminal.clone()).or_default();
        *count = count.with(punch);
    }
}

fn commits_of_others(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}

fn by_terminal(connection: &Connection, site: SiteId, date: WorkDate) -> Result<BTreeMap<TerminalId, Count>, StoreError> {
    let sql = "SELECT terminal, max(version), count(staff_no) FROM feed WHERE site = ? AND day = ? GROUP BY terminal";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((site.0, date.to_string()), |row| {
        let terminal: Parsed<TerminalId> = row.get(0)?;
        Ok((terminal.0, Count { version: row.get(1)?, people: row.get(2)? }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use crate::domain::id::{BootId, EntryHash, JournalId, Sequence, TerminalId};
    use crate::domain::roster::{Binding, Claim};
    use crate::domain::time::{ClockReading, Mono, Trust, UtcOffset, Wall};
    use crate::office::day::tests::{basis, wall};
    use crate::office::store::{Arrival, Database, Fact, Site, SiteId, Store};
    use crate::supervise::Supervisor;
    use crate::wire::batch::{CheckedBatch, CheckedEntry, JournalState, TerminalState};
    use crate::wire::canonical;
    use crate::wire::entry::{Body, Draft, Stored};

    const JOURNAL: JournalId = JournalId([3; 16]);

    #[tokio::test]
    async fn the_tag_in_a_receipt_is_the_one_that_the_database_gives_whatever_changed_the_feed() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("office.db"));
        let store = Store::open(&database, &Supervisor::new().0).unwrap();
        store.ensure_site(Site { id: SiteId::FIRST, name: "示例中心".to_owned(), utc_offset: UtcOffset::china() }).await.unwrap();
        for terminal in ["east", "west"] {
            store.terminal_add(SiteId::FIRST, id(terminal), [0; 32], wall("07:00"), wall("08:00")).await.unwrap();
        }
        let mut tags = vec![agreed(&store).await];
        let morning = entries(Sequence::ZERO, EntryHash::NONE, 3, "08:00");
        ingest(&store, "east", &morning).await;
        tags.push(agreed(&store).await);
        let before = entries(Sequence::ZERO, EntryHash::NONE, 2, "00:00");
        ingest(&store, "west", &before).await;
        tags.push(agreed(&store).await);
        // A person becomes known, first by this process and then by another.
        let person = basis(&["0145"], Vec::new()).roster.people.into_values().next().unwrap();
        let claim = Claim::Card(vec![0x67, 0, 0x3B, 0x51, 0xC6]);
        let binding = |id, until| {
            let binding = Binding { staff_no: person.staff_no.clone(), claim: claim.clone(), from: None, until };
            Fact::Binding { id, binding }
        };
        let facts = vec![Fact::Person(person.clone()), binding(None, None)];
        let given = store.add_facts(SiteId::FIRST, facts, "test".to_owned(), wall("09:00")).await.unwrap().bindings;
        tags.push(agreed(&store).await);
        let beside = Store::open(&database, &Supervisor::new().0).unwrap();
        let ended = binding(given.first().copied(), Some(person.joined));
        beside.add_facts(SiteId::FIRST, vec![ended], "test".to_owned(), wall("09:30")).await.unwrap();
        tags.push(agreed(&store).await);
        // What is held above a gap turns out not to follow from what is below it, and leaves the feed.
        let end = morning.last().unwrap();
        ingest(&store, "east", &entries(Sequence(5), EntryHash([9; 32]), 2, "10:00")).await;
        tags.push(agreed(&store).await);
        ingest(&store, "east", &entries(end.sequence, end.hash, 2, "10:00")).await;
        tags.push(agreed(&store).await);
        let distinct: std::collections::BTreeSet<_> = tags.iter().collect();
        assert_eq!(distinct.len(), tags.len() - 1, "yesterday's punches are no news of today: {tags:?}");
        store.close().await;
    }

    /// The tag of the punches elsewhere as a heartbeat of each terminal is answered, proven to be what the database gives.
    async fn agreed(store: &Store) -> [String; 2] {
        let mut tags = Vec::new();
        for terminal in ["east", "west"] {
            let told = ingest(store, terminal, &[]).await;
            let given = store.elsewhere(SiteId::FIRST, id(terminal), wall("12:00"), None).await.unwrap().unwrap().tag;
            assert_eq!(told, given);
            tags.push(told);
        }
        tags.try_into().unwrap()
    }

    async fn ingest(store: &Store, terminal: &str, entries: &[Stored]) -> String {
        let journals = entries.last().map(|last| JournalState { journal: JOURNAL, sequence: last.sequence, head: last.hash });
        let state = TerminalState {
            clock: clock(wall("12:00")),
            journals: journals.into_iter().collect(),
            backlog: 0,
            software: "0.1.0".to_owned(),
            conditions: Vec::new(),
            bundle: None,
        };
        let open = |stored: &Stored| CheckedEntry { stored: stored.clone(), entry: canonical::open(&stored.text).unwrap() };
        let entries = entries.iter().map(open).collect();
        let batch = CheckedBatch { terminal: id(terminal), journal: JOURNAL, entries, lost: Vec::new(), state };
        let arrival = Arrival { site: SiteId::FIRST, batch, signed: None, at: wall("12:00"), at_trusted: true };
        store.ingest(arrival).await.unwrap().elsewhere
    }

    /// Punches behind a place, ten minutes apart from a time of the day on; those from midnight on are of the day before.
    fn entries(last: Sequence, head: EntryHash, count: i64, from: &str) -> Vec<Stored> {
        let mut stored: Vec<Stored> = Vec::new();
        for number in 0..count {
            let (last, head) = stored.last().map_or((last, head), |before| (before.sequence, before.hash));
            let at = wall(from).plus_millis(if from == "00:00" { -600_000 * (number + 1) } else { 600_000 * number });
            let body = Body::Punch { reader: "badge".parse().unwrap(), credential: "em4100:67003B51C6".parse().unwrap() };
            stored.push(canonical::seal(Draft { clock: clock(at), body, origin: None }, JOURNAL, last.next(), head).unwrap());
        }
        stored
    }

    fn clock(wall: Wall) -> ClockReading {
        ClockReading { wall, mono: Mono(0), boot: BootId([1; 16]), trust: Trust::Synced, uncertainty_ms: 5 }
    }

    fn id(terminal: &str) -> TerminalId {
        terminal.parse().unwrap()
    }
}
