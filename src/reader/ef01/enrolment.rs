//! Enrolling a finger: find a free slot, take the captures with a lift between, make a model of them, store it.
//!
//! Invariants: a slot that is taken is never written over; nothing is stored unless every capture was confirmed; it ends by itself.

use super::command::{Ack, Command, code, meaning};
use super::slots::SlotTable;
use super::step::{FINGER_POLL_MS, Step, failed};
use crate::domain::time::Mono;
use crate::reader::outbox::Outbox;
use crate::reader::{Answer, Output};

/// How long to wait for a finger to come or to lift, in milliseconds.
const PATIENCE_MS: u64 = 30_000;
/// Unreadable captures before it is given up.
const UNREAD_MAX: u8 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Slots,
    Press,
    Features,
    Lift,
    Model,
    Store,
}

/// One enrolment.
#[derive(Debug)]
pub(super) struct Enrolment {
    wanted: Option<u16>,
    captures: u8,
    table: SlotTable,
    stage: Stage,
    slot: u16,
    capture: u8,
    unread: u8,
    next: Mono,
    give_up: Mono,
}

impl Enrolment {
    pub(super) const fn new(wanted: Option<u16>, captures: u8, capacity: u16) -> Self {
        Self {
            wanted,
            captures,
            table: SlotTable::new(capacity),
            stage: Stage::Slots,
            slot: 0,
            capture: 1,
            unread: 0,
            next: Mono(0),
            give_up: Mono(u64::MAX),
        }
    }

    pub(super) fn next(&self, now: Mono) -> Step {
        match self.stage {
            Stage::Slots => self.table.next().map_or_else(|| Step::Done(failed("the module has no slots")), Step::Send),
            Stage::Press | Stage::Lift if now >= self.give_up => Step::Done(failed(self.impatience())),
            Stage::Press | Stage::Lift if now < self.next => Step::Wait(self.next.min(self.give_up)),
            Stage::Press | Stage::Lift => Step::Send(Command::Image),
            Stage::Features => Step::Send(Command::Features { buffer: self.capture }),
            Stage::Model => Step::Send(Command::Model),
            Stage::Store => Step::Send(Command::Store { slot: self.slot }),
        }
    }

    /// Takes an answer; gives the last word once there is one.
    pub(super) fn answered(&mut self, now: Mono, ack: &Ack, out: &mut Outbox) -> Option<Answer> {
        match (self.stage, ack.code) {
            (Stage::Slots, code::OK) => {
                self.table.add(&ack.data);
                return if self.table.next().is_some() { None } else { self.choose(now, out) };
            }
            (Stage::Press, code::OK) => self.stage = Stage::Features,
            (Stage::Lift, code::NO_FINGER) => self.press(now, out),
            (Stage::Press | Stage::Lift, _) => self.next = now.plus_millis(FINGER_POLL_MS),
            (Stage::Features, code::OK) if self.capture >= self.captures => self.stage = Stage::Model,
            (Stage::Features, code::OK) => {
                self.capture += 1;
                self.lift(now, out);
            }
            (Stage::Features, _) => {
                self.unread += 1;
                if self.unread >= UNREAD_MAX {
                    return Some(failed("the finger cannot be read: clean it and the sensor, or take another finger"));
                }
                self.lift(now, out);
            }
            (Stage::Model, code::OK) => self.stage = Stage::Store,
            (Stage::Store, code::OK) => return Some(Answer::Enrolled { slot: self.slot }),
            (Stage::Slots | Stage::Model | Stage::Store, refusal) => return Some(failed(meaning(refusal))),
        }
        None
    }

    fn choose(&mut self, now: Mono, out: &mut Outbox) -> Option<Answer> {
        let slot = match self.wanted {
            Some(slot) if slot >= self.table.capacity() => {
                return Some(failed(format!("the module has only slots 0 to {}", self.table.capacity().saturating_sub(1))));
            }
            Some(slot) if self.table.is_taken(slot) => return Some(failed(format!("slot {slot} is taken: delete it first"))),
            Some(slot) => slot,
            None => match self.table.first_free() {
                Some(slot) => slot,
                None => return Some(failed(meaning(code::LIBRARY_FULL))),
            },
        };
        self.slot = slot;
        self.press(now, out);
        None
    }

    fn press(&mut self, now: Mono, out: &mut Outbox) {
        self.wait_for(Stage::Press, now);
        out.push(Output::Answer(Answer::Press { capture: self.capture }));
    }

    fn lift(&mut self, now: Mono, out: &mut Outbox) {
        self.wait_for(Stage::Lift, now);
        out.push(Output::Answer(Answer::Lift));
    }

    const fn wait_for(&mut self, stage: Stage, now: Mono) {
        self.stage = stage;
        self.next = now;
        self.give_up = now.plus_millis(PATIENCE_MS);
    }

    fn impatience(&self) -> String {
        let what = if self.stage == Stage::Press { "no finger came" } else { "the finger did not lift" };
        format!("{what} within {} seconds", PATIENCE_MS / 1_000)
    }
}
