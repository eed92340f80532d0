//! A compressed month: people tap four times a day at a real kiosk, a real office takes what it is sent, both on one clock that skips, and
//! things go wrong at random. In the end every punch is at the office exactly once, and neither memory nor logs have grown beyond bounds.
//!
//! In every test run it is one day with few people; `tests/soak` makes it a month with two hundred. It runs in a process of its own, so that
//! what is measured is its own.

mod bureau;
mod days;
mod hall;
mod people;
mod report;
mod taps;
mod trouble;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::days::Soak;
use super::rig::text;

/// This test, as the harness knows it.
const NAME: &str = "soak::a_month_of_troubles_ends_with_every_punch_exactly_once_and_nothing_grown";
/// Set in the process that soaks.
const ALONE: &str = "PUNCH_SOAK_ALONE";
/// Threads of a kiosk or an office that starts again in the same process would each begin a heap of their own, up to eight for each core; that
/// is no growth of either, whose process ends with them.
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");
/// Workdays, people and seed of a soak, and what they are unless set.
const DAYS: (&str, u64) = ("PUNCH_SOAK_DAYS", 1);
const PEOPLE: (&str, u64) = ("PUNCH_SOAK_PEOPLE", 15);
const SEED: (&str, u64) = ("PUNCH_SOAK_SEED", 7);

#[test]
fn a_month_of_troubles_ends_with_every_punch_exactly_once_and_nothing_grown() {
    if std::env::var_os(ALONE).is_none() {
        let mut soak = Command::new(std::env::current_exe().unwrap());
        let soaked = soak.args([NAME, "--exact", "--nocapture"]).env(ALONE, "1").env(HEAPS.0, HEAPS.1).output().unwrap();
        println!("{}{}", text(&soaked.stdout), text(&soaked.stderr));
        assert!(soaked.status.success() && text(&soaked.stdout).contains("1 passed"), "the soak ended with {}", soaked.status);
        return;
    }
    let [days, people, seed] = [DAYS, PEOPLE, SEED].map(chosen);
    println!("{days} workdays, {people} people, seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let lines = logged(&folder.path().join("soak.log"));
    let mut soak = Soak::open(folder.path().to_owned(), lines, u32::try_from(people).unwrap(), seed);
    soak.live(usize::try_from(days).unwrap());
    soak.check();
}

fn chosen((variable, otherwise): (&str, u64)) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap_or_else(|error| panic!("{variable}: {error}")))
}

/// Logs to a file as the services do, and counts the lines.
fn logged(file: &Path) -> Arc<AtomicU64> {
    let (lines, file) = (Arc::<AtomicU64>::default(), File::create(file).unwrap());
    let counted = Arc::clone(&lines);
    let writer = move || Counted { file: file.try_clone().unwrap(), lines: Arc::clone(&counted) };
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(level).with(layer).init();
    lines
}

/// A log whose lines are counted.
struct Counted {
    file: File,
    lines: Arc<AtomicU64>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let ends = bytes.split(|byte| *byte == b'\n').count() - 1;
        self.lines.fetch_add(u64::try_from(ends).unwrap(), Ordering::Relaxed);
        self.file.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
