//! From a finger to a slot: image, features, search, then wait until the finger has lifted.
//!
//! Invariants: one press gives one reading, however often the module has to be asked; a press whose image was taken always gives one; a
//! search never follows features that were not confirmed, so nobody is taken for the person before.

use super::Interruption;
use super::command::{Ack, Command, code};
use super::step::{FINGER_POLL_MS, Step};
use crate::domain::credential::Credential;
use crate::domain::time::Mono;
use crate::reader::outbox::Outbox;
use crate::reader::{Fault, Reading};

/// Pause between two looks for a finger, in milliseconds (makers' examples: 100 to 200).
const IDLE_POLL_MS: u64 = 150;
/// Pause after the module reported a fault of its own, in milliseconds.
const FAULT_PAUSE_MS: u64 = 1_000;
/// Images of one press before it counts as unreadable: the first may show a finger that is still coming down.
const IMAGES_MAX: u8 = 2;
/// Interruptions by a faulty line before a press counts as unreadable.
const INTERRUPTIONS_MAX: u8 = 3;
/// How long a finger may stay before the sensor is suspected of dirt, in milliseconds.
const STUCK_MS: u64 = 60_000;
/// The buffer that features are made in and searched from.
const BUFFER: u8 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No finger is there.
    Waiting,
    /// An image is in the module.
    Features,
    /// Features are in the module.
    Search,
    /// The finger is done with, and still there.
    Lifting { since: Mono },
}

/// One press after another.
#[derive(Debug)]
pub(super) struct Identify {
    stage: Stage,
    next: Mono,
    unread: u8,
    interruptions: u8,
}

impl Identify {
    pub(super) const fn new() -> Self {
        Self { stage: Stage::Waiting, next: Mono(0), unread: 0, interruptions: 0 }
    }

    /// Whether no press is under way, so that something else may be asked of the module.
    pub(super) const fn at_rest(&self) -> bool {
        match self.stage {
            Stage::Waiting => self.unread == 0,
            Stage::Lifting { .. } => true,
            Stage::Features | Stage::Search => false,
        }
    }

    pub(super) fn next(&self, now: Mono, capacity: u16) -> Step {
        match self.stage {
            Stage::Waiting | Stage::Lifting { .. } if now < self.next => Step::Wait(self.next),
            Stage::Waiting | Stage::Lifting { .. } => Step::Send(Command::Image),
            Stage::Features => Step::Send(Command::Features { buffer: BUFFER }),
            Stage::Search => Step::Send(Command::Search { capacity }),
        }
    }

    pub(super) fn answered(&mut self, now: Mono, capacity: u16, ack: &Ack, out: &mut Outbox) {
        match (self.stage, ack.code) {
            (Stage::Waiting, code::OK) => self.stage = Stage::Features,
            (Stage::Waiting, code::NO_FINGER) => {
                if self.unread > 0 {
                    out.reading(Reading::NotRead);
                }
                self.wait(now.plus_millis(IDLE_POLL_MS));
            }
            (Stage::Features, code::OK) => self.stage = Stage::Search,
            (Stage::Waiting | Stage::Lifting { .. }, fault) if code::GENERAL.contains(&fault) => {
                out.fault(now, Fault::Unexpected);
                self.next = now.plus_millis(FAULT_PAUSE_MS);
            }
            (Stage::Waiting | Stage::Features, _) => self.unreadable(now, out),
            (Stage::Search, refusal) => self.finish(now, found(refusal, &ack.data, capacity), out),
            (Stage::Lifting { .. }, code::NO_FINGER) => self.wait(now.plus_millis(FINGER_POLL_MS)),
            (Stage::Lifting { since }, _) => {
                self.next = now.plus_millis(FINGER_POLL_MS);
                if now.millis_since(since) >= STUCK_MS {
                    out.fault(now, Fault::Unexpected);
                    self.stage = Stage::Lifting { since: now };
                }
            }
        }
    }

    /// The exchange under way came to nothing. Only where the answer was merely not understood can the module's image still be trusted.
    pub(super) fn interrupted(&mut self, now: Mono, how: Interruption, out: &mut Outbox) {
        if !matches!(self.stage, Stage::Features | Stage::Search) {
            return;
        }
        self.interruptions += 1;
        if self.interruptions >= INTERRUPTIONS_MAX {
            self.finish(now, Reading::NotRead, out);
            return;
        }
        match how {
            Interruption::Unclear => self.stage = Stage::Features,
            Interruption::Confused | Interruption::Restarted => {
                self.stage = Stage::Waiting;
                self.unread = self.unread.max(1);
            }
        }
    }

    /// The module is gone for longer than a finger stays.
    pub(super) fn gone(&mut self, now: Mono, out: &mut Outbox) {
        if !self.at_rest() {
            self.finish(now, Reading::NotRead, out);
        }
    }

    /// Whatever finger is there has been dealt with.
    pub(super) const fn await_lift(&mut self, now: Mono) {
        *self = Self { stage: Stage::Lifting { since: now }, next: now.plus_millis(FINGER_POLL_MS), unread: 0, interruptions: 0 };
    }

    const fn wait(&mut self, next: Mono) {
        *self = Self { stage: Stage::Waiting, next, unread: 0, interruptions: 0 };
    }

    fn unreadable(&mut self, now: Mono, out: &mut Outbox) {
        self.unread += 1;
        if self.unread >= IMAGES_MAX {
            self.finish(now, Reading::NotRead, out);
        } else {
            self.stage = Stage::Waiting;
            self.next = now;
        }
    }

    fn finish(&mut self, now: Mono, reading: Reading, out: &mut Outbox) {
        out.reading(reading);
        self.await_lift(now);
    }
}

fn found(refusal: u8, data: &[u8], capacity: u16) -> Reading {
    match (refusal, data) {
        (code::OK, [high, low, ..]) => {
            let slot = u16::from_be_bytes([*high, *low]);
            if slot < capacity { Reading::Credential(Credential::Finger(slot)) } else { Reading::NotRead }
        }
        (code::NOT_FOUND | code::LIBRARY_EMPTY, _) => Reading::NoMatch,
        _ => Reading::NotRead,
    }
}
