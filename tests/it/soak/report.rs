//! What the soak came to: a row for each day, and whether everything held.

use std::path::Path;

/// Entries that the kiosk's log may hold before it is written back, times the pages that an entry may change, times a page's bytes.
const LOG_BYTES_MAX: u64 = 1_024 * 4 * 4_096;
/// How much more memory the last week may take than the first, in KiB: about half of it is what this test itself keeps of every tap.
const GROWTH_KIB_MAX: i64 = 16 * 1_024;
/// Measurements before memory is looked at: the first half of the first day.
const WARM_UP: usize = 2;
/// Measurements of a week: four a day.
const WEEK: usize = 20;

/// One day.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) date: String,
    pub(super) presented: u64,
    pub(super) confirmed: u64,
    pub(super) refused: u64,
    pub(super) troubles: Vec<String>,
    pub(super) resident_kib: i64,
    pub(super) threads: u64,
    pub(super) journal: u64,
    pub(super) log_most: u64,
    pub(super) state: u64,
    pub(super) office: u64,
    pub(super) lines: u64,
    pub(super) real_ms: u64,
    pub(super) pruned: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    /// Resident memory after each round, in KiB.
    pub(super) resident: Vec<i64>,
}

impl Row {
    /// Prints it under [`head`].
    pub(super) fn print(&self) {
        let kib = |bytes: u64| bytes / 1_024;
        println!(
            "{} {:>9} {:>9} {:>7} {:>7} {:>7} {:>9} {:>9} {:>8} {:>9} {:>6} {:>6} {:>6.1}  {}",
            self.date,
            self.presented,
            self.confirmed,
            self.refused,
            self.resident_kib,
            self.threads,
            kib(self.journal),
            kib(self.log_most),
            kib(self.state),
            kib(self.office),
            self.pruned,
            self.lines,
            f64::from(u32::try_from(self.real_ms).unwrap()) / 1_000.0,
            self.troubles.join(", ")
        );
    }
}

/// The names of the columns; sizes in KiB.
pub(super) fn head() {
    println!(
        "{:10} {:>9} {:>9} {:>7} {:>7} {:>7} {:>9} {:>9} {:>8} {:>9} {:>6} {:>6} {:>6}  troubles",
        "day",
        "presented",
        "confirmed",
        "refused",
        "VmRSS",
        "threads",
        "journal",
        "WAL most",
        "state",
        "office",
        "pruned",
        "lines",
        "real s"
    );
}

impl Report {
    /// Memory and logs stay within their bounds.
    pub(super) fn check(&self) {
        let longest = self.rows.iter().map(|row| row.log_most).max().unwrap_or_default();
        let warm = self.resident.get(WARM_UP..).unwrap_or_default();
        let week = WEEK.min(warm.len() / 2).max(1);
        let mean = |part: &[i64]| part.iter().sum::<i64>() / i64::try_from(part.len().max(1)).unwrap();
        let (first, last) = (mean(&warm[..week]), mean(&warm[warm.len() - week..]));
        println!(
            "memory: first {first} KiB, last {last} KiB, growth {} KiB (at most {GROWTH_KIB_MAX}), slope {} KiB a day; \
             longest WAL {longest} bytes (at most {LOG_BYTES_MAX})",
            last - first,
            slope(warm) * 4
        );
        assert!(longest > 0 && longest <= LOG_BYTES_MAX, "the log grew to {longest} bytes");
        assert!(last - first <= GROWTH_KIB_MAX, "memory grew by {} KiB", last - first);
    }
}

/// By how much each measurement is larger than the one before, by least squares.
fn slope(measured: &[i64]) -> i64 {
    let count = i64::try_from(measured.len()).unwrap();
    let (mut above, mut below) = (0, 0);
    for (place, value) in (0..).zip(measured) {
        let from_middle = 2 * place - (count - 1);
        above += from_middle * value * 2;
        below += from_middle * from_middle;
    }
    above / below.max(1)
}

/// A field of the kernel's account of this process.
pub(super) fn of_process(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// Bytes of the files in a folder whose names begin and end so.
pub(super) fn bytes_of(folder: &Path, begin: &str, end: &str) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = files.filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with(begin) && name.ends_with(end)));
    named.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum()
}
