//! Sheets and times as the office has them, beside the plain list of what really happened in the hall.

use std::collections::{BTreeMap, BTreeSet};

use punchd::config;
use punchd::domain::calendar::Calendar;
use punchd::domain::estimate::{BestTime, DOUBTFUL_MS, Quality, best_time};
use punchd::domain::fact::DayFacts;
use punchd::domain::id::{EntryKey, JournalId, Sequence, TerminalId};
use punchd::domain::judge::{DayInput, DayPunch, judge};
use punchd::domain::person::{PostClass, Standing};
use punchd::domain::rules::Rules;
use punchd::domain::time::{Wall, WorkDate};

use super::clocks::true_wall;
use super::kiosk::Kiosk;
use super::ledger::{Ledger, tap_of};
use super::office::{Office, moment_of};

/// How many people share the taps of one kiosk.
const PEOPLE: u64 = 5;
/// A tap so close to the full minute may be a minute later or earlier by a clock that may be a second off, in milliseconds.
const CLOSE_MS: i64 = 1_100;

/// What a sheet is made from: rules and calendar as they are shipped.
#[derive(Debug)]
pub(super) struct Book {
    rules: Rules,
    calendar: Calendar,
}

/// Who tapped, and on which day.
type PersonDay = (String, WorkDate);

impl Book {
    pub(super) fn shipped() -> Self {
        let rules = config::rules::read("rules.toml", include_str!("../../../config/rules.toml")).unwrap();
        let calendar = config::calendar::read("calendar-cn.csv", include_str!("../../../config/calendar-cn.csv")).unwrap();
        Self { rules, calendar }
    }

    /// Each checkpoint's outcome and minutes.
    fn sheet(&self, date: WorkDate, times: &[BestTime], complete: Wall, as_of: Wall) -> Vec<(&'static str, u32)> {
        let punches: Vec<DayPunch> = (1..).map(Sequence).zip(times).map(|(at, best)| self.punch(at, *best)).collect();
        let judged_by = DayInput {
            date,
            rules: &self.rules,
            day: &self.calendar.day(date),
            standing: Standing::OnPost,
            post_class: PostClass::Other,
            punches: &punches,
            adrift: &[],
            facts: DayFacts::NONE,
            complete_through: Some(complete),
            as_of,
        };
        judge(&judged_by).checkpoints.iter().map(|result| (result.outcome.code(), result.outcome.minutes())).collect()
    }

    fn punch(&self, sequence: Sequence, best: BestTime) -> DayPunch {
        let (_, time) = self.rules.utc_offset.civil(best.at);
        let key = EntryKey { terminal: "hall".parse().unwrap(), journal: JournalId([0; 16]), sequence };
        DayPunch { time, quality: best.quality, key }
    }

    fn person_day(&self, tap: &str, read: u64) -> PersonDay {
        let (kiosk, number) = tap.rsplit_once('-').unwrap();
        let person = number.parse::<u64>().unwrap() % PEOPLE;
        (format!("{kiosk}-{person}"), self.rules.utc_offset.civil(true_wall(read)).0)
    }
}

/// Compares once the world is quiet; how many sheets could be compared.
pub(super) fn compare(book: &Book, ledger: &mut Ledger, kiosks: &[Kiosk], office: &Office, end: u64) -> usize {
    let there = times_at_office(office);
    let mut model: BTreeMap<(TerminalId, PersonDay), Vec<String>> = BTreeMap::new();
    for kiosk in kiosks {
        let taps: BTreeSet<String> =
            kiosk.disk.files.iter().flat_map(|file| &file.entries).filter_map(|kept| tap_of(&kept.entry)).collect();
        for tap in taps {
            let group = model.entry((kiosk.name.clone(), book.person_day(&tap, ledger.fed[&tap]))).or_default();
            if !group.contains(&tap) {
                group.push(tap);
            }
        }
    }
    let mut compared = 0;
    for ((terminal, (person, date)), taps) in model {
        let truth: Vec<Wall> = taps.iter().map(|tap| true_wall(ledger.fed[tap])).collect();
        let Some(times) = taps.iter().map(|tap| there.get(tap).copied()).collect::<Option<Vec<BestTime>>>() else { continue };
        for ((tap, best), truth) in taps.iter().zip(&times).zip(&truth) {
            if best.quality != Quality::Suspect && best.at.millis_since(*truth).unsigned_abs() > DOUBTFUL_MS {
                ledger.violation(format!("{terminal}: {tap} was at {truth:?}, and {best:?} is taken for certain"));
            }
        }
        let plain = times.iter().all(|best| best.quality != Quality::Suspect)
            && truth.iter().all(|at| !close_to_a_minute(*at))
            && !close_to_the_gap(&book.rules, &truth);
        let Some(complete) = office.complete.get(&terminal).copied().filter(|_| plain) else { continue };
        let model: Vec<BestTime> = truth.into_iter().map(|at| BestTime { at, quality: Quality::Trusted }).collect();
        let (ours, plainly) =
            (book.sheet(date, &times, complete, true_wall(end)), book.sheet(date, &model, Wall(i64::MAX), true_wall(end)));
        if !agree(&ours, &plainly) {
            ledger.violation(format!("{person} on {date}: the office says {ours:?}, the list of the hall {plainly:?}"));
        }
        compared += 1;
    }
    compared
}

/// The best-known time of each tap that counts at the office.
fn times_at_office(office: &Office) -> BTreeMap<String, BestTime> {
    let mut times = BTreeMap::new();
    let terminals: BTreeSet<&TerminalId> = office.shelves.keys().map(|(terminal, _)| terminal).collect();
    for terminal in terminals {
        let shelves = || office.shelves.iter().filter(|((of, _), _)| of == terminal).flat_map(|(_, shelf)| shelf.entries.values());
        let moments: Vec<_> = shelves().filter_map(|entry| moment_of(&entry.entry)).collect();
        times.extend(shelves().filter_map(|entry| Some((tap_of(&entry.entry)?, best_time(&entry.entry.clock, &moments)))));
    }
    times
}

fn close_to_a_minute(at: Wall) -> bool {
    let past = at.0.rem_euclid(60_000);
    past.min(60_000 - past) <= CLOSE_MS
}

/// Whether an error of a second in each could turn a gap that counts into one that does not.
fn close_to_the_gap(rules: &Rules, times: &[Wall]) -> bool {
    let gap_ms = i64::from(rules.minimum_gap) * 60_000;
    times.iter().any(|a| times.iter().any(|b| (a.millis_since(*b) - gap_ms).abs() <= 2 * CLOSE_MS))
}

/// Equal, but that an estimate makes nobody late or early: a person settles it.
fn agree(office: &[(&str, u32)], hall: &[(&str, u32)]) -> bool {
    let one = |(office, hall): (&(&str, u32), &(&str, u32))| match office.0 {
        "time_suspect" => ["late", "early_leave"].contains(&hall.0),
        _ => office == hall,
    };
    office.len() == hall.len() && office.iter().zip(hall).all(one)
}
