//! What stands between a tap and its light: told what the kiosk's core is told, and doing what it does.

use std::collections::VecDeque;

use punchd::machine::Now;
use punchd::machine::Ticket;
use punchd::machine::core::{Action, Event};
use punchd::machine::feedback::{Feedback, State};
use punchd::reader::Reading;
use punchd::wire::entry::{Body, Draft};

/// The plainest core that keeps law 1.
#[derive(Debug, Default)]
pub(super) struct Brain {
    next: u64,
    actions: VecDeque<Action>,
}

impl Brain {
    pub(super) fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Read { reader, reading: Reading::Credential(credential), .. } => self.append(now, Body::Punch { reader, credential }),
            Event::Record(body) => self.append(now, body),
            Event::Appended { stored, .. } if !stored.text.contains("\"kind\":\"punch\"") => {}
            Event::Appended { stored, .. } => {
                let feedback = Feedback { journal: Some(stored.journal), sequence: Some(stored.sequence), ..Feedback::of(State::Unknown) };
                self.actions.push_back(Action::Feedback(feedback));
            }
            Event::NotAppended { .. } => self.actions.push_back(Action::Feedback(Feedback::of(State::NotRecorded))),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn append(&mut self, clock: Now, body: Body) {
        self.next += 1;
        self.actions.push_back(Action::Append { ticket: Ticket(self.next), draft: Draft { clock, body, origin: None } });
    }
}
