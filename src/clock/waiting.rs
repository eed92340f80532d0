//! Waiting for a moment of a clock that may skip: who waits is known, so that a demo can jump to the next moment that anyone waits for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::domain::time::Mono;

/// Who waits for which moment, and the news of a jump.
#[derive(Debug)]
pub(super) struct Waiting {
    jumps: watch::Sender<u64>,
    moments: Mutex<Moments>,
}

#[derive(Debug, Default)]
struct Moments {
    next: u64,
    waited_for: BTreeMap<u64, Mono>,
}

impl Waiting {
    /// Nobody waits.
    pub(super) fn new() -> Self {
        Self { jumps: watch::Sender::new(0), moments: Mutex::default() }
    }

    /// Everyone looks at the clock again.
    pub(super) fn jumped(&self) {
        self.jumps.send_modify(|jumps| *jumps += 1);
    }

    /// Hears of jumps.
    pub(super) fn jumps(&self) -> watch::Receiver<u64> {
        self.jumps.subscribe()
    }

    /// Waits for a moment, until the place is dropped.
    pub(super) fn wait_for(&self, moment: Mono) -> Place<'_> {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let id = moments.next;
        moments.next += 1;
        moments.waited_for.insert(id, moment);
        Place { waiting: self, id }
    }

    /// The next moment that anyone waits for.
    pub(super) fn next(&self) -> Option<Mono> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).waited_for.values().copied().min()
    }
}

/// A place in the waiting room.
#[derive(Debug)]
pub(super) struct Place<'a> {
    waiting: &'a Waiting,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.moments.lock().unwrap_or_else(PoisonError::into_inner).waited_for.remove(&self.id);
    }
}
