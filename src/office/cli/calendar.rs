//! `calendar import|show`.

use std::path::PathBuf;

use clap::Subcommand;

use super::desk::{Desk, read_file};
use super::{Context, Failure, print_json};
use crate::domain::calendar::Calendar;
use crate::office::day::{Basis, DaySheet};
use crate::office::export::words;
use crate::office::plan::calendar::{BYTES_MAX, CalendarReport, PersonDayChange, plan, read};
use crate::office::plan::original;
use crate::office::store::PunchQuery;
use crate::sys::{self, Exit};

/// Most past days that are judged again to say whose results change.
const DAYS_JUDGED_MAX: usize = 60;

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Take the announced days of whole years (CSV date,kind,name, or a holiday-cn year in JSON)
    Import {
        /// The file
        file: PathBuf,
        /// Import it although it asks for a second look
        #[arg(long)]
        confirm: bool,
        /// Say what it would change, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the calendar as the CSV that import takes
    Export,
}

pub(super) fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Import { file, confirm, dry_run, json } => {
            let bytes = read_file(&file, BYTES_MAX)?;
            let calendar = read(&file.display().to_string(), &bytes).map_err(|problems| Failure::new(Exit::Data, problems, ""))?;
            let report = context.at_desk(async |desk| {
                let mut report = compare(desk, &calendar).await?;
                if dry_run || !(confirm || report.0.doubts.is_empty()) {
                    return Ok(report.0);
                }
                let ending = if bytes.trim_ascii_start().starts_with(b"{") { "json" } else { "csv" };
                original::keep(desk.data_dir, "calendar", ending, &bytes).map_err(|error| Failure::of_writing(&error))?;
                desk.add(std::mem::take(&mut report.1)).await?;
                report.0.applied = true;
                Ok(report.0)
            })?;
            if json {
                print_json(&report)?;
            } else {
                print(&report, dry_run);
            }
            Ok(if report.applied || dry_run { Exit::Ok } else { Exit::Data })
        }
        Verb::Export => {
            let calendar = context.at_desk(async |desk| Ok(desk.store.calendar(desk.site).await?))?;
            sys::out(crate::config::calendar::write(&calendar).trim_end());
            Ok(Exit::Ok)
        }
    }
}

/// What would change, and of whom.
async fn compare(desk: &Desk<'_>, file: &Calendar) -> Result<(CalendarReport, Vec<crate::office::store::Fact>), Failure> {
    let basis = Basis::load(desk.store, desk.site).await?;
    let (mut report, facts, becomes) = plan(file, &basis.calendar);
    let otherwise = Basis { calendar: becomes, ..basis.clone() };
    let past = report.changed.iter().map(|change| change.date).filter(|date| *date <= desk.today());
    for date in past.collect::<Vec<_>>().into_iter().rev().take(DAYS_JUDGED_MAX) {
        let punches = desk.store.punches(desk.site, PunchQuery { first: date, last: date, staff_no: None }).await?;
        let (before, after) = (basis.sheet(date, &punches, desk.now)?, otherwise.sheet(date, &punches, desk.now)?);
        report.people_changed.extend(differing(&before, &after));
    }
    Ok((report, facts))
}

fn differing(before: &DaySheet, after: &DaySheet) -> Vec<PersonDayChange> {
    let outcomes = |line: &crate::office::day::PersonLine| {
        line.day.checkpoints.iter().map(|line| (line.outcome.clone(), line.minutes)).collect::<Vec<_>>()
    };
    let pairs = before.people.iter().zip(&after.people).filter(|(before, after)| outcomes(before) != outcomes(after));
    pairs.map(|(line, _)| PersonDayChange { date: before.date, staff_no: line.staff_no.to_string(), name: line.name.clone() }).collect()
}

fn print(report: &CalendarReport, dry_run: bool) {
    for change in &report.changed {
        sys::out(format_args!("{}  {} → {}  {}", change.date, words::day(change.was), words::day(change.becomes), change.name));
    }
    for person in &report.people_changed {
        sys::out(format_args!("  {}  {} {} 的结果改变 / results change", person.date, person.staff_no, person.name));
    }
    for doubt in &report.doubts {
        sys::out(format_args!("! {doubt}"));
    }
    let known = report.known_through.map_or_else(|| "-".to_owned(), |date| date.to_string());
    let changed = report.changed.len();
    sys::out(format_args!("文件 {} 天，改变 {changed} 天；日历可用至 {known} / days in the file, changed; known through", report.days));
    if report.applied {
        sys::out("已导入 / imported");
    } else if dry_run {
        sys::out("试运行，未导入 / dry run: nothing was imported");
    } else {
        sys::out("有疑点，未导入；核对后加 --confirm / not imported: look at the doubts, then add --confirm");
    }
}
