//! `punch-office judge`: rules, calendar and a CSV of punches in, one line for every person and day out. It needs no database, so an office
//! can try a change of rules on last month's punches.
//!
//! Invariants: everyone is taken to be on post and every terminal to be complete; the same files give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{calendar, columns, problem::Problems, rules};
use crate::domain::calendar::Calendar;
use crate::domain::daysheet::PersonDay;
use crate::domain::estimate::Quality;
use crate::domain::fact::DayFacts;
use crate::domain::id::{EntryKey, JournalId, Sequence};
use crate::domain::judge::{DayInput, DayPunch, judge};
use crate::domain::person::{PostClass, Standing};
use crate::domain::rules::Rules;
use crate::domain::time::{ClockTime, Wall, WorkDate, dates};
use crate::sys::{self, Exit};

/// Most bytes of a file.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most days from the first to the last punch: a wrong clock must not fill a disk with empty days.
const DAYS_MAX: usize = 3_700;
/// Longest name of a person, in bytes.
const PERSON_BYTES_MAX: usize = 256;

/// Judge a CSV of punches without any database.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// The rules (TOML)
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// The calendar (CSV: date,kind,name)
    #[arg(long, value_name = "FILE")]
    calendar: PathBuf,
    /// The punches (CSV: person,at; at in RFC 3339)
    #[arg(long, value_name = "FILE")]
    punches: PathBuf,
    /// The moment of judging (RFC 3339) [default: the end of the last date]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    as_of: Option<Wall>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    #[error("cannot read {file}: {source}")]
    Read { file: String, source: io::Error },
    #[error("{0}")]
    Wrong(Problems),
    #[error("cannot write the result: {0}")]
    Write(#[from] io::Error),
}

impl JudgeError {
    /// The exit code that belongs to it.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } | Self::Write(_) => Exit::Io,
            Self::Wrong(_) => Exit::Config,
        }
    }
}

/// Judges the punches of a file and writes a line for each person and day.
///
/// # Errors
/// A [`JudgeError`], with everything that is wrong in the file it names.
pub(crate) fn run(args: &JudgeArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let rules = rules::read(&shown(&args.rules), &text(&args.rules)?).map_err(JudgeError::Wrong)?;
    let calendar = calendar::read(&shown(&args.calendar), &text(&args.calendar)?).map_err(JudgeError::Wrong)?;
    let people = punches(&shown(&args.punches), &text(&args.punches)?, &rules).map_err(JudgeError::Wrong)?;
    write_days(&people, &rules, &calendar, args, out).map_err(JudgeError::Write)?;
    Ok(Exit::Ok)
}

/// Each person's punches by date.
type People = BTreeMap<String, BTreeMap<WorkDate, Vec<DayPunch>>>;

fn write_days(people: &People, rules: &Rules, calendar: &Calendar, args: &JudgeArgs, out: &mut dyn Write) -> io::Result<()> {
    let Some((first, last)) = first_and_last(people) else { return Ok(()) };
    let as_of = args.as_of.unwrap_or_else(|| rules.utc_offset.wall(last, ClockTime::MIDNIGHT));
    for (person, days) in people {
        for date in dates(first, last) {
            let input = DayInput {
                date,
                rules,
                day: &calendar.day(date),
                standing: Standing::OnPost,
                post_class: PostClass::Other,
                punches: days.get(&date).map_or(&[], Vec::as_slice),
                adrift: &[],
                facts: DayFacts::NONE,
                complete_through: Some(Wall(i64::MAX)),
                as_of,
            };
            let day = PersonDay::of(person, &judge(&input));
            if args.json {
                serde_json::to_writer(&mut *out, &day)?;
                writeln!(out)?;
            } else {
                write_plain(&day, out)?;
            }
        }
    }
    out.flush()
}

/// A day in one line for people: `ZC0101 2026-11-23 workday | morning_in 08:20 on_time | …`.
fn write_plain(day: &PersonDay, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{} {} {}", day.person, day.date, day.day)?;
    for line in &day.checkpoints {
        let time = line.counted.as_deref().and_then(|at| at.get(11..19)).unwrap_or("-");
        write!(out, " | {} {time} {}", line.checkpoint, line.outcome)?;
        if line.minutes > 0 {
            write!(out, " {}", line.minutes)?;
        }
    }
    let surplus = day.surplus.iter().filter_map(|at| at.get(11..19)).collect::<Vec<_>>().join(" ");
    writeln!(out, " | {surplus}")
}

fn first_and_last(people: &People) -> Option<(WorkDate, WorkDate)> {
    let dates = || people.values().flat_map(BTreeMap::keys).copied();
    dates().min().zip(dates().max())
}

fn punches(file: &str, text: &str, rules: &Rules) -> Result<People, Problems> {
    let mut problems = Problems::of(file, text);
    let mut people = People::new();
    let terminal = "csv".parse().expect("`csv` is a terminal's name");
    for row in columns::read(text, &["person", "at"], &mut problems) {
        let [person, at] = row.values.as_slice() else { continue };
        let line = row.line;
        if person.is_empty() || person.len() > PERSON_BYTES_MAX {
            let what = format!("row {line}: the person must be 1 to {PERSON_BYTES_MAX} bytes long");
            problems.add(Some(row.place.clone()), what, "write the staff number");
        }
        let Some(at) = Wall::parse_rfc3339(at) else {
            let remedy = "write it as 2026-11-23T08:20:00+08:00";
            problems.add(Some(row.place), format!("row {line}: “{at}” is not a time in RFC 3339"), remedy);
            continue;
        };
        let (date, time) = rules.utc_offset.civil(at);
        let key = EntryKey { terminal: Clone::clone(&terminal), journal: JournalId([0; 16]), sequence: Sequence(line) };
        let punch = DayPunch { time, quality: Quality::Trusted, key };
        people.entry(person.clone()).or_default().entry(date).or_default().push(punch);
    }
    if let Some((first, last)) = first_and_last(&people).filter(|(first, last)| dates(*first, *last).nth(DAYS_MAX).is_some()) {
        let what = format!("the punches reach from {first} to {last}, over more than {DAYS_MAX} days");
        problems.add(None, what, "leave out the punches of a wrong clock, or judge the years one by one");
    }
    problems.or(Some(people))
}

fn text(path: &Path) -> Result<String, JudgeError> {
    let bytes = sys::read_limited(path, FILE_BYTES_MAX).map_err(|source| JudgeError::Read { file: shown(path), source })?;
    Ok(columns::text_of(&bytes))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn parse_time(text: &str) -> Result<Wall, String> {
    Wall::parse_rfc3339(text).ok_or_else(|| "not a time such as 2026-11-23T12:00:00+08:00".to_owned())
}

#[cfg(test)]
mod tests;
