//! Faults put in on purpose, at the edge between the machines and the world: the oracles must notice each of them.

use std::collections::BTreeMap;

use punchd::domain::id::{JournalId, Sequence};
use punchd::machine::core;
use punchd::machine::feedback::{Feedback, State};
use punchd::machine::uplink::{Action, Event};
use punchd::wire::batch::Receipt;
use punchd::wire::entry::Body;

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The light turns green when the append is asked for.
    GreenBeforeCommit,
    /// What was once acknowledged is never sent again.
    CursorNeverGoesBack,
    /// The office acknowledges the highest number that it holds.
    AcknowledgesTheHighest,
    /// A request that failed is waited for all the same.
    InFlightNeverCleared,
    /// An idle kiosk says nothing.
    NoHeartbeat,
    /// A kiosk states the time although a reading is still on its way to a disk that stalls.
    StatementRunsAhead,
}

impl Mutant {
    pub(super) const ALL: [Self; 6] = [
        Self::GreenBeforeCommit,
        Self::CursorNeverGoesBack,
        Self::AcknowledgesTheHighest,
        Self::InFlightNeverCleared,
        Self::NoHeartbeat,
        Self::StatementRunsAhead,
    ];
}

/// The edge of one kiosk's machines.
#[derive(Debug, Default)]
pub(super) struct Edge {
    mutant: Option<Mutant>,
    marks: BTreeMap<JournalId, Sequence>,
    receipts: BTreeMap<JournalId, Receipt>,
}

impl Edge {
    pub(super) fn new(mutant: Option<Mutant>) -> Self {
        Self { mutant, ..Self::default() }
    }

    /// What the core wants done, as it reaches the world; `next` is where the journal goes on.
    pub(super) fn core_action(&self, action: core::Action, next: (JournalId, Sequence)) -> Vec<core::Action> {
        let punch = matches!(&action, core::Action::Append { draft, .. } if matches!(draft.body, Body::Punch { .. }));
        let early = punch && self.mutant == Some(Mutant::GreenBeforeCommit);
        let (journal, sequence) = (Some(next.0), Some(next.1));
        let green = early.then(|| core::Action::Feedback(Feedback { journal, sequence, ..Feedback::of(State::Unknown) }));
        green.into_iter().chain([action]).collect()
    }

    /// What happened, as it reaches the uplink.
    pub(super) fn uplink_event(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Replied { request, mut receipt } => {
                if self.mutant == Some(Mutant::CursorNeverGoesBack) {
                    let best = self.marks.entry(receipt.journal).or_insert(receipt.mark);
                    *best = (*best).max(receipt.mark);
                    receipt.mark = *best;
                }
                if self.mutant == Some(Mutant::NoHeartbeat) {
                    self.receipts.insert(receipt.journal, receipt.clone());
                }
                Some(Event::Replied { request, receipt })
            }
            Event::Failed { .. } if self.mutant == Some(Mutant::InFlightNeverCleared) => None,
            Event::Paired
            | Event::Journals(_)
            | Event::Appended { .. }
            | Event::Loaded { .. }
            | Event::Failed { .. }
            | Event::InForce { .. }
            | Event::TryNow => Some(event),
        }
    }

    /// Whether a statement's clock is not held back by readings under way.
    pub(super) fn runs_ahead(&self) -> bool {
        self.mutant == Some(Mutant::StatementRunsAhead)
    }

    /// What the uplink is told at once in place of its heartbeat going out.
    pub(super) fn swallowed(&self, action: &Action) -> Option<Event> {
        let Action::Send { request, journal, entries, lost } = action else { return None };
        let heartbeat = entries.is_empty() && lost.is_empty() && self.mutant == Some(Mutant::NoHeartbeat);
        let receipt = self.receipts.get(journal).filter(|_| heartbeat)?;
        Some(Event::Replied { request: *request, receipt: receipt.clone() })
    }

    /// What the office answers, as it leaves the office; `highest` is the highest number that it holds.
    pub(super) fn receipt(mutant: Option<Mutant>, mut receipt: Receipt, highest: Sequence) -> Receipt {
        if mutant == Some(Mutant::AcknowledgesTheHighest) {
            receipt.mark = highest;
        }
        receipt
    }
}
