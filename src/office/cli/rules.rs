//! `rules import|list`.

use std::path::PathBuf;

use clap::Subcommand;

use super::desk::read_file;
use super::{Context, Failure, print_json};
use crate::config::{columns, rules};
use crate::office::plan::original;
use crate::office::plan::rules::{Change, RulesReport, plan};
use crate::sys::{self, Exit};

/// Most bytes of a rules file.
const BYTES_MAX: u64 = 256 * 1024;

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Take a version of the rules (TOML); it holds from its valid-from on
    Import {
        /// The file
        file: PathBuf,
        /// Say what it would do, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Every version, the first to hold first
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Import { file, dry_run, json } => {
            let bytes = read_file(&file, BYTES_MAX)?;
            let read = rules::read(&file.display().to_string(), &columns::text_of(&bytes));
            let rules = read.map_err(|problems| Failure::new(Exit::Data, problems, ""))?;
            let report = context.at_desk(async |desk| {
                let held = desk.store.rule_book(desk.site).await?;
                let (mut report, facts) = plan(&rules, &held, desk.offset, desk.today());
                if !dry_run && report.problem.is_empty() {
                    original::keep(desk.data_dir, "rules", "toml", &bytes).map_err(|error| Failure::of_writing(&error))?;
                    desk.add(facts).await?;
                    report.applied = true;
                }
                Ok(report)
            })?;
            if json {
                print_json(&report)?;
            } else {
                print(&report);
            }
            Ok(if report.problem.is_empty() { Exit::Ok } else { Exit::Data })
        }
        Verb::List { json } => {
            let mut book = context.at_desk(async |desk| Ok(desk.store.rule_book(desk.site).await?))?;
            book.versions.sort_by_key(|rules| rules.valid_from);
            if json {
                return print_json(&book.versions).map(|()| Exit::Ok);
            }
            for rules in &book.versions {
                sys::out(format_args!("{}  自 {}  {}", rules.version, rules.valid_from, rules.document));
            }
            Ok(Exit::Ok)
        }
    }
}

fn print(report: &RulesReport) {
    sys::out(format_args!("{}（{}）自 {} 起施行 / holds from then on", report.version, report.document, report.valid_from));
    match report.change {
        Change::New => {}
        Change::Supersedes => sys::out("! 替代同名版本 / supersedes the version of that name"),
        Change::Unchanged => sys::out("与已有版本相同，无变化 / held already, nothing changes"),
    }
    if report.reaches_back {
        sys::out("! 已过去的日期也将按此重新计算 / days that have begun are judged by it from now on");
    }
    if report.problem.is_empty() {
        sys::out(if report.applied { "已导入 / imported" } else { "试运行，未导入 / dry run: nothing was imported" });
    } else {
        sys::out(format_args!("✘ {}", report.problem));
    }
}
