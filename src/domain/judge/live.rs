//! The kiosk's answer to the tap just made, from the same function that the office judges by. It is provisional and never calls a tap early.

use super::super::rules::{Checkpoint, Direction};
use super::super::time::ClockTime;
use super::super::why::Why;
use super::{CheckpointResult, DayInput, DayPunch, Evidence, Outcome, judge};

/// How a tap stands to the checkpoint that it counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveStanding {
    /// In time.
    OnTime,
    /// So many minutes after the due minute.
    Late(u32),
    /// Before an out-checkpoint's due time: recorded, and the due time is shown.
    BeforeDue,
    /// By a doubtful time, or excused: recorded, and nothing more is said.
    Recorded,
}

/// What a tap did to the person's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveAnswer<'a> {
    /// It counts.
    Counted {
        /// For which checkpoint.
        checkpoint: &'a Checkpoint,
        /// When that is due on this day.
        due: ClockTime,
        /// How it stands to it.
        standing: LiveStanding,
        /// A lone lunch tap went to leaving: the checkpoint for which to tap again, and by when.
        tap_again: Option<(&'a Checkpoint, ClockTime)>,
    },
    /// It changed no result: 您已打卡.
    Already(&'a Checkpoint),
    /// Outside every window.
    OffHours,
    /// 今日非工作日，已记录.
    RestDay,
    /// 已记录（岗前）.
    BeforePost,
    /// The person has exited.
    Exited,
    /// The calendar does not reach this day.
    CalendarUnknown,
}

/// What the tap did, and what counts for each checkpoint with it. `tap` is one of the input's punches.
pub fn live<'a>(input: &DayInput<'a>, tap: &DayPunch) -> (LiveAnswer<'a>, Vec<(&'a Checkpoint, Option<ClockTime>)>) {
    let judged = judge(input);
    let today = judged.checkpoints.iter().map(|result| (result.checkpoint, result.evidence.map(|evidence| evidence.time()))).collect();
    (answer(&judged.checkpoints, tap), today)
}

fn answer<'a>(results: &[CheckpointResult<'a>], tap: &DayPunch) -> LiveAnswer<'a> {
    let is_tap = |result: &CheckpointResult<'_>| matches!(result.evidence, Some(Evidence::Punch(punch)) if punch.key == tap.key);
    if let Some((place, result)) = results.iter().enumerate().find(|(_, result)| is_tap(result)) {
        return LiveAnswer::Counted {
            checkpoint: result.checkpoint,
            due: result.due,
            standing: standing(result),
            tap_again: results.get(place + 1).filter(|next| is_lone_lunch(result, next, tap)).map(|next| (next.checkpoint, next.due)),
        };
    }
    if let Some(because) = results.first().and_then(|first| day_off(&first.why)) {
        return because;
    }
    let open = results.iter().find(|result| result.window.contains(tap.time));
    open.map_or(LiveAnswer::OffHours, |result| LiveAnswer::Already(result.checkpoint))
}

fn standing(result: &CheckpointResult<'_>) -> LiveStanding {
    match (result.outcome, result.checkpoint.direction) {
        (Outcome::OnTime, _) => LiveStanding::OnTime,
        (Outcome::Late(minutes), _) => LiveStanding::Late(minutes),
        (Outcome::EarlyLeave(_), _) | (Outcome::TimeSuspect, Direction::Out) => LiveStanding::BeforeDue,
        (
            Outcome::TimeSuspect
            | Outcome::Excused
            | Outcome::Missing
            | Outcome::NotRequired
            | Outcome::NotYetDue
            | Outcome::PendingData
            | Outcome::CalendarUnknown,
            _,
        ) => LiveStanding::Recorded,
    }
}

/// A tap that could have been either went to leaving, and coming back is not met.
fn is_lone_lunch(left: &CheckpointResult<'_>, next: &CheckpointResult<'_>, tap: &DayPunch) -> bool {
    left.checkpoint.direction == Direction::Out
        && left.checkpoint.half_day != next.checkpoint.half_day
        && next.evidence.is_none()
        && next.window.contains(tap.time)
}

fn day_off<'a>(why: &Why<'_>) -> Option<LiveAnswer<'a>> {
    match why {
        Why::RestDay | Why::Holiday(_) => Some(LiveAnswer::RestDay),
        Why::BeforePost => Some(LiveAnswer::BeforePost),
        Why::Exited => Some(LiveAnswer::Exited),
        Why::CalendarUnknown => Some(LiveAnswer::CalendarUnknown),
        Why::HalfDayHoliday(_)
        | Why::Ruled(..)
        | Why::RuledAbsent(_)
        | Why::Excused(_)
        | Why::Attended(_)
        | Why::Outage(_)
        | Why::Decided(_)
        | Why::InTime
        | Why::Late(_)
        | Why::Early(_)
        | Why::DoubtfullyLate(_)
        | Why::DoubtfullyEarly(_)
        | Why::Adrift(_)
        | Why::WindowOpen
        | Why::AwaitingData(_)
        | Why::NothingCounts => None,
    }
}
