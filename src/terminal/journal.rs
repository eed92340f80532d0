//! The journal's thread: what it is asked and what it tells. It alone touches the kiosk's SQLite files.
//!
//! Constraints of the design:
//! - One SQLite file per journal, with a write-ahead log and `synchronous = FULL`, one connection, one thread; exactly one journal is open for
//!   append, older ones are only read and pruned. `state.db` beside them holds what may lag behind: marks, receipts, kept values.
//! - An append is one transaction and one fsync. Sequence and the hash of the entry before are given inside it. Appends that wait together
//!   share a transaction; each is answered by itself, in order.
//! - Before writing, the file's end is compared with what this process knows; after reading, every entry's hash, place and link are proven.
//! - What a failed commit left in the log is written over before anything else is stored, so that an entry that was refused is not there
//!   later; only a power cut in between may leave it. While that fails, nothing is stored and the file is held.
//! - A file that contradicts itself is set aside under another name with its log, never deleted; a new journal names it as the one before,
//!   entries in it are found again by searching its bytes, and what cannot be found is declared lost.
//! - A file of a newer program is refused and left untouched.
//! - Only what is acknowledged and, by trusted time, older than the retention is removed; its last sequence and hash stay.
//! - A full disk is met with the ballast; a directory that cannot be used is tried again every 2 s.
//!
//! Files by noun: `schema` and `migrations` (what a file is), `open` (how it is opened), `file` (one journal), `state` (`state.db`), `directory`
//! (names, lock, setting aside), `ballast`, `check`, `log` (the write-ahead log as bytes), `salvage` (damaged files), `set` (all journals),
//! `succession` (how one follows another), `reading`, `upkeep`, `examine` (the whole chain on demand), `inbox` and `thread` (the loop).

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::domain::id::{JournalId, Sequence};
use crate::domain::time::Wall;
use crate::health::Condition;
use crate::health::doctor::journal::Chain;
use crate::machine::Ticket;
use crate::machine::uplink::JournalView;
use crate::wire::batch::{Lost, Receipt};
use crate::wire::entry::{Draft, Entry, Stored};

mod ballast;
mod check;
mod directory;
mod error;
mod examine;
mod file;
mod inbox;
mod log;
mod open;
mod reading;
mod salvage;
mod schema;
mod set;
mod state;
mod succession;
#[cfg(test)]
mod tests;
mod thread;
mod upkeep;

/// How long entries are kept at least, in days: half a year, so that a quarter's complaints can still be checked at the kiosk.
pub const RETENTION_DAYS: u32 = 180;
/// Size of the file that gives room when the disk is full, in bytes: some thousand punches.
pub const BALLAST_BYTES: u64 = 8 * 1024 * 1024;

/// Free room under which the disk counts as low, in bytes.
pub const ROOM_LOW_BYTES: u64 = ballast::ROOM_LOW * BALLAST_BYTES;

pub use examine::at_rest as examine_at_rest;

/// Whether the ballast stands in a data directory.
pub fn has_ballast(directory: &std::path::Path) -> bool {
    directory.join(ballast::NAME).exists()
}

/// Where the journals lie, and how they are kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory; it must exist.
    pub directory: PathBuf,
    /// This machine (`/etc/machine-id`): a directory that comes from another begins a new journal.
    pub machine: String,
    /// The program's version, for the first entry of a journal.
    pub software: String,
    /// How long entries are kept at least, in days.
    pub retention_days: u32,
    /// Size of the ballast in bytes; 0 for none.
    pub ballast_bytes: u64,
    /// How SQLite opens the files.
    pub open: OpenOptions,
}

impl Options {
    /// For a data directory on a machine, everything else as it should be.
    pub fn new(directory: PathBuf, machine: String) -> Self {
        let software = env!("CARGO_PKG_VERSION").to_owned();
        Self { directory, machine, software, retention_days: RETENTION_DAYS, ballast_bytes: BALLAST_BYTES, open: OpenOptions::default() }
    }
}

/// How SQLite opens a journal. No configuration leads here: it is for rigs that record, break or slow down the disk.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// The name of a registered VFS; SQLite's own where none.
    pub vfs: Option<String>,
    /// Pragmas set after all others, for the journal files only: name and value.
    pub pragmas: Vec<(String, String)>,
}

/// Runs the journal on this thread until it is told to stop or both ends of a channel are gone.
///
/// The sender of `commands` should be bounded and never wait: the journal waits while `events` is full.
pub fn run(options: Options, clock: Clock, commands: Receiver<Command>, events: mpsc::Sender<Event>) {
    let inbox = inbox::Inbox::new(commands, events.clone());
    thread::Thread::new(options, clock, inbox, events).run();
}

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
    /// Walk along the whole chain of every journal, in slices between everything else.
    Examine {
        /// Where the result goes; dropped where too many ask.
        answer: oneshot::Sender<Chain>,
    },
    /// Prove that the thread lives; answered by [`Event::Alive`].
    Probe(u64),
    /// Commit, checkpoint, close, end.
    Stop,
}

/// What the journal tells.
#[derive(Debug)]
pub enum Event {
    /// Every kept value, by name; comes before each [`Event::Available`].
    Kept(Vec<(String, String)>),
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
    /// What is wrong with the files now; that nothing can be stored is told by [`Event::Unavailable`].
    Conditions(Vec<Condition>),
    /// The answer to [`Command::Probe`].
    Alive(u64),
}
