//! What a person at the kiosk is told: one datum of the page's event stream. The page, the tone and the reader's light are all made from it.
//!
//! Invariant (law 1): `journal` and `sequence` are present if and only if the entry is durable.

use serde::{Deserialize, Serialize};

use crate::domain::id::{JournalId, ReaderName, Sequence};

/// What the page shows (`domain.md` §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody is there.
    Idle,
    /// Durable, and it counts, on time or not.
    Recorded,
    /// Durable, and it changed no result: 您已打卡.
    Already,
    /// Durable, outside every window, on a rest day or before the post begins.
    OffHours,
    /// Durable, and nobody is known for the credential.
    Unknown,
    /// Durable; the credential's dates are over, or its person has exited.
    Disabled,
    /// A finger that was not read or matched nobody; the attempt is durable.
    Retry,
    /// Signed in to an event.
    Event,
    /// Stepping out.
    Out,
    /// Back at the post.
    Back,
    /// It could not be stored: sign on paper.
    NotRecorded,
    /// A reader is at fault (it is named), or the store (no reader is named): sign on paper.
    Fault,
    /// A technician is at work.
    Maintenance,
}

/// How a live answer stands to its checkpoint. It never says early: leaving early is concluded by the office after the window closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveOutcome {
    /// In time.
    OnTime,
    /// After the due minute.
    Late,
    /// Before an out-checkpoint's due time: recorded, and the due time is shown.
    BeforeDue,
}

/// One checkpoint's box on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodayBox {
    /// The checkpoint's id.
    pub checkpoint: String,
    /// `08:21`, or none yet.
    pub at: Option<String>,
}

/// One datum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// What the page shows.
    pub state: State,
    /// The durable entry's journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalId>,
    /// The durable entry's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
    /// The moment of the read, RFC 3339 with the site's offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Whether `at` is a guess (shown with ~).
    #[serde(default)]
    pub at_doubtful: bool,
    /// Which reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<ReaderName>,
    /// Whose, where one person is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their department, for people of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Which checkpoint it counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// How it stands to that checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<LiveOutcome>,
    /// Minutes late; 0 where none.
    #[serde(default)]
    pub minutes: u32,
    /// `08:25`: the due time of that checkpoint; with [`Reason::TapAgainAfterLunch`], by when to tap again for coming back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The person's day so far, a box for each checkpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub today: Vec<TodayBox>,
    /// Why, in a few words: which of several meanings the state has here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How many tries in a row (`retry`).
    #[serde(default)]
    pub tries: u32,
    /// Whether the office is out of reach.
    #[serde(default)]
    pub offline: bool,
    /// Committed and not acknowledged.
    #[serde(default)]
    pub backlog: u64,
    /// Sent on connecting: this is how things stand, not news.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
}

/// Which of several meanings a state has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 今日非工作日，已记录.
    RestDay,
    /// Outside every window.
    OutsideWindows,
    /// 已记录（岗前）.
    BeforePost,
    /// The calendar does not reach this day.
    CalendarUnknown,
    /// There are no rules to judge by yet.
    NoRules,
    /// There is no roster yet.
    NoRoster,
    /// The finger matched nobody.
    NoMatch,
    /// The finger could not be read.
    NotRead,
    /// A lone lunch tap counted as leaving: tap again for coming back.
    TapAgainAfterLunch,
}

impl Feedback {
    /// A datum that says nothing but its state.
    pub const fn of(state: State) -> Self {
        Self {
            state,
            journal: None,
            sequence: None,
            at: None,
            at_doubtful: false,
            reader: None,
            name: None,
            department: None,
            checkpoint: None,
            outcome: None,
            minutes: 0,
            due: None,
            today: Vec::new(),
            reason: None,
            tries: 0,
            offline: false,
            backlog: 0,
            replay: false,
        }
    }
}
