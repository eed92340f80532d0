//! What the office gives a terminal to know (下发资料): roster, rules, calendar; and, apart from it, today's punches made at other terminals.
//!
//! `GET /terminal/v1/bundle` and `GET /terminal/v1/elsewhere`, signed requests, by ETag. The HTTP headers `etag` and `if-none-match` carry
//! the tag in double quotes; receipts and states carry it bare. Both answers are signed with the purpose `bundle`.
//! Little is known to the kiosk: no leave, no notes, no history.

use serde::{Deserialize, Serialize};

use crate::domain::calendar::Calendar;
use crate::domain::id::{EntryKey, StaffNo, TerminalId};
use crate::domain::roster::Roster;
use crate::domain::rules::RuleBook;
use crate::domain::time::{UtcOffset, Wall, WorkDate};

/// Most bytes of a bundle.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most people of a site.
pub const PEOPLE_MAX: usize = 20_000;

/// What the office gives a terminal to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Version of this format.
    pub version: u32,
    /// For whom.
    pub terminal: TerminalId,
    /// The centre's name, for the page's head.
    pub site: String,
    /// The site's civil time; it wins over the configuration.
    pub utc_offset: UtcOffset,
    /// People (without notes) and credentials.
    pub roster: Roster,
    /// Rules, past and coming.
    pub rules: RuleBook,
    /// Calendar, at least 14 months ahead where it is announced.
    pub calendar: Calendar,
}

/// Today's punches made at other terminals, so that a second tap in another hall is known as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Version of this format.
    pub version: u32,
    /// Which day; `None` before the first.
    pub date: Option<WorkDate>,
    /// Oldest first.
    pub punches: Vec<ElsewherePunch>,
}

/// A punch made at another terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewherePunch {
    /// Its key.
    pub key: EntryKey,
    /// Whose.
    pub staff_no: StaffNo,
    /// Its best-known time.
    pub at: Wall,
}
