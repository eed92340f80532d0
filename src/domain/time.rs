//! Two clocks and a civil day. `Wall` may be wrong and may jump; `Mono` never goes back within one boot; the civil day is that of the site's UTC offset, never UTC's.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, FixedOffset, NaiveDate, SecondsFormat, TimeZone, Timelike, Utc};
use serde::{Deserialize, Serialize};

use super::id::BootId;

/// A calendar date in the site's own time (考勤日).
pub type WorkDate = NaiveDate;

/// Milliseconds since the Unix epoch, as some clock showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub i64);

impl Wall {
    /// Milliseconds from `earlier` to this, negative if it lies behind.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment moved by so many milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This moment less so many milliseconds.
    #[must_use]
    pub const fn minus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_sub_unsigned(millis))
    }

    /// Reads the date of an HTTP answer: `Mon, 23 Nov 2026 07:50:00 GMT`.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc2822(text).ok().map(|at| Self(at.timestamp_millis()))
    }

    /// Reads RFC 3339 with its offset.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp_millis()))
    }
}

/// Milliseconds since the machine started, counting suspend (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mono(pub u64);

impl Mono {
    /// Milliseconds since `earlier`, 0 if that lies ahead.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment and so many milliseconds more.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// The machine's clocks at one moment, before anyone judged how far to believe them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawClock {
    /// The wall clock, right or wrong (`CLOCK_REALTIME`).
    pub wall: Wall,
    /// Time since boot (`CLOCK_BOOTTIME`).
    pub mono: Mono,
    /// Which boot `mono` counts from.
    pub boot: BootId,
    /// How far the wall clock may be off by its own account, in milliseconds; `None` while nothing synchronises it.
    pub kernel: Option<u64>,
}

/// How far the wall clock can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The kernel is synchronised, or the office confirmed the time within the last 24 h of this boot.
    Synced,
    /// It was synced earlier in this boot and has run free since.
    Holdover,
    /// It contradicts something known: it stepped, lies behind the newest entry or below the stored floor.
    Suspect,
    /// Never confirmed in this boot.
    Unset,
}

/// Both clocks at one moment, and how far the wall clock could be believed then. Machines take it as their `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The wall clock as it stood, right or wrong.
    pub wall: Wall,
    /// Time since boot.
    pub mono: Mono,
    /// Which boot `mono` counts from.
    pub boot: BootId,
    /// How far `wall` can be believed.
    pub trust: Trust,
    /// Half-width of the interval in which true time lies around `wall`, in milliseconds; means nothing unless `Synced` or `Holdover`.
    pub uncertainty_ms: u64,
}

/// A site's fixed offset from UTC: `+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcOffset(FixedOffset);

impl UtcOffset {
    /// `+08:00`, the whole of China.
    pub fn china() -> Self {
        Self(FixedOffset::east_opt(8 * 3600).expect("8 hours are within a day"))
    }

    /// The civil date and the second of that day at a moment.
    pub fn civil(self, at: Wall) -> (WorkDate, ClockTime) {
        let local = self.local(at);
        (local.date_naive(), ClockTime(local.num_seconds_from_midnight()))
    }

    /// The moment at which the civil clock of `date` shows `time`.
    pub fn wall(self, date: WorkDate, time: ClockTime) -> Wall {
        let midnight = date.and_hms_opt(0, 0, 0).expect("midnight exists on every date");
        let utc = midnight.and_utc().timestamp() - i64::from(self.0.local_minus_utc());
        Wall((utc + i64::from(time.0)) * 1000)
    }

    /// RFC 3339 with this offset; milliseconds only where there are any.
    pub fn rfc3339(self, at: Wall) -> String {
        self.local(at).to_rfc3339_opts(SecondsFormat::AutoSi, false)
    }

    fn local(self, at: Wall) -> DateTime<FixedOffset> {
        let utc = Utc.timestamp_millis_opt(at.0).single().unwrap_or(DateTime::UNIX_EPOCH);
        utc.with_timezone(&self.0)
    }
}

impl FromStr for UtcOffset {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let shape = text.len() == 6 && text.starts_with(['+', '-']);
        shape.then(|| text.parse().ok().map(Self)).flatten().ok_or_else(|| format!("“{text}” is not an offset from UTC such as +08:00"))
    }
}

impl TryFrom<String> for UtcOffset {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<UtcOffset> for String {
    fn from(offset: UtcOffset) -> Self {
        offset.to_string()
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time on the civil clock, in seconds after midnight, 24:00 included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClockTime(pub u32);

impl ClockTime {
    /// The end of the day, 24:00.
    pub const MIDNIGHT: Self = Self(24 * 3600);

    /// From hours and minutes; `None` past 24:00.
    pub const fn hm(hour: u32, minute: u32) -> Option<Self> {
        let seconds = hour * 3600 + minute * 60;
        if minute < 60 && seconds <= Self::MIDNIGHT.0 { Some(Self(seconds)) } else { None }
    }

    /// The minute that the clock shows.
    pub const fn minute(self) -> u32 {
        self.0 / 60
    }

    /// `08:25`, whatever the seconds.
    pub fn hh_mm(self) -> String {
        format!("{:02}:{:02}", self.0 / 3600, self.0 / 60 % 60)
    }
}

impl FromStr for ClockTime {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("“{text}” is not a time such as 08:25 or 08:25:30");
        let mut parts = text.split(':').map(|part| (part.len() == 2).then(|| part.parse::<u32>().ok()).flatten());
        let (hour, minute) = (parts.next().flatten().ok_or_else(wrong)?, parts.next().flatten().ok_or_else(wrong)?);
        let second = match parts.next() {
            None => 0,
            Some(second) => second.filter(|s| *s < 60).ok_or_else(wrong)?,
        };
        let whole = Self::hm(hour, minute).ok_or_else(wrong)?;
        let time = Self(whole.0 + second);
        if parts.next().is_some() || time > Self::MIDNIGHT { Err(wrong()) } else { Ok(time) }
    }
}

impl TryFrom<String> for ClockTime {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hh_mm())?;
        match self.0 % 60 {
            0 => Ok(()),
            second => write!(f, ":{second:02}"),
        }
    }
}

/// Every date from the first to the last, both included.
pub fn dates(first: WorkDate, last: WorkDate) -> impl Iterator<Item = WorkDate> {
    std::iter::successors((first <= last).then_some(first), move |date| date.checked_add_days(Days::new(1)).filter(|next| *next <= last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_before_eight_belongs_to_today_not_to_utc_yesterday() {
        let china = UtcOffset::china();
        let at = Wall::parse_rfc3339("2026-11-23T07:55:00+08:00").unwrap();
        let (date, time) = china.civil(at);
        assert_eq!((date.to_string().as_str(), time.to_string().as_str()), ("2026-11-23", "07:55"));
        assert_eq!(china.wall(date, time), at);
        assert_eq!(china.rfc3339(at), "2026-11-23T07:55:00+08:00");
        assert_eq!(Wall::parse_http_date("Sun, 22 Nov 2026 23:55:00 GMT"), Some(at));
    }

    #[test]
    fn clock_times_are_read_strictly() {
        for (text, seconds) in [("08:25", 30_300), ("24:00", 86_400), ("08:25:59", 30_359)] {
            assert_eq!(text.parse(), Ok(ClockTime(seconds)));
        }
        for bad in ["8:25", "24:00:01", "08:60", "08:25:60", "08", "08:25:00:00", "ab:cd"] {
            assert!(bad.parse::<ClockTime>().is_err(), "{bad}");
        }
    }
}
