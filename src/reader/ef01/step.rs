//! What a conversation with the module wants next.

use super::command::Command;
use crate::domain::time::Mono;
use crate::reader::Answer;

/// Pause between two looks at a finger that is to come or to lift, in milliseconds.
pub(super) const FINGER_POLL_MS: u64 = 100;

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Send(Command),
    Wait(Mono),
    /// Nothing more; only a technician's request ends.
    Done(Answer),
}

/// A failure in a technician's words.
pub(super) fn failed(why: impl Into<String>) -> Answer {
    Answer::Failed { why: why.into() }
}
