//! Measures punchd: what a tap costs, what an office takes in, what a kiosk needs, and how all of it grows.
//!
//! Every figure stands beside what the disk, SQLite or an empty journal takes in the same run, since times differ from machine to machine
//! and ratios do not. Nothing is asserted: what misses its aim says NO in the table.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::curve::Curve;
use crate::run::{Pace, Run};
use crate::stopwatch::{now, seconds_since};
use crate::table::Figure;

mod backlog;
mod curve;
mod disk;
mod fixture;
mod growth;
mod intake;
mod judging;
mod kiosk;
mod office;
mod process;
mod resident;
mod run;
mod saturation;
mod sheets;
mod sizes;
mod stopwatch;
mod table;
mod tap;

type Measure = fn(&mut Run) -> anyhow::Result<Vec<Figure>>;

/// The rows with figures; `growth` has curves.
const ROWS: [(&str, Measure); 8] = [
    ("tap", tap::measure),
    ("saturation", saturation::measure),
    ("backlog", backlog::measure),
    ("intake", intake::measure),
    ("judging", judging::measure),
    ("sheets", sheets::measure),
    ("resident", resident::measure),
    ("sizes", sizes::measure),
];
const GROWTH: &str = "growth";

/// What was asked for.
#[derive(Debug, Default)]
struct Arguments {
    quick: bool,
    json: Option<PathBuf>,
    scratch: Option<PathBuf>,
    release: Option<PathBuf>,
    rows: Vec<String>,
}

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "punch-bench: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn measure() -> anyhow::Result<()> {
    let arguments = arguments(std::env::args().skip(1))?;
    let programs = std::env::current_exe()?.parent().context("no folder")?.to_owned();
    let scratch = arguments.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let pace = if arguments.quick { Pace::QUICK } else { Pace::THOROUGH };
    let mut run = Run::new(programs, arguments.release.clone(), pace, &scratch)?;
    let wanted = |name: &str| arguments.rows.is_empty() || arguments.rows.iter().any(|row| row == name);
    let began = now();
    let (mut figures, mut curves) = (Vec::new(), Vec::new());
    for (name, row) in ROWS.into_iter().filter(|(name, _)| wanted(name)) {
        told(name, began)?;
        figures.extend(row(&mut run).with_context(|| format!("row {name}"))?);
    }
    if wanted(GROWTH) {
        told(GROWTH, began)?;
        curves = growth::measure(&mut run).context("row growth")?;
    }
    told("done", began)?;
    show(&figures, &curves)?;
    if let Some(path) = &arguments.json {
        let curves: Vec<_> = curves.iter().map(Curve::json).collect();
        let all = serde_json::json!({ "quick": arguments.quick, "figures": table::json(&figures), "growth": curves });
        std::fs::write(path, serde_json::to_string_pretty(&all)? + "\n").with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn told(what: &str, began: u64) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "== {what} (at {:.0} s)", seconds_since(began))
}

fn show(figures: &[Figure], curves: &[Curve]) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    if !figures.is_empty() {
        writeln!(out, "{}", table::table(figures))?;
    }
    for curve in curves {
        writeln!(out, "{}", curve.plot())?;
    }
    out.flush()
}

fn arguments(mut words: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut file = || words.next().map(PathBuf::from).with_context(|| format!("{word} names a file"));
        match word.as_str() {
            "--quick" => arguments.quick = true,
            "--json" => arguments.json = Some(file()?),
            "--scratch" => arguments.scratch = Some(file()?),
            "--release" => arguments.release = Some(file()?),
            row if row == GROWTH || ROWS.iter().any(|(name, _)| *name == row) => arguments.rows.push(word),
            _ => {
                let rows: Vec<_> = ROWS.iter().map(|(name, _)| *name).collect();
                bail!("“{word}” is none of --quick, --json FILE and the rows {} {GROWTH}", rows.join(" "));
            }
        }
    }
    Ok(arguments)
}
