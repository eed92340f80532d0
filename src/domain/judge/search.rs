//! Which punch counts for which checkpoint: the exact lexicographic optimum over every assignment that keeps the order of time, the windows
//! and the minimum gap.
//!
//! What an assignment costs is the sum of what its checkpoints cost, and a sum keeps the lexicographic order. So the cheapest way to serve
//! the checkpoints from `k` on with the moments from `i` on depends on nothing before, and a table of those costs is filled from the back:
//! checkpoints × moments, no more. Reading it from the front settles ties checkpoint by checkpoint.

use std::ops::Add;

use super::super::rules::{CHECKPOINTS_MAX, Direction};
use super::super::time::ClockTime;
use super::slot::{Limits, Punctuality, Slot, Stake};

/// What an assignment costs, compared in the order of the fields' weight: violations, heavy violations, punches away from home, missing
/// checkpoints, minutes. Packed into one number: 8 checkpoints fit each of the upper fields, and their minutes the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost(u64);

impl Cost {
    pub(super) const NONE: Self = Self(0);
    const IMPOSSIBLE: Self = Self(u64::MAX);
    const MINUTES_BITS: u32 = 32;
    const COUNT_BITS: u32 = 8;

    const fn new(violations: u64, heavy: u64, away: u64, missing: u64, minutes: u32) -> Self {
        let mut counts = violations;
        counts = counts << Self::COUNT_BITS | heavy;
        counts = counts << Self::COUNT_BITS | away;
        counts = counts << Self::COUNT_BITS | missing;
        Self(counts << Self::MINUTES_BITS | minutes as u64)
    }

    const fn count(self, place: u32) -> u64 {
        self.0 >> (Self::MINUTES_BITS + place * Self::COUNT_BITS) & 0xFF
    }

    /// How many checkpoints are missing, late or early.
    pub(super) const fn violations(self) -> u64 {
        self.count(3)
    }

    /// By what this one is less than one with as many violations.
    pub(super) const fn won_by(self, other: Self) -> Criterion {
        if self.count(2) != other.count(2) {
            Criterion::Heavy
        } else if self.count(1) != other.count(1) {
            Criterion::Home
        } else if self.count(0) != other.count(0) {
            Criterion::Missing
        } else if self.0 != other.0 {
            Criterion::Minutes
        } else {
            Criterion::Order
        }
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// What decided between two assignments with as many violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// Fewer violations that are more than a light early leave.
    Heavy,
    /// Fewer punches outside their checkpoint's home slot.
    Home,
    /// Fewer missing checkpoints.
    Missing,
    /// Fewer minutes late and early.
    Minutes,
    /// The earliest punch in, the latest out, checkpoint by checkpoint.
    Order,
}

/// How a checkpoint is read in an assignment, minutes aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Missing,
    OnTime,
    Late,
    Early,
}

impl Reading {
    /// How a slot reads with a time, or with none.
    pub(super) fn of(slot: &Slot, time: Option<ClockTime>, limits: Limits) -> Self {
        match time.map(|time| slot.punctuality(time, limits.grace)) {
            None => Self::Missing,
            Some(Punctuality::OnTime) => Self::OnTime,
            Some(Punctuality::Late(_)) => Self::Late,
            Some(Punctuality::Early(_)) => Self::Early,
        }
    }
}

/// Which moment each checkpoint takes, as an index into the moments.
pub(super) type Picks = [Option<usize>; CHECKPOINTS_MAX];

/// The best assignment and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Solution {
    pub(super) picks: Picks,
    pub(super) cost: Cost,
}

/// The search's question: slots in the order of the day, moments strictly rising.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) slots: &'q [Slot],
    pub(super) moments: &'q [ClockTime],
    pub(super) limits: Limits,
    /// A slot that must not be read so: asks for the best of the other assignments.
    pub(super) barred: Option<(usize, Reading)>,
}

impl Question<'_> {
    /// The best assignment; `None` if what is barred leaves none.
    pub(super) fn solve(&self) -> Option<Solution> {
        let width = self.moments.len() + 1;
        let mut table = vec![Cost::NONE; width * (self.slots.len() + 1)];
        for (place, slot) in self.slots.iter().enumerate().rev() {
            let (upper, below) = table.split_at_mut((place + 1) * width);
            let (_, row) = upper.split_at_mut(place * width);
            self.fill(row, place, slot, below);
        }
        self.read(&table, width)
    }

    /// Fills the costs of serving the slots from `place` on, from those after it.
    fn fill(&self, row: &mut [Cost], place: usize, slot: &Slot, below: &[Cost]) {
        let skipping = self.price(place, slot, None);
        let mut best_later = Cost::IMPOSSIBLE;
        for (from, cell) in row.iter_mut().enumerate().rev() {
            let skipped = skipping + cost_at(below, from);
            let taken = self
                .moments
                .get(from)
                .filter(|time| slot.window.contains(**time))
                .map_or(Cost::IMPOSSIBLE, |time| self.price(place, slot, Some(*time)) + cost_at(below, self.next_after(*time)));
            best_later = best_later.min(skipped).min(taken);
            *cell = best_later;
        }
    }

    /// Walks the table from the front: among the best ways, in takes the earliest moment, out the latest.
    fn read(&self, table: &[Cost], width: usize) -> Option<Solution> {
        let cost = cost_at(table, 0);
        if cost == Cost::IMPOSSIBLE {
            return None;
        }
        let mut picks = Picks::default();
        let mut from = 0;
        for ((place, slot), pick) in self.slots.iter().enumerate().zip(&mut picks) {
            let (target, below) = (cost_at(table, place * width + from), table.get((place + 1) * width..).unwrap_or_default());
            let is_best = |(index, time): &(usize, ClockTime)| {
                *index >= from && self.price(place, slot, Some(*time)) + cost_at(below, self.next_after(*time)) == target
            };
            let first = self.moments.partition_point(|time| *time < slot.window.from);
            let last = self.moments.partition_point(|time| *time < slot.window.to);
            let open = self.moments.get(first..last).unwrap_or_default().iter().copied();
            let mut admitted = (first..last).zip(open);
            let chosen = match slot.direction {
                Direction::In => admitted.find(is_best),
                Direction::Out => admitted.rfind(is_best),
            };
            if let Some((index, time)) = chosen {
                *pick = Some(index);
                from = self.next_after(time);
            }
        }
        Some(Solution { picks, cost })
    }

    /// The first moment that may count after one that does.
    fn next_after(&self, time: ClockTime) -> usize {
        self.moments.partition_point(|later| later.0 < time.0 + self.limits.gap_seconds)
    }

    /// What a slot costs with a time that it admits, or with none.
    fn price(&self, place: usize, slot: &Slot, time: Option<ClockTime>) -> Cost {
        if self.barred.is_some_and(|(barred, reading)| barred == place && reading == Reading::of(slot, time, self.limits)) {
            return Cost::IMPOSSIBLE;
        }
        let Some(time) = time else {
            return match slot.stake {
                Stake::Required => Cost::new(1, 1, 0, 1, 0),
                Stake::Lenient | Stake::Shown => Cost::new(0, 0, 0, 1, 0),
                Stake::Fixed => Cost::IMPOSSIBLE,
                Stake::Shut => Cost::NONE,
            };
        };
        let away = u64::from(!slot.home.contains(time));
        let punctuality = slot.punctuality(time, self.limits.grace);
        match (slot.stake, punctuality) {
            (Stake::Shut, _) => Cost::IMPOSSIBLE,
            (Stake::Required, Punctuality::OnTime) => Cost::new(0, 0, away, 0, 0),
            (Stake::Required, Punctuality::Late(minutes)) => Cost::new(1, 1, away, 0, minutes),
            (Stake::Required, Punctuality::Early(minutes)) => {
                Cost::new(1, u64::from(minutes > self.limits.light_early_leave), away, 0, minutes)
            }
            (Stake::Fixed, _) | (Stake::Lenient | Stake::Shown, Punctuality::OnTime) => Cost::NONE,
            (Stake::Lenient | Stake::Shown, Punctuality::Late(minutes) | Punctuality::Early(minutes)) => Cost::new(0, 0, 0, 0, minutes),
        }
    }
}

/// A cell of the table; beyond the last moment there is none to ask for.
fn cost_at(cells: &[Cost], place: usize) -> Cost {
    cells.get(place).copied().unwrap_or(Cost::IMPOSSIBLE)
}
