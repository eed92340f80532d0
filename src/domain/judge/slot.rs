//! A checkpoint as it holds on one day: its times after leave and neighbours have moved them, and what is at stake in it.

use super::super::leave::Span;
use super::super::rules::{Checkpoint, Direction, Rules};
use super::super::time::ClockTime;

/// Minutes of a day: no limit of the rules means anything beyond it.
const DAY_MINUTES: u32 = 24 * 60;

/// What is at stake in a checkpoint while punches are assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stake {
    /// Missing, late or early are violations.
    Required,
    /// An outage or a decision stands behind it: nothing is held against the person, and a punch on time still wins.
    Lenient,
    /// Settled, takes a leftover punch for show.
    Shown,
    /// Already assigned: takes its punch again and nothing else.
    Fixed,
    /// Takes nothing and costs nothing.
    Shut,
}

/// How a time stands to a due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Punctuality {
    /// In time.
    OnTime,
    /// In, so many minutes after the due minute.
    Late(u32),
    /// Out, so many minutes before the due second, rounded up.
    Early(u32),
}

/// The limits of the rules that the search needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Minutes.
    pub(super) grace: u32,
    /// Seconds, at least 1: two punches of the same second are one moment.
    pub(super) gap_seconds: u32,
    /// Minutes.
    pub(super) light_early_leave: u32,
}

impl Limits {
    /// Those of a version.
    pub(super) fn of(rules: &Rules) -> Self {
        let gap_seconds = (rules.minimum_gap.min(DAY_MINUTES) * 60).max(1);
        Self { grace: rules.grace.min(DAY_MINUTES), gap_seconds, light_early_leave: rules.light_early_leave }
    }
}

/// A checkpoint as it holds on one day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Coming or going.
    pub(super) direction: Direction,
    /// When a punch is due.
    pub(super) due: ClockTime,
    /// When work starts or ends.
    pub(super) work_at: ClockTime,
    /// When a punch may count.
    pub(super) window: Span,
    /// When a lone punch is read as this checkpoint's.
    pub(super) home: Span,
    /// What is at stake.
    pub(super) stake: Stake,
}

impl Slot {
    /// The checkpoint as the rules have it.
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        Self {
            direction: checkpoint.direction,
            due: checkpoint.due,
            work_at: checkpoint.work_at,
            window: Span { from: checkpoint.opens, to: checkpoint.closes },
            home: Span { from: checkpoint.home_from, to: checkpoint.home_to },
            stake: Stake::Required,
        }
    }

    /// The same slot with another stake.
    pub(super) const fn with(self, stake: Stake) -> Self {
        Self { stake, ..self }
    }

    /// The same slot, bound to the punch that it already has.
    pub(super) fn fixed_at(self, time: ClockTime) -> Self {
        Self { window: Span { from: time, to: ClockTime(time.0 + 1) }, ..self.with(Stake::Fixed) }
    }

    /// In: in time while the clock still shows the due minute, and grace. Out: in time from the due second on, less grace.
    pub(super) fn punctuality(&self, time: ClockTime, grace: u32) -> Punctuality {
        match self.direction {
            Direction::In if time.minute() <= self.due.minute() + grace => Punctuality::OnTime,
            Direction::In => Punctuality::Late(time.minute() - self.due.minute()),
            Direction::Out if time.0 + grace * 60 >= self.due.0 => Punctuality::OnTime,
            Direction::Out => Punctuality::Early((self.due.0 - time.0).div_ceil(60)),
        }
    }

    /// Whether a time lies so many minutes or more into work, or before its end.
    pub(super) fn is_severe(&self, time: ClockTime, severe_after: u32) -> bool {
        let margin = severe_after.min(DAY_MINUTES) * 60;
        match self.direction {
            Direction::In => time.0 >= self.work_at.0 + margin,
            Direction::Out => time.0 + margin <= self.work_at.0,
        }
    }
}
