//! The facts that people enter beside the punches of one person's day. A fact adds; it never changes a punch.

use serde::{Deserialize, Serialize};

use super::leave::{Entered, Excuse, Span};
use super::rules::{Checkpoint, CheckpointId, HalfDay};
use super::ruling::Ruling;
use super::time::ClockTime;

/// What a stated time rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedOn {
    /// 手: the paper sign-in of a time when the terminal could not record.
    PaperSignIn,
    /// 签: a correction (补签), certified by the head and accepted by the office.
    Correction,
}

/// A time that a person stated and another typed in. It takes part in the judging like a punch and never becomes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatedTime {
    /// The stated time.
    pub time: ClockTime,
    /// What it rests on.
    pub on: StatedOn,
    /// Who typed it, when, from what paper.
    pub entered: Entered,
}

/// A time during which a terminal that the person may use could not record (停用说明).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outage {
    /// When.
    pub span: Span,
    /// Whether another terminal of the hall worked meanwhile; then it excuses nobody.
    pub another_worked: bool,
    /// Who declared it.
    pub entered: Entered,
}

/// The office's decision that a checkpoint is not held against anyone: a flood, an exam, an evacuation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LocalDecision {
    /// Which checkpoints.
    pub checkpoints: Vec<CheckpointId>,
    /// What for.
    pub name: String,
    /// Who decided.
    pub entered: Entered,
}

/// How it is known that a person took part in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attendance {
    /// The person signed in.
    SignedIn,
    /// The person stands on the list that was typed in.
    Listed,
    /// Invited, and nothing shows that the person came.
    Invited,
}

/// A meeting, a training or a study that the person was invited to (article 24(3)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub span: Span,
    /// Its name.
    pub name: String,
    /// Whether the person came.
    pub attendance: Attendance,
    /// Checkpoints that the office names for it, beside those that it touches.
    #[serde(default)]
    pub names: Vec<CheckpointId>,
    /// Who entered it.
    pub entered: Entered,
}

/// A half-day off for a group to which the person belongs (3·8, 5·4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HalfDayHoliday {
    /// Which half.
    pub half_day: HalfDay,
    /// Its name.
    pub name: String,
}

/// A duty that replaces the day's checkpoints for this person: 值班, a lunch rota, a Saturday. It holds on rest days too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Its name.
    pub name: String,
    /// In the order of the day.
    pub checkpoints: Vec<Checkpoint>,
}

/// Everything that people entered about one person's day. The order within each list means nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayFacts {
    /// Leave and errands.
    pub excuses: Vec<Excuse>,
    /// Stated times.
    pub stated: Vec<StatedTime>,
    /// Outages of terminals that the person may use.
    pub outages: Vec<Outage>,
    /// Decisions of the office.
    pub decisions: Vec<LocalDecision>,
    /// Events with this person's part in them.
    pub events: Vec<Event>,
    /// Rulings on this person's day.
    pub rulings: Vec<Ruling>,
    /// Half-days off for a group.
    pub half_day_holidays: Vec<HalfDayHoliday>,
    /// A duty that replaces the checkpoints.
    pub duty: Option<Duty>,
}

impl DayFacts {
    /// Nothing was entered.
    pub const NONE: &'static Self = &Self {
        excuses: Vec::new(),
        stated: Vec::new(),
        outages: Vec::new(),
        decisions: Vec::new(),
        events: Vec::new(),
        rulings: Vec::new(),
        half_day_holidays: Vec::new(),
        duty: None,
    };
}
