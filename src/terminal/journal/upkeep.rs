//! What is done when nobody taps: pruning by law, walking the whole chain, finishing the quick check, writing logs and marks back.

use super::check::{self, ChainCheck, Verdict};
use super::error::JournalError;
use super::file::JournalFile;
use super::set::{Journal, Set};
use crate::domain::id::{JournalId, Sequence};
use crate::domain::time::Wall;
use crate::wire::batch::Receipt;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600 * 1_000;

impl Set {
    /// Takes the office's mark; one beyond the journal's end is no mark of ours.
    pub(super) fn acknowledge(&mut self, journal: JournalId, mark: Sequence, receipt: Receipt) -> Result<(), JournalError> {
        let index = self.index_of(journal).ok_or(JournalError::NoJournal)?;
        let end = self.journals.get(index).map_or(Sequence::ZERO, |journal| self.written_end(journal).sequence);
        if mark > end {
            tracing::warn!(%journal, %mark, %end, "the office acknowledged what was never stored; ignored");
            return Ok(());
        }
        self.state.acknowledge(journal, mark, receipt);
        if self.state.is_due() { self.write_marks() } else { Ok(()) }
    }

    /// Writes marks, and how far each journal was seen durable.
    pub(super) fn write_marks(&mut self) -> Result<(), JournalError> {
        for file in self.journals.iter().filter_map(Journal::file) {
            let (tail, pruned) = (file.tail(), file.meta().pruned);
            self.state.change(file.meta().journal, |known| (known.seen, known.pruned) = (tail, pruned));
        }
        self.state.flush()
    }

    /// Whether the open journal's end is not yet known beside its file, so that a log that is lost with entries would not be missed.
    pub(super) fn is_further_than_known(&self) -> bool {
        let open = self.journals.last().and_then(Journal::file);
        open.is_some_and(|file| self.state.known(file.meta().journal).is_none_or(|known| known.seen != file.tail()))
    }

    /// Begins to remove what is acknowledged and older than the retention.
    pub(super) fn begin_pruning(&mut self, now: Wall) {
        let cutoff = now.plus_millis(-DAY_MS * i64::from(self.options.retention_days));
        self.pruning = ((cutoff, now), self.journals.iter().map(|journal| journal.id).collect());
    }

    /// Removes one slice; whether there is more.
    pub(super) fn prune_slice(&mut self) -> Result<bool, JournalError> {
        let Some(id) = self.pruning.1.front().copied() else { return Ok(false) };
        if !self.prune_journal(id)? {
            self.pruning.1.pop_front();
            self.remove_emptied(id)?;
        }
        Ok(!self.pruning.1.is_empty())
    }

    fn prune_journal(&mut self, id: JournalId) -> Result<bool, JournalError> {
        let Some(index) = self.index_of(id) else { return Ok(false) };
        let (cutoff, now) = self.pruning.0;
        let Some(journal) = self.journals.get(index) else { return Ok(false) };
        let mark = self.state.known(id).map_or(Sequence::ZERO, |known| known.mark).min(self.end(journal).sequence);
        let mark = if self.is_settled(journal) { self.written_end(journal).sequence } else { mark };
        let Some(file) = self.journals.get_mut(index).and_then(Journal::file_mut) else { return Ok(false) };
        let before = file.meta().pruned;
        let more = file.prune(mark, cutoff, now)?;
        let pruned = file.meta().pruned;
        if pruned != before {
            file.write_back(false)?;
            self.changed = true;
            self.state.change(id, |known| known.pruned = pruned);
        }
        Ok(more)
    }

    /// Whether a fork cut this journal short and the office holds all of it: what stands before the fork, and every copy of what follows.
    fn is_settled(&self, journal: &Journal) -> bool {
        let Some(known) = self.state.known(journal.id).filter(|known| known.forked.is_some()) else { return false };
        let mut later = self.journals.iter().filter_map(|healed| healed.file().map(|file| (healed, file)));
        let healed = later.find(|(_, file)| file.meta().heal.is_some_and(|heal| heal.journal == journal.id && heal.next > heal.to));
        let is_held = |healed: &Journal| {
            let mark = self.state.known(healed.id).map_or(Sequence::ZERO, |known| known.mark);
            mark >= self.written_end(healed).sequence || self.is_settled(healed)
        };
        known.mark >= self.end(journal).sequence && healed.is_some_and(|(healed, _)| is_held(healed))
    }

    /// Removes the file of an older journal from which everything was pruned; that it was so is durable before.
    fn remove_emptied(&mut self, id: JournalId) -> Result<(), JournalError> {
        let Some(index) = self.index_of(id).filter(|index| index + 1 < self.journals.len()) else { return Ok(()) };
        let emptied = |file: &&JournalFile| file.first() > file.tail().sequence;
        let Some(tail) = self.journals.get(index).and_then(Journal::file).filter(emptied).map(JournalFile::tail) else { return Ok(()) };
        self.state.change(id, |known| (known.seen, known.removed) = (tail, true));
        self.state.flush()?;
        drop(self.journals.remove(index));
        self.unwalked.retain(|(unwalked, _)| *unwalked != id);
        self.unchecked.remove(&id);
        self.changed = true;
        tracing::info!(journal = %id, "an emptied journal was removed");
        self.directory.remove(&self.directory.journal(id))
    }

    /// Walks one slice of the chains that were not walked yet; whether there is more.
    pub(super) fn walk_slice(&mut self) -> Result<bool, JournalError> {
        let Some((id, check)) = self.unwalked.front().copied() else { return Ok(false) };
        let Some(index) = self.index_of(id) else {
            self.unwalked.pop_front();
            return Ok(true);
        };
        let Some(file) = self.journals.get(index).and_then(Journal::file) else { return Ok(false) };
        let mut check = check.unwrap_or_else(|| ChainCheck::all(file));
        match check.slice(file) {
            Err(error) if error.is_damage() => self.set_aside(index, &error).map(|()| true),
            Err(error) => Err(error),
            Ok(more) => {
                self.unwalked.pop_front();
                if more {
                    self.unwalked.push_front((id, Some(check)));
                }
                Ok(more || !self.unwalked.is_empty())
            }
        }
    }

    /// Checks one journal that was not checked to its end, until `stop` says otherwise.
    pub(super) fn finish_check(&mut self, stop: impl FnMut() -> bool + Send + 'static) -> Result<(), JournalError> {
        let Some(id) = self.unchecked.first().copied() else { return Ok(()) };
        let Some(index) = self.index_of(id) else {
            self.unchecked.remove(&id);
            return Ok(());
        };
        let Some(file) = self.journals.get_mut(index).and_then(Journal::file_mut) else { return Ok(()) };
        match check::quick(file, stop) {
            Ok(Verdict::Whole) => drop(self.unchecked.remove(&id)),
            Ok(Verdict::Stopped) => {}
            Err(error) if error.is_damage() => self.set_aside(index, &error)?,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes the open journal's log back where that is worth it: more readily when nobody taps.
    pub(super) fn write_back(&mut self, idle: bool) -> Result<(), JournalError> {
        self.open_file()?.write_back(idle)
    }
}
