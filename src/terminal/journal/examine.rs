//! The whole chain on demand: every entry of every journal, walked in slices of a few milliseconds between everything else, so that a tap
//! never waits for it. A journal that was set aside is searched from its first byte, and its first hole is named.
//!
//! A fault that is found on the way has the same end as one found in a quiet moment: the file is set aside and searched. While no daemon runs
//! the files are only read, by [`at_rest`], and nothing is changed.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use tokio::sync::oneshot;

use super::check::{CHAIN_SLICE, ChainCheck};
use super::directory::{journal_in, listing_of, log_of, state_in};
use super::error::JournalError;
use super::file::{JournalFile, Place};
use super::salvage::Salvage;
use super::set::{Holding, Set};
use super::state::{Known, look_at};
use crate::clock::Clock;
use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::domain::time::Mono;
use crate::health::Code;
use crate::health::doctor::CHAIN_LIMIT_MS;
use crate::health::doctor::journal::{Chain, Fault, Journal};

/// An examination under way.
#[derive(Debug)]
pub(super) struct Examination {
    /// Journals still to be walked.
    waiting: VecDeque<JournalId>,
    walk: Option<Walk>,
    done: Vec<Journal>,
    until: Mono,
    finished: bool,
    answer: oneshot::Sender<Chain>,
}

/// One journal's walk.
#[derive(Debug)]
struct Walk {
    found: Journal,
    way: Way,
}

/// How a journal is walked.
#[derive(Debug)]
enum Way {
    /// Along its chain.
    Chain(ChainCheck),
    /// Through the bytes of what was set aside, then from entry to entry that was found in them.
    Bytes(Salvage, Sequence),
}

impl Examination {
    /// Of all journals that are there now.
    pub(super) fn new(set: Option<&Set>, now: Mono, answer: oneshot::Sender<Chain>) -> Self {
        let waiting = set.map(|set| set.journals.iter().map(|journal| journal.id).collect()).unwrap_or_default();
        Self { waiting, walk: None, done: Vec::new(), until: now.plus_millis(CHAIN_LIMIT_MS), finished: true, answer }
    }

    /// One slice; whether there is more. It ends early when nobody waits for it any more, or its time is over.
    pub(super) fn step(&mut self, set: &mut Set, now: Mono) -> bool {
        if self.answer.is_closed() {
            return false;
        }
        if now >= self.until {
            self.finished = false;
            self.done.extend(self.walk.take().map(|walk| walk.found));
            let rest = std::mem::take(&mut self.waiting);
            self.done.extend(rest.into_iter().filter_map(|id| begin(set, id)).map(|walk| walk.found));
            return false;
        }
        let Some(mut walk) = self.walk.take().or_else(|| self.waiting.pop_front().and_then(|id| begin(set, id))) else {
            return !self.waiting.is_empty();
        };
        if walk.step(set) {
            self.walk = Some(walk);
            return true;
        }
        self.done.push(walk.found);
        !self.waiting.is_empty()
    }

    /// Tells what was found.
    pub(super) fn finish(self, obstacle: Option<String>, set: Option<&Set>) {
        let conditions = set.map(Set::conditions).unwrap_or_default();
        let chain = Chain {
            obstacle,
            sqlite: rusqlite::version().to_owned(),
            journals: self.done,
            finished: self.finished,
            checking: conditions.iter().any(|condition| condition.code == Code::JournalChecking),
            state_damaged: set.is_some_and(|set| set.state.is_damaged()),
        };
        drop(self.answer.send(chain));
    }
}

/// The walk of one journal before its first step; none where it was removed meanwhile.
fn begin(set: &Set, id: JournalId) -> Option<Walk> {
    let journal = set.journals.get(set.index_of(id)?)?;
    let (first, last) = (set.pruned(journal).sequence.next(), set.written_end(journal).sequence);
    let acknowledged = set.state.known(id).map_or(Sequence::ZERO, |known| known.mark);
    let (way, (bytes, log_bytes)) = match &journal.holding {
        Holding::Whole(file) => (Way::Chain(ChainCheck::all(file)), sizes(file.path())),
        Holding::Damaged(salvage) => {
            let sizes = salvage.sources().iter().map(|path| length(path)).sum();
            (Way::Bytes(salvage.anew(first), first), (sizes, 0))
        }
    };
    let found = Journal { journal: id, first, last, acknowledged: Some(acknowledged), walked: 0, fault: None, bytes, log_bytes };
    Some(Walk { found, way })
}

impl Walk {
    /// One slice; whether there is more.
    fn step(&mut self, set: &mut Set) -> bool {
        match &mut self.way {
            Way::Bytes(salvage, next) => {
                let known = set.index_of(self.found.journal).and_then(|index| set.journals.get(index));
                let end = known.map_or(Place::START, |journal| set.written_end(journal));
                search(&mut self.found, salvage, next, end)
            }
            Way::Chain(check) => {
                let Some(index) = set.index_of(self.found.journal) else { return false };
                let Some(file) = set.journals.get(index).and_then(|journal| journal.file()) else {
                    return self.turn_to_bytes(set, index);
                };
                match along(&mut self.found, check, file) {
                    Ok(more) => more,
                    Err(error) if error.is_damage() => {
                        // A file that cannot be moved out of the way now is told as it is; the next quiet moment tries again.
                        set.set_aside(index, &error).is_ok() && self.turn_to_bytes(set, index)
                    }
                    Err(_) => false,
                }
            }
        }
    }

    fn turn_to_bytes(&mut self, set: &Set, index: usize) -> bool {
        let Some(Holding::Damaged(salvage)) = set.journals.get(index).map(|journal| &journal.holding) else { return false };
        self.found.walked = 0;
        self.way = Way::Bytes(salvage.anew(self.found.first), self.found.first);
        true
    }
}

/// One slice along a chain; what breaks it is noted with its place.
fn along(found: &mut Journal, check: &mut ChainCheck, file: &JournalFile) -> Result<bool, JournalError> {
    let mut ahead = *check;
    match ahead.slice(file) {
        Ok(more) => {
            found.walked = check_walked(&ahead, found);
            *check = ahead;
            Ok(more)
        }
        Err(error) => {
            let sequence = error.is_damage().then(|| check.culprit(file));
            found.walked = sequence.map_or(found.walked, |sequence| sequence.0.saturating_sub(found.first.0));
            found.fault = Some(Fault { sequence, what: particulars(&error), lost: 0 });
            Err(error)
        }
    }
}

fn check_walked(check: &ChainCheck, found: &Journal) -> u64 {
    check.next().0.saturating_sub(found.first.0)
}

/// What is wrong, without the file's path: it is named beside it.
fn particulars(error: &JournalError) -> String {
    if let JournalError::Damaged { finding, .. } = error { finding.clone() } else { error.to_string() }
}

/// One slice through the bytes of a damaged journal, then along what was found in them; whether there is more.
fn search(found: &mut Journal, salvage: &mut Salvage, next: &mut Sequence, end: Place) -> bool {
    if !salvage.is_done() {
        salvage.slice();
        return true;
    }
    if *next > end.sequence {
        let whole = || Fault { sequence: salvage.unproven(), what: "the file was found damaged and set aside".to_owned(), lost: 0 };
        found.fault.get_or_insert_with(whole);
        return false;
    }
    let page = salvage.readable(*next, CHAIN_SLICE, end);
    for hole in &page.lost {
        let lost = (hole.to.0 + 1).saturating_sub(hole.from.0);
        let what = || format!("entry {} cannot be read", hole.from);
        let fault = found.fault.get_or_insert_with(|| Fault { sequence: Some(hole.from), what: what(), lost: 0 });
        fault.lost += lost;
    }
    found.walked += u64::try_from(page.entries.len()).unwrap_or_default();
    let after_hole = page.lost.last().map_or(*next, |hole| hole.to.next());
    let after = page.entries.last().map_or(after_hole, |stored| stored.sequence.next());
    *next = if after > *next { after } else { end.sequence.next() };
    true
}

/// Walks along every chain of a data directory that no daemon holds. Nothing is changed, and no other program's lock is waited for.
pub fn at_rest(directory: &Path, clock: &Clock) -> Chain {
    let until = clock.mono().plus_millis(CHAIN_LIMIT_MS);
    let mut chain = Chain { sqlite: rusqlite::version().to_owned(), finished: true, ..Chain::default() };
    let listing = match listing_of(directory) {
        Ok(listing) => listing,
        Err(error) => return Chain { obstacle: Some(error.advice()), ..chain },
    };
    let known = look_at(&state_in(directory));
    let mut found: Vec<(u64, Journal)> = Vec::new();
    for id in listing.whole {
        match whole_at_rest(directory, id, known.get(&id), clock, until) {
            Ok(Some((ordinal, journal, finished))) => {
                chain.finished &= finished;
                found.push((ordinal, journal));
            }
            Ok(None) => {}
            Err(error) => chain.obstacle = Some(error.advice()),
        }
    }
    for (id, files) in listing.damaged {
        let ordinal = known.get(&id).map_or(0, |known| known.ordinal);
        let (journal, finished) = damaged_at_rest(id, &files, known.get(&id), clock, until);
        chain.finished &= finished;
        found.push((ordinal, journal));
    }
    found.sort_by_key(|(ordinal, _)| *ordinal);
    chain.journals = found.into_iter().map(|(_, journal)| journal).collect();
    chain
}

type AtRest = Option<(u64, Journal, bool)>;

fn whole_at_rest(directory: &Path, id: JournalId, known: Option<&Known>, clock: &Clock, until: Mono) -> Result<AtRest, JournalError> {
    let path = journal_in(directory, id);
    let (bytes, log_bytes) = sizes(&path);
    let (first, last) = known.map_or((Sequence(1), Sequence::ZERO), |known| (known.pruned.sequence.next(), known.seen.sequence));
    let acknowledged = known.map(|known| known.mark);
    let mut found = Journal { journal: id, first, last, acknowledged, walked: 0, fault: None, bytes, log_bytes };
    let ordinal = known.map_or(u64::MAX, |known| known.ordinal);
    let file = match JournalFile::look(&path, id) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(None),
        Err(error) if error.is_damage() => {
            found.fault = Some(Fault { sequence: None, what: particulars(&error), lost: 0 });
            return Ok(Some((ordinal, found, true)));
        }
        Err(error) => return Err(error),
    };
    (found.first, found.last) = (file.first(), file.tail().sequence);
    let mut check = ChainCheck::all(&file);
    let mut more = true;
    while more && clock.mono() < until {
        match along(&mut found, &mut check, &file) {
            Ok(goes_on) => more = goes_on,
            Err(error) if error.is_damage() => more = false,
            Err(error) => return Err(error),
        }
    }
    let rewound = known.map(|known| known.seen.sequence.max(known.mark)).filter(|seen| *seen > found.last);
    if let Some(seen) = rewound.filter(|_| found.fault.is_none()) {
        let what = format!("ends at {}, and {seen} was stored", found.last);
        found.fault = Some(Fault { sequence: Some(found.last.next()), what, lost: seen.0 - found.last.0 });
    }
    Ok(Some((file.meta().ordinal, found, !more)))
}

fn damaged_at_rest(id: JournalId, files: &[std::path::PathBuf], known: Option<&Known>, clock: &Clock, until: Mono) -> (Journal, bool) {
    let pruned = known.map_or(Sequence::ZERO, |known| known.pruned.sequence);
    let mut salvage = Salvage::new(id, files, pruned.next());
    let bytes = salvage.sources().iter().map(|path| length(path)).sum();
    let acknowledged = known.map(|known| known.mark);
    let mut found = Journal { journal: id, first: pruned.next(), last: pruned, acknowledged, walked: 0, fault: None, bytes, log_bytes: 0 };
    while !salvage.is_done() && clock.mono() < until {
        salvage.slice();
    }
    let seen = known.map_or(Place::START, |known| known.seen);
    let end = salvage.last().filter(|last| last.sequence > seen.sequence).unwrap_or(seen);
    found.last = end.sequence;
    let mut next = if known.is_some() { found.first } else { salvage.first().unwrap_or(found.first) };
    let end = Place { sequence: end.sequence, hash: EntryHash::NONE };
    let mut more = true;
    while more && clock.mono() < until {
        more = search(&mut found, &mut salvage, &mut next, end);
    }
    (found, !more)
}

fn sizes(path: &Path) -> (u64, u64) {
    (length(path), length(&log_of(path)))
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map(|found| found.len()).unwrap_or_default()
}
