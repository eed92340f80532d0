//! One journal's way to the office: how far the office has it, and what is to be sent next.
//!
//! Invariant: the mark never passes the journal's last entry, and what lies at or beyond a fork is not sent under this journal's name.

use super::JournalView;
use crate::domain::id::{EntryHash, Sequence};
use crate::domain::time::Mono;
use crate::wire::batch::{Lost, LostReason};

/// One journal's way to the office.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) view: JournalView,
    /// The office holds everything up to here; may go back.
    pub(super) mark: Sequence,
    /// The newest entries up to here have been sent ahead of the backlog.
    pub(super) ahead: Sequence,
    /// The first entry that conflicts at the office, if any.
    pub(super) fork: Option<Sequence>,
    /// When healing the fork was last asked for.
    pub(super) heal_asked: Option<Mono>,
    /// Nothing could be read; not before this moment again.
    pub(super) readable_at: Option<Mono>,
}

impl Lane {
    pub(super) fn new(view: JournalView) -> Self {
        let mark = view.acknowledged.min(view.last);
        Self { view, mark, ahead: Sequence::ZERO, fork: None, heal_asked: None, readable_at: None }
    }

    /// The journal as it is now, readable once more for all that is known; what the office has is known better here.
    pub(super) fn renew(&mut self, view: JournalView) {
        self.view = view;
        self.readable_at = None;
        self.mark = self.mark.min(view.last);
        self.ahead = self.ahead.min(view.last);
    }

    pub(super) const fn grow(&mut self, last: Sequence, head: EntryHash) {
        self.view.last = last;
        self.view.head = head;
    }

    /// The last entry to send under this journal's name.
    pub(super) fn end(&self) -> Sequence {
        self.fork.map_or(self.view.last, |fork| self.view.last.min(before(fork)))
    }

    /// How many entries the office is still to get under this journal's name.
    pub(super) fn waiting(&self) -> u64 {
        self.end().0.saturating_sub(self.mark.0)
    }

    /// Committed and not acknowledged. What a fork cut off counts here until it stands in another journal.
    pub(super) fn backlog(&self) -> u64 {
        let end = if self.view.open { self.view.last } else { self.end() };
        end.0.saturating_sub(self.mark.0)
    }

    pub(super) fn readable(&self, now: Mono) -> bool {
        self.readable_at.is_none_or(|at| at <= now)
    }

    /// The first entry to read for the oldest batch.
    pub(super) fn oldest(&self) -> Sequence {
        self.mark.next().max(self.view.first)
    }

    /// The first entry to read for a batch of the newest, where there are any that neither went ahead nor are next anyway.
    pub(super) fn newest(&self, limit: u64) -> Option<Sequence> {
        let last_batch = Sequence(self.end().0.saturating_sub(limit)).next();
        let from = last_batch.max(self.ahead.next()).max(self.oldest());
        (from > self.oldest() && from <= self.end()).then_some(from)
    }

    /// What the office has lost and this kiosk has removed since it was acknowledged.
    pub(super) fn pruned(&self) -> Option<Lost> {
        let (from, to) = (self.mark.next(), before(self.view.first).min(self.end()));
        let head_after = self.view.before_first.filter(|_| to == before(self.view.first));
        (from <= to).then_some(Lost { from, to, reason: LostReason::Pruned, head_after })
    }

    /// The office holds another entry at this place. One that lies lower than the last is healed anew: an office set back may take the other side.
    pub(super) fn fork_at(&mut self, fork: Sequence) {
        if self.fork.is_none_or(|known| fork < known) {
            self.fork = Some(fork);
            self.heal_asked = None;
        }
        self.mark = self.mark.min(self.end());
    }

    /// Whether a new journal is to be asked for: once, and again only while this one still takes entries.
    pub(super) fn heal_due(&mut self, now: Mono) -> bool {
        let due = self.heal_asked.is_none_or(|at| self.view.open && now.millis_since(at) >= super::HEAL_AGAIN_MS);
        if due {
            self.heal_asked = Some(now);
        }
        due
    }

    /// The office has everything up to `mark`; tells whether it had more before.
    pub(super) fn acknowledge(&mut self, mark: Sequence) -> bool {
        let back = mark < self.mark;
        if back {
            self.ahead = self.view.last;
        }
        self.mark = mark;
        back
    }
}

pub(super) const fn before(sequence: Sequence) -> Sequence {
    Sequence(sequence.0.saturating_sub(1))
}
