//! A punch: one reading that a terminal made durable, whoever it was. It has no direction and is never edited, merged or deleted.

use serde::{Deserialize, Serialize};

use super::credential::Credential;
use super::estimate::BestTime;
use super::id::{EntryHash, EntryKey, JournalId, ReaderName, Sequence};
use super::time::ClockReading;

/// Where an entry stood first, when a fork was healed by writing it again in a new journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The journal it stood in.
    pub journal: JournalId,
    /// Its place there.
    pub sequence: Sequence,
    /// Its hash there.
    pub hash: EntryHash,
}

/// A punch with what is known of its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Punch {
    /// Its key.
    pub key: EntryKey,
    /// Where it stood before a fork was healed.
    pub origin: Option<Origin>,
    /// Which reader read it.
    pub reader: ReaderName,
    /// What was read.
    pub credential: Credential,
    /// Both clocks as they stood.
    pub clock: ClockReading,
    /// The best-known time.
    pub best: BestTime,
}
