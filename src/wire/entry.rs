//! An entry of a journal: its content, and its canonical bytes.
//!
//! Constraints of the format:
//! - The canonical bytes are the compact JSON of [`Entry`], fields in the order written here. They are made once, inside the journal's
//!   transaction, and are stored, sent, hashed and shown as they are: nobody ever serialises an entry a second time.
//! - `previous` is the hash of the entry before; [`EntryHash::NONE`] for sequence 1. So one hash vouches for all that came before it.
//! - A field is never removed or given another meaning; a new one is optional and comes last.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::credential::Credential;
use crate::domain::id::{EntryHash, JournalId, ReaderName, Sequence};
use crate::domain::punch::Origin;
use crate::domain::time::{ClockReading, Wall};

/// Most bytes of one entry: the longest text credential, escaped, with room.
pub const ENTRY_BYTES_MAX: usize = 4_096;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which journal.
    pub journal: JournalId,
    /// Its place there.
    pub sequence: Sequence,
    /// The hash of the entry before.
    pub previous: EntryHash,
    /// Both clocks, when it happened.
    pub clock: ClockReading,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
    /// Where it stood before a fork was healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What an entry records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// The first entry of a journal.
    Opened {
        /// The journal before it, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        predecessor: Option<Predecessor>,
        /// The program's version.
        version: String,
    },
    /// A reading of a credential.
    Punch {
        /// Which reader.
        reader: ReaderName,
        /// What was read.
        credential: Credential,
    },
    /// A finger that matched nobody or could not be read.
    Attempt {
        /// Which reader.
        reader: ReaderName,
        /// Why it failed.
        reason: AttemptReason,
    },
    /// A trusted moment: true time, known at this entry's monotonic time.
    Sync {
        /// True time at the entry's `mono`.
        wall: Wall,
        /// Half-width of its interval, in milliseconds.
        uncertainty_ms: u64,
        /// Who vouched for it.
        source: TimeSource,
    },
    /// The daemon started.
    Boot {
        /// The program's version.
        version: String,
    },
    /// The wall clock jumped against the monotonic one.
    ClockStep {
        /// By how much, forward positive, in milliseconds.
        step_ms: i64,
    },
    /// Settings changed: the digest of the configuration in force.
    Settings {
        /// SHA-256, hexadecimal.
        digest: String,
    },
    /// A technician did something: `enrol finger:7 at finger`.
    Maintenance {
        /// What, without names and badge numbers.
        action: String,
    },
}

/// Entries of a forked journal that could no longer be read when they were to be written again. Their places belong to the other machine, so no
/// hole can be declared there: a [`Body::Maintenance`] entry of the new journal says so, with this text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CutOff {
    /// The forked journal.
    pub journal: JournalId,
    /// The first of them.
    pub from: Sequence,
    /// The last of them.
    pub to: Sequence,
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable {} {} {}", self.journal, self.from, self.to)
    }
}

impl FromStr for CutOff {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.strip_prefix("unreadable ").unwrap_or_default().split(' ');
        let journal = words.next().and_then(|journal| journal.parse().ok());
        let (from, to) = (words.next().and_then(|from| from.parse().ok()), words.next().and_then(|to| to.parse().ok()));
        match (journal, from, to, words.next()) {
            (Some(journal), Some(from), Some(to), None) => Ok(Self { journal, from: Sequence(from), to: Sequence(to) }),
            _ => Err("not a statement about entries that a fork cut off"),
        }
    }
}

/// The journal before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    /// Its id.
    pub journal: JournalId,
    /// Its last known place.
    pub sequence: Sequence,
    /// The hash of its last known entry.
    pub head: EntryHash,
    /// Why it ended.
    pub reason: SuccessionReason,
}

/// Why a journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuccessionReason {
    /// Its file is damaged.
    Damaged,
    /// Two machines wrote on in the same journal.
    Forked,
    /// The terminal moved to another machine.
    Moved,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptReason {
    /// The finger matched nobody.
    NoMatch,
    /// The finger could not be read.
    NotRead,
}

/// Who vouched for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The kernel is synchronised (NTP).
    Kernel,
    /// An exchange with the office.
    Office,
}

/// What is to be appended; the journal adds its id, the sequence and the previous hash inside the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Both clocks, when it happened.
    pub clock: ClockReading,
    /// What happened.
    pub body: Body,
    /// Where it stood before a fork was healed.
    pub origin: Option<Origin>,
}

/// An entry as stored and sent: its canonical bytes, which are UTF-8 text, beside what is needed without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which journal.
    pub journal: JournalId,
    /// Its place there.
    pub sequence: Sequence,
    /// The canonical bytes.
    pub text: String,
    /// Their hash.
    pub hash: EntryHash,
}
