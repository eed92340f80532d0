//! How many person-days a second one core judges, and what an office waits for a month of everyone.

use anyhow::Context as _;
use punchd::config::{calendar, rules};
use punchd::domain::estimate::Quality;
use punchd::domain::fact::DayFacts;
use punchd::domain::id::{EntryKey, JournalId, Sequence};
use punchd::domain::judge::{DayInput, DayPunch, judge};
use punchd::domain::person::{PostClass, Standing};
use punchd::domain::time::{ClockTime, Wall, WorkDate, dates};

use crate::run::{Run, float};
use crate::stopwatch::{now, on_processor, seconds_since};
use crate::table::Figure;

const ROW: &str = "judging";
/// Person-days a second on one core that are wanted: a province's day in a second.
const RATE_MIN: f64 = 500_000.0;
/// People judged.
const PEOPLE: u32 = 200;
/// What four to six punches of a day look like: in time, with a second tap, late, early, with a tap at noon too many.
const DAYS: [&[(u32, u32)]; 6] = [
    &[(8, 20), (11, 52), (13, 20), (17, 3)],
    &[(8, 24), (11, 51), (13, 24), (17, 1)],
    &[(8, 19), (8, 20), (11, 55), (13, 15), (17, 10)],
    &[(8, 31), (11, 50), (12, 40), (13, 22), (17, 0)],
    &[(8, 22), (11, 49), (11, 56), (13, 23), (16, 40), (17, 6)],
    &[(8, 15), (11, 53), (13, 31), (13, 32), (17, 2)],
];

/// Judges everyone's month again and again.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let wrong = |problems| anyhow::anyhow!("{problems}");
    let rules = rules::read("rules.toml", include_str!("../../../config/rules.toml")).map_err(wrong)?;
    let calendar = calendar::read("calendar-cn.csv", include_str!("../../../config/calendar-cn.csv")).map_err(wrong)?;
    let date = |day| WorkDate::from_ymd_opt(2026, 11, day).context("no date");
    let (first, last) = (date(1)?, date(30)?);
    let month: Vec<_> = dates(first, last).map(|date| (date, calendar.day(date))).collect();
    let days: Vec<Vec<DayPunch>> = DAYS
        .iter()
        .map(|times| times.iter().zip(1..).filter_map(|((hour, minute), place)| punch(*hour, *minute, place)).collect())
        .collect();
    let none = Vec::new();
    let (mut judged, mut checkpoints) = (0_u64, 0_u64);
    let (began, before) = (now(), on_processor());
    while seconds_since(began) < run.pace.judging_seconds {
        for person in 0..PEOPLE {
            for ((date, day), turn) in month.iter().zip(person..) {
                let at_work = day.is_workday() == Some(true);
                let punches = days.get(usize::try_from(turn)? % days.len()).filter(|_| at_work).unwrap_or(&none);
                let (standing, post_class) = (Standing::OnPost, PostClass::Window);
                let (complete_through, as_of) = (Some(Wall(i64::MAX)), Wall(i64::MAX));
                let input = DayInput {
                    date: *date,
                    rules: &rules,
                    day,
                    standing,
                    post_class,
                    punches,
                    facts: DayFacts::NONE,
                    adrift: &[],
                    complete_through,
                    as_of,
                };
                checkpoints += std::hint::black_box(judge(std::hint::black_box(&input))).checkpoints.len() as u64;
                judged += 1;
            }
        }
    }
    let rate = float(judged) * 1e9 / float(on_processor() - before);
    let note =
        format!("{PEOPLE} people, a month, 4 to 6 punches on a workday; {checkpoints} checkpoints concluded; by the time on the processor");
    Ok(vec![Figure::new(ROW, "person-days a second on one core", rate, "1/s").at_least(RATE_MIN).note(note)])
}

fn punch(hour: u32, minute: u32, place: u64) -> Option<DayPunch> {
    let key = EntryKey { terminal: "hall-1".parse().ok()?, journal: JournalId([1; 16]), sequence: Sequence(place) };
    Some(DayPunch { time: ClockTime::hm(hour, minute)?, quality: Quality::Trusted, key })
}
