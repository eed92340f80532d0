//! Which of several reasons wins, and what is told while the day is not over or the data not in.

use super::super::super::fact::{HalfDayHoliday, LocalDecision, Outage, StatedOn, StatedTime};
use super::super::super::leave::LeaveKind;
use super::super::super::ruling::{Article26, RuledOutcome, Ruling, Verdict};
use super::super::super::why_text::sentence;
use super::super::half_day::HalfDayMark;
use super::*;

fn first(day: &Day) -> String {
    day.results()[0].clone()
}

fn rule(day: &mut Day, when: i64, verdict: Verdict) {
    day.facts.rulings.push(Ruling { entered: entered(when), verdict });
}

/// Adds one reason after the other, each stronger than the last.
#[test]
fn each_reason_wins_over_the_weaker_ones() {
    let mut day = Day::with("").judged_at("09:00");
    assert_eq!(first(&day), "- not_yet_due");
    day.complete_through = None;
    day = day.judged_at("24:00");
    assert_eq!(first(&day), "- pending_data");
    day.complete_through = Some(at("09:26"));
    assert_eq!(first(&day), "- missing");
    day.punches.push(punch(time("08:40"), 1));
    assert_eq!(first(&day), "08:40 late 15");
    day.facts.outages.push(Outage { span: span("08:10", "08:20"), another_worked: false, entered: entered(0) });
    assert_eq!(first(&day), "08:40 excused");
    day.punches.push(punch(time("08:20"), 2));
    assert_eq!(first(&day), "08:20 on_time");
    day = day.excused(Cause::Leave(LeaveKind::Sick), "08:00", "12:00");
    assert_eq!(first(&day), "08:20 excused");
    rule(&mut day, 1, Verdict::Checkpoint(id("morning_in"), Some(RuledOutcome::Late(7))));
    assert_eq!(first(&day), "08:20 late 7");
    day.kind = DayKind::Unknown;
    assert_eq!(first(&day), "- calendar_unknown");
    day.standing = Standing::BeforePost;
    assert_eq!(first(&day), "- not_required");
}

#[test]
fn days_off_require_nothing_and_keep_every_punch() {
    for kind in [DayKind::RestDay, DayKind::Holiday("国庆节".to_owned())] {
        let mut day = Day::with("08:40 17:00");
        day.kind = kind;
        assert_eq!(day.results(), ["- not_required"; 4]);
        assert_eq!(day.surplus(), "08:40 17:00");
        assert!(day.judged().half_days.iter().all(|half| half.column == Column::NotRequired));
    }
    let mut makeup = Day::with("");
    makeup.kind = DayKind::MakeupWorkday("国庆节".to_owned());
    assert_eq!(makeup.results(), ["- missing"; 4]);
}

#[test]
fn a_half_day_off_for_a_group_leaves_the_other_half() {
    let mut day = Day::with("08:20 13:40");
    day.facts.half_day_holidays.push(HalfDayHoliday { half_day: HalfDay::Afternoon, name: "妇女节".to_owned() });
    assert_eq!(day.results(), ["08:20 on_time", "13:40 on_time", "- not_required", "- not_required"]);
    let columns: Vec<_> = day.judged().half_days.iter().map(|half| half.column).collect();
    assert_eq!(columns, [Column::Present, Column::NotRequired]);
}

#[test]
fn a_duty_replaces_the_checkpoints_on_a_rest_day_too() {
    use super::super::super::fact::Duty;
    let mut day = Day::with("08:20 11:52");
    day.kind = DayKind::RestDay;
    let checkpoints = day.rules.checkpoints.iter().take(2).cloned().collect();
    day.facts.duty = Some(Duty { name: "周六值班".to_owned(), checkpoints });
    assert_eq!(day.results(), ["08:20 on_time", "11:52 on_time"]);
}

#[test]
fn late_and_early_are_provisional_until_every_terminal_is_complete_past_the_window() {
    let provisional = |complete: Option<&str>, as_of: &str| {
        let mut day = Day::with("08:40 11:46 13:20").judged_at(as_of);
        day.complete_through = complete.map(at);
        day.judged().checkpoints.iter().map(|one| one.provisional).collect::<Vec<_>>()
    };
    assert_eq!(provisional(Some("24:00"), "24:00"), [false; 4]);
    assert_eq!(provisional(Some("09:25:59"), "24:00"), [true, true, false, false]);
    assert_eq!(provisional(Some("09:26"), "24:00"), [false, true, false, false]);
    assert_eq!(provisional(None, "24:00"), [true, true, false, false]);
    assert_eq!(provisional(Some("24:00"), "09:00"), [true, true, false, false]);
}

#[test]
fn a_doubtful_time_may_be_on_time_and_never_makes_late() {
    for quality in [Quality::Estimated, Quality::Suspect] {
        let doubtful = |times: &str| {
            let mut day = Day::with(times);
            day.punches.iter_mut().for_each(|punch| punch.quality = quality);
            day
        };
        assert_eq!(
            doubtful("08:40 11:46 13:20 17:03").results(),
            ["08:40 time_suspect", "11:46 time_suspect", "13:20 on_time", "17:03 on_time"]
        );
        assert!(doubtful("08:40").judged().marks.iter().any(|mark| matches!(mark.kind, MarkKind::DoubtfulTime(..))));
        assert!(!doubtful("09:10").judged().checkpoints[0].severe);
    }
}

#[test]
fn a_punch_of_which_nobody_knows_the_time_keeps_its_person_from_being_called_late_or_missing() {
    let mut day = Day::with("08:40 13:20 17:03");
    assert_eq!(day.results(), ["08:40 late 15", "- missing", "13:20 on_time", "17:03 on_time"]);
    day.adrift = vec![span("00:00", "09:00")];
    assert_eq!(day.results(), ["08:40 time_suspect", "- missing", "13:20 on_time", "17:03 on_time"]);
    day.adrift = vec![span("00:00", "24:00")];
    assert_eq!(day.results(), ["08:40 time_suspect", "- time_suspect", "13:20 on_time", "17:03 on_time"]);
    let why = sentence(&day.judged().checkpoints[1], &day.rules);
    assert!(why.zh.contains("存疑") && why.en.contains("doubtful clock"), "{why:?}");
}

#[test]
fn a_suspect_tap_a_moment_after_the_window_closed_is_not_taken_for_a_missing_one() {
    let mut day = Day::with("09:26:10 11:52 13:20 17:03");
    assert_eq!(first(&day), "- missing");
    day.punches[0].quality = Quality::Suspect;
    assert_eq!(first(&day), "- time_suspect");
}

#[test]
fn a_trusted_time_of_the_same_second_counts_before_a_doubtful_one() {
    let mut day = Day::with("08:40 08:40");
    day.punches[0].quality = Quality::Suspect;
    assert_eq!(first(&day), "08:40 late 15");
    assert_eq!(day.judged().surplus, [&day.punches[0]]);
}

#[test]
fn an_outage_excuses_only_around_the_due_time_and_only_where_no_other_terminal_worked() {
    let with = |from: &str, to: &str, another_worked| {
        let mut day = Day::with("08:40 11:46 13:20");
        day.facts.outages.push(Outage { span: span(from, to), another_worked, entered: entered(0) });
        day.results()
    };
    assert_eq!(with("07:00", "07:55", false)[0], "08:40 late 15");
    assert_eq!(with("07:00", "07:55:01", false)[0], "08:40 excused");
    assert_eq!(with("08:25", "09:00", false)[0], "08:40 late 15");
    assert_eq!(with("08:00", "09:00", true)[0], "08:40 late 15");
    assert_eq!(with("11:00", "11:50", false)[1], "11:46 early_leave 4");
    assert_eq!(with("12:19", "12:30", false)[1], "11:46 excused");
    assert_eq!(with("16:30", "18:00", false)[3], "- excused");
}

#[test]
fn behind_an_outage_a_lone_lunch_punch_helps_where_it_is_needed() {
    let mut day = Day::with("08:20 12:10 17:03");
    day.facts.outages.push(Outage { span: span("11:50", "12:05"), another_worked: false, entered: entered(0) });
    assert_eq!(day.results(), ["08:20 on_time", "- excused", "12:10 on_time", "17:03 on_time"]);
}

#[test]
fn a_decision_of_the_office_is_held_against_nobody() {
    let mut day = Day::with("08:20");
    let checkpoints = vec![id("afternoon_in"), id("afternoon_out")];
    day.facts.decisions.push(LocalDecision { checkpoints, name: "暴雨".to_owned(), entered: entered(0) });
    assert_eq!(day.results(), ["08:20 on_time", "- missing", "- excused", "- excused"]);
    assert_eq!(day.judged().half_days[1].mark, HalfDayMark::Exempt);
}

#[test]
fn a_stated_time_counts_like_a_punch_and_never_becomes_one() {
    let stated = |clock: &str, on| StatedTime { time: time(clock), on, entered: entered(0) };
    let mut day = Day::with("11:52 13:20 17:03");
    day.facts.stated.push(stated("08:22", StatedOn::Correction));
    assert_eq!(first(&day), "08:22 on_time");
    assert_eq!(day.judged().half_days[0].mark, HalfDayMark::Corrected);
    assert!(day.judged().marks.iter().any(|mark| matches!(mark.kind, MarkKind::Stated(..))));
    assert_eq!(day.surplus(), "");
    day.facts.stated = vec![stated("08:28", StatedOn::PaperSignIn)];
    assert_eq!(first(&day), "08:28 late 3");
    day.facts.outages.push(Outage { span: span("08:00", "09:00"), another_worked: false, entered: entered(0) });
    assert_eq!(first(&day), "08:28 excused");
}

#[test]
fn absence_is_ruled_by_a_person_and_can_be_taken_back() {
    let mut day = Day::with("").excused(Cause::Leave(LeaveKind::Sick), "08:00", "18:00");
    assert_eq!(day.judged().half_days[0].column, Column::Leave(LeaveKind::Sick));
    rule(&mut day, 1, Verdict::Absence(HalfDay::Morning, Some(Article26::False)));
    let columns: Vec<_> = day.judged().half_days.iter().map(|half| (half.mark, half.column)).collect();
    assert_eq!(
        columns,
        [(HalfDayMark::Absent(Article26::False), Column::Absent), (HalfDayMark::Leave(LeaveKind::Sick), Column::Leave(LeaveKind::Sick))]
    );
    rule(&mut day, 2, Verdict::Absence(HalfDay::Morning, None));
    assert_eq!(day.judged().half_days[0].column, Column::Leave(LeaveKind::Sick));
}

#[test]
fn of_two_rulings_the_one_entered_last_holds_in_whatever_order_they_come() {
    let mut day = Day::with("08:40");
    rule(&mut day, 9, Verdict::Checkpoint(id("morning_in"), Some(RuledOutcome::Excused)));
    rule(&mut day, 5, Verdict::Checkpoint(id("morning_in"), Some(RuledOutcome::Missing)));
    assert_eq!(first(&day), "08:40 excused");
    rule(&mut day, 10, Verdict::Checkpoint(id("morning_in"), None));
    assert_eq!(first(&day), "08:40 late 15");
}
