//! What holds before any punch is looked at: which checkpoints are settled and why, and where leave and neighbours move the others.
//!
//! Precedence: not required > calendar unknown > a person's ruling > approved leave, errand or event with evidence.

use super::super::calendar::DayKind;
use super::super::fact::{Attendance, DayFacts, Event, HalfDayHoliday};
use super::super::leave::{Cause, Excuse, Span};
use super::super::person::Standing;
use super::super::rules::{CHECKPOINTS_MAX, Checkpoint, Direction, HalfDay};
use super::super::ruling::{Article26, Ruling, Verdict};
use super::super::time::ClockTime;
use super::super::why::Why;
use super::slot::{Slot, Stake};
use super::{DayInput, Outcome};

/// An outage excuses only if it overlaps so many minutes before the due time (in) or after it (out).
const OUTAGE_REACH_MIN: u32 = 30;

/// Where a half-day ends or begins that has no checkpoint there, as in a centre with two a day.
const NOON: ClockTime = ClockTime(12 * 3600);

/// A checkpoint before punches are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    /// The session that it begins or ends.
    pub(super) session: Span,
    /// Its times on this day, and what is at stake.
    pub(super) slot: Slot,
    /// Why it is settled.
    pub(super) settled: Option<Why<'a>>,
    /// What stands behind it if nothing on time counts.
    pub(super) lenience: Option<Why<'a>>,
}

/// The checkpoints that hold for this person on this day.
pub(super) fn checkpoints<'a>(input: &DayInput<'a>) -> &'a [Checkpoint] {
    let all = input.facts.duty.as_ref().map_or(&input.rules.checkpoints, |duty| &duty.checkpoints);
    all.get(..CHECKPOINTS_MAX).unwrap_or(all)
}

/// The plan of a day, in the order of its checkpoints.
pub(super) fn plan<'a>(input: &DayInput<'a>) -> Vec<Plan<'a>> {
    let all = checkpoints(input);
    let of_day = of_day(input);
    let plan_one = |(place, checkpoint): (usize, &'a Checkpoint)| {
        let session = session(all, place, checkpoint);
        let mut slot = Slot::of(checkpoint);
        let settled = of_day
            .or_else(|| of_half_day(input.facts, checkpoint))
            .or_else(|| ruled(input.facts, checkpoint))
            .or_else(|| excused(input.facts, checkpoint, session, &mut slot));
        let lenience = if settled.is_none() { lenience(input.facts, checkpoint, &slot) } else { None };
        slot.stake = match (settled, lenience) {
            (Some(_), _) => Stake::Shut,
            (None, Some(_)) => Stake::Lenient,
            (None, None) => Stake::Required,
        };
        Plan { checkpoint, session, slot, settled, lenience }
    };
    let mut plans: Vec<_> = all.iter().enumerate().map(plan_one).collect();
    widen_beside_excused(&mut plans);
    plans
}

/// What settles the whole day.
fn of_day<'a>(input: &DayInput<'a>) -> Option<Why<'a>> {
    match input.standing {
        Standing::BeforePost => return Some(Why::BeforePost),
        Standing::Exited => return Some(Why::Exited),
        Standing::OnPost => {}
    }
    if input.facts.duty.is_some() {
        return None;
    }
    match input.day {
        DayKind::Workday | DayKind::MakeupWorkday(_) => None,
        DayKind::RestDay => Some(Why::RestDay),
        DayKind::Holiday(name) => Some(Why::Holiday(name)),
        DayKind::Unknown => Some(Why::CalendarUnknown),
    }
}

fn of_half_day<'a>(facts: &'a DayFacts, checkpoint: &Checkpoint) -> Option<Why<'a>> {
    let holds = |holiday: &&HalfDayHoliday| holiday.half_day == checkpoint.half_day;
    facts.half_day_holidays.iter().filter(holds).min().map(|holiday| Why::HalfDayHoliday(&holiday.name))
}

/// The ruling on a half-day that holds, if it says 旷工.
pub(super) fn absence(facts: &DayFacts, half_day: HalfDay) -> Option<(&Ruling, Article26)> {
    let on_this = |ruling: &&Ruling| matches!(&ruling.verdict, Verdict::Absence(half, _) if *half == half_day);
    let last = facts.rulings.iter().filter(on_this).max()?;
    match &last.verdict {
        Verdict::Absence(_, case) => case.map(|case| (last, case)),
        Verdict::Checkpoint(..) => None,
    }
}

fn ruled<'a>(facts: &'a DayFacts, checkpoint: &Checkpoint) -> Option<Why<'a>> {
    if let Some((ruling, _)) = absence(facts, checkpoint.half_day) {
        return Some(Why::RuledAbsent(ruling));
    }
    let on_this = |ruling: &&Ruling| matches!(&ruling.verdict, Verdict::Checkpoint(id, _) if *id == checkpoint.id);
    let last = facts.rulings.iter().filter(on_this).max()?;
    match &last.verdict {
        Verdict::Checkpoint(_, outcome) => outcome.map(|outcome| Why::Ruled(last, outcome)),
        Verdict::Absence(..) => None,
    }
}

/// What excuses the checkpoint; shorter leave moves the slot.
fn excused<'a>(facts: &'a DayFacts, checkpoint: &Checkpoint, session: Span, slot: &mut Slot) -> Option<Why<'a>> {
    let nominal = *slot;
    if let Some(leave) = push_through_leave(facts, session, slot) {
        return Some(Why::Excused(leave));
    }
    let errand = best(facts, slot, |excuse| excuse.cause == Cause::Errand);
    if let Some(errand) = errand {
        return Some(Why::Excused(errand));
    }
    let attended = |event: &&Event| {
        let came = match event.attendance {
            Attendance::SignedIn | Attendance::Listed => true,
            Attendance::Invited => false,
        };
        came && (event.names.contains(&checkpoint.id) || touches(event.span, slot) || touches(event.span, &nominal))
    };
    facts.events.iter().filter(attended).min().map(Why::Attended)
}

/// Moves the slot to the end (in) or the start (out) of the leave that touches it, again if that touches the next leave; gives the leave
/// when nothing of the session is left.
fn push_through_leave<'a>(facts: &'a DayFacts, session: Span, slot: &mut Slot) -> Option<&'a Excuse> {
    let is_leave = |excuse: &Excuse| match excuse.cause {
        Cause::Leave(_) => true,
        Cause::Errand => false,
    };
    let mut first = None;
    while let Some(leave) = best(facts, slot, is_leave) {
        let first = *first.get_or_insert(leave);
        let (moved, used_up) = match slot.direction {
            Direction::In => (leave.span.to, leave.span.to >= session.to),
            Direction::Out => (leave.span.from, leave.span.from <= session.from),
        };
        if used_up {
            return Some(first);
        }
        move_to(slot, moved);
    }
    None
}

/// Of the approved excuses that touch the slot the one that reaches furthest, by its contents where two reach as far.
fn best<'a>(facts: &'a DayFacts, slot: &Slot, wanted: impl Fn(&Excuse) -> bool) -> Option<&'a Excuse> {
    let holding = facts.excuses.iter().filter(|excuse| excuse.state.holds() && wanted(excuse) && touches(excuse.span, slot));
    match slot.direction {
        Direction::In => holding.max_by(|a, b| (a.span.to, a).cmp(&(b.span.to, b))),
        Direction::Out => holding.min_by(|a, b| (a.span.from, a).cmp(&(b.span.from, b))),
    }
}

/// In: begun by work start and ending after the due time. Out: begun before work end and lasting to it or longer.
pub(super) fn touches(span: Span, slot: &Slot) -> bool {
    match slot.direction {
        Direction::In => span.from <= slot.work_at && span.to > slot.due,
        Direction::Out => span.from < slot.work_at && span.to >= slot.work_at,
    }
}

/// Moves due time, work time and the far end of window and home slot together. The near end stays: who comes before leave ends, or goes
/// after it began, is in time as on any day.
fn move_to(slot: &mut Slot, due: ClockTime) {
    match slot.direction {
        Direction::In => {
            let by = due.0.saturating_sub(slot.due.0);
            slot.window.to = later(slot.window.to, by);
            slot.home.to = later(slot.home.to, by);
            slot.work_at = slot.work_at.max(due);
        }
        Direction::Out => {
            let by = slot.due.0.saturating_sub(due.0);
            slot.window.from = ClockTime(slot.window.from.0.saturating_sub(by));
            slot.home.from = ClockTime(slot.home.from.0.saturating_sub(by));
            slot.work_at = slot.work_at.min(due);
        }
    }
    slot.due = due;
}

fn later(time: ClockTime, by: u32) -> ClockTime {
    ClockTime(time.0.saturating_add(by)).min(ClockTime::MIDNIGHT)
}

/// From work start to work end around a checkpoint.
fn session(all: &[Checkpoint], place: usize, checkpoint: &Checkpoint) -> Span {
    let beside = |other: Option<&Checkpoint>, direction| {
        other.filter(|other| other.half_day == checkpoint.half_day && other.direction == direction).map(|other| other.work_at)
    };
    let (begins, ends) = match checkpoint.half_day {
        HalfDay::Morning => (ClockTime(0), NOON),
        HalfDay::Afternoon => (NOON, ClockTime::MIDNIGHT),
    };
    match checkpoint.direction {
        Direction::In => Span { from: checkpoint.work_at, to: beside(all.get(place + 1), Direction::Out).unwrap_or(ends) },
        Direction::Out => {
            let before = place.checked_sub(1).and_then(|before| all.get(before));
            Span { from: beside(before, Direction::In).unwrap_or(begins), to: checkpoint.work_at }
        }
    }
}

/// An outage around the due time when no other terminal worked, or a decision that names the checkpoint.
fn lenience<'a>(facts: &'a DayFacts, checkpoint: &Checkpoint, slot: &Slot) -> Option<Why<'a>> {
    let reach = OUTAGE_REACH_MIN * 60;
    let around = match slot.direction {
        Direction::In => Span { from: ClockTime(slot.due.0.saturating_sub(reach)), to: slot.due },
        Direction::Out => Span { from: slot.due, to: ClockTime(slot.due.0 + reach) },
    };
    let outage = facts.outages.iter().filter(|outage| !outage.another_worked && outage.span.overlaps(around)).min();
    let decision = || facts.decisions.iter().filter(|decision| decision.checkpoints.contains(&checkpoint.id)).min();
    outage.map(Why::Outage).or_else(|| decision().map(Why::Decided))
}

/// Where the neighbouring half-day needs no punch, going stays open as long as coming would have, and coming opens as early as going would.
fn widen_beside_excused(plans: &mut [Plan<'_>]) {
    let idle = |half_day: HalfDay, plans: &[Plan<'_>]| {
        let excused = |plan: &Plan<'_>| plan.settled.is_some_and(|why| matches!(why.outcome(), Outcome::Excused | Outcome::NotRequired));
        plans.iter().filter(|plan| plan.checkpoint.half_day == half_day).all(excused)
    };
    let (morning_idle, afternoon_idle) = (idle(HalfDay::Morning, plans), idle(HalfDay::Afternoon, plans));
    for place in 1..plans.len() {
        let Some([going, coming]) = plans.get_mut(place - 1..=place) else { return };
        let over_lunch = going.checkpoint.half_day == HalfDay::Morning && coming.checkpoint.half_day == HalfDay::Afternoon;
        if over_lunch && afternoon_idle && going.checkpoint.direction == Direction::Out {
            going.slot.window.to = going.slot.window.to.max(coming.checkpoint.closes);
            going.slot.home.to = going.slot.home.to.max(coming.checkpoint.home_to);
        }
        if over_lunch && morning_idle && coming.checkpoint.direction == Direction::In {
            coming.slot.window.from = coming.slot.window.from.min(going.checkpoint.opens);
            coming.slot.home.from = coming.slot.home.from.min(going.checkpoint.home_from);
        }
    }
}
