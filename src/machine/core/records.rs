//! The kiosk's own facts on their way into the journal: kept while it is unavailable, appended in order, one at a time, until durable.

use std::collections::VecDeque;

use crate::domain::estimate::TrustedMoment;
use crate::domain::time::Mono;
use crate::machine::Ticket;
use crate::wire::entry::{Body, Draft};

/// Most facts that wait; beyond it the newest are left out, so that the boot and its first trusted moment are never crowded out.
const RECORDS_MAX: usize = 256;
/// After how long an append that failed is tried again, in milliseconds (law 10).
const RETRY_MS: u64 = 2_000;

#[derive(Debug)]
pub(super) struct Records {
    waiting: VecDeque<Draft>,
    under_way: Option<Ticket>,
    retry_at: Option<Mono>,
}

impl Records {
    pub(super) const fn new() -> Self {
        Self { waiting: VecDeque::new(), under_way: None, retry_at: None }
    }

    pub(super) fn keep(&mut self, draft: Draft) {
        if self.waiting.len() < RECORDS_MAX {
            self.waiting.push_back(draft);
        }
    }

    /// The oldest, if none is under way and it is not too early after a failure.
    pub(super) fn next(&mut self, now: Mono) -> Option<Draft> {
        if self.under_way.is_some() || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        self.retry_at = None;
        self.waiting.front().cloned()
    }

    pub(super) const fn under_way(&mut self, ticket: Ticket) {
        self.under_way = Some(ticket);
    }

    /// It is durable; the trusted moment that it tells, if it does.
    pub(super) fn appended(&mut self, ticket: Ticket) -> Option<TrustedMoment> {
        if self.under_way != Some(ticket) {
            return None;
        }
        self.under_way = None;
        let draft = self.waiting.pop_front()?;
        moment(&draft)
    }

    pub(super) fn not_appended(&mut self, now: Mono, ticket: Ticket) {
        if self.under_way == Some(ticket) {
            self.under_way = None;
            self.retry_at = Some(now.plus_millis(RETRY_MS));
        }
    }

    pub(super) const fn retry_at(&self) -> Option<Mono> {
        self.retry_at
    }
}

fn moment(draft: &Draft) -> Option<TrustedMoment> {
    match draft.body {
        Body::Sync { wall, uncertainty_ms, .. } => {
            Some(TrustedMoment { boot: draft.clock.boot, mono: draft.clock.mono, wall, uncertainty_ms })
        }
        Body::Opened { .. }
        | Body::Punch { .. }
        | Body::Attempt { .. }
        | Body::Boot { .. }
        | Body::ClockStep { .. }
        | Body::Settings { .. }
        | Body::Maintenance { .. } => None,
    }
}
