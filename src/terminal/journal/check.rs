//! Is a journal file whole? SQLite's own quick check, whose verdict is a row and not an error, and the chain from entry to entry.

use rusqlite::ErrorCode;

use super::error::{JournalError, damaged, sqlite};
use super::file::JournalFile;
use crate::domain::id::Sequence;

/// Virtual machine steps of SQLite, or pages of a check, between two questions whether to stop.
const STEPS_BETWEEN: i32 = 400;
/// Entries of one slice of the chain's check: a few milliseconds.
pub(super) const CHAIN_SLICE: usize = 256;
/// Entries that are checked at start.
pub(super) const CHAIN_AT_START: u64 = 10_000;

/// How a check came out when it found nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It came to its end.
    Whole,
    /// It was stopped before its end.
    Stopped,
}

/// SQLite's quick check, as long as `stop` does not say otherwise.
pub(super) fn quick(file: &mut JournalFile, stop: impl FnMut() -> bool + Send + 'static) -> Result<Verdict, JournalError> {
    let path = file.path().to_owned();
    let connection = file.connection_mut()?;
    connection.progress_handler(STEPS_BETWEEN, Some(stop)).map_err(sqlite("check", &path))?;
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    connection.progress_handler(0, None::<fn() -> bool>).map_err(sqlite("check", &path))?;
    match found {
        Ok(verdict) if verdict == "ok" => Ok(Verdict::Whole),
        Ok(finding) => Err(damaged(&path, finding)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(Verdict::Stopped),
        Err(error) => Err(sqlite("check", &path)(error)),
    }
}

/// A walk along the chain that can be broken off and taken up again.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChainCheck {
    next: Sequence,
    end: Sequence,
}

impl ChainCheck {
    /// All that is in the file now.
    pub(super) fn all(file: &JournalFile) -> Self {
        Self { next: file.first(), end: file.tail().sequence }
    }

    /// The last entries, at most [`CHAIN_AT_START`].
    pub(super) fn newest(file: &JournalFile) -> Self {
        let end = file.tail().sequence;
        Self { next: file.first().max(Sequence((end.0 + 1).saturating_sub(CHAIN_AT_START))), end }
    }

    /// The entry before which everything was walked.
    pub(super) const fn next(&self) -> Sequence {
        self.next
    }

    /// The entry at which a slice failed, found one by one; the slice's first where none fails by itself.
    pub(super) fn culprit(&self, file: &JournalFile) -> Sequence {
        let slice = (self.next.0..=self.end.0).take(CHAIN_SLICE).map(Sequence);
        let fails = |sequence: &Sequence| {
            let from = Sequence(sequence.0.saturating_sub(1)).max(file.first());
            file.page(from, if from < *sequence { 2 } else { 1 }).is_err()
        };
        slice.into_iter().find(fails).unwrap_or(self.next)
    }

    /// One slice; whether there is more.
    pub(super) fn slice(&mut self, file: &JournalFile) -> Result<bool, JournalError> {
        // The last entry of the slice before is read again, so that the link between the slices is checked too.
        let from = Sequence(self.next.0.saturating_sub(1)).max(file.first());
        let page = file.page(from, CHAIN_SLICE)?;
        file.compare_columns(&page)?;
        self.next = page.last().map_or(self.end.next(), |stored| stored.sequence.next());
        Ok(self.next <= self.end)
    }
}
