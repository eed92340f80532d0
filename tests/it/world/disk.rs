//! A kiosk's data directory: journals that keep what was committed and nothing else, whatever the moment of the cut.
//!
//! It follows the contract that the machines rely on: sequence and chain are given at the commit, marks are kept lazily and may be lost,
//! what a fork cut off is written again once, and only what is acknowledged and old is removed.

use super::ledger::tap_of;
use punchd::domain::id::{EntryHash, JournalId, Sequence};
use punchd::domain::punch::Origin;
use punchd::domain::time::Wall;
use punchd::machine::uplink::JournalView;
use punchd::wire::batch::{JournalState, Lost, LostReason};
use punchd::wire::canonical;
use punchd::wire::entry::{Body, CutOff, Draft, Entry, Predecessor, Stored, SuccessionReason};

/// One entry on the disk.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) stored: Stored,
    pub(super) entry: Entry,
    /// When it was committed, in true time.
    committed: u64,
    readable: bool,
}

/// One journal's file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) journal: JournalId,
    pub(super) entries: Vec<Kept>,
    /// How many of the first were removed.
    pruned: usize,
    acknowledged: Sequence,
    acknowledged_on_disk: Sequence,
    /// From here on it stands in another journal.
    healed: Option<Sequence>,
}

/// The data directory.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) files: Vec<File>,
    /// What is kept of trusted time.
    pub(super) floor: Option<Wall>,
}

impl File {
    fn new(journal: JournalId) -> Self {
        let none = Sequence::ZERO;
        Self { journal, entries: Vec::new(), pruned: 0, acknowledged: none, acknowledged_on_disk: none, healed: None }
    }

    /// The last entry that stands under this journal's name.
    fn last(&self) -> Sequence {
        let last = Sequence(self.entries.len() as u64);
        self.healed.map_or(last, |from| last.min(Sequence(from.0 - 1)))
    }

    fn hash(&self, at: Sequence) -> EntryHash {
        let before = usize::try_from(at.0).ok().and_then(|at| at.checked_sub(1));
        before.map_or(EntryHash::NONE, |index| self.entries[index].stored.hash)
    }

    fn add(&mut self, now: u64, draft: Draft) -> Stored {
        let last = Sequence(self.entries.len() as u64);
        let stored = canonical::seal(draft, self.journal, last.next(), self.hash(last)).unwrap();
        let entry = canonical::open(&stored.text).unwrap();
        self.entries.push(Kept { stored: stored.clone(), entry, committed: now, readable: true });
        stored
    }

    /// The stretch of entries from `from` on that have, or have not, become unreadable.
    fn stretch(&self, from: usize, readable: bool) -> &[Kept] {
        let rest = &self.entries[from.min(self.entries.len())..];
        let end = rest.iter().position(|kept| kept.readable != readable).unwrap_or(rest.len());
        &rest[..end]
    }

    fn hole(&self, from: usize) -> Option<Lost> {
        let gone = self.stretch(from, false);
        let (first, last) = (gone.first()?, gone.last()?);
        let next = self.entries.get(from + gone.len()).map(|kept| kept.entry.previous);
        Some(Lost { from: first.stored.sequence, to: last.stored.sequence, reason: LostReason::Unreadable, head_after: next })
    }
}

impl Disk {
    pub(super) fn new(journal: JournalId, opened: Draft) -> Self {
        let mut disk = Self { files: vec![File::new(journal)], floor: None };
        disk.append(0, opened);
        disk
    }

    fn open(&mut self) -> &mut File {
        self.files.last_mut().expect("a disk begins with a journal")
    }

    /// Commits.
    pub(super) fn append(&mut self, now: u64, draft: Draft) -> Stored {
        self.open().add(now, draft)
    }

    pub(super) fn find(&self, journal: JournalId, sequence: Sequence) -> Option<&Kept> {
        let file = self.files.iter().find(|file| file.journal == journal)?;
        file.entries.get(usize::try_from(sequence.0).ok()?.checked_sub(1)?)
    }

    /// Every readable entry under the name by which it is sent, oldest journal first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Kept> {
        let of = |file: &File| (file.pruned, usize::try_from(file.last().0).unwrap());
        let kept = self.files.iter().map(move |file| (file, of(file))).flat_map(|(file, (first, last))| file.entries[first..last].iter());
        kept.filter(|kept| kept.readable)
    }

    /// Where a tap stood or stands.
    pub(super) fn places(&self, tap: &str) -> Vec<(JournalId, Sequence)> {
        let all = self.files.iter().flat_map(|file| &file.entries);
        all.filter(|kept| tap_of(&kept.entry).as_deref() == Some(tap)).map(|kept| (kept.stored.journal, kept.stored.sequence)).collect()
    }

    pub(super) fn views(&self) -> Vec<JournalView> {
        let newest = self.files.last().map(|file| file.journal);
        let view = |file: &File| JournalView {
            journal: file.journal,
            first: Sequence(file.pruned as u64).next(),
            before_first: (file.pruned > 0).then(|| file.hash(Sequence(file.pruned as u64))),
            last: file.last(),
            head: file.hash(file.last()),
            acknowledged: file.acknowledged.min(file.last()),
            open: Some(file.journal) == newest,
            owed: None,
        };
        self.files.iter().map(view).collect()
    }

    pub(super) fn states(&self) -> Vec<JournalState> {
        let state = |view: JournalView| JournalState { journal: view.journal, sequence: view.last, head: view.head };
        self.views().into_iter().map(state).collect()
    }

    /// Contiguous entries from `from` on, and the holes before and behind them.
    pub(super) fn load(&self, journal: JournalId, from: Sequence, limit: usize) -> (Vec<Stored>, Vec<Lost>) {
        let Some(file) = self.files.iter().find(|file| file.journal == journal) else { return (Vec::new(), Vec::new()) };
        let start = usize::try_from(from.0 - 1).unwrap().max(file.pruned);
        let before = file.stretch(start, false).len();
        let entries = file.stretch(start + before, true);
        let entries = &entries[..limit.min(entries.len())];
        let behind = start + before + entries.len();
        let lost = [file.hole(start), file.hole(behind).filter(|_| before == 0 || !entries.is_empty())];
        let stored = entries.iter().map(|kept| kept.stored.clone()).collect();
        let mut lost: Vec<Lost> = lost.into_iter().flatten().collect();
        lost.dedup();
        (stored, lost)
    }

    /// Keeps the office's mark; whether that reaches the disk before the next cut is chance.
    pub(super) fn acknowledge(&mut self, journal: JournalId, mark: Sequence, reaches_disk: bool) {
        if let Some(file) = self.files.iter_mut().find(|file| file.journal == journal) {
            file.acknowledged = mark;
            if reaches_disk {
                file.acknowledged_on_disk = mark;
            }
        }
    }

    /// The process is gone; what it had not written is too.
    pub(super) fn cut(&mut self) {
        for file in &mut self.files {
            file.acknowledged = file.acknowledged_on_disk;
        }
    }

    /// Removes what is acknowledged and older than the retention; the last entry stays.
    pub(super) fn prune(&mut self, now: u64, retention_ms: u64) {
        for file in &mut self.files {
            let done = file.acknowledged.min(file.last()).0.saturating_sub(1);
            let old = file.entries.iter().take_while(|kept| now.saturating_sub(kept.committed) > retention_ms).count();
            file.pruned = file.pruned.max(old.min(usize::try_from(done).unwrap()));
        }
    }

    /// Begins a new journal because of `reason`.
    pub(super) fn succeed(&mut self, now: u64, journal: JournalId, clock: &Draft, reason: SuccessionReason) {
        let old = self.open();
        let predecessor = Predecessor { journal: old.journal, sequence: old.last(), head: old.hash(old.last()), reason };
        let body = Body::Opened { predecessor: Some(predecessor), version: "0.1.0".to_owned() };
        self.files.push(File::new(journal));
        self.append(now, Draft { body, ..clock.clone() });
    }

    /// Makes entries of the open journal unreadable and begins another one.
    pub(super) fn damage(&mut self, now: u64, next: JournalId, clock: &Draft, first: usize, count: usize) {
        let open = self.open();
        let pruned = open.pruned;
        open.entries.iter_mut().skip(pruned.max(first)).take(count).for_each(|kept| kept.readable = false);
        self.succeed(now, next, clock, SuccessionReason::Damaged);
    }

    /// Writes again in a new journal what a fork cut off; a second time does nothing.
    pub(super) fn heal(&mut self, now: u64, next: JournalId, clock: &Draft, forked: JournalId, from: Sequence) {
        let Some(place) = self.files.iter().position(|file| file.journal == forked) else { return };
        if self.files[place].healed.is_some_and(|healed| healed <= from) || from > self.files[place].last() {
            return;
        }
        let first = usize::try_from(from.0 - 1).unwrap();
        let end = usize::try_from(self.files[place].last().0).unwrap();
        let file = &mut self.files[place];
        let again: Vec<Kept> = file.entries[first..end].to_vec();
        file.healed = Some(from);
        file.acknowledged = file.acknowledged.min(file.last());
        if place + 1 == self.files.len() {
            self.succeed(now, next, clock, SuccessionReason::Forked);
        }
        for gone in again.chunk_by(|one, next| one.readable == next.readable).filter(|stretch| !stretch[0].readable) {
            let (from, to) = (gone[0].stored.sequence, gone[gone.len() - 1].stored.sequence);
            let action = CutOff { journal: forked, from, to }.to_string();
            self.append(now, Draft { body: Body::Maintenance { action }, ..clock.clone() });
        }
        for kept in again.into_iter().filter(|kept| kept.readable) {
            let origin = Origin { journal: forked, sequence: kept.stored.sequence, hash: kept.stored.hash };
            let draft = Draft { clock: kept.entry.clock, body: kept.entry.body, origin: kept.entry.origin.or(Some(origin)) };
            self.append(now, draft);
        }
    }
}
