//! The kiosk's answer, tap by tap.

use super::super::live::{LiveAnswer, LiveStanding, live};
use super::*;

/// What the last of these taps is told.
fn told(times: &str) -> String {
    told_of(&Day::with(times))
}

fn told_of(day: &Day) -> String {
    let tap = day.punches.last().unwrap();
    let mut input = day.input();
    input.complete_through = None;
    input.as_of = UtcOffset::china().wall(date(), tap.time);
    let (answer, today) = live(&input, tap);
    assert_eq!(today.len(), day.rules.checkpoints.len());
    match answer {
        LiveAnswer::Counted { checkpoint, due, standing, tap_again } => {
            let standing = match standing {
                LiveStanding::OnTime => "on_time".to_owned(),
                LiveStanding::Late(minutes) => format!("late {minutes}"),
                LiveStanding::BeforeDue => format!("recorded, due {due}"),
                LiveStanding::Recorded => "recorded".to_owned(),
            };
            let again = tap_again.map_or_else(String::new, |(next, by)| format!(", tap again for {} by {by}", next.id));
            format!("{}: {standing}{again}", checkpoint.id)
        }
        LiveAnswer::Already(checkpoint) => format!("already {}", checkpoint.id),
        LiveAnswer::OffHours | LiveAnswer::RestDay | LiveAnswer::BeforePost | LiveAnswer::Exited | LiveAnswer::CalendarUnknown => {
            format!("{answer:?}")
        }
    }
}

#[test]
fn every_tap_of_a_plain_day_is_told_what_it_counts_for() {
    assert_eq!(told("08:20"), "morning_in: on_time");
    assert_eq!(told("08:20 11:52"), "morning_out: on_time");
    assert_eq!(told("08:20 11:52 13:20"), "afternoon_in: on_time");
    assert_eq!(told("08:20 11:52 13:20 17:03"), "afternoon_out: on_time");
}

#[test]
fn a_tap_that_changes_no_result_is_already_recorded() {
    assert_eq!(told("08:10 08:20"), "already morning_in");
    assert_eq!(told("08:20 08:20"), "already morning_in");
    assert_eq!(told("08:20 11:52 12:10 12:12"), "already morning_out");
}

#[test]
fn a_later_tap_going_home_counts_instead_of_the_first() {
    assert_eq!(told("08:20 11:52 13:20 17:01 17:45"), "afternoon_out: on_time");
}

#[test]
fn late_is_told_in_minutes_and_leaving_is_never_called_early() {
    assert_eq!(told("08:28"), "morning_in: late 3");
    assert_eq!(told("08:20 11:46"), "morning_out: recorded, due 11:50");
    assert_eq!(told("08:20 11:52 13:20 16:30"), "afternoon_out: recorded, due 17:00");
}

#[test]
fn a_lone_lunch_tap_is_asked_to_tap_again() {
    assert_eq!(told("08:20 12:10"), "morning_out: on_time, tap again for afternoon_in by 13:25");
    assert_eq!(told("08:20 11:52 12:10"), "afternoon_in: on_time");
    assert_eq!(told("08:20 13:05"), "afternoon_in: on_time");
}

#[test]
fn taps_outside_every_window_and_on_days_off_are_recorded_all_the_same() {
    assert_eq!(told("08:20 10:15"), "OffHours");
    assert_eq!(told("03:00"), "OffHours");
    let mut day = Day::with("08:20");
    day.kind = DayKind::RestDay;
    assert_eq!(told_of(&day), "RestDay");
    day.kind = DayKind::Unknown;
    assert_eq!(told_of(&day), "CalendarUnknown");
    day.standing = Standing::BeforePost;
    assert_eq!(told_of(&day), "BeforePost");
}

#[test]
fn a_doubtful_clock_calls_nobody_late() {
    let mut day = Day::with("08:28");
    day.punches[0].quality = Quality::Suspect;
    assert_eq!(told_of(&day), "morning_in: recorded");
}
