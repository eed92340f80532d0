//! What to send, when to try again, what the office has.
//!
//! Invariants: at most [`BATCH_ENTRIES_MAX`](crate::wire::batch::BATCH_ENTRIES_MAX) entries a batch and one batch in flight; the cursor is
//! the office's contiguous mark and may go back; while more than one batch waits, every second batch carries the newest entries; journals
//! are drained oldest first; a heartbeat goes out when idle.

use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::domain::time::Mono;
use crate::wire::batch::{Lost, Receipt};
use crate::wire::entry::Stored;

/// One journal as the uplink needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalView {
    /// Which.
    pub journal: JournalId,
    /// The first entry that is still kept.
    pub first: Sequence,
    /// The hash of the entry before `first`, if anything was pruned.
    pub before_first: Option<EntryHash>,
    /// Its last entry; 0 for none.
    pub last: Sequence,
    /// That entry's hash.
    pub head: EntryHash,
    /// The office's mark as last stored.
    pub acknowledged: Sequence,
    /// Whether entries are appended to it.
    pub open: bool,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Paired with an office: exchanges make sense.
    Paired,
    /// The journals as they are now, oldest first: at open, and whenever one begins or is removed.
    Journals(Vec<JournalView>),
    /// The open journal grew.
    Appended {
        /// Its last entry now.
        last: Sequence,
        /// That entry's hash.
        head: EntryHash,
    },
    /// The answer to [`Action::Load`].
    Loaded {
        /// Which journal.
        journal: JournalId,
        /// Contiguous, oldest first; possibly none.
        entries: Vec<Stored>,
        /// What of the asked range can no longer be read.
        lost: Vec<Lost>,
    },
    /// The office answered.
    Replied {
        /// Which request.
        request: Request,
        /// Its verified receipt.
        receipt: Receipt,
    },
    /// No good answer came.
    Failed {
        /// Which request.
        request: Request,
        /// What went wrong.
        failure: Failure,
    },
    /// The bundle or the elsewhere list with this tag is in force.
    InForce {
        /// Which of the two.
        what: Download,
        /// Its ETag.
        tag: String,
    },
    /// A technician asks to try now.
    TryNow,
}

/// Names one exchange while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(pub u64);

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Not reached, broken off, timed out, 5xx: the same again later.
    Unreachable(String),
    /// The certificate does not pass.
    Untrusted(String),
    /// The office refuses this terminal (401, 403).
    Refused(String),
    /// An answer that is not the office's: HTML, wrong signature.
    Garbled(String),
}

/// What is downloaded beside the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Download {
    /// Roster, rules, calendar.
    Bundle,
    /// Today's punches of other terminals.
    Elsewhere,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read entries of a journal.
    Load {
        /// Which journal.
        journal: JournalId,
        /// The first wanted.
        from: Sequence,
        /// At most so many.
        limit: usize,
    },
    /// Sign and send; the shell adds the terminal's state of that moment.
    Send {
        /// Which exchange.
        request: Request,
        /// Which journal.
        journal: JournalId,
        /// Contiguous, oldest first; none for a heartbeat.
        entries: Vec<Stored>,
        /// What can no longer be sent.
        lost: Vec<Lost>,
    },
    /// Keep the office's mark and receipt (lazily).
    Acknowledge {
        /// Which journal.
        journal: JournalId,
        /// The mark; may be lower than before.
        mark: Sequence,
        /// The receipt.
        receipt: Box<Receipt>,
    },
    /// Begin a new journal and append again from the first conflicting entry, with origin.
    HealFork {
        /// The forked journal.
        journal: JournalId,
        /// The first conflicting entry.
        from: Sequence,
    },
    /// Fetch it.
    Fetch(Download),
}

/// How the office stands, for conditions and the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the last exchange went through.
    pub reachable: bool,
    /// Since when it has not.
    pub unreachable_since: Option<Mono>,
    /// What went wrong last.
    pub failure: Option<Failure>,
    /// Committed and not acknowledged, over all journals.
    pub backlog: u64,
}
