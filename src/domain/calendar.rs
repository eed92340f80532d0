//! Which days are workdays. Announced days are data; Monday to Friday is the rule between them; beyond the last announced year the answer is *unknown*, because the next notice may still move the days around New Year.

use std::collections::BTreeMap;

use chrono::{Datelike, Weekday};
use serde::{Deserialize, Serialize};

use super::time::WorkDate;

/// The last day of an announced year that no later notice has ever moved is 28 December (moved days seen: 2001-12-29/30 … 2018-12-29).
pub const KNOWN_UNTIL: (u32, u32) = (12, 28);

/// What was announced for one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announced {
    /// 法定节假日 and the days off around it.
    Holiday,
    /// 调休上班日.
    MakeupWorkday,
    /// A day off of this centre alone.
    LocalHoliday,
    /// A workday of this centre alone.
    LocalWorkday,
}

/// One row of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedDay {
    /// What it is.
    pub kind: Announced,
    /// Its name: 国庆节.
    pub name: String,
}

/// What a date is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum DayKind {
    /// Monday to Friday, nothing announced.
    Workday,
    /// Saturday or Sunday, nothing announced.
    RestDay,
    /// Announced as a day off.
    Holiday(String),
    /// Announced as a workday.
    MakeupWorkday(String),
    /// Beyond what was announced.
    Unknown,
}

impl DayKind {
    /// Whether the checkpoints hold; `None` where nobody knows yet.
    pub const fn is_workday(&self) -> Option<bool> {
        match self {
            Self::Workday | Self::MakeupWorkday(_) => Some(true),
            Self::RestDay | Self::Holiday(_) => Some(false),
            Self::Unknown => None,
        }
    }

    /// The kind as interfaces name it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Workday => "workday",
            Self::RestDay => "rest_day",
            Self::Holiday(_) => "holiday",
            Self::MakeupWorkday(_) => "makeup_workday",
            Self::Unknown => "unknown",
        }
    }
}

/// The announced days of whole years.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// By date.
    pub announced: BTreeMap<WorkDate, AnnouncedDay>,
}

impl Calendar {
    /// The last date whose kind is known: 28 December of the last year with a holiday; `None` for an empty calendar.
    pub fn known_through(&self) -> Option<WorkDate> {
        let national = |day: &AnnouncedDay| matches!(day.kind, Announced::Holiday | Announced::MakeupWorkday);
        let (last, _) = self.announced.iter().rev().find(|(_, day)| national(day))?;
        WorkDate::from_ymd_opt(last.year(), KNOWN_UNTIL.0, KNOWN_UNTIL.1)
    }

    /// What a date is.
    pub fn day(&self, date: WorkDate) -> DayKind {
        if let Some(day) = self.announced.get(&date) {
            return match day.kind {
                Announced::Holiday | Announced::LocalHoliday => DayKind::Holiday(day.name.clone()),
                Announced::MakeupWorkday | Announced::LocalWorkday => DayKind::MakeupWorkday(day.name.clone()),
            };
        }
        if self.known_through().is_none_or(|last| date > last) {
            return DayKind::Unknown;
        }
        match date.weekday() {
            Weekday::Sat | Weekday::Sun => DayKind::RestDay,
            Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => DayKind::Workday,
        }
    }
}
