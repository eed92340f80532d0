//! The kiosk's middle: read → both clocks → `Append`; `Appended` → whose, which checkpoint → feedback.
//!
//! Invariants: feedback with a sequence is caused only by [`Event::Appended`] (law 1); every reading leads to exactly one append and exactly
//! one feedback, whatever the roster, the calendar, the clock or the network are like (laws 2 and 5).

use std::sync::Arc;

use super::Ticket;
use super::feedback::Feedback;
use crate::domain::credential::Credential;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::reader::{Reading, Signal};
use crate::wire::bundle::{Bundle, Elsewhere};
use crate::wire::entry::{Body, Draft, Entry, Stored};

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A presentation that the gate admitted.
    Read {
        /// Which reader.
        reader: ReaderName,
        /// What it read.
        reading: Reading,
        /// When its last byte came.
        at: Mono,
    },
    /// The kiosk's own fact is to be recorded: a boot, a trusted moment, a clock step, settings, maintenance.
    Record(Body),
    /// The journal stored it.
    Appended {
        /// Which append.
        ticket: Ticket,
        /// As stored.
        stored: Stored,
    },
    /// The journal could not store it.
    NotAppended {
        /// Which append.
        ticket: Ticket,
        /// Why, in a technician's words.
        why: String,
    },
    /// The journal can take entries; these of the last two days are in it, oldest first.
    JournalAvailable {
        /// What is needed for today's boxes, and the trusted moments of this boot.
        recent: Vec<Entry>,
    },
    /// The journal cannot take entries.
    JournalUnavailable {
        /// Why, in a technician's words.
        why: String,
    },
    /// A new bundle is in force.
    Bundle(Arc<Bundle>),
    /// Today's punches made at other terminals.
    Elsewhere(Arc<Elsewhere>),
    /// What every datum carries along.
    Office {
        /// Whether the office is out of reach.
        offline: bool,
        /// Committed and not acknowledged.
        backlog: u64,
    },
    /// A reader's port is gone or back.
    Reader {
        /// Which.
        reader: ReaderName,
        /// Whether it can read.
        connected: bool,
    },
    /// A technician is at work, or has finished.
    Maintenance(bool),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Store it; the answer carries the ticket.
    Append {
        /// Which append.
        ticket: Ticket,
        /// What.
        draft: Draft,
    },
    /// Show it, sound it.
    Feedback(Feedback),
    /// Show it on the reader itself.
    Signal {
        /// Which reader.
        reader: ReaderName,
        /// What.
        signal: Signal,
    },
    /// It was not stored: the next frame of the same credential is a new presentation.
    Reopen {
        /// Which reader.
        reader: ReaderName,
        /// Which credential.
        credential: Credential,
    },
}
