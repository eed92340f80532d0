//! A signed batch and its receipt. A heartbeat is a batch without entries.
//!
//! `POST /terminal/v1/batch`, body: JSON of [`Batch`], headers `punch-terminal` and `punch-signature`. Answer: JSON of [`Receipt`], signed.
//! Replay is stopped by sequence and hash, never by time, so it holds for weeks offline with a wrong clock.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::canonical;
use super::entry::{Body, ENTRY_BYTES_MAX, Entry, Stored};
use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::domain::time::{ClockReading, Wall};
use crate::health::Condition;

/// Version of the format of batch and receipt.
pub const BATCH_VERSION: u32 = 1;

/// Most entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 512;
/// Most bytes of one batch's body: 512 entries of the greatest length, with room for the rest.
pub const BATCH_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Most journals and holes that one batch may name.
pub const BATCH_LISTS_MAX: usize = 64;

/// Most conditions that a terminal may name: each code for a few subjects.
pub const CONDITIONS_MAX: usize = 128;
/// Most bytes of the software's version, of a tag, of a condition's subject or particulars.
pub const STATE_TEXT_MAX: usize = 4_096;
/// The greatest sequence: what JSON numbers and SQL integers carry exactly, 2^53 − 1.
pub const SEQUENCE_MAX: Sequence = Sequence((1 << 53) - 1);

/// The greatest time that a clock may show, either way, in milliseconds: 285,000 years, so that sums of times never overflow.
pub const CLOCK_MS_MAX: u64 = (1 << 53) - 1;

/// What a terminal tells the office.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Batch {
    /// Version of this format.
    pub version: u32,
    /// Who speaks.
    pub terminal: TerminalId,
    /// The journal that `entries` and `lost` belong to.
    pub journal: JournalId,
    /// Canonical texts as they stand in the journal, contiguous, oldest first.
    pub entries: Vec<Box<RawValue>>,
    /// Entries that the terminal can no longer send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
    /// The terminal at this moment.
    pub state: TerminalState,
}

/// Entries that a terminal can no longer send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The first.
    pub from: Sequence,
    /// The last.
    pub to: Sequence,
    /// Why.
    pub reason: LostReason,
    /// The hash of the entry `to`, if the terminal still knows it, so that the chain holds across the hole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_after: Option<EntryHash>,
}

/// Why entries can no longer be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// The file is damaged there.
    Unreadable,
    /// Removed after acknowledgement and retention, before the office was restored from an older backup.
    Pruned,
}

/// A terminal at one moment. With `journals` it is the signed promise that lets the office say *complete up to*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalState {
    /// Both clocks.
    pub clock: ClockReading,
    /// Every journal that the terminal holds, oldest first; the last is the one open for append.
    pub journals: Vec<JournalState>,
    /// Committed and not acknowledged, over all journals.
    pub backlog: u64,
    /// The program's version.
    pub software: String,
    /// What is wrong now.
    pub conditions: Vec<Condition>,
    /// The ETag of the bundle in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
}

/// One journal's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalState {
    /// Which.
    pub journal: JournalId,
    /// Its last entry; 0 for none.
    pub sequence: Sequence,
    /// That entry's hash.
    pub head: EntryHash,
}

/// The office's answer, given after its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this format.
    pub version: u32,
    /// To whom.
    pub terminal: TerminalId,
    /// The journal of the batch.
    pub journal: JournalId,
    /// Everything up to here is held (or declared lost), without a gap. May be lower than before: an office restored from a backup.
    pub mark: Sequence,
    /// The hash of the entry at the mark; `NONE` at 0 or where the entry there was lost.
    pub head: EntryHash,
    /// The first entry that conflicts with what the office holds under the same key: begin a new journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Sequence>,
    /// Office time at the answer.
    pub at: Wall,
    /// Whether the office's own clock is synchronised: only then may a terminal trust `at`.
    pub at_trusted: bool,
    /// The ETag of the bundle for this terminal.
    pub bundle: String,
    /// Changes whenever today's punches of other terminals change.
    pub elsewhere: String,
}

/// A batch whose form was checked: its entries are contiguous, chained and stand in its journal.
#[derive(Debug, Clone)]
pub struct CheckedBatch {
    /// Who speaks; whether its key signed is for the caller to have checked.
    pub terminal: TerminalId,
    /// The journal that `entries` and `lost` belong to.
    pub journal: JournalId,
    /// Contiguous, oldest first, each carrying the hash of the one before.
    pub entries: Vec<CheckedEntry>,
    /// Entries that the terminal can no longer send; `from` ≤ `to`.
    pub lost: Vec<Lost>,
    /// The terminal at that moment.
    pub state: TerminalState,
}

/// An entry as received beside what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedEntry {
    /// The bytes as received, and their hash.
    pub stored: Stored,
    /// What they say.
    pub entry: Entry,
}

/// Why a batch cannot be taken as it is. Sent again unchanged it fails again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The body is longer than any batch.
    #[error("the batch has {0} bytes, more than {BATCH_BYTES_MAX}")]
    Bytes(usize),
    /// The body is not a batch.
    #[error("the batch cannot be read: {0}")]
    Json(String),
    /// A format of another version.
    #[error("the batch has version {0}, known is {BATCH_VERSION}")]
    Version(u32),
    /// Too many entries, journals, holes or conditions.
    #[error("the batch names {count} {what}, more than {limit}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// A text of the terminal's state is too long.
    #[error("a text of the terminal's state has {0} bytes, more than {STATE_TEXT_MAX}")]
    StateText(usize),
    /// An entry is too long.
    #[error("the batch's entry {index} has {bytes} bytes, more than {ENTRY_BYTES_MAX}")]
    EntryBytes {
        /// Its place in the batch, from 0.
        index: usize,
        /// Its length.
        bytes: usize,
    },
    /// An entry is not of the known shape.
    #[error("the batch's entry {index} cannot be read: {reason}")]
    Entry {
        /// Its place in the batch, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// An entry stands in another journal than its batch.
    #[error("the batch's entry {index} belongs to another journal")]
    Journal {
        /// Its place in the batch, from 0.
        index: usize,
    },
    /// An entry does not carry on from the one before it.
    #[error("the batch's entry {index} does not carry on from the one before it")]
    Chain {
        /// Its place in the batch, from 0.
        index: usize,
    },
    /// A time beyond what a clock can show.
    #[error("a clock of the batch shows a time that cannot be")]
    Clock,
    /// A sequence of 0 or beyond the greatest, or a hole that ends before it begins.
    #[error("sequence {0} cannot be")]
    Sequence(Sequence),
}

impl BatchError {
    /// The error's name in interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "batch-too-long",
            Self::Json(_) => "batch-unreadable",
            Self::Version(_) => "batch-version",
            Self::Count { .. } => "batch-too-many",
            Self::StateText(_) => "batch-state-too-long",
            Self::EntryBytes { .. } => "batch-entry-too-long",
            Self::Entry { .. } => "batch-entry-unreadable",
            Self::Journal { .. } => "batch-entry-elsewhere",
            Self::Chain { .. } => "batch-chain",
            Self::Clock => "batch-clock",
            Self::Sequence(_) => "batch-sequence",
        }
    }
}

impl Batch {
    /// Reads and checks a body; the signature over the same bytes is checked before.
    ///
    /// # Errors
    /// When the body is too long, is no batch or breaks a rule of the format.
    pub fn read(body: &[u8]) -> Result<CheckedBatch, BatchError> {
        if body.len() > BATCH_BYTES_MAX {
            return Err(BatchError::Bytes(body.len()));
        }
        let batch: Self = serde_json::from_slice(body).map_err(|error| BatchError::Json(error.to_string()))?;
        batch.check()
    }

    /// Checks everything about a batch that can be checked without knowing what the office holds.
    ///
    /// # Errors
    /// When it breaks a rule of the format; the error names which, and where.
    pub fn check(self) -> Result<CheckedBatch, BatchError> {
        if self.version != BATCH_VERSION {
            return Err(BatchError::Version(self.version));
        }
        let counts = [
            ("entries", self.entries.len(), BATCH_ENTRIES_MAX),
            ("holes", self.lost.len(), BATCH_LISTS_MAX),
            ("journals", self.state.journals.len(), BATCH_LISTS_MAX),
            ("conditions", self.state.conditions.len(), CONDITIONS_MAX),
        ];
        if let Some((what, count, limit)) = counts.into_iter().find(|(_, count, limit)| count > limit) {
            return Err(BatchError::Count { what, count, limit });
        }
        self.state.check()?;
        self.lost.iter().try_for_each(Lost::check)?;
        let entries = self.checked_entries()?;
        Ok(CheckedBatch { terminal: self.terminal, journal: self.journal, entries, lost: self.lost, state: self.state })
    }

    fn checked_entries(&self) -> Result<Vec<CheckedEntry>, BatchError> {
        let mut entries: Vec<CheckedEntry> = Vec::with_capacity(self.entries.len());
        for (index, raw) in self.entries.iter().enumerate() {
            let checked = checked_entry(index, raw.get())?;
            if checked.entry.journal != self.journal {
                return Err(BatchError::Journal { index });
            }
            if !entries.last().is_none_or(|before| follows(before, &checked)) {
                return Err(BatchError::Chain { index });
            }
            entries.push(checked);
        }
        Ok(entries)
    }
}

impl CheckedBatch {
    /// The first and the last sequence of its entries.
    pub fn span(&self) -> Option<(Sequence, Sequence)> {
        Some((self.entries.first()?.stored.sequence, self.entries.last()?.stored.sequence))
    }

    /// What the terminal states as the end of this batch's journal.
    pub fn stated(&self) -> Option<JournalState> {
        self.state.journals.iter().find(|state| state.journal == self.journal).copied()
    }
}

impl Lost {
    /// Whether the hole covers this place.
    pub fn covers(&self, sequence: Sequence) -> bool {
        (self.from..=self.to).contains(&sequence)
    }

    fn check(&self) -> Result<(), BatchError> {
        checked_sequence(self.from)?;
        checked_sequence(self.to)?;
        if self.from > self.to { Err(BatchError::Sequence(self.to)) } else { Ok(()) }
    }
}

impl TerminalState {
    fn check(&self) -> Result<(), BatchError> {
        let particulars = self.conditions.iter().flat_map(|condition| [condition.subject.len(), condition.detail.len()]);
        let texts = particulars.chain([self.software.len(), self.bundle.as_ref().map_or(0, String::len)]);
        if let Some(length) = texts.into_iter().find(|length| *length > STATE_TEXT_MAX) {
            return Err(BatchError::StateText(length));
        }
        checked_clock(&self.clock)?;
        let beyond = self.journals.iter().find(|state| state.sequence > SEQUENCE_MAX);
        beyond.map_or(Ok(()), |state| Err(BatchError::Sequence(state.sequence)))
    }
}

fn checked_entry(index: usize, text: &str) -> Result<CheckedEntry, BatchError> {
    if text.len() > ENTRY_BYTES_MAX {
        return Err(BatchError::EntryBytes { index, bytes: text.len() });
    }
    let entry = canonical::open(text).map_err(|error| BatchError::Entry { index, reason: error.to_string() })?;
    checked_sequence(entry.sequence)?;
    checked_clock(&entry.clock)?;
    if let Body::Sync { wall, uncertainty_ms, .. } = &entry.body {
        checked_clock(&ClockReading { wall: *wall, uncertainty_ms: *uncertainty_ms, ..entry.clock })?;
    }
    let first = entry.sequence == Sequence::ZERO.next();
    if first != (entry.previous == EntryHash::NONE) {
        return Err(BatchError::Chain { index });
    }
    let stored = Stored { journal: entry.journal, sequence: entry.sequence, text: text.to_owned(), hash: canonical::entry_hash(text) };
    Ok(CheckedEntry { stored, entry })
}

fn checked_sequence(sequence: Sequence) -> Result<(), BatchError> {
    let possible = (Sequence::ZERO.next()..=SEQUENCE_MAX).contains(&sequence);
    if possible { Ok(()) } else { Err(BatchError::Sequence(sequence)) }
}

fn checked_clock(clock: &ClockReading) -> Result<(), BatchError> {
    let greatest = clock.wall.0.unsigned_abs().max(clock.mono.0).max(clock.uncertainty_ms);
    if greatest <= CLOCK_MS_MAX { Ok(()) } else { Err(BatchError::Clock) }
}

fn follows(before: &CheckedEntry, entry: &CheckedEntry) -> bool {
    entry.stored.sequence == before.stored.sequence.next() && entry.entry.previous == before.stored.hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::BootId;
    use crate::domain::time::{Mono, Trust};
    use crate::health::Code;
    use crate::wire::entry::Draft;

    #[test]
    fn a_whole_batch_passes_with_its_hashes() {
        let batch = batch(&texts(3));
        let body = serde_json::to_vec(&batch).unwrap();
        let checked = Batch::read(&body).unwrap();
        assert_eq!(checked.span(), Some((Sequence(1), Sequence(3))));
        assert_eq!(checked.entries.iter().map(|entry| entry.stored.text.clone()).collect::<Vec<_>>(), texts(3));
        assert_eq!(checked.entries[2].entry.previous, checked.entries[1].stored.hash);
    }

    #[test]
    fn what_does_not_carry_on_is_refused_with_its_place() {
        let texts = texts(4);
        let gap = [texts[0].clone(), texts[2].clone()];
        assert_eq!(code(batch(&gap)), "batch-chain");
        let swapped = [texts[1].clone(), texts[0].clone()];
        assert_eq!(batch(&swapped).check().unwrap_err(), BatchError::Chain { index: 1 });
        let changed = [texts[0].replace("0.1.0", "0.1.1"), texts[1].clone()];
        assert_eq!(batch(&changed).check().unwrap_err(), BatchError::Chain { index: 1 });
        let unrooted = [texts[1].replace("\"sequence\":2", "\"sequence\":1")];
        assert_eq!(batch(&unrooted).check().unwrap_err(), BatchError::Chain { index: 0 });
    }

    #[test]
    fn every_limit_has_its_error_one_past_it() {
        let mut long = batch(&texts(1));
        long.entries = vec![RawValue::from_string(format!("\"{}\"", "x".repeat(ENTRY_BYTES_MAX - 1))).unwrap()];
        assert_eq!(code(long), "batch-entry-too-long");
        assert_eq!(code(batch(&texts(BATCH_ENTRIES_MAX + 1))), "batch-too-many");
        assert!(batch(&texts(BATCH_ENTRIES_MAX)).check().is_ok());
        let mut wide = batch(&[]);
        wide.lost = vec![lost(1, 1); BATCH_LISTS_MAX + 1];
        assert_eq!(code(wide), "batch-too-many");
        assert_eq!(Batch::read(&vec![b' '; BATCH_BYTES_MAX + 1]).unwrap_err(), BatchError::Bytes(BATCH_BYTES_MAX + 1));
        for hole in [lost(0, 1), lost(2, 1), lost(1, SEQUENCE_MAX.0 + 1)] {
            let mut batch = batch(&[]);
            batch.lost = vec![hole];
            assert_eq!(code(batch), "batch-sequence");
        }
        let mut state = batch(&[]);
        state.state.conditions = vec![Condition { code: Code::NoSound, subject: String::new(), detail: "x".repeat(STATE_TEXT_MAX + 1) }];
        assert_eq!(code(state), "batch-state-too-long");
    }

    #[test]
    fn a_time_that_would_overflow_a_sum_is_refused() {
        let mut state = batch(&[]);
        state.state.clock.uncertainty_ms = u64::MAX;
        assert_eq!(code(state), "batch-clock");
        let wall = texts(1).remove(0).replace("\"wall\":0", &format!("\"wall\":{}", i64::MIN));
        assert_eq!(code(batch(&[wall])), "batch-clock");
    }

    #[test]
    fn an_entry_of_another_journal_or_shape_is_refused() {
        let mut elsewhere = batch(&texts(1));
        elsewhere.journal = JournalId([9; 16]);
        assert_eq!(code(elsewhere), "batch-entry-elsewhere");
        let mut newer = batch(&[]);
        newer.version = 2;
        assert_eq!(code(newer), "batch-version");
        assert_eq!(code(batch(&["{}".to_owned()])), "batch-entry-unreadable");
        assert_eq!(Batch::read(b"<html>").unwrap_err().code(), "batch-unreadable");
    }

    fn code(batch: Batch) -> &'static str {
        batch.check().unwrap_err().code()
    }

    fn lost(from: u64, to: u64) -> Lost {
        Lost { from: Sequence(from), to: Sequence(to), reason: LostReason::Unreadable, head_after: None }
    }

    fn clock() -> ClockReading {
        ClockReading { wall: Wall(0), mono: Mono(0), boot: BootId([0; 16]), trust: Trust::Unset, uncertainty_ms: 0 }
    }

    fn texts(count: usize) -> Vec<String> {
        let mut previous = EntryHash::NONE;
        let mut texts = Vec::new();
        for sequence in (1..).map(Sequence).take(count) {
            let draft = Draft { clock: clock(), body: Body::Boot { version: "0.1.0".to_owned() }, origin: None };
            let stored = canonical::seal(draft, JournalId([1; 16]), sequence, previous).unwrap();
            previous = stored.hash;
            texts.push(stored.text);
        }
        texts
    }

    fn batch(texts: &[String]) -> Batch {
        Batch {
            version: BATCH_VERSION,
            terminal: "hall-1".parse().unwrap(),
            journal: JournalId([1; 16]),
            entries: texts.iter().map(|text| RawValue::from_string(text.clone()).unwrap()).collect(),
            lost: Vec::new(),
            state: TerminalState {
                clock: clock(),
                journals: Vec::new(),
                backlog: 0,
                software: "0.1.0".to_owned(),
                conditions: Vec::new(),
                bundle: None,
            },
        }
    }
}
