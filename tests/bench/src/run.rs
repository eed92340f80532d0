//! One run of the bench: where its programs and folders are, how thorough it is, what was made once for several rows.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::fixture::Fixtures;
use crate::stopwatch::seconds_since;

/// How much of everything is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Taps of one spread.
    pub(crate) taps: usize,
    /// Nanoseconds between two taps.
    pub(crate) tap_every: u64,
    /// Commits measured one by one.
    pub(crate) commits: u64,
    /// Punches stored one at a time at saturation.
    pub(crate) saturation: u64,
    /// How long is judged.
    pub(crate) judging_seconds: f64,
    /// How long an idle kiosk is watched, in seconds.
    pub(crate) idle_seconds: u64,
    /// How often a backlog is drained.
    pub(crate) drains: usize,
    /// The most punches that are taken in by an office, or listed to the last.
    pub(crate) whole_punches_max: u64,
}

impl Pace {
    /// Two taps a second for minutes, and everything else long enough to be sure of it.
    pub(crate) const THOROUGH: Self = Self {
        taps: 400,
        tap_every: 500_000_000,
        commits: 5_000,
        saturation: 10_000,
        judging_seconds: 5.0,
        idle_seconds: 60,
        drains: 5,
        whole_punches_max: 1_000_000,
    };
    /// Enough for a look: ten taps a second, shorter runs.
    pub(crate) const QUICK: Self = Self {
        taps: 200,
        tap_every: 100_000_000,
        commits: 2_000,
        saturation: 4_000,
        judging_seconds: 2.0,
        idle_seconds: 30,
        drains: 3,
        whole_punches_max: 100_000,
    };
}

/// A run.
#[derive(Debug)]
pub(crate) struct Run {
    /// Where the measured binaries are.
    pub(crate) programs: PathBuf,
    /// Where binaries of the release profile are, if they were built.
    pub(crate) release: Option<PathBuf>,
    /// How thorough it is.
    pub(crate) pace: Pace,
    fixtures: Fixtures,
    folders: usize,
    place: TempDir,
}

impl Run {
    /// A run whose folders lie in `scratch`.
    pub(crate) fn new(programs: PathBuf, release: Option<PathBuf>, pace: Pace, scratch: &Path) -> anyhow::Result<Self> {
        let place = tempfile::Builder::new().prefix("punch-bench-").tempdir_in(scratch)?;
        let fixtures = Fixtures::new(place.path());
        Ok(Self { programs, release, pace, fixtures, folders: 0, place })
    }

    /// A new empty folder.
    pub(crate) fn folder(&mut self, what: &str) -> anyhow::Result<PathBuf> {
        self.folders += 1;
        let folder = self.place.path().join(format!("{}-{what}", self.folders));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A new folder for a kiosk that already holds so many punches.
    pub(crate) fn kiosk_folder(&mut self, punches: u64) -> anyhow::Result<PathBuf> {
        let folder = self.folder("kiosk")?;
        self.fixtures.give(punches, &folder.join("data"))?;
        Ok(folder)
    }
}

/// So many since a moment, a second.
pub(crate) fn per_second(count: u64, began: u64) -> f64 {
    float(count) / seconds_since(began)
}

/// A count as a number with a fraction.
#[expect(clippy::cast_precision_loss, reason = "what a bench counts is far below 2^52")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
