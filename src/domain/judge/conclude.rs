//! From what counts to what is concluded: the precedence of outcomes, and what is told beside them.
//!
//! Precedence, after what was settled before: on time > outage or decision > late or early > not yet due > pending data > missing.

use super::super::estimate::Quality;
use super::super::leave::Span;
use super::super::person::PostClass;
use super::super::rules::Direction;
use super::super::time::ClockTime;
use super::super::why::Why;
use super::assign::Assignment;
use super::plan::Plan;
use super::slot::{Limits, Punctuality, Slot};
use super::{CheckpointResult, DayInput, DayPunch, Evidence, Horizon, PostReady};

/// A punch tells of the post only within so many minutes before the due time.
const POST_READY_REACH_MIN: u32 = 30;
/// How far a suspect time may be off, in seconds: what a quartz drifts by 50 ppm in ten weeks without an office.
const SUSPECT_REACH_S: u32 = 5 * 60;

/// The result of the checkpoint at a place.
pub(super) fn conclude<'a>(
    input: &DayInput<'a>,
    plans: &[Plan<'a>],
    assignment: &Assignment<'a>,
    horizon: &Horizon,
    place: usize,
) -> Option<CheckpointResult<'a>> {
    let plan = plans.get(place)?;
    let evidence = assignment.evidence(place);
    let grace = Limits::of(input.rules).grace;
    let why = plan.settled.unwrap_or_else(|| unless_adrift(input, plan, open_why(plan, evidence, horizon, grace)));
    Some(CheckpointResult {
        checkpoint: plan.checkpoint,
        due: plan.slot.due,
        window: plan.slot.window,
        evidence,
        outcome: why.outcome(),
        why,
        severe: is_severe(input, plans, place, evidence, why),
        provisional: matches!(why, Why::Late(_) | Why::Early(_) | Why::NothingCounts) && !horizon.is_complete(plan.slot.window.to),
        post_ready: post_ready(input, plan, evidence),
        alternative: assignment.alternative(place).cloned(),
    })
}

/// Why an unsettled checkpoint is what it is.
fn open_why<'a>(plan: &Plan<'a>, evidence: Option<Evidence<'a>>, horizon: &Horizon, grace: u32) -> Why<'a> {
    let doubtful = evidence.is_some_and(|evidence| evidence.is_doubtful());
    let punctuality = evidence.map(|evidence| plan.slot.punctuality(evidence.time(), grace));
    match (punctuality, plan.lenience) {
        (Some(Punctuality::OnTime), _) => Why::InTime,
        (Some(Punctuality::Late(_) | Punctuality::Early(_)) | None, Some(lenience)) => lenience,
        (Some(Punctuality::Late(minutes)), None) if doubtful => Why::DoubtfullyLate(minutes),
        (Some(Punctuality::Early(minutes)), None) if doubtful => Why::DoubtfullyEarly(minutes),
        (Some(Punctuality::Late(minutes)), None) => Why::Late(minutes),
        (Some(Punctuality::Early(minutes)), None) => Why::Early(minutes),
        (None, None) if !horizon.is_over(plan.slot.window.to) => Why::WindowOpen,
        (None, None) if !horizon.is_complete(plan.slot.window.to) => Why::AwaitingData(horizon.complete_through),
        (None, None) => Why::NothingCounts,
    }
}

/// A punch whose time nobody knows may be the one that is missed: then nothing is held against the person.
///
/// A suspect punch just outside the window may lie inside as well; one inside it has had its chance to count.
fn unless_adrift<'a>(input: &DayInput<'_>, plan: &Plan<'_>, why: Why<'a>) -> Why<'a> {
    if !matches!(why, Why::Late(_) | Why::Early(_) | Why::NothingCounts) {
        return why;
    }
    let window = plan.slot.window;
    let reach = Span { from: ClockTime(window.from.0.saturating_sub(SUSPECT_REACH_S)), to: ClockTime(window.to.0 + SUSPECT_REACH_S) };
    let near = |punch: &&DayPunch| punch.quality == Quality::Suspect && reach.contains(punch.time) && !window.contains(punch.time);
    let count = input.adrift.iter().filter(|span| span.overlaps(window)).count() + input.punches.iter().filter(near).count();
    if count == 0 { why } else { Why::Adrift(count) }
}

/// Half an hour into work or before its end, or missing while a tap lies in the middle of the session.
fn is_severe<'a>(input: &DayInput<'a>, plans: &[Plan<'a>], place: usize, evidence: Option<Evidence<'a>>, why: Why<'a>) -> bool {
    if matches!(why, Why::Late(_) | Why::Early(_)) {
        let measured = plans.get(place).zip(evidence);
        return measured.is_some_and(|(plan, evidence)| plan.slot.is_severe(evidence.time(), input.rules.severe_after));
    }
    why == Why::NothingCounts && first_tap_mid_session(input, plans, place).is_some()
}

/// The first tap in the middle of the session around a checkpoint, where neither of its windows reaches.
pub(super) fn first_tap_mid_session<'a>(input: &DayInput<'a>, plans: &[Plan<'a>], place: usize) -> Option<ClockTime> {
    let middle = middle(plans, place)?;
    input.punches.iter().map(|punch| punch.time).filter(|time| middle.contains(*time)).min()
}

fn middle(plans: &[Plan<'_>], place: usize) -> Option<Span> {
    let coming = |slot: Option<&Plan<'_>>| slot.map(|plan| plan.slot).filter(|slot| slot.direction == Direction::In);
    let going = |slot: Option<&Plan<'_>>| slot.map(|plan| plan.slot).filter(|slot| slot.direction == Direction::Out);
    let between = |coming: Slot, going: Slot| Span { from: coming.window.to, to: going.window.from };
    match plans.get(place)?.slot.direction {
        Direction::In => Some(between(coming(plans.get(place))?, going(plans.get(place + 1))?)),
        Direction::Out => Some(between(coming(plans.get(place.checked_sub(1)?))?, going(plans.get(place))?)),
    }
}

/// Whether the punch that counts tells that the person was at the post in time.
fn post_ready(input: &DayInput<'_>, plan: &Plan<'_>, evidence: Option<Evidence<'_>>) -> Option<PostReady> {
    let by = plan.checkpoint.post_by?;
    if input.post_class != PostClass::Window || plan.checkpoint.direction != Direction::In {
        return None;
    }
    let moved_minutes = plan.slot.due.minute().saturating_sub(plan.checkpoint.due.minute());
    let reach = ClockTime(plan.slot.due.0.saturating_sub(POST_READY_REACH_MIN * 60));
    Some(match evidence {
        Some(Evidence::Punch(punch)) if reach <= punch.time && punch.time.minute() <= plan.slot.due.minute() => {
            if punch.time.minute() <= by.minute() + moved_minutes { PostReady::Ready } else { PostReady::NotReady }
        }
        Some(Evidence::Punch(_) | Evidence::Stated(_)) | None => PostReady::Unknown,
    })
}
