//! From punches and stated times to what counts for each checkpoint: moments in the order of time, the search, what is left over for show,
//! and what else could have been.

use super::super::estimate::Quality;
use super::super::time::ClockTime;
use super::super::why::{Alternative, Why};
use super::plan::Plan;
use super::search::{Cost, Picks, Question, Reading, Solution};
use super::slot::{Limits, Slot, Stake};
use super::{DayInput, DayPunch, Evidence};

/// What counts for each checkpoint, and the alternatives.
#[derive(Debug)]
pub(super) struct Assignment<'a> {
    moments: Moments<'a>,
    picks: Picks,
    alternatives: Vec<(usize, Alternative<'a>)>,
}

impl<'a> Assignment<'a> {
    /// What counts for a checkpoint.
    pub(super) fn evidence(&self, place: usize) -> Option<Evidence<'a>> {
        let pick = self.picks.get(place).copied().flatten()?;
        self.moments.evidence.get(pick).copied()
    }

    /// Another assignment with as many violations that reads the checkpoint otherwise.
    pub(super) fn alternative(&self, place: usize) -> Option<&Alternative<'a>> {
        self.alternatives.iter().find(|(of, _)| *of == place).map(|(_, alternative)| alternative)
    }

    /// The punches that count for nothing, by time.
    pub(super) fn surplus(&self, punches: &'a [DayPunch]) -> Vec<&'a DayPunch> {
        let counted: Vec<_> = (0..self.picks.len()).filter_map(|place| self.evidence(place)).collect();
        let counts =
            |punch: &DayPunch| counted.iter().any(|evidence| matches!(evidence, Evidence::Punch(one) if std::ptr::eq(*one, punch)));
        let mut surplus: Vec<_> = punches.iter().filter(|punch| !counts(punch)).collect();
        surplus.sort_unstable_by(|a, b| (a.time, &a.key).cmp(&(b.time, &b.key)));
        surplus
    }
}

/// The moments at which something may count, strictly rising. What happened within one second is one moment, and the best evidence stands
/// for it.
#[derive(Debug, Default)]
struct Moments<'a> {
    times: Vec<ClockTime>,
    evidence: Vec<Evidence<'a>>,
}

impl<'a> Moments<'a> {
    fn of(input: &DayInput<'a>) -> Self {
        let punches = input.punches.iter().map(Evidence::Punch);
        let mut evidence: Vec<_> = punches.chain(input.facts.stated.iter().map(Evidence::Stated)).collect();
        evidence.sort_unstable_by(by_time_then_worth);
        evidence.dedup_by_key(|one| one.time());
        Self { times: evidence.iter().map(Evidence::time).collect(), evidence }
    }

    fn time(&self, pick: Option<usize>) -> Option<ClockTime> {
        self.times.get(pick?).copied()
    }
}

/// By time; within a second by how much the time is worth, then by key, so that the order of arrival means nothing.
fn by_time_then_worth(a: &Evidence<'_>, b: &Evidence<'_>) -> std::cmp::Ordering {
    let worth = |one: &Evidence<'_>| match one {
        Evidence::Punch(DayPunch { quality: Quality::Trusted, .. }) => 0,
        Evidence::Punch(DayPunch { quality: Quality::Estimated, .. }) => 1,
        Evidence::Stated(_) => 2,
        Evidence::Punch(DayPunch { quality: Quality::Suspect, .. }) => 3,
    };
    (a.time(), worth(a)).cmp(&(b.time(), worth(b))).then_with(|| match (a, b) {
        (Evidence::Punch(a), Evidence::Punch(b)) => a.key.cmp(&b.key),
        (Evidence::Stated(a), Evidence::Stated(b)) => a.cmp(b),
        (Evidence::Punch(_), Evidence::Stated(_)) | (Evidence::Stated(_), Evidence::Punch(_)) => std::cmp::Ordering::Equal,
    })
}

/// Assigns punches and stated times to the required checkpoints, then what is left to the excused ones for show.
pub(super) fn assign<'a>(input: &DayInput<'a>, plans: &[Plan<'a>]) -> Assignment<'a> {
    let takes_any = plans.iter().any(|plan| plan.slot.stake != Stake::Shut || is_shown(plan));
    let moments = if takes_any { Moments::of(input) } else { Moments::default() };
    if moments.times.is_empty() {
        return Assignment { moments, picks: Picks::default(), alternatives: Vec::new() };
    }
    let limits = Limits::of(input.rules);
    let slots: Vec<_> = plans.iter().map(|plan| plan.slot).collect();
    let question = Question { slots: &slots, moments: &moments.times, limits, barred: None };
    let best = question.solve().unwrap_or(Solution { picks: Picks::default(), cost: Cost::NONE });
    let alternatives = alternatives(&question, best, plans, &moments);
    let picks = if plans.iter().any(is_shown) { with_shown(&question, best.picks, plans, &moments) } else { best.picks };
    Assignment { moments, picks, alternatives }
}

/// Whether a settled checkpoint shows a leftover punch: excused or ruled, not one that was never required.
fn is_shown(plan: &Plan<'_>) -> bool {
    plan.settled.is_some_and(|why| matches!(why, Why::Excused(_) | Why::Attended(_) | Why::Ruled(..) | Why::RuledAbsent(_)))
}

/// The picks, and for the settled checkpoints what no required one took.
fn with_shown(question: &Question<'_>, picks: Picks, plans: &[Plan<'_>], moments: &Moments<'_>) -> Picks {
    let bind = |(plan, pick): (&Plan<'_>, Option<usize>)| match moments.time(pick) {
        Some(time) => plan.slot.fixed_at(time),
        None if is_shown(plan) => plan.slot.with(Stake::Shown),
        None => plan.slot.with(Stake::Shut),
    };
    let slots: Vec<_> = plans.iter().zip(picks).map(bind).collect();
    Question { slots: &slots, ..*question }.solve().map_or(picks, |solution| solution.picks)
}

/// For each checkpoint the best of the assignments that have as many violations and read it otherwise. One that merely drops a punch says
/// nothing; where nothing is violated there is none.
fn alternatives<'a>(question: &Question<'_>, best: Solution, plans: &[Plan<'a>], moments: &Moments<'a>) -> Vec<(usize, Alternative<'a>)> {
    if best.cost.violations() == 0 {
        return Vec::new();
    }
    let of_place = |(place, plan): (usize, &Plan<'a>)| {
        if plan.slot.stake == Stake::Shut {
            return None;
        }
        let chosen = moments.time(best.picks.get(place).copied().flatten());
        let barred = Some((place, Reading::of(&plan.slot, chosen, question.limits)));
        let other = Question { barred, ..*question }.solve()?;
        let only_drops = other.picks.iter().zip(&best.picks).all(|(other, best)| other.is_none() || other == best);
        if only_drops || other.cost.violations() != best.cost.violations() {
            return None;
        }
        let both = plans.iter().zip(other.picks.iter().zip(&best.picks));
        let changed = both.filter(|(_, (other, best))| other != best);
        let changes = changed.map(|(plan, (other, _))| (plan.checkpoint, moments.time(*other))).collect();
        Some((place, Alternative { changes, lost_by: best.cost.won_by(other.cost) }))
    };
    plans.iter().enumerate().filter_map(of_place).collect()
}

/// Whether all of these checkpoints would be met if no leave stood behind them.
pub(super) fn met_without_leave<'a>(input: &DayInput<'a>, plans: &[Plan<'a>], places: &[usize]) -> bool {
    let moments = Moments::of(input);
    let as_ruled = |(place, plan): (usize, &Plan<'_>)| {
        let stake = if places.contains(&place) { Stake::Required } else { plan.slot.stake };
        Slot::of(plan.checkpoint).with(stake)
    };
    let slots: Vec<_> = plans.iter().enumerate().map(as_ruled).collect();
    let question = Question { slots: &slots, moments: &moments.times, limits: Limits::of(input.rules), barred: None };
    let Some(solution) = question.solve() else { return false };
    places.iter().all(|place| solution.picks.get(*place).copied().flatten().is_some())
}
