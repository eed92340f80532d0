//! A signed batch and its receipt. A heartbeat is a batch without entries.
//!
//! `POST /terminal/v1/batch`, body: JSON of [`Batch`], headers `punch-terminal` and `punch-signature`. Answer: JSON of [`Receipt`], signed.
//! Replay is stopped by sequence and hash, never by time, so it holds for weeks offline with a wrong clock.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::domain::time::{ClockReading, Wall};
use crate::health::Condition;

/// Most entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 512;
/// Most bytes of one batch's body: 512 entries of the greatest length, with room for the rest.
pub const BATCH_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Most journals and holes that one batch may name.
pub const BATCH_LISTS_MAX: usize = 64;

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
