//! All journals of a data directory: which there are, in which order, which one is open, and what each of them can still give.
//!
//! Invariants: at most one journal is open for append, and it is the newest; a journal that was followed by another is never appended to
//! again; nothing is removed but what is pruned by law; damage to one journal keeps nobody from tapping.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use super::ballast::Ballast;
use super::check::{self, ChainCheck, Verdict};
use super::directory::Directory;
use super::error::{JournalError, damaged};
use super::file::{JournalFile, Place};
use super::salvage::Salvage;
use super::state::State;
use super::{OpenOptions, Options};
use crate::clock::Clock;
use crate::domain::id::{BootId, EntryHash, JournalId, Sequence};
use crate::domain::time::{ClockReading, Mono, Trust, Wall};
use crate::health::{Code, Condition};
use crate::machine::uplink::JournalView;
use crate::wire::canonical;

/// How long the quick check and the search through damaged files may hold up the start, in milliseconds.
const CHECK_AT_START_MS: u64 = 500;

/// The journals of a data directory that this process holds.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) directory: Directory,
    pub(super) state: State,
    pub(super) ballast: Ballast,
    pub(super) options: Options,
    /// Oldest first.
    pub(super) journals: Vec<Journal>,
    /// Whether the list of journals changed since it was last told.
    pub(super) changed: bool,
    /// Journals whose whole chain is still to be walked, the first of them under way.
    pub(super) unwalked: VecDeque<(JournalId, Option<ChainCheck>)>,
    /// Journals whose quick check did not come to its end.
    pub(super) unchecked: BTreeSet<JournalId>,
    /// Journals whose fork was found by this run of the program: a fork that goes on is found again.
    pub(super) forked: BTreeSet<JournalId>,
    /// Journals that are being pruned, and the time before which entries go.
    pub(super) pruning: ((Wall, Wall), VecDeque<JournalId>),
}

/// One journal.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) id: JournalId,
    pub(super) ordinal: u64,
    pub(super) holding: Holding,
}

/// What there is of a journal.
#[derive(Debug)]
pub(super) enum Holding {
    /// Its file.
    Whole(Box<JournalFile>),
    /// Files set aside, or none at all.
    Damaged(Salvage),
}

impl Journal {
    /// Its file, unless it is damaged.
    pub(super) fn file(&self) -> Option<&JournalFile> {
        match &self.holding {
            Holding::Whole(file) => Some(file),
            Holding::Damaged(_) => None,
        }
    }

    /// Its file, unless it is damaged.
    pub(super) fn file_mut(&mut self) -> Option<&mut JournalFile> {
        match &mut self.holding {
            Holding::Whole(file) => Some(file),
            Holding::Damaged(_) => None,
        }
    }
}

impl Set {
    /// Takes the directory, opens and checks what is in it. Nothing is begun yet; see [`Set::make_ready`].
    pub(super) fn open(options: &Options, clock: &Clock) -> Result<Self, JournalError> {
        let directory = Directory::open(&options.directory)?;
        let ballast = Ballast::new(directory.path(), options.ballast_bytes);
        let state = State::open(&directory, &options.open)?;
        let mut set = Self {
            directory,
            state,
            ballast,
            options: options.clone(),
            journals: Vec::new(),
            changed: true,
            unwalked: VecDeque::new(),
            unchecked: BTreeSet::new(),
            forked: BTreeSet::new(),
            pruning: ((Wall(0), Wall(0)), VecDeque::new()),
        };
        set.open_files()?;
        set.add_damaged()?;
        set.journals.sort_by_key(|journal| (journal.ordinal, journal.file().is_some()));
        set.check_newest(clock)?;
        set.search_damaged(clock);
        set.ballast.keep();
        Ok(set)
    }

    /// The journal open for append.
    pub(super) fn open_file(&mut self) -> Result<&mut JournalFile, JournalError> {
        self.journals.last_mut().and_then(Journal::file_mut).ok_or(JournalError::NoJournal)
    }

    /// Whether entries can be stored.
    pub(super) fn is_writable(&self) -> bool {
        self.journals.last().and_then(Journal::file).is_some_and(JournalFile::is_open)
    }

    /// Whether the open journal must not be let go: what a failed commit left in its log can only be written over while it is held, as long
    /// as it is still the file in its place.
    pub(super) fn must_be_held(&mut self) -> bool {
        self.directory.is_there() && self.open_file().is_ok_and(|file| file.is_in_doubt() && file.is_open() && file.is_there().is_ok())
    }

    /// A journal's place in the list.
    pub(super) fn index_of(&self, journal: JournalId) -> Option<usize> {
        self.journals.iter().position(|known| known.id == journal)
    }

    /// Every journal as the uplink needs to know it.
    pub(super) fn views(&self) -> Vec<JournalView> {
        self.journals.iter().map(|journal| self.view(journal)).collect()
    }

    fn view(&self, journal: &Journal) -> JournalView {
        let (pruned, end, known) = (self.pruned(journal), self.end(journal), self.state.known(journal.id));
        JournalView {
            journal: journal.id,
            first: pruned.sequence.next(),
            before_first: (pruned.sequence > Sequence::ZERO).then_some(pruned.hash),
            last: end.sequence,
            head: end.hash,
            acknowledged: known.map_or(Sequence::ZERO, |known| known.mark),
            open: journal.file().is_some() && self.journals.last().is_some_and(|last| last.id == journal.id),
            owed: self.owed(journal),
        }
    }

    /// The clocks at the first entry of a forked journal that is still to be written again in this one.
    fn owed(&self, journal: &Journal) -> Option<ClockReading> {
        let heal = journal.file().and_then(|file| file.meta().heal).filter(|heal| heal.next <= heal.to)?;
        let last = Place { sequence: heal.to, hash: EntryHash::NONE };
        let source = self.journals.iter().find(|source| source.id == heal.journal);
        let next = source.and_then(|source| match &source.holding {
            Holding::Whole(file) => file.page(heal.next, 1).ok()?.into_iter().next(),
            Holding::Damaged(salvage) if salvage.is_done() => salvage.readable(heal.next, 1, last).entries.into_iter().next(),
            Holding::Damaged(_) => None,
        });
        let clock = next.and_then(|stored| canonical::open(&stored.text).ok()).map(|entry| entry.clock);
        let unknown = ClockReading { wall: Wall(0), mono: Mono(0), boot: BootId([0; 16]), trust: Trust::Unset, uncertainty_ms: 0 };
        Some(clock.unwrap_or(unknown))
    }

    /// The last entry of a journal that is to reach the office: what stands behind a fork was written again elsewhere.
    pub(super) fn end(&self, journal: &Journal) -> Place {
        let end = self.written_end(journal);
        let forked = self.state.known(journal.id).and_then(|known| known.forked).filter(|forked| *forked <= end.sequence);
        let Some(last) = forked.map(|forked| Sequence(forked.0.saturating_sub(1))) else { return end };
        let pruned = self.pruned(journal);
        let hash = match &journal.holding {
            _ if last <= pruned.sequence => Some(pruned.hash),
            Holding::Whole(file) => file.page(last, 1).ok().and_then(|page| page.first().map(|stored| stored.hash)),
            Holding::Damaged(salvage) => salvage.readable(last, 1, end).entries.first().map(|stored| stored.hash),
        };
        Place { sequence: last, hash: hash.unwrap_or(EntryHash::NONE) }
    }

    /// The last entry of a journal as far as it is known.
    pub(super) fn written_end(&self, journal: &Journal) -> Place {
        let known = self.state.known(journal.id);
        let seen = known.map_or(Place::START, |known| known.seen);
        match &journal.holding {
            Holding::Whole(file) => file.tail(),
            Holding::Damaged(salvage) => {
                let mark = known.map_or(Sequence::ZERO, |known| known.mark);
                let receipt = known.and_then(|known| known.receipt.as_ref()).filter(|receipt| receipt.mark == mark);
                let marked = Place { sequence: mark, hash: receipt.map_or(EntryHash::NONE, |receipt| receipt.head) };
                let found = salvage.last().unwrap_or(Place::START);
                [seen, found, marked]
                    .into_iter()
                    .reduce(|best, other| if other.sequence > best.sequence { other } else { best })
                    .unwrap_or(seen)
            }
        }
    }

    /// The last entry of a journal that was pruned.
    pub(super) fn pruned(&self, journal: &Journal) -> Place {
        let known = || self.state.known(journal.id).map_or(Place::START, |known| known.pruned);
        journal.file().map_or_else(known, |file| file.meta().pruned)
    }

    /// What is wrong with the files.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for journal in self.journals.iter().filter(|journal| journal.file().is_none()) {
            let (end, mark) = (self.end(journal).sequence, self.state.known(journal.id).map_or(Sequence::ZERO, |known| known.mark));
            let detail = format!("{} of {end} entries not sent yet", end.0.saturating_sub(mark.0));
            conditions.push(Condition { code: Code::JournalDamaged, subject: journal.id.to_string(), detail });
        }
        let fork = |journal: &JournalId| Condition { code: Code::JournalForked, subject: journal.to_string(), detail: String::new() };
        conditions.extend(self.forked.iter().map(fork));
        if self.state.is_damaged() {
            let detail = "marks and settings of state.db were lost; entries are sent again, and pairing may be needed again".to_owned();
            conditions.push(Condition { code: Code::JournalDamaged, subject: "state".to_owned(), detail });
        }
        if !self.unchecked.is_empty() {
            conditions.push(Condition { code: Code::JournalChecking, subject: String::new(), detail: String::new() });
        }
        if let Some(free) = self.ballast.is_low() {
            let detail = format!("{} KiB free in {}", free / 1024, self.directory.path().display());
            conditions.push(Condition { code: Code::DiskLow, subject: String::new(), detail });
        }
        conditions
    }

    fn open_files(&mut self) -> Result<(), JournalError> {
        for id in self.directory.listing()?.whole {
            let path = self.directory.journal(id);
            match self.open_file_at(id) {
                Ok(None) => self.directory.remove(&path)?,
                Ok(Some(file)) => self.admit(file)?,
                Err(error) if error.is_damage() => {
                    tracing::error!(error = error.advice(), "a journal is damaged and set aside");
                    self.directory.set_aside(&path)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Opens a file and compares it with what was known of it: a file that lost its end, or became another, must not be written on.
    fn open_file_at(&self, id: JournalId) -> Result<Option<JournalFile>, JournalError> {
        let path = self.directory.journal(id);
        let Some(file) = JournalFile::open(&path, id, &self.options.open)? else { return Ok(None) };
        let Some(known) = self.state.known(id) else { return Ok(Some(file)) };
        let seen = known.seen;
        let rewound = file.tail().sequence < seen.sequence.max(known.mark);
        let at_seen = if rewound || seen.sequence < file.first() {
            Ok(None)
        } else {
            file.page(seen.sequence, 1).map(|page| page.into_iter().next())
        };
        match at_seen {
            Ok(stored) if !rewound && stored.as_ref().is_none_or(|stored| stored.hash == seen.hash) => Ok(Some(file)),
            Err(error) if !error.is_damage() => Err(error),
            Ok(_) | Err(_) => {
                let finding = format!("ends at {}, and {} was stored", file.tail().sequence, seen.sequence.max(known.mark));
                file.abandon();
                Err(damaged(&path, finding))
            }
        }
    }

    fn admit(&mut self, file: JournalFile) -> Result<(), JournalError> {
        let (meta, tail) = (file.meta().clone(), file.tail());
        if self.state.known(meta.journal).is_some_and(|known| known.removed) && file.first() > tail.sequence {
            let path = file.path().to_owned();
            drop(file);
            return self.directory.remove(&path);
        }
        self.state.change(meta.journal, |known| {
            (known.ordinal, known.removed, known.pruned, known.seen) = (meta.ordinal, false, meta.pruned, tail);
        });
        if let Some(heal) = meta.heal {
            self.state.change(heal.journal, |known| known.forked = Some(known.forked.map_or(heal.from, |forked| forked.min(heal.from))));
        }
        self.unwalked.push_back((meta.journal, None));
        self.unchecked.insert(meta.journal);
        self.journals.push(Journal { id: meta.journal, ordinal: meta.ordinal, holding: Holding::Whole(Box::new(file)) });
        Ok(())
    }

    /// Journals that were set aside, and those that are known and have no file any more.
    fn add_damaged(&mut self) -> Result<(), JournalError> {
        let mut files: BTreeMap<JournalId, Vec<PathBuf>> = self.directory.listing()?.damaged;
        for (id, known) in self.state.all() {
            if !known.removed && known.seen.sequence.max(known.mark) > Sequence::ZERO {
                files.entry(*id).or_default();
            }
        }
        files.retain(|id, _| self.index_of(*id).is_none());
        for (id, files) in files {
            let ordinal = self.ordinal_of_damaged(id);
            self.state.change(id, |known| known.ordinal = ordinal);
            let known = self.state.known(id);
            let is_sent = files.is_empty() && known.is_some_and(|known| known.mark >= known.seen.sequence);
            if is_sent {
                self.state.change(id, |known| known.removed = true);
                continue;
            }
            let salvage = Salvage::new(id, &files, Sequence(known.map_or(0, |known| known.mark.0) + 1));
            self.journals.push(Journal { id, ordinal, holding: Holding::Damaged(salvage) });
        }
        Ok(())
    }

    /// As known; else before the journal that names it as the one before; else the newest.
    fn ordinal_of_damaged(&self, id: JournalId) -> u64 {
        let named = || {
            let names = |file: &&JournalFile| file.meta().predecessor.as_ref().is_some_and(|before| before.journal == id);
            self.journals.iter().filter_map(Journal::file).find(names).map(|file| file.meta().ordinal.saturating_sub(1))
        };
        let newest = || self.state.all().values().map(|known| known.ordinal).max().unwrap_or(0) + 1;
        self.state.known(id).map(|known| known.ordinal).or_else(named).unwrap_or_else(newest)
    }

    /// The quick check, as far as time allows, and the newest part of the chain.
    fn check_newest(&mut self, clock: &Clock) -> Result<(), JournalError> {
        let Some(file) = self.journals.last_mut().and_then(Journal::file_mut) else { return Ok(()) };
        let (id, deadline, watch) = (file.meta().journal, clock.mono().plus_millis(CHECK_AT_START_MS), clock.clone());
        match check_file(file, move || watch.mono() >= deadline) {
            Ok(Verdict::Whole) => drop(self.unchecked.remove(&id)),
            Ok(Verdict::Stopped) => {}
            Err(error) if error.is_damage() => self.set_aside(self.journals.len() - 1, &error)?,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Searches damaged files as far as time allows, so that today's punches in them are known from the start.
    fn search_damaged(&mut self, clock: &Clock) {
        let deadline = clock.mono().plus_millis(CHECK_AT_START_MS);
        while clock.mono() < deadline && self.salvage_slice() {}
    }

    /// Searches one slice of a damaged file; whether there was anything to search.
    pub(super) fn salvage_slice(&mut self) -> bool {
        for journal in &mut self.journals {
            let Holding::Damaged(salvage) = &mut journal.holding else { continue };
            if salvage.is_done() {
                continue;
            }
            salvage.slice();
            if let Some(last) = salvage.last().filter(|_| salvage.is_done()) {
                self.changed = true;
                self.state.change(journal.id, |known| {
                    if last.sequence >= known.seen.sequence {
                        known.seen = last;
                    }
                });
            }
            return true;
        }
        false
    }

    /// The options that SQLite files are opened with.
    pub(super) const fn open_options(&self) -> &OpenOptions {
        &self.options.open
    }
}

fn check_file(file: &mut JournalFile, stop: impl FnMut() -> bool + Send + 'static) -> Result<Verdict, JournalError> {
    let verdict = check::quick(file, stop)?;
    let mut chain = ChainCheck::newest(file);
    while chain.slice(file)? {}
    Ok(verdict)
}
