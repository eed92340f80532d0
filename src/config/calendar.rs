//! The calendar's CSV (`date,kind,name`) → announced days, or everything that is wrong in it at once.

use chrono::{Datelike, Weekday};

use super::columns;
use super::problem::Problems;
use crate::domain::calendar::{Announced, AnnouncedDay, Calendar};
use crate::domain::time::WorkDate;

/// Longest name of a day, in bytes.
pub const NAME_BYTES_MAX: usize = 200;

/// Reads the announced days.
///
/// # Errors
/// Everything that is wrong, each with its row and what to do.
pub fn read(file: &str, text: &str) -> Result<Calendar, Problems> {
    let mut problems = Problems::of(file, text);
    let mut calendar = Calendar::default();
    for row in columns::read(text, &["date", "kind", "name"], &mut problems) {
        let [date, kind, name] = row.values.as_slice() else { continue };
        let line = row.line;
        let read_date = date.parse::<WorkDate>().ok();
        let read_kind = kind_of(kind);
        if read_date.is_none() {
            problems.add(Some(row.place.clone()), format!("row {line}: “{date}” is not a date"), "write it as 2026-10-01");
        }
        if read_kind.is_none() {
            let remedy = "write holiday, makeup_workday, local_holiday or local_workday";
            problems.add(Some(row.place.clone()), format!("row {line}: “{kind}” is no kind of day"), remedy);
        }
        if name.len() > NAME_BYTES_MAX {
            problems.add(Some(row.place.clone()), format!("row {line}: the name is longer than {NAME_BYTES_MAX} bytes"), "shorten it");
        }
        let (Some(date), Some(kind)) = (read_date, read_kind) else { continue };
        let twice = calendar.announced.insert(date, AnnouncedDay { kind, name: name.clone() }).is_some();
        if twice {
            problems.add(Some(row.place), format!("row {line}: {date} stands there twice"), "keep one of the two rows");
        }
    }
    problems.or(Some(calendar))
}

/// Writes announced days in the form that [`read`] takes.
pub fn write(calendar: &Calendar) -> String {
    let mut text = "date,kind,name\n".to_owned();
    for (date, day) in &calendar.announced {
        let kind = match day.kind {
            Announced::Holiday => "holiday",
            Announced::MakeupWorkday => "makeup_workday",
            Announced::LocalHoliday => "local_holiday",
            Announced::LocalWorkday => "local_workday",
        };
        let quoted = day.name.contains([',', '"', '\n', '\r']) || day.name.starts_with('#');
        let name = if quoted { format!("\"{}\"", day.name.replace('"', "\"\"")) } else { day.name.clone() };
        text.extend([date.to_string().as_str(), ",", kind, ",", &name, "\n"]);
    }
    text
}

fn kind_of(text: &str) -> Option<Announced> {
    match text {
        "holiday" => Some(Announced::Holiday),
        "makeup_workday" => Some(Announced::MakeupWorkday),
        "local_holiday" => Some(Announced::LocalHoliday),
        "local_workday" => Some(Announced::LocalWorkday),
        _ => None,
    }
}

/// What looks wrong in a calendar and may be right: an import asks before it takes such a file (domain rule C4).
pub fn doubts(calendar: &Calendar) -> Vec<String> {
    let of_kind = |wanted: Announced| calendar.announced.iter().filter(move |(_, day)| day.kind == wanted).map(|(date, _)| *date);
    let makeup: Vec<_> = of_kind(Announced::MakeupWorkday).collect();
    let mut years: Vec<_> = of_kind(Announced::Holiday).map(|date| date.year()).collect();
    years.dedup();
    let bare = years.into_iter().filter(|year| makeup.iter().all(|date| date.year() != *year));
    let mut doubts: Vec<_> = bare.map(|year| format!("{year} has holidays and no make-up workday")).collect();
    let weekday = |date: &&WorkDate| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    doubts.extend(makeup.iter().filter(weekday).map(|date| format!("the make-up workday {date} is a {}", date.weekday())));
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::DayKind;
    use crate::domain::time::dates;

    const SHIPPED: &str = include_str!("../../config/calendar-cn.csv");

    fn shipped() -> Calendar {
        read("calendar-cn.csv", SHIPPED).unwrap()
    }

    fn day(year: i32, month: u32, day: u32) -> WorkDate {
        WorkDate::from_ymd_opt(year, month, day).unwrap()
    }

    /// Workdays a month, counted by five independent calendars that agree on every date. December is counted as Monday to Friday after
    /// the 28th, which the calendar itself leaves open in its last year.
    #[test]
    fn the_shipped_calendar_has_the_published_number_of_workdays() {
        let calendar = shipped();
        for (year, months) in
            [(2025, [19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23]), (2026, [21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23])]
        {
            for (month, expected) in (1..).zip(months) {
                let first = day(year, month, 1);
                let next = first.checked_add_months(chrono::Months::new(1)).unwrap();
                let monday_to_friday = |date: &WorkDate| date.weekday().number_from_monday() <= 5;
                let workday = |date: &WorkDate| calendar.day(*date).is_workday().unwrap_or_else(|| monday_to_friday(date));
                assert_eq!(dates(first, next.pred_opt().unwrap()).filter(workday).count(), expected, "{year}-{month}");
            }
        }
        assert_eq!(dates(day(2024, 1, 1), day(2024, 12, 31)).filter(|d| calendar.day(*d).is_workday() == Some(true)).count(), 251);
    }

    #[test]
    fn the_days_that_other_calendars_get_wrong_are_right_here() {
        let calendar = shipped();
        assert_eq!(calendar.day(day(2026, 10, 1)), DayKind::Holiday("国庆节".to_owned()));
        assert!(matches!(calendar.day(day(2026, 10, 10)), DayKind::MakeupWorkday(_)));
        assert_eq!(calendar.day(day(2026, 12, 28)), DayKind::Workday);
        for unknown in [day(2026, 12, 29), day(2027, 1, 4)] {
            assert_eq!(calendar.day(unknown), DayKind::Unknown);
        }
        assert!(doubts(&calendar).is_empty());
    }

    #[test]
    fn everything_wrong_in_a_calendar_is_told_at_once_with_its_row() {
        let text = "date,kind,name\n2026-10-01,holiday,国庆节\n2026-13-01,holiday,x\n2026-10-02,feast,x\n2026-10-01,holiday,国庆节\n";
        let shown = read("calendar.csv", text).unwrap_err().to_string();
        for part in ["row 3: “2026-13-01”", "row 4: “feast”", "row 5: 2026-10-01", "calendar.csv:3:1"] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        assert!(read("calendar.csv", "day,what\n").unwrap_err().to_string().contains("`kind` is missing"));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let mut calendar = shipped();
        calendar.announced.insert(day(2026, 11, 24), AnnouncedDay { kind: Announced::LocalHoliday, name: "暴雪, \"红色\"预警".to_owned() });
        assert_eq!(read("again.csv", &write(&calendar)), Ok(calendar));
    }

    #[test]
    fn a_year_without_make_up_days_is_doubted_not_refused() {
        let text = "date,kind,name\n2026-10-01,holiday,国庆节\n2027-01-04,makeup_workday,元旦\n";
        let doubts = doubts(&read("calendar.csv", text).unwrap());
        assert_eq!(doubts, ["2026 has holidays and no make-up workday", "the make-up workday 2027-01-04 is a Mon"]);
    }
}
