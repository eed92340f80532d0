//! Leave and official errands as they bear on one day. An excuse has clock times; only an approved or filed one excuses anything.

use serde::{Deserialize, Serialize};

use super::time::{ClockTime, Wall};

/// From a time to a time of one civil day, the end excluded. What lasts over midnight is clipped to 00:00–24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First second.
    pub from: ClockTime,
    /// The second after the last.
    pub to: ClockTime,
}

impl Span {
    /// The whole civil day.
    pub const WHOLE_DAY: Self = Self { from: ClockTime(0), to: ClockTime::MIDNIGHT };

    /// Whether the two share a second.
    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// What the two share, if anything.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        self.overlaps(other).then(|| Self { from: self.from.max(other.from), to: self.to.min(other.to) })
    }

    /// Whether a time lies in it.
    pub fn contains(self, time: ClockTime) -> bool {
        self.from <= time && time < self.to
    }
}

/// Who wrote a fact down, when, and on what paper it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entered {
    /// When. Of two facts about the same thing the later one holds.
    pub at: Wall,
    /// The account that wrote it.
    pub by: String,
    /// The paper's number or name; empty where there is none.
    #[serde(default)]
    pub paper: String,
}

/// The kinds of leave (articles 25(2) and 25(3); the last six are kinds of the law and of the centre).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveKind {
    /// 事假.
    Personal,
    /// 病假.
    Sick,
    /// 年休假.
    Annual,
    /// 探亲假.
    HomeVisit,
    /// 婚假.
    Marriage,
    /// 丧假.
    Bereavement,
    /// 产假.
    Maternity,
    /// 陪护假.
    Paternity,
    /// 育儿假.
    Childcare,
    /// 补休.
    Compensatory,
    /// 公假.
    Official,
    /// Any other the centre grants.
    Other,
}

/// Where a request stands. Attendance is touched from approval on; filing is a notice, not a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Asked for, not decided: shown beside the outcome, excuses nothing.
    Pending,
    /// 已批准.
    Approved,
    /// 已备案.
    Filed,
    /// 退回.
    Refused,
    /// 撤回, by the asker.
    Withdrawn,
}

impl RequestState {
    /// Whether it excuses.
    pub const fn holds(self) -> bool {
        match self {
            Self::Approved | Self::Filed => true,
            Self::Pending | Self::Refused | Self::Withdrawn => false,
        }
    }
}

/// What an excuse is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "cause", content = "kind")]
pub enum Cause {
    /// 请假: excuses a half-day that it covers, and moves the due time of a checkpoint that it touches.
    Leave(LeaveKind),
    /// 公出: attendance elsewhere; excuses every checkpoint that it touches.
    Errand,
}

/// A leave or an errand, as far as it lies in the day that is judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excuse {
    /// When.
    pub span: Span,
    /// What.
    pub cause: Cause,
    /// Where the request stands.
    pub state: RequestState,
    /// Who wrote it down.
    pub entered: Entered,
}
