//! A calendar file compared with what is held: which days become what, and what asks for a second look.
//!
//! A file speaks for the whole of every year of which it announces a national day: what is held of such a year and not in the file is taken
//! back, so that a revision in the middle of a year is one import. Days of the centre alone stay unless the file names them.

use std::collections::BTreeSet;

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use crate::config::calendar::{self, NAME_BYTES_MAX};
use crate::config::{columns, problem::Problems};
use crate::domain::calendar::{Announced, AnnouncedDay, Calendar};
use crate::domain::time::WorkDate;
use crate::office::store::Fact;

/// Most bytes of a calendar file: a century of notices.
pub const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What an import does, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CalendarReport {
    /// Days in the file.
    pub days: usize,
    /// Days that become something else.
    pub changed: Vec<DayChange>,
    /// What asks for a second look: refused unless confirmed.
    pub doubts: Vec<String>,
    /// Through which day the calendar is known afterwards.
    pub known_through: Option<WorkDate>,
    /// People whose results change by it.
    pub people_changed: Vec<PersonDayChange>,
    /// Whether it was applied.
    pub applied: bool,
}

/// A day that becomes something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayChange {
    /// Which.
    pub date: WorkDate,
    /// What it is by what is held: `workday`, `holiday`, …
    pub was: &'static str,
    /// What it becomes.
    pub becomes: &'static str,
    /// Its announced name; empty where nothing is announced any more.
    pub name: String,
}

/// A person whose day is judged otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonDayChange {
    /// The day.
    pub date: WorkDate,
    /// Who.
    pub staff_no: String,
    /// The name.
    pub name: String,
}

/// A year's notice in the form of the open collection `holiday-cn` (<https://github.com/NateScarlet/holiday-cn>).
#[derive(Deserialize)]
struct Notice {
    days: Vec<NoticeDay>,
}

#[derive(Deserialize)]
struct NoticeDay {
    name: String,
    date: WorkDate,
    #[serde(rename = "isOffDay")]
    is_off_day: bool,
}

/// Reads a calendar: CSV (`date,kind,name`) or a `holiday-cn` year in JSON.
///
/// # Errors
/// Everything that is wrong in it.
pub fn read(file: &str, bytes: &[u8]) -> Result<Calendar, Problems> {
    let text = columns::text_of(bytes);
    if !text.trim_start().starts_with('{') {
        return calendar::read(file, &text);
    }
    let mut problems = Problems::of(file, &text);
    let notice = serde_json::from_str::<Notice>(&text);
    if let Err(error) = &notice {
        problems.add(None, format!("this is no year of holiday-cn: {error}"), "import the year's JSON as published, or a CSV");
    }
    let mut calendar = Calendar::default();
    for day in notice.map(|notice| notice.days).unwrap_or_default() {
        let kind = if day.is_off_day { Announced::Holiday } else { Announced::MakeupWorkday };
        let name = day.name.trim().to_owned();
        if name.len() > NAME_BYTES_MAX {
            problems.add(None, format!("the name of {} is longer than {NAME_BYTES_MAX} bytes", day.date), "shorten it");
        }
        if calendar.announced.insert(day.date, AnnouncedDay { kind, name }).is_some() {
            problems.add(None, format!("{} stands there twice", day.date), "keep one of the two");
        }
    }
    if calendar.announced.is_empty() && problems.problems.is_empty() {
        problems.add(None, "no day is announced in it", "the notice for that year may not be published yet");
    }
    problems.or(Some(calendar))
}

/// Compares a calendar with what is held; the facts of the import, and the calendar as it becomes.
pub fn plan(file: &Calendar, held: &Calendar) -> (CalendarReport, Vec<Fact>, Calendar) {
    let years: BTreeSet<i32> = file.announced.iter().filter(|(_, day)| is_national(day)).map(|(date, _)| date.year()).collect();
    let mut becomes = held.clone();
    becomes.announced.retain(|date, day| !(is_national(day) && years.contains(&date.year())));
    becomes.announced.extend(file.announced.iter().map(|(date, day)| (*date, day.clone())));
    let dates: BTreeSet<WorkDate> = held.announced.keys().chain(becomes.announced.keys()).copied().collect();
    let moved = dates.into_iter().filter(|date| held.announced.get(date) != becomes.announced.get(date));
    let mut report = CalendarReport { days: file.announced.len(), known_through: becomes.known_through(), ..CalendarReport::default() };
    let mut facts = Vec::new();
    for date in moved {
        let day = becomes.announced.get(&date).cloned();
        report.changed.push(DayChange {
            date,
            was: held.day(date).code(),
            becomes: becomes.day(date).code(),
            name: day.as_ref().map(|day| day.name.clone()).unwrap_or_default(),
        });
        facts.push(Fact::CalendarDay { date, day });
    }
    report.doubts = calendar::doubts(file);
    let taken_back = facts.iter().filter(|fact| matches!(fact, Fact::CalendarDay { day: None, .. })).count();
    if taken_back > 0 {
        report.doubts.push(format!("{taken_back} announced days are taken back"));
    }
    (report, facts, becomes)
}

const fn is_national(day: &AnnouncedDay) -> bool {
    match day.kind {
        Announced::Holiday | Announced::MakeupWorkday => true,
        Announced::LocalHoliday | Announced::LocalWorkday => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::seed::CALENDAR;

    fn shipped() -> Calendar {
        read("calendar-cn.csv", CALENDAR.as_bytes()).unwrap()
    }

    fn day(month: u32, day: u32) -> WorkDate {
        WorkDate::from_ymd_opt(2026, month, day).unwrap()
    }

    #[test]
    fn a_notice_whose_names_are_padded_or_endless_or_whose_days_stand_there_twice_is_held_to_the_limits_of_a_csv() {
        let notice = |name: &str| format!("{{\"name\":\"{name}\",\"date\":\"2026-10-01\",\"isOffDay\":true}}");
        let read = |days: &[String]| read("2026.json", format!("{{\"days\":[{}]}}", days.join(",")).as_bytes());
        let padded = read(&[notice(" 国庆节\\n")]).unwrap();
        assert_eq!(padded.announced[&day(10, 1)].name, "国庆节");
        assert_eq!(calendar::read("again.csv", &calendar::write(&padded)), Ok(padded));
        assert!(read(&[notice(&"x".repeat(NAME_BYTES_MAX))]).is_ok());
        assert!(read(&[notice(&"x".repeat(NAME_BYTES_MAX + 1))]).unwrap_err().to_string().contains("longer than 200 bytes"));
        assert!(read(&[notice("a"), notice("b")]).unwrap_err().to_string().contains("2026-10-01 stands there twice"));
    }

    #[test]
    fn importing_what_is_held_changes_nothing() {
        let (report, facts, becomes) = plan(&shipped(), &shipped());
        assert_eq!((report.changed, report.doubts, facts, becomes), (vec![], vec![], vec![], shipped()));
    }

    #[test]
    fn a_revision_in_the_middle_of_a_year_shows_what_each_day_becomes_and_wants_a_confirmation_for_what_it_takes_back() {
        let mut revised = shipped();
        revised.announced.remove(&day(10, 10));
        revised.announced.insert(day(10, 8), AnnouncedDay { kind: Announced::Holiday, name: "国庆节".to_owned() });
        let (report, facts, becomes) = plan(&revised, &shipped());
        let changes: Vec<_> = report.changed.iter().map(|change| (change.date, change.was, change.becomes)).collect();
        assert_eq!(changes, [(day(10, 8), "workday", "holiday"), (day(10, 10), "makeup_workday", "rest_day")]);
        assert_eq!(report.doubts, ["1 announced days are taken back"]);
        assert_eq!((facts.len(), becomes), (2, revised));
    }

    #[test]
    fn a_day_of_the_centre_alone_is_added_and_stays_through_the_next_notice() {
        let local = read("local.csv", "date,kind,name\n2026-11-24,local_holiday,暴雪\n".as_bytes()).unwrap();
        let (report, _, with_snow) = plan(&local, &shipped());
        assert_eq!((report.changed.len(), report.doubts.len()), (1, 0));
        let (report, facts, _) = plan(&shipped(), &with_snow);
        assert_eq!((report.changed, facts), (vec![], vec![]));
    }

    #[test]
    fn a_published_year_in_json_reads_like_the_csv() {
        let json = r#"{"year":2026,"papers":[],"days":[{"name":"国庆节","date":"2026-10-01","isOffDay":true},{"name":"国庆节","date":"2026-10-10","isOffDay":false}]}"#;
        let calendar = read("2026.json", json.as_bytes()).unwrap();
        let csv = read("c.csv", "date,kind,name\n2026-10-01,holiday,国庆节\n2026-10-10,makeup_workday,国庆节\n".as_bytes()).unwrap();
        assert_eq!(calendar, csv);
        for bad in [r#"{"year":2027,"papers":[],"days":[]}"#, r#"{"days":[{"name":"x","date":"2026-13-01","isOffDay":true}]}"#] {
            assert!(read("bad.json", bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
