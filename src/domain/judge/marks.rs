//! Marks: what a person should look at. They decide nothing.

use super::super::estimate::Quality;
use super::super::fact::{Attendance, Event, StatedTime};
use super::super::leave::{Excuse, RequestState};
use super::super::rules::{Checkpoint, Direction, HalfDay};
use super::super::time::ClockTime;
use super::assign::met_without_leave;
use super::conclude::first_tap_mid_session;
use super::plan::{Plan, touches};
use super::{CheckpointResult, DayInput, DayPunch, Evidence, Outcome};

/// Two counted lunch punches closer than this ask for a look, in minutes.
const LUNCH_PAIR_CLOSE_MIN: u32 = 20;
/// A tap before this hour is also offered to the head as yesterday's overtime.
const OVERNIGHT_UNTIL: ClockTime = ClockTime(4 * 3600);
/// Before this, a tap that belongs to no checkpoint is told with the morning.
const NOON: ClockTime = ClockTime(12 * 3600);

/// A mark and the half-day it is told with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Which half.
    pub half_day: HalfDay,
    /// What.
    pub kind: MarkKind<'a>,
}

/// What asks for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind<'a> {
    /// 上午首次打卡 10:15，请核实: coming is missing, and the first tap lies in the middle of the session.
    FirstTapMidSession(ClockTime),
    /// A tap later in a session that was already met.
    TapAfterMet(ClockTime),
    /// Leaving and returning so many minutes apart.
    LunchPairClose(u32),
    /// What counts has an estimated or suspect time.
    DoubtfulTime(&'a Checkpoint, Quality),
    /// 手 or 签: a stated time counts.
    Stated(&'a Checkpoint, &'a StatedTime),
    /// 请假审批中: a request that would touch a checkpoint is not decided.
    LeavePending(&'a Excuse),
    /// 学习缺席: invited, no sign-in, no leave.
    EventMissed(&'a Event),
    /// 是否提前销假: both checkpoints of a leave half-day are met.
    EarlyReturn,
    /// A tap on a day off, before the post began or after it ended.
    TapNotRequired(ClockTime),
    /// A tap between midnight and four: perhaps yesterday's overtime.
    OvernightTap(ClockTime),
}

/// All marks of a day: by checkpoint, then by time.
pub(super) fn marks<'a>(
    input: &DayInput<'a>,
    plans: &[Plan<'a>],
    results: &[CheckpointResult<'a>],
    surplus: &[&'a DayPunch],
) -> Vec<Mark<'a>> {
    let mut marks = Vec::new();
    of_checkpoints(input, plans, results, &mut marks);
    of_lunch(results, &mut marks);
    of_surplus(plans, results, surplus, &mut marks);
    of_facts(input, plans, &mut marks);
    of_leave(input, plans, results, &mut marks);
    marks
}

fn of_checkpoints<'a>(input: &DayInput<'a>, plans: &[Plan<'a>], results: &[CheckpointResult<'a>], marks: &mut Vec<Mark<'a>>) {
    for (place, result) in results.iter().enumerate() {
        let half_day = result.checkpoint.half_day;
        let mut push = |kind| marks.push(Mark { half_day, kind });
        match result.evidence {
            Some(Evidence::Stated(stated)) => push(MarkKind::Stated(result.checkpoint, stated)),
            Some(Evidence::Punch(punch)) if punch.quality != Quality::Trusted => {
                push(MarkKind::DoubtfulTime(result.checkpoint, punch.quality));
            }
            Some(Evidence::Punch(_)) | None => {}
        }
        let coming_missing = result.outcome == Outcome::Missing && result.checkpoint.direction == Direction::In;
        if let Some(time) = first_tap_mid_session(input, plans, place).filter(|_| coming_missing) {
            push(MarkKind::FirstTapMidSession(time));
        }
    }
}

fn of_lunch<'a>(results: &[CheckpointResult<'a>], marks: &mut Vec<Mark<'a>>) {
    for (going, coming) in results.iter().zip(results.iter().skip(1)) {
        let over_lunch = going.checkpoint.half_day != coming.checkpoint.half_day && going.checkpoint.direction == Direction::Out;
        let (Some(left), Some(back), true) = (going.evidence, coming.evidence, over_lunch) else { continue };
        let apart = back.time().0.saturating_sub(left.time().0);
        if apart < LUNCH_PAIR_CLOSE_MIN * 60 {
            marks.push(Mark { half_day: coming.checkpoint.half_day, kind: MarkKind::LunchPairClose(apart / 60) });
        }
    }
}

fn of_surplus<'a>(plans: &[Plan<'a>], results: &[CheckpointResult<'a>], surplus: &[&'a DayPunch], marks: &mut Vec<Mark<'a>>) {
    let not_required = !results.is_empty() && results.iter().all(|result| result.outcome == Outcome::NotRequired);
    for punch in surplus {
        let met = |(plan, result): &(&Plan<'_>, &CheckpointResult<'_>)| {
            plan.slot.direction == Direction::In && result.evidence.is_some() && plan.session.contains(punch.time)
        };
        let half_day = if punch.time < NOON { HalfDay::Morning } else { HalfDay::Afternoon };
        if punch.time < OVERNIGHT_UNTIL {
            marks.push(Mark { half_day, kind: MarkKind::OvernightTap(punch.time) });
        } else if not_required {
            marks.push(Mark { half_day, kind: MarkKind::TapNotRequired(punch.time) });
        } else if let Some((plan, _)) = plans.iter().zip(results).find(met) {
            marks.push(Mark { half_day: plan.checkpoint.half_day, kind: MarkKind::TapAfterMet(punch.time) });
        }
    }
}

fn of_facts<'a>(input: &DayInput<'a>, plans: &[Plan<'a>], marks: &mut Vec<Mark<'a>>) {
    let mut pending: Vec<_> = input.facts.excuses.iter().filter(|one| one.state == RequestState::Pending).collect();
    pending.sort_unstable();
    for excuse in pending {
        let touched = plans.iter().find(|plan| touches(excuse.span, &plan.slot) || excuse.span.overlaps(plan.session));
        marks.extend(touched.map(|plan| Mark { half_day: plan.checkpoint.half_day, kind: MarkKind::LeavePending(excuse) }));
    }
    let on_leave = |event: &Event| input.facts.excuses.iter().any(|one| one.state.holds() && one.span.overlaps(event.span));
    let mut missed: Vec<_> =
        input.facts.events.iter().filter(|event| event.attendance == Attendance::Invited && !on_leave(event)).collect();
    missed.sort_unstable();
    for event in missed {
        let half_day = if event.span.from < NOON { HalfDay::Morning } else { HalfDay::Afternoon };
        marks.push(Mark { half_day, kind: MarkKind::EventMissed(event) });
    }
}

fn of_leave<'a>(input: &DayInput<'a>, plans: &[Plan<'a>], results: &[CheckpointResult<'a>], marks: &mut Vec<Mark<'a>>) {
    if input.facts.excuses.is_empty() {
        return;
    }
    for half_day in [HalfDay::Morning, HalfDay::Afternoon] {
        let here = || results.iter().enumerate().filter(|(_, result)| result.checkpoint.half_day == half_day);
        let places: Vec<_> = here().map(|(place, _)| place).collect();
        let on_leave = !places.is_empty() && here().all(|(_, result)| result.why.leave().is_some());
        if on_leave && met_without_leave(input, plans, &places) {
            marks.push(Mark { half_day, kind: MarkKind::EarlyReturn });
        }
    }
}
