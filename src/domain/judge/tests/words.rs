//! The sentence that says why: which rule, and what else it could have been.

use super::super::super::daysheet::PersonDay;
use super::super::super::leave::LeaveKind;
use super::super::super::why_text::{Sentence, sentence};
use super::*;

fn why(day: &Day, place: usize) -> Sentence {
    let judged = day.judged();
    sentence(&judged.checkpoints[place], &day.rules)
}

#[test]
fn a_late_punch_is_told_by_both_clocks_and_the_rule() {
    let told = why(&Day::with("08:40 11:52 13:20 17:03"), 0);
    assert_eq!(told.zh, "08:40 打卡，晚于考勤时间 08:25 共 15 分，晚于上班时间 08:30 共 10 分。（规则 2018-119 v1）");
    assert_eq!(told.en, "The punch at 08:40 is 15 min after 08:25, 10 min after work starts at 08:30. (rules 2018-119 v1)");
}

#[test]
fn a_lone_lunch_punch_says_what_else_it_could_have_been() {
    let day = Day::with("08:20 12:10 17:03");
    for place in [1, 2] {
        let told = why(&day, place);
        assert!(told.zh.contains("另一种计法（上午下班缺卡、下午上班 12:10）"), "{}", told.zh);
        assert!(told.en.contains("12:10 as afternoon in") && told.en.contains("further from the usual slots"), "{}", told.en);
    }
    assert!(!why(&day, 0).zh.contains("另一种计法"));
}

#[test]
fn a_day_without_doubt_tells_of_no_other_reading() {
    let day = Day::with("08:20 11:52 12:10 13:20 15:05 17:03");
    assert!(day.judged().checkpoints.iter().all(|one| one.alternative.is_none()));
    assert_eq!(Day::with("09:25:59").judged().checkpoints[0].alternative, None);
}

#[test]
fn an_early_light_leave_says_that_it_was_the_lighter_reading() {
    let told = why(&Day::with("08:20 11:46 12:12 17:03"), 1);
    assert!(told.en.contains("worse than a light early leave"), "{}", told.en);
}

#[test]
fn leave_that_moved_the_due_time_is_told() {
    let day = Day::with("10:12 11:52").excused(Cause::Leave(LeaveKind::Sick), "08:30", "10:00");
    assert!(why(&day, 0).zh.contains("由 08:25 移至 10:00"));
    let covered = Day::with("").excused(Cause::Leave(LeaveKind::Sick), "08:30", "11:50");
    assert!(why(&covered, 0).zh.starts_with("病假 08:30–11:50"));
}

#[test]
fn waiting_says_for_what() {
    let mut day = Day::with("");
    day.complete_through = Some(at("08:00"));
    assert!(why(&day, 0).zh.contains("2026-11-23T08:00:00+08:00"));
    assert!(why(&Day::with("").judged_at("07:00"), 0).en.contains("is not over"));
}

#[test]
fn no_sentence_ever_says_absent_by_itself() {
    for times in ["", "10:15", "09:25:59", "08:20 17:03"] {
        let day = PersonDay::of("ZC0101", &Day::with(times).judged());
        let json = serde_json::to_string(&day).unwrap();
        assert!(!json.contains('旷') && !json.contains("absent"), "{json}");
    }
}

#[test]
fn the_same_day_gives_the_same_bytes() {
    let bytes = |day: &Day| serde_json::to_vec(&PersonDay::of("ZC0101", &day.judged())).unwrap();
    let (one, mut other) = (Day::with("08:28 11:46 12:12 15:05 17:03"), Day::with("08:28 11:46 12:12 15:05 17:03"));
    other.punches.reverse();
    assert_eq!(bytes(&one), bytes(&other));
}
