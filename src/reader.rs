//! Serial readers without serial ports: bytes and time in; readings, bytes to write and faults out.
//!
//! Invariants: no bytes whatever make a driver panic, loop or grow; a frame that fails its check is a fault, never a reading; a driver
//! never asks the time. What a reader's light shows is what was *recorded*: it comes back as a [`Signal`].

pub mod card_format;
pub mod ef01;
pub mod em4100;
pub mod em4100_binary;
pub mod line;
mod outbox;
pub mod protocol;
#[cfg(test)]
mod vectors;

use serde::{Deserialize, Serialize};

use crate::domain::credential::Credential;
use crate::domain::time::Mono;

/// Most bytes that the port hands over in one call; what a driver keeps waiting for `poll_output` follows from it.
pub const READ_BYTES_MAX: usize = 512;

/// The protocol of one kind of reader. The port's thread feeds it and carries out what it asks.
///
/// After every call the caller drains [`Driver::poll_output`], then waits until bytes arrive or [`Driver::poll_timeout`] passes.
pub trait Driver: Send {
    /// Bytes as they came off the line; an empty slice when the port has just been opened.
    fn handle(&mut self, now: Mono, bytes: &[u8]);
    /// The moment that `poll_timeout` named has come.
    fn handle_timeout(&mut self, now: Mono);
    /// The next thing to do or to tell, until `None`.
    fn poll_output(&mut self) -> Option<Output>;
    /// When `handle_timeout` is wanted.
    fn poll_timeout(&self) -> Option<Mono>;
    /// Shows on the reader what became of the last reading; readers without a light do nothing.
    fn signal(&mut self, now: Mono, signal: Signal);
    /// A technician's request; a protocol without that ability answers [`Answer::Unsupported`].
    fn request(&mut self, now: Mono, request: Request);
}

/// What a driver gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A frame that passed its check.
    Reading(Reading),
    /// Bytes for the reader.
    Write(Vec<u8>),
    /// Something was wrong on the line; counted per reader.
    Fault(Fault),
    /// The answer to a [`Request`], or a step on the way to it.
    Answer(Answer),
    /// A module that must answer does or does not: shown as a Condition.
    Online(bool),
}

/// What a reader read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// A credential.
    Credential(Credential),
    /// A finger that matched nobody: journalled as a failed attempt.
    NoMatch,
    /// A finger that could not be read (dry, wet, moved): shown as “press again”, journalled as a failed attempt.
    NotRead,
}

/// What was wrong on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Bytes that belong to no frame.
    Noise,
    /// A frame whose checksum does not hold.
    Checksum,
    /// A frame that ended before it was whole.
    Truncated,
    /// A frame longer than its limit.
    TooLong,
    /// A text in no encoding that the configuration allows, or with control characters.
    Encoding,
    /// A module that did not answer in time.
    Silent,
    /// A module that answered what it must not.
    Unexpected,
    /// A module that restarted by itself.
    Restarted,
}

impl Fault {
    /// What it is, for a technician.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Noise => "bytes that belong to no frame",
            Self::Checksum => "frames with a wrong checksum",
            Self::Truncated => "frames cut short",
            Self::TooLong => "frames that do not end",
            Self::Encoding => "lines that are no text",
            Self::Silent => "answers that do not come in time",
            Self::Unexpected => "answers to something else",
            Self::Restarted => "a module that restarts by itself",
        }
    }
}

/// What became of a reading, for the reader's own light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Durable.
    Recorded,
    /// Durable, and nobody is known for it.
    Unknown,
    /// Press again.
    Retry,
    /// Not stored.
    NotRecorded,
}

/// What a technician may ask of a fingerprint module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Capture, make features and a model, store it; the first free slot where none is named.
    Enrol {
        /// Where to store it.
        slot: Option<u16>,
    },
    /// Which slots are taken.
    Slots,
    /// Empty one slot.
    Delete {
        /// Which.
        slot: u16,
    },
    /// Give up what is under way.
    Cancel,
}

/// What became of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A step of an enrolment: put the finger on (1st, 2nd … capture), or lift it.
    Press {
        /// Which capture.
        capture: u8,
    },
    /// Lift the finger.
    Lift,
    /// Stored.
    Enrolled {
        /// Where.
        slot: u16,
    },
    /// The slots that are taken, of how many.
    Slots {
        /// Taken slots.
        taken: Vec<u16>,
        /// How many there are.
        capacity: u16,
    },
    /// Emptied.
    Deleted {
        /// Which.
        slot: u16,
    },
    /// It could not be done, and why.
    Failed {
        /// In a technician's words.
        why: String,
    },
    /// This protocol has no such ability.
    Unsupported,
}
