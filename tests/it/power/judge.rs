//! What must hold after a power cut: the real journal opens what the cut left, through SQLite's own VFS, and everything promised is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use punch_vfs::{Image, Operation};
use punchd::domain::id::{EntryHash, JournalId, Sequence};
use punchd::health::Code;
use punchd::machine::uplink::JournalView;
use punchd::terminal::journal::Options;
use punchd::wire::canonical;
use punchd::wire::entry::{Body, Entry, Stored};
use rusqlite::{Connection, OpenFlags};

use super::scene::{Promise, Recorded, databases, folder};
use crate::rig::journal::{Available, Journal, options, punch};

/// How often a journal that is still writing entries again is looked at once more.
const LOOKS: usize = 5;
/// The number of the punch that is tried after a cut: none of a scene's.
const TRIED: u64 = 9_999_999;

/// What was found wrong.
#[derive(Debug, Default, Clone)]
pub(super) struct Faults {
    /// Promised, and not there.
    pub(super) lost: Vec<String>,
    /// There, and never asked for, or refused and yet there for good.
    pub(super) surplus: Vec<String>,
    /// Files that contradict themselves, or that the journal cannot go on with.
    pub(super) malformed: Vec<String>,
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.surplus.is_empty() && self.malformed.is_empty()
    }
}

/// What was promised before a place of the recording.
struct Due<'a> {
    machine: &'a str,
    stored: BTreeMap<(JournalId, Sequence), &'a Stored>,
    kept: u64,
    may_go: BTreeMap<JournalId, Sequence>,
    /// Refused after the last success: what became of them is not known before the next one.
    refused: BTreeSet<i64>,
}

impl<'a> Due<'a> {
    fn at(recorded: &'a Recorded, place: usize) -> Self {
        let mut due = Self { machine: "machine-a", stored: BTreeMap::new(), kept: 0, may_go: BTreeMap::new(), refused: BTreeSet::new() };
        for operation in recorded.recording.operations().iter().take(place) {
            let Operation::Mark(number) = operation else { continue };
            match &recorded.promises[*number] {
                Promise::Runs(machine) => due.machine = machine,
                Promise::Kept(number) => due.kept = *number,
                Promise::MayGo(journal, last) => drop(due.may_go.insert(*journal, *last)),
                Promise::Refused(wall) => drop(due.refused.insert(wall.0)),
                Promise::Stored(stored) => {
                    due.refused.clear();
                    due.stored.insert((stored.journal, stored.sequence), stored);
                }
            }
        }
        // An append that was under way: its answer was still to come.
        if let Some(Promise::Refused(wall)) = next_answer(recorded, place) {
            due.refused.insert(wall.0);
        }
        due
    }

    fn may_be_gone(&self, journal: JournalId, sequence: Sequence) -> bool {
        self.may_go.get(&journal).is_some_and(|last| sequence <= *last)
    }
}

fn next_answer(recorded: &Recorded, place: usize) -> Option<&Promise> {
    let promise = |operation| if let &Operation::Mark(number) = operation { Some(&recorded.promises[number]) } else { None };
    recorded
        .recording
        .operations()
        .iter()
        .skip(place)
        .filter_map(promise)
        .find(|promise| matches!(promise, Promise::Stored(_) | Promise::Refused(_)))
}

/// Everything that a journal gave after a cut.
#[derive(Default)]
struct Found {
    entries: BTreeMap<(JournalId, Sequence), Stored>,
    /// Where entries stood that were written again.
    origins: BTreeSet<(JournalId, Sequence, EntryHash)>,
}

/// Opens an image as the daemon does after a power cut, and says what is wrong with it.
pub(super) fn judge(recorded: &Recorded, place: usize, image: &Image) -> Faults {
    let home = folder();
    image.write_to(home.path()).unwrap();
    let due = Due::at(recorded, place);
    let mut faults = Faults::default();
    let mut journal = Journal::start(Options { machine: due.machine.to_owned(), ..options(home.path(), None) });
    match journal.opened() {
        Err(why) => faults.malformed.push(format!("it does not open: {why}")),
        Ok(available) => examine(&mut journal, &available, recorded, &due, &mut faults),
    }
    journal.stop();
    for file in databases(home.path()) {
        let aside = file.to_string_lossy().contains("damaged");
        match integrity(&file) {
            _ if aside && recorded.damaged => {}
            Ok(verdict) if verdict == "ok" && !aside => {}
            verdict => faults.malformed.push(format!("{}: {verdict:?}", file.display())),
        }
    }
    faults
}

/// A journal may still be writing entries again, so it is looked at until everything is right, at most [`LOOKS`] times.
fn examine(journal: &mut Journal, available: &Available, recorded: &Recorded, due: &Due<'_>, faults: &mut Faults) {
    let mut views = available.journals.clone();
    for look in 1..=LOOKS {
        views = journal.settle().unwrap_or(views);
        let (mut found, mut seen) = (Found::default(), Faults::default());
        for view in &views {
            take(journal, view, recorded.damaged, &mut found, &mut seen);
        }
        seen.lost.extend(missing(&found, due).map(|stored| format!("{} {}", stored.journal, stored.sequence)));
        seen.surplus.extend(surplus(&found, recorded, due));
        if seen.is_empty() || look == LOOKS {
            *faults = seen;
            break;
        }
    }
    let kept = available.kept.iter().find(|(key, _)| key == "pairing").map_or(0, |(_, value)| value.parse().unwrap());
    if kept < due.kept {
        faults.lost.push(format!("value {} was kept, and {kept} is there", due.kept));
    }
    if !recorded.damaged && journal.conditions().iter().any(|condition| condition.code == Code::JournalDamaged) {
        faults.malformed.push("it says that something is damaged".to_owned());
    }
    go_on(journal, &views, faults);
}

/// Reads a journal to its end: numbered without gaps, each entry by its hash, each following the one before.
fn take(journal: &mut Journal, view: &JournalView, damaged: bool, found: &mut Found, faults: &mut Faults) {
    let (entries, holes) = journal.drain(view);
    let whole = holes.is_empty() && entries.len() as u64 == view.last.0 + 1 - view.first.0;
    if !whole && (view.open || !damaged) {
        faults.malformed.push(format!("{view:?} gives {} entries and {holes:?}", entries.len()));
    }
    let mut before = if view.first == Sequence(1) { Some(EntryHash::NONE) } else { view.before_first };
    let mut expected = view.first;
    for stored in entries {
        let entry = canonical::open(&stored.text).unwrap();
        let is_next = stored.sequence == expected && entry.sequence == expected && entry.journal == view.journal;
        let fits = is_next && canonical::entry_hash(&stored.text) == stored.hash && before.is_none_or(|hash| hash == entry.previous);
        if !fits && (whole || !damaged) {
            faults.malformed.push(format!("{} {} does not follow", view.journal, stored.sequence));
        }
        (before, expected) = (Some(stored.hash), stored.sequence.next());
        found.origins.extend(entry.origin.map(|origin| (origin.journal, origin.sequence, origin.hash)));
        found.entries.insert((stored.journal, stored.sequence), stored);
    }
}

fn missing<'a>(found: &'a Found, due: &'a Due<'_>) -> impl Iterator<Item = &'a Stored> {
    let there = |stored: &Stored| {
        found.entries.get(&(stored.journal, stored.sequence)) == Some(stored)
            || found.origins.contains(&(stored.journal, stored.sequence, stored.hash))
    };
    due.stored
        .iter()
        .filter(move |((journal, sequence), stored)| !there(stored) && !due.may_be_gone(*journal, *sequence))
        .map(|(_, stored)| *stored)
}

/// Entries that nobody asked for. What a journal writes of itself is its beginning, and what it writes again after a fork.
fn surplus<'a>(found: &'a Found, recorded: &'a Recorded, due: &'a Due<'_>) -> impl Iterator<Item = String> + 'a {
    let mut uncertain = due.refused.clone();
    found.entries.values().filter_map(move |stored| {
        let entry: Entry = canonical::open(&stored.text).unwrap();
        let at = (stored.journal, stored.sequence);
        let is_own = matches!(entry.body, Body::Opened { .. }) && stored.sequence == Sequence(1);
        let again = entry
            .origin
            .is_some_and(|origin| recorded.known.get(&(origin.journal, origin.sequence)).is_some_and(|known| known.hash == origin.hash));
        let asked = recorded.known.get(&at) == Some(stored) || is_own || again || uncertain.remove(&entry.clock.wall.0);
        (!asked).then(|| format!("{} {}: {}", stored.journal, stored.sequence, stored.text))
    })
}

/// The next punch stands behind the last one.
fn go_on(journal: &mut Journal, views: &[JournalView], faults: &mut Faults) {
    let ticket = journal.append(punch(TRIED));
    let Some(open) = views.last().filter(|view| view.open) else { return faults.malformed.push("no journal is open".to_owned()) };
    match journal.outcome(ticket) {
        Ok(stored) if (stored.journal, stored.sequence) == (open.journal, open.last.next()) => {}
        other => faults.malformed.push(format!("after {open:?} comes {other:?}")),
    }
}

/// SQLite's own verdict on a closed file.
fn integrity(file: &Path) -> rusqlite::Result<String> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))
}
