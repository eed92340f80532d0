//! How one journal follows another: the first of a directory, after damage, after a move to another machine, after a fork.
//! And what is done when an append fails.

use super::error::JournalError;
use super::file::{Heal, JournalFile, Meta, Place, draft_of};
use super::salvage::Salvage;
use super::set::{Holding, Journal, Set};
use super::state::Known;
use crate::clock::Clock;
use crate::domain::id::{JournalId, Sequence};
use crate::domain::punch::Origin;
use crate::domain::time::{ClockReading, Trust};
use crate::wire::batch::LostReason;
use crate::wire::canonical;
use crate::wire::entry::{Body, CutOff, Draft, Predecessor, Stored, SuccessionReason};

/// Entries of a forked journal that are written again by one transaction.
const HEAL_SLICE: usize = 256;

/// What came of each draft, in order.
type Sealed = Vec<Result<Stored, JournalError>>;

impl Set {
    /// Begins a journal where one is needed, and proves that the open one can be written.
    pub(super) fn make_ready(&mut self, clock: &Clock) -> Result<(), JournalError> {
        match self.journals.last() {
            None => self.begin(None, None, clock)?,
            Some(last) => {
                let reason = match last.file() {
                    None => Some(SuccessionReason::Damaged),
                    Some(file) => (file.meta().machine != self.options.machine).then_some(SuccessionReason::Moved),
                };
                if let Some(reason) = reason {
                    let unfinished = || self.state.known(last.id).and_then(|known| known.heal);
                    let heal = last.file().map_or_else(unfinished, |file| file.meta().heal);
                    let predecessor = predecessor(last.id, self.written_end(last), reason);
                    self.begin(Some(predecessor), heal, clock)?;
                }
            }
        }
        let file = self.open_file()?;
        if !file.is_open() {
            file.reopen()?;
        }
        file.is_there()?;
        file.prove_writable()?;
        self.state.flush()
    }

    /// Stores drafts in the open journal; one result for each, in order. An error means that none of them is stored.
    pub(super) fn append(&mut self, drafts: &[Draft], clock: &Clock) -> Result<Sealed, JournalError> {
        let mut sealed = Vec::with_capacity(drafts.len());
        let Err(error) = self.try_append(drafts, &mut sealed) else { return Ok(sealed) };
        tracing::warn!(error = error.advice(), "an append failed");
        let again = self.mend(error, &sealed, clock)?;
        if again {
            self.try_append(drafts, &mut sealed)?;
        }
        Ok(sealed)
    }

    fn try_append(&mut self, drafts: &[Draft], sealed: &mut Sealed) -> Result<(), JournalError> {
        let file = self.open_file()?;
        file.is_there()?;
        file.append(drafts, None, sealed)
    }

    /// After a failed append: whether to try once more (`true`), or whether it is stored after all (`false`).
    ///
    /// What a failed commit left in the log is written over through the same connection, which alone knows where the log truly ends: opened
    /// again, the log would be read from memory, and a commit could come back whose sync failed and that the disk never got.
    fn mend(&mut self, error: JournalError, sealed: &Sealed, clock: &Clock) -> Result<bool, JournalError> {
        if error.is_damage() {
            self.follow_damaged(&error, clock)?;
            return Ok(true);
        }
        if error.is_full() {
            // A failed write of this kind leaves nothing behind, and a file that is closed may not open again without room.
            let relieved = self.ballast.release();
            let written_back = self.open_file()?.empty_log();
            return if relieved || written_back.is_ok() { Ok(true) } else { Err(error) };
        }
        if self.ballast.release_if_low() {
            tracing::warn!("the ballast was given up, so that the journal can be written to again");
        }
        if !matches!(error, JournalError::Sqlite { .. }) {
            return self.look_again(error, sealed, clock);
        }
        match self.open_file()?.prove_writable() {
            Ok(()) => Ok(true),
            Err(still) => {
                tracing::warn!(error = still.advice(), "the journal cannot be written to yet");
                Err(error)
            }
        }
    }

    /// Another hand moved the end, or the file itself: it is closed, opened again, its log written back and its true end read.
    fn look_again(&mut self, error: JournalError, sealed: &Sealed, clock: &Clock) -> Result<bool, JournalError> {
        let file = self.open_file()?;
        match file.reopen() {
            Ok(()) => {
                let last = sealed.iter().rev().find_map(|result| result.as_ref().ok());
                Ok(last.is_none_or(|last| last.hash != file.tail().hash))
            }
            Err(worse) if worse.is_damage() => {
                self.follow_damaged(&worse, clock)?;
                Ok(true)
            }
            Err(worse) => {
                tracing::warn!(error = worse.advice(), "the journal cannot be opened again yet");
                Err(error)
            }
        }
    }

    fn follow_damaged(&mut self, error: &JournalError, clock: &Clock) -> Result<(), JournalError> {
        self.set_aside(self.journals.len().saturating_sub(1), error)?;
        self.make_ready(clock)
    }

    /// Moves a damaged journal out of the way; it is read by searching from then on.
    pub(super) fn set_aside(&mut self, index: usize, error: &JournalError) -> Result<(), JournalError> {
        tracing::error!(error = error.advice(), "a journal is damaged and set aside");
        let Some(journal) = self.journals.get_mut(index) else { return Ok(()) };
        let id = journal.id;
        let nothing = Holding::Damaged(Salvage::new(id, &[], Sequence(1)));
        if let Holding::Whole(file) = std::mem::replace(&mut journal.holding, nothing) {
            let (tail, pruned, heal) = (file.tail(), file.meta().pruned, file.meta().heal);
            file.abandon();
            self.state.change(id, |known| {
                (known.pruned, known.heal) = (pruned, heal);
                if tail.sequence > known.seen.sequence {
                    known.seen = tail;
                }
            });
        }
        self.directory.set_aside(&self.directory.journal(id))?;
        let files = self.directory.listing()?.damaged.remove(&id).unwrap_or_default();
        let mark = self.state.known(id).map_or(0, |known| known.mark.0);
        if let Some(journal) = self.journals.get_mut(index) {
            journal.holding = Holding::Damaged(Salvage::new(id, &files, Sequence(mark + 1)));
        }
        self.unchecked.remove(&id);
        self.unwalked.retain(|(unwalked, _)| *unwalked != id);
        self.changed = true;
        Ok(())
    }

    /// Begins a new journal after a fork and remembers what is to be written again in it.
    pub(super) fn heal_fork(&mut self, journal: JournalId, from: Sequence, clock: &Clock) -> Result<(), JournalError> {
        let forked = self.index_of(journal).and_then(|index| self.journals.get(index)).ok_or(JournalError::NoJournal)?;
        let written = self.written_end(forked);
        let healed = self.state.known(journal).and_then(|known| known.forked);
        let to = healed.map_or(written.sequence, |healed| Sequence(healed.0.saturating_sub(1)));
        let from = from.max(self.pruned(forked).sequence.next());
        self.changed = true;
        if from > to {
            return Ok(());
        }
        while self.heal_slice(clock)? {
            self.salvage_slice();
        }
        let heal = Heal { journal, from, next: from, to };
        self.begin(Some(predecessor(journal, written, SuccessionReason::Forked)), Some(heal), clock)?;
        self.forked.insert(journal);
        self.state.change(journal, |known| known.forked = Some(from));
        self.state.flush()
    }

    /// Writes some entries of a forked journal again, with their origin; whether there may be more.
    pub(super) fn heal_slice(&mut self, clock: &Clock) -> Result<bool, JournalError> {
        let Some(heal) = self.journals.last().and_then(Journal::file).and_then(|file| file.meta().heal).filter(|heal| heal.next <= heal.to)
        else {
            return Ok(false);
        };
        let Some(source) = self.index_of(heal.journal) else { return Ok(false) };
        let Some((entries, lost)) = self.read_raw(source, heal.next, HEAL_SLICE, heal.to)? else { return Ok(true) };
        let after_hole = lost.last().map_or(heal.next, |hole| hole.to.next());
        let next = entries.last().map_or(after_hole, |stored| stored.sequence.next());
        let unreadable = lost.iter().filter(|hole| hole.reason == LostReason::Unreadable);
        let cut_off = unreadable.map(|hole| CutOff { journal: heal.journal, from: hole.from, to: hole.to });
        let mut drafts: Vec<Draft> = cut_off.map(|cut_off| own(clock, Body::Maintenance { action: cut_off.to_string() })).collect();
        for stored in &entries {
            let mut draft = draft_of(canonical::open(&stored.text)?);
            let origin = Origin { journal: stored.journal, sequence: stored.sequence, hash: stored.hash };
            draft.origin = Some(draft.origin.unwrap_or(origin));
            if !matches!(draft.body, Body::Opened { .. }) {
                drafts.push(draft);
            }
        }
        let mut sealed = Vec::new();
        let next = next.max(heal.next.next());
        self.open_file()?.append(&drafts, Some(Heal { next, ..heal }), &mut sealed)?;
        self.changed = true;
        Ok(next <= heal.to)
    }

    fn begin(&mut self, predecessor: Option<Predecessor>, heal: Option<Heal>, clock: &Clock) -> Result<(), JournalError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| JournalError::Random(error.to_string()))?;
        let journal = JournalId(bytes);
        let ordinal = self.journals.iter().map(|journal| journal.ordinal).max().unwrap_or(0) + 1;
        let meta =
            Meta { journal, ordinal, machine: self.options.machine.clone(), predecessor: predecessor.clone(), heal, pruned: Place::START };
        let body = Body::Opened { predecessor, version: self.options.software.clone() };
        let path = self.directory.journal(journal);
        let made = JournalFile::create(&path, self.open_options(), meta, own(clock, body));
        let file = match made.and_then(|file| self.directory.sync().map(|()| file)) {
            Ok(file) => file,
            Err(error) => {
                // Nobody was told of it: it goes again, so that a full disk is not filled with beginnings.
                self.directory.remove(&path)?;
                return Err(error);
            }
        };
        tracing::info!(%journal, "a journal begins");
        let seen = file.tail();
        self.journals.push(Journal { id: journal, ordinal, holding: Holding::Whole(Box::new(file)) });
        self.changed = true;
        self.state.change(journal, |known| *known = Known { seen, ..Known::new(ordinal) });
        self.state.flush()
    }
}

/// What the journal says of itself.
fn own(clock: &Clock, body: Body) -> Draft {
    let os = clock.read();
    let clock = ClockReading { wall: os.wall, mono: os.mono, boot: os.boot, trust: Trust::Unset, uncertainty_ms: 0 };
    Draft { clock, body, origin: None }
}

const fn predecessor(journal: JournalId, end: Place, reason: SuccessionReason) -> Predecessor {
    Predecessor { journal, sequence: end.sequence, head: end.hash, reason }
}
