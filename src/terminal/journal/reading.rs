//! Reading journals, whole or damaged, for the uplink, for today's boxes and for a slow reader: always page by page, never holding a read
//! transaction open, since the log could not be written back meanwhile.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::error::JournalError;
use super::file::Place;
use super::set::{Holding, Journal, Set};
use super::state::Known;
use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::domain::time::{RawClock, Trust};
use crate::wire::batch::{BATCH_ENTRIES_MAX, Lost, LostReason};
use crate::wire::canonical;
use crate::wire::entry::{Entry, Stored};

/// Most entries that are looked at for today's boxes.
const RECENT_ENTRIES_MAX: u64 = 10_000;
/// How far today's boxes and yesterday's reach back, in milliseconds.
const RECENT_MS: i64 = 2 * 24 * 3_600 * 1_000;
/// Most trusted moments of one boot that are given beside them.
const MOMENTS_MAX: usize = 1_000;
/// Entries of one page of a stream.
const STREAM_PAGE: usize = 256;

/// Entries and what is missing before them; `None` while a damaged file is still being searched.
pub(super) type Page = Option<(Vec<Stored>, Vec<Lost>)>;

impl Set {
    /// Entries of a journal for the uplink: a hole at the place asked for, then a contiguous run up to the next hole.
    pub(super) fn load(&mut self, journal: JournalId, from: Sequence, limit: usize) -> Result<Page, JournalError> {
        let from = from.max(Sequence(1));
        let Some(index) = self.index_of(journal) else { return Ok(Some((Vec::new(), self.removed(journal, from)))) };
        let to = self.journals.get(index).map_or(Sequence::ZERO, |journal| self.end(journal).sequence);
        self.read_raw(index, from, limit.min(BATCH_ENTRIES_MAX), to)
    }

    /// Entries `from..=to` of the journal at an index. A file found damaged is set aside and searched.
    pub(super) fn read_raw(&mut self, index: usize, from: Sequence, limit: usize, to: Sequence) -> Result<Page, JournalError> {
        let Some(journal) = self.journals.get(index) else { return Ok(Some((Vec::new(), Vec::new()))) };
        let (pruned, end) = (self.pruned(journal), self.written_end(journal));
        let mut lost: Vec<Lost> = hole_of_pruned(pruned, from, to).into_iter().collect();
        let from = from.max(pruned.sequence.next());
        if from > to {
            return Ok(Some((Vec::new(), lost)));
        }
        let limit = limit.min(usize::try_from(to.0 - from.0 + 1).unwrap_or(usize::MAX));
        let read = match self.journals.get_mut(index).map(|journal| &mut journal.holding) {
            None => return Ok(None),
            Some(Holding::Whole(file)) => file.page(from, limit),
            Some(Holding::Damaged(salvage)) => {
                if !salvage.covers(from) {
                    return Ok(None);
                }
                let last = if to < end.sequence { Place { sequence: to, hash: EntryHash::NONE } } else { end };
                let mut readable = salvage.readable(from, limit, last);
                lost.append(&mut readable.lost);
                Ok(readable.entries)
            }
        };
        match read {
            Err(error) if error.is_damage() => self.set_aside(index, &error).map(|()| None),
            Err(error) => Err(error),
            Ok(entries) => Ok(Some((entries, lost))),
        }
    }

    /// A journal that was pruned to its end and removed.
    fn removed(&self, journal: JournalId, from: Sequence) -> Vec<Lost> {
        let known = self.state.known(journal).filter(|known| known.removed);
        let end = |known: &Known| known.forked.map_or(known.seen.sequence, |forked| Sequence(forked.0.saturating_sub(1)));
        known.and_then(|known| hole_of_pruned(known.seen, from, end(known))).into_iter().collect()
    }

    /// The entries of the last two days and of this boot among the newest, and this boot's trusted moments, oldest first.
    /// What cannot be read is left out: it concerns the page only.
    pub(super) fn recent(&self, now: RawClock) -> Vec<Entry> {
        let since = now.wall.plus_millis(-RECENT_MS);
        let mut left = RECENT_ENTRIES_MAX;
        let mut newest_first = Vec::new();
        for journal in self.journals.iter().rev() {
            let (first, last) = (self.pruned(journal).sequence.next(), self.end(journal).sequence);
            let from = Sequence(first.0.max((last.0 + 1).saturating_sub(left)));
            left -= (last.0 + 1).saturating_sub(from.0).min(left);
            let moments = journal.file().and_then(|file| file.trusted_moments(now.boot, MOMENTS_MAX).ok()).unwrap_or_default();
            let mut entries: Vec<Entry> =
                moments.iter().filter(|stored| stored.sequence < from).filter_map(|stored| canonical::open(&stored.text).ok()).collect();
            let tail = newest(journal, from, last);
            // By their order, too: what stands before a trusted older entry is older still, whatever its own clock showed.
            let old = |entry: &Entry| entry.clock.trust == Trust::Synced && entry.clock.wall < since;
            let older = tail.iter().rposition(old).map_or(0, |place| place + 1);
            let is_recent = |place: usize, entry: &Entry| place >= older && entry.clock.wall >= since || entry.clock.boot == now.boot;
            let recent = tail.into_iter().enumerate().filter(|(place, entry)| is_recent(*place, entry));
            entries.extend(recent.map(|(_, entry)| entry));
            newest_first.push(entries);
        }
        newest_first.into_iter().rev().flatten().collect()
    }
}

/// The entries `from..=last` of a journal as far as they can be read now.
fn newest(journal: &Journal, from: Sequence, last: Sequence) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut next = from;
    while next <= last {
        let page = match &journal.holding {
            Holding::Whole(file) => file.page(next, STREAM_PAGE).unwrap_or_default(),
            Holding::Damaged(salvage) if salvage.is_done() => {
                salvage.readable(next, STREAM_PAGE, Place { sequence: last, ..Place::START }).entries
            }
            Holding::Damaged(_) => Vec::new(),
        };
        let Some(end) = page.last().map(|stored| stored.sequence) else { break };
        next = end.next();
        entries.extend(page.iter().filter_map(|stored| canonical::open(&stored.text).ok()));
    }
    entries
}

fn hole_of_pruned(pruned: Place, from: Sequence, to: Sequence) -> Option<Lost> {
    let end = pruned.sequence.min(to);
    let head_after = (end == pruned.sequence).then_some(pruned.hash);
    (from <= end).then_some(Lost { from, to: end, reason: LostReason::Pruned, head_after })
}

/// A reader that may be slow, and how far it has come.
#[derive(Debug)]
pub(super) struct Stream {
    /// What is still to be read: journal, next, last.
    ranges: VecDeque<(JournalId, Sequence, Sequence)>,
    page: VecDeque<Stored>,
    into: mpsc::Sender<Stored>,
}

/// How a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// It can take more at once.
    Ready,
    /// The reader took something and is full.
    Taking,
    /// The reader is slow, or a damaged file is being searched.
    Waiting,
    /// All was given, or nobody reads any more.
    Ended,
}

impl Stream {
    /// Of everything that is in the journals now, or of what follows a place of the open one.
    pub(super) fn new(set: &Set, after: Option<Sequence>, into: mpsc::Sender<Stored>) -> Self {
        let range = |journal: &Journal| (journal.id, set.pruned(journal).sequence.next(), set.end(journal).sequence);
        let ranges = match after {
            None => set.journals.iter().map(range).collect(),
            Some(after) => {
                set.journals.last().map(range).map(|(id, first, last)| (id, first.max(after.next()), last)).into_iter().collect()
            }
        };
        Self { ranges, page: VecDeque::new(), into }
    }

    /// Gives what the reader takes, at most one page.
    pub(super) fn step(&mut self, set: &mut Set) -> Result<Flow, JournalError> {
        let mut taken = false;
        while let Some(stored) = self.page.pop_front() {
            match self.into.try_send(stored) {
                Ok(()) => taken = true,
                Err(TrySendError::Closed(_)) => return Ok(Flow::Ended),
                Err(TrySendError::Full(stored)) => {
                    self.page.push_front(stored);
                    return Ok(if taken { Flow::Taking } else { Flow::Waiting });
                }
            }
        }
        let Some((journal, next, last)) = self.ranges.front_mut() else { return Ok(Flow::Ended) };
        let Some(index) = set.index_of(*journal).filter(|_| *next <= *last) else {
            self.ranges.pop_front();
            return Ok(Flow::Ready);
        };
        let Some((entries, lost)) = set.read_raw(index, *next, STREAM_PAGE, *last)? else { return Ok(Flow::Waiting) };
        let after_hole = lost.last().map_or(*next, |hole| hole.to.next());
        let after = entries.last().map_or(after_hole, |stored| stored.sequence.next());
        *next = if after > *next { after } else { last.next() };
        self.page.extend(entries);
        Ok(Flow::Ready)
    }
}
