//! `roster import|export`.

use std::path::PathBuf;

use clap::Subcommand;

use super::desk::{Desk, read_file, write_out};
use super::{Context, Failure, print_json};
use crate::office::plan::roster::{CardChange, RosterReport, plan};
use crate::office::roster_file::{self, RowProblem};
use crate::office::{export, plan};
use crate::sys::{self, Exit};

/// Most lines of one kind that are printed; JSON has them all.
const LINES_MAX: usize = 200;

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Take a roster (CSV): new rows are added, changed ones change, who is absent stays
    Import {
        /// The file; UTF-8 or GB18030
        file: PathBuf,
        /// Say what it would do, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the roster as the CSV that import takes
    Export,
}

pub(super) fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Import { file, dry_run, json } => {
            let bytes = read_file(&file, roster_file::BYTES_MAX)?;
            let report = context.at_desk(async |desk| import(desk, &bytes, dry_run).await)?;
            if json {
                print_json(&report)?;
            } else {
                print(&report, dry_run);
            }
            Ok(if report.problems.is_empty() { Exit::Ok } else { Exit::Data })
        }
        Verb::Export => {
            let bytes = context.at_desk(async |desk| Ok(export::roster::csv(&desk.store.roster(desk.site).await?, desk.today())))?;
            write_out(|out| out.write_all(&bytes))
        }
    }
}

/// Plans the file and, unless something forbids it, applies it whole.
async fn import(desk: &Desk<'_>, bytes: &[u8], dry_run: bool) -> Result<RosterReport, Failure> {
    let file = roster_file::read(bytes);
    let (roster, bindings) = (desk.store.roster(desk.site).await?, desk.store.bindings(desk.site).await?);
    let (mut report, facts) = plan(file, &roster, bindings, desk.today());
    if dry_run || !report.problems.is_empty() {
        return Ok(report);
    }
    plan::original::keep(desk.data_dir, "roster", "csv", bytes).map_err(|error| Failure::of_writing(&error))?;
    report.punches_matched = desk.add(facts).await?.reissued;
    report.applied = true;
    Ok(report)
}

fn print(report: &RosterReport, dry_run: bool) {
    problems(&report.problems, "✘");
    problems(&report.notices, "!");
    if !report.problems.is_empty() {
        sys::out(format_args!("{} 处问题，未导入任何内容 / problems; nothing was imported", report.problems.len()));
        return;
    }
    for change in report.changed.iter().take(LINES_MAX) {
        sys::out(format_args!("~ 第 {} 行 {} {}：{}", change.line, change.staff_no, change.name, change.columns.join("、")));
    }
    for given in report.cards_given.iter().take(LINES_MAX) {
        sys::out(format_args!("+ 第 {} 行 {} 卡号 {}{}", given.line, given.staff_no, given.credential, dates(given)));
    }
    for ended in report.credentials_ended.iter().take(LINES_MAX) {
        sys::out(format_args!("- 第 {} 行 {} {} 停用{}", ended.line, ended.staff_no, ended.credential, dates(ended)));
    }
    let RosterReport { rows, unchanged, absent, punches_matched, .. } = report;
    let (added, changed) = (report.added.len(), report.changed.len());
    sys::out(format_args!(
        "共 {rows} 行：新增 {added}，变更 {changed}，不变 {unchanged}；名册外保留 {absent} / rows, added, changed, unchanged, kept"
    ));
    if dry_run {
        sys::out("试运行，未导入 / dry run: nothing was imported");
    } else {
        sys::out(format_args!("已导入；重新对应打卡 {punches_matched} 条 / imported; punches matched again"));
    }
}

fn dates(change: &CardChange) -> String {
    let from = change.from.map(|from| format!(" 自 {from}")).unwrap_or_default();
    let until = change.until.map(|until| format!(" 至 {until}")).unwrap_or_default();
    format!("{from}{until}")
}

fn problems(problems: &[RowProblem], mark: &str) {
    for problem in problems.iter().take(LINES_MAX) {
        let RowProblem { line, column, zh, en } = problem;
        sys::out(format_args!("{mark} 第 {line} 行 {column}：{zh}\n    line {line}: {en}"));
    }
    if problems.len() > LINES_MAX {
        sys::out(format_args!("… {} more; see --json", problems.len() - LINES_MAX));
    }
}
