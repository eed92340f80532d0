//! The seconds and minutes at which a result changes.

use super::super::half_day::HalfDayMark;
use super::*;

fn only(day: &Day, place: usize) -> String {
    day.results()[place].clone()
}

#[test]
fn a_clock_that_still_shows_the_due_minute_is_on_time() {
    assert_eq!(only(&Day::with("08:25:59"), 0), "08:25:59 on_time");
    assert_eq!(only(&Day::with("08:26:00"), 0), "08:26 late 1");
    assert_eq!(only(&Day::with("13:25:59 08:20"), 2), "13:25:59 on_time");
    assert_eq!(only(&Day::with("13:26"), 2), "13:26 late 1");
}

#[test]
fn leaving_is_on_time_from_the_due_second_on() {
    assert_eq!(only(&Day::with("11:49:59"), 1), "11:49:59 early_leave 1");
    assert_eq!(only(&Day::with("11:50:00"), 1), "11:50 on_time");
    assert_eq!(only(&Day::with("16:58:59"), 3), "16:58:59 early_leave 2");
}

#[test]
fn grace_moves_both_ways_and_late_minutes_count_from_the_due_minute() {
    let graced = |times| {
        let mut day = Day::with(times);
        day.rules.grace = 5;
        day
    };
    assert_eq!(only(&graced("08:30:59"), 0), "08:30:59 on_time");
    assert_eq!(only(&graced("08:31"), 0), "08:31 late 6");
    assert_eq!(only(&graced("11:45"), 1), "11:45 on_time");
    assert_eq!(only(&graced("11:44:59"), 1), "11:44:59 early_leave 6");
}

#[test]
fn windows_open_with_their_second_and_close_before_it() {
    assert_eq!((only(&Day::with("05:59:59"), 0), only(&Day::with("06:00"), 0)), ("- missing".to_owned(), "06:00 on_time".to_owned()));
    assert_eq!(only(&Day::with("09:26"), 0), "- missing");
    assert_eq!(only(&Day::with("10:49:59"), 1), "- missing");
    assert_eq!(only(&Day::with("10:50"), 1), "10:50 early_leave 60");
    assert_eq!(only(&Day::with("14:25:59"), 2), "14:25:59 late 60");
    assert_eq!(only(&Day::with("14:26"), 2), "- missing");
}

#[test]
fn a_lone_lunch_punch_goes_by_twenty_to_one() {
    assert_eq!(only(&Day::with("12:39:59"), 1), "12:39:59 on_time");
    assert_eq!(only(&Day::with("12:40"), 2), "12:40 on_time");
}

#[test]
fn the_minimum_gap_is_inclusive() {
    assert_eq!(Day::with("11:55 12:00").results()[1..3], ["11:55 on_time", "12:00 on_time"]);
    assert_eq!(Day::with("11:55:01 12:00").results()[1..3], ["12:00 on_time", "- missing"]);
}

#[test]
fn severe_compares_clock_times() {
    let severe = |times: &str, place: usize| Day::with(times).judged().checkpoints[place].severe;
    assert!(!severe("08:59:59", 0) && severe("09:00", 0));
    assert!(!severe("13:59:59", 2) && severe("14:00", 2));
    assert!(severe("11:20", 1) && !severe("11:20:01", 1));
    assert!(severe("16:30", 3) && !severe("16:30:01", 3));
}

#[test]
fn a_missing_checkpoint_is_severe_where_a_tap_lies_in_the_middle_of_its_session() {
    let severe = |times: &str| Day::with(times).judged().checkpoints.iter().map(|one| one.severe).collect::<Vec<_>>();
    assert_eq!(severe("10:15 11:52"), [true, false, false, false]);
    assert_eq!(severe("08:20 10:15"), [false, true, false, false]);
    assert_eq!(severe("08:20 11:52 15:05"), [false, false, true, true]);
    assert_eq!(severe("08:20 11:52 13:20 15:05 17:03"), [false; 4]);
}

#[test]
fn only_window_staff_are_told_of_the_post_and_only_by_a_punch_within_half_an_hour() {
    let ready = |times: &str, post_class| {
        let mut day = Day::with(times);
        day.post_class = post_class;
        day.judged().checkpoints[0].post_ready
    };
    for (times, expected) in [
        ("08:20:59", PostReady::Ready),
        ("08:21", PostReady::NotReady),
        ("08:25:59", PostReady::NotReady),
        ("08:26", PostReady::Unknown),
        ("07:54:59", PostReady::Unknown),
        ("07:55", PostReady::Ready),
        ("", PostReady::Unknown),
    ] {
        assert_eq!(ready(times, PostClass::Window), Some(expected), "{times}");
    }
    assert_eq!(ready("08:21", PostClass::BackOffice), None);
    assert_eq!(Day::with("08:22").results()[0], "08:22 on_time");
}

#[test]
fn half_days_take_one_mark_each_and_the_rest_goes_to_the_note() {
    let halves = |times: &str| {
        let day = Day::with(times);
        day.judged().half_days.iter().map(|half| (half.mark, half.column, half.notes.clone())).collect::<Vec<_>>()
    };
    let present = |mark| (mark, Column::Present, Vec::new());
    assert_eq!(halves("08:20 11:52 13:20 17:03"), [present(HalfDayMark::Present), present(HalfDayMark::Present)]);
    assert_eq!(halves("08:28 11:46 13:20 16:50"), [present(HalfDayMark::LateAndEarly), present(HalfDayMark::EarlyLeave)]);
    assert_eq!(halves("08:28 17:03")[0], (HalfDayMark::Missing, Column::Present, vec![HalfDayMark::Late]));
    assert_eq!(halves("08:20 11:52")[1], (HalfDayMark::ToVerify, Column::ToVerify, Vec::new()));
    let noon = Day::with("08:20").judged_at("12:00");
    let marks: Vec<_> = noon.judged().half_days.iter().map(|half| half.mark).collect();
    assert_eq!(marks, [HalfDayMark::Open, HalfDayMark::Open]);
}

#[test]
fn marks_ask_and_decide_nothing() {
    let kinds = |times: &str| Day::with(times).judged().marks.iter().map(|mark| format!("{:?}", mark.kind)).collect::<Vec<_>>();
    assert_eq!(kinds("08:20 11:52 13:20 17:03"), Vec::<String>::new());
    assert_eq!(kinds("08:20 12:00 12:05 13:40 17:03"), ["LunchPairClose(5)", "TapAfterMet(ClockTime(49200))"]);
    assert_eq!(kinds("10:15 11:52 13:20 17:03"), ["FirstTapMidSession(ClockTime(36900))"]);
    assert_eq!(kinds("01:10 08:20 11:52 13:20 17:03"), ["OvernightTap(ClockTime(4200))"]);
    let mut rest = Day::with("09:00");
    rest.kind = DayKind::RestDay;
    assert!(matches!(rest.judged().marks.as_slice(), [Mark { kind: MarkKind::TapNotRequired(_), .. }]));
}

#[test]
fn a_centre_with_two_checkpoints_a_day_is_judged_by_the_same_function() {
    let two = |times: &str| {
        let mut day = Day::with(times);
        day.rules.checkpoints.remove(2);
        day.rules.checkpoints.remove(1);
        day
    };
    assert_eq!(two("08:20 12:10 17:03").results(), ["08:20 on_time", "17:03 on_time"]);
    assert_eq!(two("08:20 12:10 17:03").surplus(), "12:10");
    let marks: Vec<_> = two("08:20").judged().half_days.iter().map(|half| half.mark).collect();
    assert_eq!(marks, [HalfDayMark::Present, HalfDayMark::ToVerify]);
}
