//! What a technician asked of the module, while it is under way.

use super::command::{Ack, Command, code, meaning};
use super::enrolment::Enrolment;
use super::slots::SlotTable;
use super::step::{Step, failed};
use crate::domain::time::Mono;
use crate::reader::outbox::Outbox;
use crate::reader::{Answer, Request};

/// One request.
#[derive(Debug)]
pub(super) enum Errand {
    Slots(SlotTable),
    Delete { slot: u16 },
    Enrol(Enrolment),
}

impl Errand {
    /// Begins what was asked; `None` for what needs no module.
    pub(super) const fn begin(request: &Request, captures: u8, capacity: u16) -> Option<Self> {
        match request {
            Request::Slots => Some(Self::Slots(SlotTable::new(capacity))),
            Request::Delete { slot } => Some(Self::Delete { slot: *slot }),
            Request::Enrol { slot } => Some(Self::Enrol(Enrolment::new(*slot, captures, capacity))),
            Request::Cancel => None,
        }
    }

    pub(super) fn next(&self, now: Mono) -> Step {
        match self {
            Self::Slots(table) => table.next().map_or_else(|| Step::Done(listed(table)), Step::Send),
            Self::Delete { slot } => Step::Send(Command::Delete { slot: *slot }),
            Self::Enrol(enrolment) => enrolment.next(now),
        }
    }

    /// Takes an answer; gives the last word once there is one.
    pub(super) fn answered(&mut self, now: Mono, ack: &Ack, out: &mut Outbox) -> Option<Answer> {
        match self {
            Self::Enrol(enrolment) => enrolment.answered(now, ack, out),
            Self::Slots(_) | Self::Delete { .. } if ack.code != code::OK => Some(failed(meaning(ack.code))),
            Self::Delete { slot } => Some(Answer::Deleted { slot: *slot }),
            Self::Slots(table) => {
                table.add(&ack.data);
                table.next().is_none().then(|| listed(table))
            }
        }
    }

    /// Whether a finger was laid on for it.
    pub(super) const fn used_a_finger(&self) -> bool {
        match self {
            Self::Enrol(_) => true,
            Self::Slots(_) | Self::Delete { .. } => false,
        }
    }
}

fn listed(table: &SlotTable) -> Answer {
    Answer::Slots { taken: table.taken().to_vec(), capacity: table.capacity() }
}
