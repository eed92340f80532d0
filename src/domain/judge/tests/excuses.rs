//! Leave, errands and events: what they touch, what they move, what they leave alone.

use super::super::super::fact::{Attendance, Event};
use super::super::super::leave::LeaveKind;
use super::super::half_day::HalfDayMark;
use super::*;

const SICK: Cause = Cause::Leave(LeaveKind::Sick);

fn event(from: &str, to: &str, attendance: Attendance, names: &[&str]) -> Event {
    let names = names.iter().map(|name| id(name)).collect();
    Event { span: span(from, to), name: "集中学习".to_owned(), attendance, names, entered: entered(0) }
}

#[test]
fn an_errand_excuses_what_it_touches_and_nothing_else() {
    let excused = |from: &str, to: &str| {
        let day = Day::with("").excused(Cause::Errand, from, to);
        day.judged().checkpoints.iter().map(|one| one.outcome == Outcome::Excused).collect::<Vec<_>>()
    };
    assert_eq!(excused("08:30", "10:30"), [true, false, false, false]);
    assert_eq!(excused("08:30:01", "10:30"), [false; 4]);
    assert_eq!(excused("08:00", "08:25"), [false; 4]);
    assert_eq!(excused("08:00", "08:25:01"), [true, false, false, false]);
    assert_eq!(excused("11:49:59", "11:50"), [false, true, false, false]);
    assert_eq!(excused("11:50", "12:30"), [false; 4]);
    assert_eq!(excused("10:00", "15:00"), [false, true, true, false]);
    assert_eq!(excused("00:00", "24:00"), [true; 4]);
}

#[test]
fn an_errand_in_the_middle_of_a_session_is_shown_beside_the_tick() {
    let day = Day::with("08:20 11:52 13:20 17:03").excused(Cause::Errand, "09:30", "10:30");
    let morning = &day.judged().half_days[0];
    assert_eq!((morning.mark, morning.notes.as_slice()), (HalfDayMark::Present, [HalfDayMark::Errand].as_slice()));
}

#[test]
fn leave_shorter_than_a_half_day_moves_the_due_time_and_is_kept_in_minutes() {
    let late = Day::with("10:00:59 11:52").excused(SICK, "08:30", "10:00");
    assert_eq!(late.results()[..2], ["10:00:59 on_time", "11:52 on_time"]);
    let morning = &late.judged().half_days[0];
    assert_eq!((morning.column, morning.leave_minutes), (Column::Present, 90));
    let early = Day::with("08:20 10:58 13:20 17:03").excused(SICK, "11:00", "11:50");
    assert_eq!(early.results()[1], "10:58 early_leave 2");
    let before = Day::with("06:30 11:52").excused(SICK, "08:30", "10:00");
    assert_eq!(before.results()[0], "06:30 on_time");
    let closed = Day::with("11:01 11:52").excused(SICK, "08:30", "10:00");
    assert_eq!(closed.results()[..2], ["- missing", "11:52 on_time"]);
    let severe = |clock: &str| Day::with(clock).excused(SICK, "08:30", "10:00").judged().checkpoints[0].severe;
    assert!(!severe("10:29:59") && severe("10:30"));
}

#[test]
fn leave_in_pieces_covers_a_half_day_as_leave_in_one() {
    let day = Day::with("").excused(SICK, "10:00", "11:50").excused(SICK, "08:30", "10:00");
    assert_eq!(day.results()[..2], ["- excused", "- excused"]);
    assert_eq!(day.judged().half_days[0].column, Column::Leave(LeaveKind::Sick));
    let mixed = Day::with("").excused(SICK, "08:30", "10:00").excused(Cause::Errand, "10:00", "12:00");
    assert_eq!(mixed.results()[..2], ["- excused", "- excused"]);
    assert_eq!(mixed.judged().half_days[0].mark, HalfDayMark::Errand);
}

#[test]
fn a_request_that_is_not_decided_excuses_nothing_and_is_shown() {
    for state in [RequestState::Pending, RequestState::Refused, RequestState::Withdrawn] {
        let mut day = Day::with("");
        day.facts.excuses.push(excuse(SICK, "08:30", "11:50", state));
        assert_eq!(day.results(), ["- missing"; 4]);
        let shown = day.judged().marks.iter().any(|mark| matches!(mark.kind, MarkKind::LeavePending(_)));
        assert_eq!(shown, state == RequestState::Pending);
    }
    let filed = Day {
        facts: DayFacts { excuses: vec![excuse(SICK, "08:30", "11:50", RequestState::Filed)], ..DayFacts::default() },
        ..Day::with("")
    };
    assert_eq!(filed.results()[..2], ["- excused", "- excused"]);
}

#[test]
fn beside_an_excused_half_day_lunch_belongs_to_the_other() {
    let away = |times: &str, from: &str, to: &str| Day::with(times).excused(SICK, from, to).results();
    assert_eq!(away("08:20 14:25:59", "13:30", "17:00")[1], "14:25:59 on_time");
    assert_eq!(away("08:20 14:26", "13:30", "17:00")[1], "- missing");
    assert_eq!(away("10:50 17:03", "08:30", "11:50")[2], "10:50 on_time");
    assert_eq!(away("10:49:59 17:03", "08:30", "11:50")[2], "- missing");
}

#[test]
fn punches_during_leave_change_nothing_and_ask_whether_to_end_it() {
    let day = Day::with("08:20 11:52 13:20 17:03").excused(SICK, "13:30", "17:00");
    assert_eq!(day.results()[2..].iter().filter(|one| one.ends_with("excused")).count(), 2);
    let asks = |day: &Day| day.judged().marks.iter().any(|mark| mark.kind == MarkKind::EarlyReturn && mark.half_day == HalfDay::Afternoon);
    assert!(asks(&day));
    assert!(!asks(&Day::with("08:20 11:52 17:03").excused(SICK, "13:30", "17:00")));
}

#[test]
fn an_excused_checkpoint_shows_a_punch_that_no_other_needs() {
    let day = Day::with("08:10 12:20 17:03").excused(SICK, "08:30", "11:50");
    assert_eq!(day.results(), ["08:10 excused", "- excused", "12:20 on_time", "17:03 on_time"]);
    assert_eq!(day.surplus(), "");
}

#[test]
fn an_event_excuses_by_evidence_alone() {
    let with = |attendance| {
        let mut day = Day::with("");
        day.facts.events.push(event("08:30", "10:00", attendance, &[]));
        day
    };
    assert_eq!(with(Attendance::SignedIn).results()[0], "- excused");
    assert_eq!(with(Attendance::Listed).judged().half_days[0].mark, HalfDayMark::Missing);
    let invited = with(Attendance::Invited);
    assert_eq!(invited.results()[0], "- missing");
    assert!(invited.judged().marks.iter().any(|mark| matches!(mark.kind, MarkKind::EventMissed(_))));
    let on_leave = with(Attendance::Invited).excused(SICK, "08:30", "11:50");
    assert!(!on_leave.judged().marks.iter().any(|mark| matches!(mark.kind, MarkKind::EventMissed(_))));
}

#[test]
fn the_office_may_name_checkpoints_for_an_event() {
    let mut day = Day::with("08:20 11:52 13:20");
    day.facts.events.push(event("14:30", "16:30", Attendance::Listed, &["afternoon_out"]));
    assert_eq!(day.results()[3], "- excused");
    assert_eq!(day.judged().half_days[1].mark, HalfDayMark::Event);
}
