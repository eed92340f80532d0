//! The rules in force: checkpoints with their windows and limits, as dated data that names its document.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::{ClockTime, UtcOffset, WorkDate};

/// Most checkpoints of a day; an even number.
pub const CHECKPOINTS_MAX: usize = 8;

/// A checkpoint's name: `morning_in`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckpointId(pub String);

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which half of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HalfDay {
    /// 上午.
    Morning,
    /// 下午.
    Afternoon,
}

/// Coming or going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// 上班.
    In,
    /// 下班.
    Out,
}

/// One of the moments at which a punch is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Checkpoint {
    /// Its name, unique in the rules.
    pub id: CheckpointId,
    /// Which half of the day it belongs to.
    pub half_day: HalfDay,
    /// Coming or going.
    pub direction: Direction,
    /// When a punch is due.
    pub due: ClockTime,
    /// From when a punch may count.
    pub opens: ClockTime,
    /// Until when (exclusive) a punch may count.
    pub closes: ClockTime,
    /// The home slot: from when a lone punch is read as this checkpoint's.
    pub home_from: ClockTime,
    /// The home slot's end, exclusive.
    pub home_to: ClockTime,
    /// When work starts or ends (article 24(1): 08:30, 11:50, 13:30, 17:00).
    pub work_at: ClockTime,
    /// When window staff are at the post (08:20, 13:20); none for going.
    #[serde(default)]
    pub post_by: Option<ClockTime>,
}

/// A version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rules {
    /// The version's name, printed on every sheet.
    pub version: String,
    /// The document by which the office adopted it.
    pub document: String,
    /// From which day it holds.
    pub valid_from: WorkDate,
    /// The site's civil time.
    pub utc_offset: UtcOffset,
    /// Minutes of grace, 0 to 10.
    pub grace: u32,
    /// Fewest minutes between two punches that count, inclusive.
    pub minimum_gap: u32,
    /// An early leave of at most so many minutes is light.
    pub light_early_leave: u32,
    /// Minutes into work (in) or before its end (out) from which a result asks for a look.
    pub severe_after: u32,
    /// In the order of the day.
    #[serde(rename = "checkpoint")]
    pub checkpoints: Vec<Checkpoint>,
}

/// The dated versions, of which the last that has begun holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleBook {
    /// By any order; `on` chooses.
    pub versions: Vec<Rules>,
}

impl RuleBook {
    /// The version in force on a date; before the first, the first.
    pub fn on(&self, date: WorkDate) -> Option<&Rules> {
        let begun = self.versions.iter().filter(|rules| rules.valid_from <= date).max_by_key(|rules| rules.valid_from);
        begun.or_else(|| self.versions.iter().min_by_key(|rules| rules.valid_from))
    }
}
