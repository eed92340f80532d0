//! The office's decisions: what of a batch is new, what is held already, what conflicts, and up to where a journal is held without a gap.
//!
//! Pure: the shell loads a [`View`] inside its transaction, asks [`decide`], applies the [`Decision`], commits, and only then answers.
//!
//! Invariants:
//! - The truth of a journal is the chain from its first entry to the mark. Entries above a gap are held provisionally; the chain decides over
//!   them once it gets there.
//! - The same key with the same bytes is accepted again; with other bytes it is a fork: the chain stays, the copy is kept as evidence.
//! - A fork is answered only with the exact first conflicting entry. While that is unknown the answered mark goes back, so that the terminal
//!   sends more of its own past and the exact place comes to light.
//! - A declared hole never removes what is held, and the mark passes over it.

use std::collections::BTreeMap;

use crate::domain::estimate::{Quality, TrustedMoment, best_time};
use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::domain::punch::Origin;
use crate::domain::time::Wall;
use crate::wire::batch::{BATCH_ENTRIES_MAX, CheckedBatch, CheckedEntry, JournalState, Lost, TerminalState};
use crate::wire::entry::Stored;

/// How far the answered mark goes back at a time while the first conflicting entry is looked for: one batch.
const STEP_BACK: u64 = BATCH_ENTRIES_MAX as u64;
/// How far a heartbeat may lie ahead of the office's own trusted clock and still be believed, in milliseconds (law 6: an offset of 2 s).
pub const AHEAD_MAX_MS: i64 = 2_000;
/// By how much a statement's time is taken back: a second of uncertainty, and a second in which a reading goes from its port to the disk.
pub const COMPLETE_MARGIN_MS: i64 = 2_000;

/// One entry that the office holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The hash of the entry before, as the entry carries it.
    pub previous: EntryHash,
    /// Its own hash.
    pub hash: EntryHash,
}

/// Entries above the mark that the office holds, without a gap among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub from: Sequence,
    /// The last.
    pub to: Sequence,
    /// The hash of the entry before `from`, as `from` carries it.
    pub previous: EntryHash,
    /// The hash of the entry `to`.
    pub head: EntryHash,
}

/// What a decision needs to know of the batch's journal. All of it is read in the transaction that applies the decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The contiguous mark as stored; 0 for a journal not yet known.
    pub mark: Sequence,
    /// The entries held, quarantined ones apart, at the places that [`wanted`] names and at the mark itself.
    pub held: BTreeMap<Sequence, Held>,
    /// The entries held above the mark, as runs without a gap, lowest first.
    pub runs: Vec<Run>,
    /// Every hole declared of this journal.
    pub holes: Vec<Lost>,
    /// Whether two writers of this journal were seen ever before.
    pub forked: bool,
}

/// Why an entry is kept as evidence and does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Another entry is held under the same key.
    OtherBytes,
    /// It does not carry on from the entry held before it, or the one held after it does not carry on from it.
    Chain,
    /// It follows an entry that conflicts.
    AfterConflict,
}

impl Reason {
    /// The reason as stored and shown in interfaces.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OtherBytes => "other-bytes",
            Self::Chain => "chain",
            Self::AfterConflict => "after-conflict",
        }
    }
}

/// What to do, in this order, and what to answer after the commit: demote, insert, quarantine, holes, mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Move everything held above this place into quarantine ([`Reason::Chain`]): the chain does not lead to it.
    pub demote_above: Option<Sequence>,
    /// New entries to hold. One whose very bytes stand in quarantine leaves it.
    pub insert: Vec<CheckedEntry>,
    /// Entries to keep as evidence beside the chain; the same bytes are kept once.
    pub quarantine: Vec<(CheckedEntry, Reason)>,
    /// Holes to keep, each once.
    pub holes: Vec<Lost>,
    /// The contiguous mark to store.
    pub mark: Sequence,
    /// Whether two writers of this journal have been seen, for good.
    pub forked: bool,
    /// What the receipt says.
    pub answer: Answer,
}

/// The part of a receipt that depends on the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Never more than the terminal itself stated to have; lower than what is held while a fork is being located.
    pub mark: Sequence,
    /// The hash held at `mark`; `NONE` at 0 or where the entry there was lost.
    pub head: EntryHash,
    /// The first conflicting entry, exactly.
    pub fork: Option<Sequence>,
}

/// The places of the batch's journal, as inclusive ranges, whose entries the [`View`] must hold where the office has them.
pub fn wanted(batch: &CheckedBatch) -> Vec<(Sequence, Sequence)> {
    let mut ranges = Vec::with_capacity(4);
    if let Some((first, last)) = batch.span() {
        ranges.push((before(first), last.next()));
        ranges.push(single(step_back(before(first))));
    }
    if let Some(stated) = batch.stated() {
        ranges.push(single(stated.sequence));
        ranges.push(single(step_back(stated.sequence)));
    }
    ranges.extend(batch.lost.iter().map(|lost| single(lost.to)));
    ranges.retain(|(_, to)| *to > Sequence::ZERO);
    ranges
}

/// What becomes of a batch, given what is held.
pub fn decide(view: &View, batch: &CheckedBatch) -> Decision {
    let mut desk = Desk::new(view, batch);
    desk.take_entries();
    desk.advance();
    desk.compare_ends();
    let answer = desk.answer();
    Decision {
        insert: desk.insert.into_values().cloned().collect(),
        quarantine: desk.quarantine.into_values().map(|(entry, reason)| (entry.clone(), reason)).collect(),
        demote_above: desk.demote_above,
        holes: desk.new_holes,
        mark: desk.mark,
        forked: desk.forked,
        answer,
    }
}

/// What an entry is a record of, whichever journal it stands in: itself, or the entry that was written again after a fork.
///
/// Of the held entries that are one record one counts: the entry itself before its copies. An office set back to a backup from before a fork
/// was settled may hold both.
pub fn record(stored: &Stored, origin: Option<Origin>) -> Origin {
    origin.unwrap_or(Origin { journal: stored.journal, sequence: stored.sequence, hash: stored.hash })
}

/// What is held of one stated journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Its contiguous mark.
    pub mark: Sequence,
    /// The hash of the entry held at the stated sequence; `None` where a hole lies there.
    pub at_stated: Option<EntryHash>,
}

/// [`complete_by`] for a terminal of which no trusted moments are held.
pub fn complete_up_to(state: &TerminalState, holdings: &BTreeMap<JournalId, Holding>, office_now: Option<Wall>) -> Option<Wall> {
    complete_by(state, &[], holdings, office_now)
}

/// Up to which moment a terminal is complete by this statement, once the office holds all that it names (law 8); `None` while it does not,
/// or while nothing certain is known of the statement's time. `moments` are the trusted moments held of the statement's boot, so that a kiosk
/// whose clock is wrong and whose times are counted from them is complete all the same. `office_now` is the office's own time, if trusted.
///
/// A later statement never takes an earlier completion back: the caller keeps the greatest.
pub fn complete_by(
    state: &TerminalState,
    moments: &[TrustedMoment],
    holdings: &BTreeMap<JournalId, Holding>,
    office_now: Option<Wall>,
) -> Option<Wall> {
    let best = best_time(&state.clock, moments);
    let certain = match best.quality {
        Quality::Trusted | Quality::Estimated => true,
        Quality::Suspect => false,
    };
    let ahead = office_now.is_some_and(|now| best.at.millis_since(now) > AHEAD_MAX_MS);
    let held = !state.journals.is_empty() && state.journals.iter().all(|stated| is_held(stated, holdings.get(&stated.journal)));
    (certain && !ahead && held).then(|| best.at.plus_millis(-COMPLETE_MARGIN_MS))
}

fn is_held(stated: &JournalState, holding: Option<&Holding>) -> bool {
    let held = |holding: &Holding| holding.mark >= stated.sequence && holding.at_stated.is_none_or(|hash| hash == stated.head);
    stated.sequence == Sequence::ZERO || holding.is_some_and(held)
}

/// Where a batch disagrees with what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Conflict {
    at: Sequence,
    reason: Reason,
    /// Whether everything of the sender's before `at` is known to agree.
    exact: bool,
    /// Whether it is the chain that disagrees, and not something held above a gap.
    chain: bool,
}

/// A decision in the making.
struct Desk<'a> {
    view: &'a View,
    batch: &'a CheckedBatch,
    insert: BTreeMap<Sequence, &'a CheckedEntry>,
    quarantine: BTreeMap<Sequence, (&'a CheckedEntry, Reason)>,
    new_holes: Vec<Lost>,
    demote_above: Option<Sequence>,
    mark: Sequence,
    forked: bool,
    /// The first conflicting entry, exactly.
    fork: Option<Sequence>,
    /// Where the sender should begin again, so that the first conflicting entry is found.
    go_back: Option<Sequence>,
}

impl<'a> Desk<'a> {
    fn new(view: &'a View, batch: &'a CheckedBatch) -> Self {
        let new_holes = batch.lost.iter().filter(|lost| !view.holes.contains(lost)).cloned().collect();
        Self {
            view,
            batch,
            insert: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            new_holes,
            demote_above: None,
            mark: view.mark,
            forked: view.forked,
            fork: None,
            go_back: None,
        }
    }

    fn take_entries(&mut self) {
        let Some((first, _)) = self.batch.span() else { return };
        let end = self.chain_end();
        let on_chain = before(first) <= end;
        if !on_chain && self.forked {
            return; // Only what the chain vouches for is taken from a journal with two writers; the terminal sends it again in order.
        }
        match self.first_conflict(end) {
            None => self.insert = self.news(),
            Some(conflict) if conflict.chain => self.keep_chain(conflict, end),
            Some(_) if on_chain => self.drop_provisional(end),
            Some(conflict) => self.set_aside(conflict),
        }
    }

    /// The entries that are not held yet.
    fn news(&self) -> BTreeMap<Sequence, &'a CheckedEntry> {
        self.sent().filter(|(at, _)| !self.view.held.contains_key(at)).collect()
    }

    fn sent(&self) -> impl Iterator<Item = (Sequence, &'a CheckedEntry)> + use<'a> {
        self.batch.entries.iter().map(|entry| (entry.stored.sequence, entry))
    }

    /// The lowest place at which the batch disagrees with what is held.
    fn first_conflict(&self, end: Sequence) -> Option<Conflict> {
        let (first, last) = (self.batch.entries.first()?, self.batch.entries.last()?);
        let (from, after) = (first.stored.sequence, last.stored.sequence.next());
        if self.head_at(before(from)).is_some_and(|hash| hash != first.entry.previous) {
            let exact = self.lost_at_sender(before(from), first.entry.previous);
            return Some(Conflict { at: from, reason: Reason::Chain, exact, chain: before(from) <= end });
        }
        let other = self.sent().find(|(at, entry)| self.holds_other(*at, entry));
        if let Some((at, _)) = other {
            return Some(Conflict { at, reason: Reason::OtherBytes, exact: true, chain: at <= end });
        }
        self.view.held.get(&after).filter(|held| held.previous != last.stored.hash)?;
        // Above the chain the entry held behind the batch is the doubtful one; inside a hole of the chain it is the batch.
        let chain = after <= end;
        let at = self.news().into_keys().next().filter(|_| chain).unwrap_or(after);
        Some(Conflict { at, reason: Reason::Chain, exact: true, chain })
    }

    fn holds_other(&self, at: Sequence, entry: &CheckedEntry) -> bool {
        self.view.held.get(&at).is_some_and(|held| held.hash != entry.stored.hash)
    }

    /// The batch disagrees with the chain: the chain stays.
    fn keep_chain(&mut self, conflict: Conflict, end: Sequence) {
        self.insert = self.news();
        self.insert.retain(|at, _| *at < conflict.at);
        self.quarantine = self.sent().filter(|(at, _)| *at >= conflict.at).map(|(at, entry)| (at, (entry, conflict.why(at)))).collect();
        self.demote_above = self.view.runs.first().map(|_| end);
        self.forked = true;
        if conflict.exact {
            self.fork = Some(conflict.at);
        } else {
            self.go_back = Some(step_back(before(conflict.at)));
        }
    }

    /// The chain disagrees with what was held above the gap: the chain goes on, the rest becomes evidence.
    fn drop_provisional(&mut self, end: Sequence) {
        self.insert = self.sent().filter(|(at, _)| *at > end || !self.view.held.contains_key(at)).collect();
        self.demote_above = Some(end);
        self.forked = true;
    }

    /// Two versions above the gap: the one that is held stays until the chain gets there.
    fn set_aside(&mut self, conflict: Conflict) {
        let strange = |at: Sequence, entry: &CheckedEntry| self.holds_other(at, entry) || !self.view.held.contains_key(&at);
        let strange = self.sent().filter(|(at, entry)| strange(*at, entry));
        self.quarantine = strange.map(|(at, entry)| (at, (entry, conflict.why(at)))).collect();
        self.forked = true;
    }

    /// Moves the mark over everything that follows it without a gap.
    fn advance(&mut self) {
        self.mark = self.chain_end();
        while let Some(next) = self.step() {
            self.mark = next;
        }
    }

    /// Where the chain goes on from the mark, if it does.
    fn step(&mut self) -> Option<Sequence> {
        let at = self.mark.next();
        if self.insert.contains_key(&at) {
            return Some(at);
        }
        if let Some(run) = self.provisional(at) {
            if self.head_now(self.mark).is_none_or(|hash| hash == run.previous) {
                return Some(run.to);
            }
            self.demote_above = Some(self.mark);
            self.forked = true;
        }
        self.hole_over(at)
    }

    /// The end of the chain as it was before this batch, declared holes of this batch passed over.
    fn chain_end(&self) -> Sequence {
        let mut end = self.view.mark;
        while self.provisional(end.next()).is_none() {
            match self.hole_over(end.next()) {
                Some(to) => end = to,
                None => break,
            }
        }
        end
    }

    fn provisional(&self, at: Sequence) -> Option<Run> {
        self.runs().find(|run| (run.from..=run.to).contains(&at))
    }

    /// The runs above the mark that this decision leaves in place.
    fn runs(&self) -> impl Iterator<Item = Run> {
        self.view.runs.iter().filter(|run| self.demote_above.is_none_or(|above| run.to <= above)).copied()
    }

    /// The last place of a hole over `at` before anything that is held inside it.
    fn hole_over(&self, at: Sequence) -> Option<Sequence> {
        let to = self.holes_at(at).map(|lost| lost.to).max()?;
        let inserted = self.insert.keys().copied();
        let held = self.runs().map(|run| run.from).chain(inserted).filter(|from| *from > at && *from <= to).min();
        Some(held.map_or(to, before))
    }

    fn holes_at(&self, at: Sequence) -> impl Iterator<Item = &Lost> {
        self.view.holes.iter().chain(&self.new_holes).filter(move |lost| lost.covers(at))
    }

    /// Whether the sender itself can no longer send what stood there with that hash.
    fn lost_at_sender(&self, at: Sequence, hash: EntryHash) -> bool {
        let declared = self.holes_at(at).any(|lost| lost.to == at && lost.head_after == Some(hash));
        declared || self.batch.lost.iter().any(|lost| lost.covers(at))
    }

    /// The hash that whatever follows `at` must carry, as far as it was known before this batch; its declared holes count.
    fn head_at(&self, at: Sequence) -> Option<EntryHash> {
        if at == Sequence::ZERO {
            return Some(EntryHash::NONE);
        }
        self.hash_at(at).or_else(|| self.holes_at(at).find(|lost| lost.to == at).and_then(|lost| lost.head_after))
    }

    /// The same with this batch.
    fn head_now(&self, at: Sequence) -> Option<EntryHash> {
        self.insert.get(&at).map(|entry| entry.stored.hash).or_else(|| self.head_at(at))
    }

    fn hash_at(&self, at: Sequence) -> Option<EntryHash> {
        let held = self.view.held.get(&at).map(|held| held.hash);
        held.or_else(|| self.view.runs.iter().find(|run| run.to == at).map(|run| run.head))
    }

    /// The terminal states another end of its journal than the chain holds there: two writers, even if nothing it sent conflicts.
    fn compare_ends(&mut self) {
        let Some(stated) = self.batch.stated().filter(|stated| stated.sequence <= self.mark) else { return };
        let other = self.head_now(stated.sequence).is_some_and(|hash| hash != stated.head);
        // What was lost cannot be sent again to find out more.
        if other && self.holes_at(stated.sequence).next().is_none() {
            self.forked = true;
            if self.last_sent() == Sequence::ZERO {
                self.go_back = Some(step_back(stated.sequence));
            }
        }
    }

    fn answer(&self) -> Answer {
        let sent = self.last_sent();
        let stated = self.batch.stated().map(|stated| stated.sequence).filter(|stated| *stated >= sent);
        // Of two writers each is told only about what it has just sent itself: what else is held may be the other's.
        let own = Some(sent).filter(|sent| self.forked && *sent > Sequence::ZERO);
        let back = self.fork.map(before).or(self.go_back);
        let mark = [stated, own, back].into_iter().flatten().fold(self.mark, Sequence::min);
        let head = self.insert.get(&mark).map(|entry| entry.stored.hash).or_else(|| self.hash_at(mark)).unwrap_or(EntryHash::NONE);
        Answer { mark, head, fork: self.fork }
    }

    /// The last place that the batch's entries and holes name; 0 for a heartbeat.
    fn last_sent(&self) -> Sequence {
        let last = self.batch.span().map(|(_, last)| last);
        let lost = self.batch.lost.iter().map(|lost| lost.to).max();
        last.max(lost).unwrap_or(Sequence::ZERO)
    }
}

impl Conflict {
    fn why(&self, at: Sequence) -> Reason {
        if at == self.at { self.reason } else { Reason::AfterConflict }
    }
}

const fn before(sequence: Sequence) -> Sequence {
    Sequence(sequence.0.saturating_sub(1))
}

const fn step_back(sequence: Sequence) -> Sequence {
    Sequence(sequence.0.saturating_sub(STEP_BACK))
}

const fn single(sequence: Sequence) -> (Sequence, Sequence) {
    (sequence, sequence)
}

#[cfg(test)]
mod tests;
