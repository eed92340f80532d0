//! The journal's thread: what it is asked and what it tells. It alone touches the kiosk's SQLite files.

use tokio::sync::{mpsc, oneshot};

use crate::domain::id::{JournalId, Sequence};
use crate::domain::time::Wall;
use crate::health::Condition;
use crate::machine::Ticket;
use crate::machine::uplink::JournalView;
use crate::wire::batch::{Lost, Receipt};
use crate::wire::entry::{Draft, Entry, Stored};

/// What the journal is asked.
#[derive(Debug)]
pub enum Command {
    /// Store it: one transaction, one fsync, then [`Event::Appended`]; or [`Event::NotAppended`].
    Append {
        /// Which append.
        ticket: Ticket,
        /// What.
        draft: Draft,
    },
    /// Read entries; answered by [`Event::Loaded`].
    Load {
        /// Which journal.
        journal: JournalId,
        /// The first wanted.
        from: Sequence,
        /// At most so many.
        limit: usize,
    },
    /// Stream entries of all journals, oldest journal first, to a reader that may be slow (punches, export).
    Stream {
        /// Only after this place of the open journal; all journals where none.
        after: Option<Sequence>,
        /// Where to; dropped when done.
        into: mpsc::Sender<Stored>,
    },
    /// Keep the office's mark and receipt, lazily.
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
    /// Keep a small value in `state.db` (bundle, pairing, clock floor), durably; the answer says whether it was.
    Keep {
        /// Its name.
        key: &'static str,
        /// Its text.
        value: String,
        /// Whether it is durable.
        done: oneshot::Sender<Result<(), String>>,
    },
    /// Remove what is acknowledged and older than the retention.
    Prune {
        /// Trusted time now.
        now: Wall,
    },
    /// Prove that the thread lives; answered by [`Event::Alive`].
    Probe(u64),
    /// Commit, checkpoint, close, end.
    Stop,
}

/// What the journal tells.
#[derive(Debug)]
pub enum Event {
    /// It can take entries: at start, and again after it could not.
    Available {
        /// Every journal, oldest first; the last is open.
        journals: Vec<JournalView>,
        /// The entries of the last two days (by the raw wall clock) and of this boot, oldest first.
        recent: Vec<Entry>,
    },
    /// It cannot; it tries again every 2 s.
    Unavailable {
        /// Why, in a technician's words.
        why: String,
    },
    /// The journals changed: one began, was pruned or removed, or was found damaged.
    Journals(Vec<JournalView>),
    /// Stored durably.
    Appended {
        /// Which append.
        ticket: Ticket,
        /// As stored.
        stored: Stored,
    },
    /// Not stored.
    NotAppended {
        /// Which append.
        ticket: Ticket,
        /// Why, in a technician's words.
        why: String,
    },
    /// The answer to [`Command::Load`].
    Loaded {
        /// Which journal.
        journal: JournalId,
        /// Contiguous, oldest first.
        entries: Vec<Stored>,
        /// What of the asked range can no longer be read.
        lost: Vec<Lost>,
    },
    /// What is wrong with the files now.
    Conditions(Vec<Condition>),
    /// The answer to [`Command::Probe`].
    Alive(u64),
}
