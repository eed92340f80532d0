//! Why a result is what it is: which rule or fact made it so. A value, put into words on demand ([`super::why_text`]).
//!
//! Invariant: the outcome follows from the why ([`Why::outcome`]); the two can never contradict each other.

use super::fact::{Event, LocalDecision, Outage};
use super::judge::{Criterion, Outcome};
use super::leave::{Cause, Excuse, LeaveKind};
use super::rules::Checkpoint;
use super::ruling::{RuledOutcome, Ruling};
use super::time::{ClockTime, Wall};

/// What made a checkpoint's result what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// Saturday or Sunday.
    RestDay,
    /// An announced day off, by its name.
    Holiday(&'a str),
    /// A half-day off for the person's group, by its name.
    HalfDayHoliday(&'a str),
    /// Before 进驻日期 or 上岗日期.
    BeforePost,
    /// After 退出日期.
    Exited,
    /// The calendar does not reach this day.
    CalendarUnknown,
    /// A person ruled this checkpoint.
    Ruled(&'a Ruling, RuledOutcome),
    /// A person ruled the half-day to be 旷工.
    RuledAbsent(&'a Ruling),
    /// Leave covers the half-day, or an errand touches the checkpoint.
    Excused(&'a Excuse),
    /// An event with evidence touches the checkpoint, or the office named it.
    Attended(&'a Event),
    /// The terminals failed around the due time, and the punch that counts, if any, is not on time.
    Outage(&'a Outage),
    /// The office decided so, and the punch that counts, if any, is not on time.
    Decided(&'a LocalDecision),
    /// What counts is in time.
    InTime,
    /// What counts is so many minutes late.
    Late(u32),
    /// What counts is so many minutes early.
    Early(u32),
    /// What counts would be late by so many minutes, by a doubtful time.
    DoubtfullyLate(u32),
    /// What counts would be early by so many minutes, by a doubtful time.
    DoubtfullyEarly(u32),
    /// It would be held against the person, and so many punches that were made by a doubtful clock may belong here.
    Adrift(usize),
    /// Nothing counts, and the window is not over.
    WindowOpen,
    /// Nothing counts, the window is over, and a terminal is complete only up to a moment, or to none that is known.
    AwaitingData(Option<Wall>),
    /// Nothing counts.
    NothingCounts,
}

impl Why<'_> {
    /// The outcome that follows.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::RestDay | Self::Holiday(_) | Self::HalfDayHoliday(_) | Self::BeforePost | Self::Exited => Outcome::NotRequired,
            Self::CalendarUnknown => Outcome::CalendarUnknown,
            Self::Ruled(_, ruled) => match ruled {
                RuledOutcome::OnTime => Outcome::OnTime,
                RuledOutcome::Late(minutes) => Outcome::Late(*minutes),
                RuledOutcome::EarlyLeave(minutes) => Outcome::EarlyLeave(*minutes),
                RuledOutcome::Missing => Outcome::Missing,
                RuledOutcome::Excused => Outcome::Excused,
            },
            Self::Excused(_) | Self::Attended(_) | Self::Outage(_) | Self::Decided(_) => Outcome::Excused,
            Self::InTime => Outcome::OnTime,
            Self::Late(minutes) => Outcome::Late(*minutes),
            Self::Early(minutes) => Outcome::EarlyLeave(*minutes),
            Self::DoubtfullyLate(_) | Self::DoubtfullyEarly(_) | Self::Adrift(_) => Outcome::TimeSuspect,
            Self::WindowOpen => Outcome::NotYetDue,
            Self::AwaitingData(_) => Outcome::PendingData,
            Self::NothingCounts | Self::RuledAbsent(_) => Outcome::Missing,
        }
    }

    /// The leave behind an excused checkpoint.
    pub const fn leave(&self) -> Option<LeaveKind> {
        if let Self::Excused(Excuse { cause: Cause::Leave(kind), .. }) = self { Some(*kind) } else { None }
    }
}

/// Another assignment that has as many violations, and reads this checkpoint otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative<'a> {
    /// What counts otherwise in it: the checkpoint, and what would count for it.
    pub changes: Vec<(&'a Checkpoint, Option<ClockTime>)>,
    /// What decided against it.
    pub lost_by: Criterion,
}
