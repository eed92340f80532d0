//! The reference days: an ordinary workday under the default rules, everything in, judged the next day.

use super::super::super::leave::LeaveKind;
use super::*;

/// Punches, what each checkpoint comes to, surplus.
const DAYS: [(&str, [&str; 4], &str); 23] = [
    ("08:20 11:52 13:20 17:03", ["08:20", "11:52", "13:20", "17:03"], ""),
    ("08:20 11:51 12:10 17:03", ["08:20", "11:51", "12:10", "17:03"], ""),
    ("08:20 11:51:00 11:51:40 17:03", ["08:20", "11:51:40", "-", "17:03"], "11:51"),
    ("08:20 12:10 17:03", ["08:20", "12:10", "-", "17:03"], ""),
    ("08:20 13:05 17:03", ["08:20", "-", "13:05", "17:03"], ""),
    ("11:52 13:20 17:03", ["-", "11:52", "13:20", "17:03"], ""),
    ("08:20 12:45 13:00 17:03", ["08:20", "12:45", "13:00", "17:03"], ""),
    ("08:20 11:40 13:28 17:03", ["08:20", "11:40 early_leave 10", "13:28 late 3", "17:03"], ""),
    ("08:20 11:52 13:20 15:05 15:40 17:03", ["08:20", "11:52", "13:20", "17:03"], "15:05 15:40"),
    ("08:20 17:03", ["08:20", "-", "-", "17:03"], ""),
    ("08:20 11:46 12:12 17:03", ["08:20", "11:46 early_leave 4", "12:12", "17:03"], ""),
    ("08:20 11:30 12:12 17:03", ["08:20", "12:12", "-", "17:03"], "11:30"),
    ("08:20 11:46 11:52 17:03", ["08:20", "11:52", "-", "17:03"], "11:46"),
    ("08:20 11:49:50 11:50:05 17:03", ["08:20", "11:50:05", "-", "17:03"], "11:49:50"),
    ("08:20 11:52 12:10 13:20 17:03", ["08:20", "12:10", "13:20", "17:03"], "11:52"),
    ("08:20 13:18:31 13:54:17 17:05", ["08:20", "-", "13:18:31", "17:05"], "13:54:17"),
    ("08:20 12:00 12:05 13:40 17:03", ["08:20", "12:00", "12:05", "17:03"], "13:40"),
    ("07:50 08:20 08:40", ["07:50", "-", "-", "-"], "08:20 08:40"),
    ("16:55 17:01 17:45", ["-", "-", "-", "17:45"], "16:55 17:01"),
    ("09:25:59", ["09:25:59 late 60", "-", "-", "-"], ""),
    ("10:15 11:52", ["-", "11:52", "-", "-"], "10:15"),
    ("05:59:59 06:00 23:59:59", ["06:00", "-", "-", "23:59:59"], "05:59:59"),
    ("08:22 16:30:01", ["08:22", "-", "-", "16:30:01 early_leave 30"], ""),
];

#[test]
fn every_reference_day_is_read_as_anyone_would_read_it() {
    for (punches, expected, surplus) in DAYS {
        check(&Day::with(punches), expected, surplus, punches);
    }
}

#[test]
fn reference_days_with_leave_and_errands() {
    let personal = Cause::Leave(LeaveKind::Personal);
    let morning_leave = Day::with("12:20 17:03").excused(personal, "08:30", "11:50");
    check(&morning_leave, ["- excused", "- excused", "12:20", "17:03"], "", "morning leave");
    let afternoon_leave = Day::with("08:20 12:45").excused(personal, "13:30", "17:00");
    check(&afternoon_leave, ["08:20", "12:45", "- excused", "- excused"], "", "afternoon leave");
    let late_leave = Day::with("10:12 11:52 13:20 17:03").excused(personal, "08:30", "10:00");
    check(&late_leave, ["10:12 late 12", "11:52", "13:20", "17:03"], "", "leave until 10:00");
    let errand = Day::with("10:40 11:52 13:20 17:03").excused(Cause::Errand, "08:30", "10:30");
    check(&errand, ["- excused", "11:52", "13:20", "17:03"], "10:40", "errand");
}

fn check(day: &Day, expected: [&str; 4], surplus: &str, what: &str) {
    let in_full = |short: &str| match short {
        "-" => "- missing".to_owned(),
        time if !time.contains(' ') => format!("{time} on_time"),
        full => full.to_owned(),
    };
    assert_eq!(day.results(), expected.map(in_full), "{what}");
    assert_eq!(day.surplus(), surplus, "surplus of {what}");
}
