//! The one function that judges: from a person's punches of a civil day, the rules in force, the calendar, the facts that people entered and
//! how much is known by now, to a result for each checkpoint that can say why.
//!
//! Invariants: it is pure, so the same input gives the same bytes. The order of the input's lists means nothing. Every punch either counts
//! for one checkpoint or is surplus. A punch added never adds a violation, and a copy of a punch changes no outcome. 旷工 comes from a ruling
//! and from nothing else. A doubtful time makes nobody late.

mod assign;
mod conclude;
mod half_day;
mod live;
mod marks;
mod plan;
mod search;
mod slot;
#[cfg(test)]
mod tests;

use super::calendar::DayKind;
use super::estimate::Quality;
use super::fact::{DayFacts, StatedTime};
use super::id::EntryKey;
use super::leave::Span;
use super::person::{PostClass, Standing};
use super::rules::{Checkpoint, Rules};
use super::time::{ClockTime, Wall, WorkDate};
use super::why::{Alternative, Why};

pub use half_day::{Column, HalfDayMark, HalfDayResult};
pub use live::{LiveAnswer, LiveStanding, live};
pub use marks::{Mark, MarkKind};
pub use search::Criterion;

/// A punch of the day that is judged, by its best-known time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayPunch {
    /// The civil time.
    pub time: ClockTime,
    /// What the time rests on.
    pub quality: Quality,
    /// Which punch.
    pub key: EntryKey,
}

/// Everything that a person's day is judged by.
#[derive(Debug, Clone, Copy)]
pub struct DayInput<'a> {
    /// The civil day of the site.
    pub date: WorkDate,
    /// The rules in force on it.
    pub rules: &'a Rules,
    /// What kind of day it is.
    pub day: &'a DayKind,
    /// Where the person stands on it.
    pub standing: Standing,
    /// The class of the person's post.
    pub post_class: PostClass,
    /// The person's punches of the day, in any order, each once.
    pub punches: &'a [DayPunch],
    /// When on this day further punches of the person may have been, of which nothing nearer is known: the clock was wrong, and nobody said by
    /// how much.
    pub adrift: &'a [Span],
    /// What people entered.
    pub facts: &'a DayFacts,
    /// The earliest moment up to which every terminal that the person may use is complete; `None` while that is unknown.
    pub complete_through: Option<Wall>,
    /// The moment of judging.
    pub as_of: Wall,
}

/// What a checkpoint's result is. Minutes stand with what has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 正常.
    OnTime,
    /// 迟到, so many minutes.
    Late(u32),
    /// 早退, so many minutes.
    EarlyLeave(u32),
    /// 缺卡.
    Missing,
    /// 时间存疑（待核）.
    TimeSuspect,
    /// Its reason is what is shown.
    Excused,
    /// 无需打卡.
    NotRequired,
    /// Its window is not over.
    NotYetDue,
    /// 待数据: its window is over, and a terminal is not complete past it.
    PendingData,
    /// 日历未定.
    CalendarUnknown,
}

impl Outcome {
    /// The outcome as interfaces name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OnTime => "on_time",
            Self::Late(_) => "late",
            Self::EarlyLeave(_) => "early_leave",
            Self::Missing => "missing",
            Self::TimeSuspect => "time_suspect",
            Self::Excused => "excused",
            Self::NotRequired => "not_required",
            Self::NotYetDue => "not_yet_due",
            Self::PendingData => "pending_data",
            Self::CalendarUnknown => "calendar_unknown",
        }
    }

    /// Minutes late or early; 0 where none.
    pub const fn minutes(self) -> u32 {
        match self {
            Self::Late(minutes) | Self::EarlyLeave(minutes) => minutes,
            Self::OnTime
            | Self::Missing
            | Self::TimeSuspect
            | Self::Excused
            | Self::NotRequired
            | Self::NotYetDue
            | Self::PendingData
            | Self::CalendarUnknown => 0,
        }
    }
}

/// What counts for a checkpoint (依据).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence<'a> {
    /// A punch.
    Punch(&'a DayPunch),
    /// A time that somebody stated.
    Stated(&'a StatedTime),
}

impl Evidence<'_> {
    /// Its civil time.
    pub const fn time(&self) -> ClockTime {
        match self {
            Self::Punch(punch) => punch.time,
            Self::Stated(stated) => stated.time,
        }
    }

    /// Whether the time makes nobody late (estimated or suspect).
    pub const fn is_doubtful(&self) -> bool {
        match self {
            Self::Punch(punch) => !matches!(punch.quality, Quality::Trusted),
            Self::Stated(_) => false,
        }
    }
}

/// Whether window staff were at the post ten minutes before work, as far as the punch tells. It changes no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostReady {
    /// By 08:20, 13:20.
    Ready,
    /// In time for the checkpoint, after 08:20, 13:20.
    NotReady,
    /// The punch does not tell.
    Unknown,
}

/// What is concluded for one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointResult<'a> {
    /// Which.
    pub checkpoint: &'a Checkpoint,
    /// When the punch was due on this day.
    pub due: ClockTime,
    /// When a punch could count on this day.
    pub window: Span,
    /// What counts, if anything.
    pub evidence: Option<Evidence<'a>>,
    /// The result; it follows from `why`.
    pub outcome: Outcome,
    /// What made it so.
    pub why: Why<'a>,
    /// 30分钟以上: asks for a look, decides nothing.
    pub severe: bool,
    /// 暂定: a terminal is not complete past the window.
    pub provisional: bool,
    /// For window staff and in-checkpoints only.
    pub post_ready: Option<PostReady>,
    /// Another assignment with as many violations.
    pub alternative: Option<Alternative<'a>>,
}

/// What is concluded for a person's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayJudgement<'a> {
    /// The civil day.
    pub date: WorkDate,
    /// The rules it was judged by.
    pub rules: &'a Rules,
    /// What kind of day it is.
    pub day: &'a DayKind,
    /// In the order of the day.
    pub checkpoints: Vec<CheckpointResult<'a>>,
    /// Morning and afternoon, as far as they have checkpoints.
    pub half_days: Vec<HalfDayResult>,
    /// 其他打卡记录, by time.
    pub surplus: Vec<&'a DayPunch>,
    /// What asks for a look and decides nothing.
    pub marks: Vec<Mark<'a>>,
}

/// How far the day is over and known.
#[derive(Debug, Clone, Copy)]
struct Horizon {
    midnight: Wall,
    as_of: Wall,
    complete_through: Option<Wall>,
}

impl Horizon {
    fn of(input: &DayInput<'_>) -> Self {
        let midnight = input.rules.utc_offset.wall(input.date, ClockTime(0));
        Self { midnight, as_of: input.as_of, complete_through: input.complete_through }
    }

    fn is_over(&self, time: ClockTime) -> bool {
        self.as_of >= self.midnight.plus_millis(i64::from(time.0) * 1000)
    }

    /// Nothing is known of what is still to come, however complete the terminals are.
    fn is_complete(&self, time: ClockTime) -> bool {
        let moment = self.midnight.plus_millis(i64::from(time.0) * 1000);
        self.is_over(time) && self.complete_through.is_some_and(|complete| complete >= moment)
    }
}

/// Judges a person's day.
pub fn judge<'a>(input: &DayInput<'a>) -> DayJudgement<'a> {
    let plans = plan::plan(input);
    let assignment = assign::assign(input, &plans);
    let horizon = Horizon::of(input);
    let conclude_one = |place| conclude::conclude(input, &plans, &assignment, &horizon, place);
    let checkpoints: Vec<_> = (0..plans.len()).filter_map(conclude_one).collect();
    let half_days = half_day::half_days(input.facts, &plans, &checkpoints);
    let surplus = assignment.surplus(input.punches);
    let marks = marks::marks(input, &plans, &checkpoints, &surplus);
    DayJudgement { date: input.date, rules: input.rules, day: input.day, checkpoints, half_days, surplus, marks }
}
