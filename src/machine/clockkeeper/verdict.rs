//! How far a reading of the clocks can be believed, given all that is known in this boot: a pure question, asked anew at every reading.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{STEP_MS, Settings};
use crate::domain::estimate::{DOUBTFUL_MS, TrustedMoment, drift_ms};
use crate::domain::time::{ClockReading, Mono, RawClock, Trust, Wall};
use crate::wire::entry::TimeSource;

/// How far the wall clock may be off from the office's and be trusted, and how far two witnesses may differ, in milliseconds (law 6).
pub(super) const OFFSET_MAX_MS: u64 = 2_000;
/// How long an exchange with the office vouches for the clock, in milliseconds (law 6).
const OFFICE_VOUCHES_MS: u64 = 24 * 3_600_000;
/// How far a trusted time may lie behind the floor, in milliseconds: what a trusted clock may be off.
const BEHIND_MAX_MS: u64 = OFFSET_MAX_MS;

/// Whose word on the time is taken (`[clock] source`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The kernel's (NTP on this machine).
    Kernel,
    /// The office's.
    Office,
    /// Either's, and neither's while they differ.
    Both,
}

impl Source {
    const fn kernel(self) -> bool {
        matches!(self, Self::Kernel | Self::Both)
    }

    const fn office(self) -> bool {
        matches!(self, Self::Office | Self::Both)
    }
}

/// Why the clock is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing vouched for it in this boot.
    NeverConfirmed,
    /// It was trusted until then and has run free since.
    RunningFree {
        /// For how long, in milliseconds.
        for_ms: u64,
        /// By how much it may be off, in milliseconds.
        uncertainty_ms: u64,
    },
    /// It was set, and nothing vouched for it since.
    Stepped {
        /// By how much, forward positive, in milliseconds.
        by_ms: i64,
    },
    /// It shows a time that has certainly passed.
    Behind {
        /// How far, in milliseconds.
        by_ms: u64,
    },
    /// It is vouched for, and shows a time that has passed by an earlier word: one of the two was wrong.
    Overtaken {
        /// How far, in milliseconds.
        by_ms: u64,
    },
    /// True time is known, and the clock shows another.
    Wrong {
        /// Our clock less true time, in milliseconds.
        by_ms: i64,
    },
    /// The kernel says that it is synchronised, and the office's clock differs.
    Disputed {
        /// Our clock less the office's, in milliseconds.
        by_ms: i64,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NeverConfirmed => f.write_str("not confirmed since the machine started"),
            Self::RunningFree { for_ms, uncertainty_ms } => {
                write!(f, "running free for {} min, may be off by {uncertainty_ms} ms", for_ms / 60_000)
            }
            Self::Stepped { by_ms } => write!(f, "was set by {} and not confirmed since", seconds(by_ms)),
            Self::Behind { by_ms } => write!(f, "shows a time that passed {} s ago", by_ms / 1_000),
            Self::Overtaken { by_ms } => write!(
                f,
                "is confirmed, but lies {} s behind a time that was confirmed before; if it is right now, run punchctl clock forgive",
                by_ms / 1_000
            ),
            Self::Wrong { by_ms } => write!(f, "differs from true time by {}; set the clock", seconds(by_ms)),
            Self::Disputed { by_ms } => {
                write!(f, "the kernel is synchronised, but the office's clock differs by {}: one of the two is wrong", seconds(by_ms))
            }
        }
    }
}

/// `+3600.0 s`.
fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    let tenths = ms.unsigned_abs() / 100;
    format!("{sign}{}.{} s", tenths / 10, tenths % 10)
}

/// True time at a moment of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fix {
    /// When.
    pub(super) mono: Mono,
    /// The time.
    pub(super) wall: Wall,
    /// Half-width of its interval, in milliseconds.
    pub(super) uncertainty_ms: u64,
    /// Who vouched for it.
    pub(super) source: TimeSource,
}

impl Fix {
    /// The time at another moment of this boot, with what drift adds.
    pub(super) fn at(&self, mono: Mono, drift_ppm: u64) -> (Wall, u64) {
        let wall = self.wall.plus_millis(signed(mono.0).saturating_sub(signed(self.mono.0)));
        (wall, self.uncertainty_ms.saturating_add(drift_ms(mono.0.abs_diff(self.mono.0), drift_ppm)))
    }

    fn moved_to(self, mono: Mono, drift_ppm: u64) -> Self {
        let (wall, uncertainty_ms) = self.at(mono, drift_ppm);
        Self { mono, wall, uncertainty_ms, source: self.source }
    }
}

fn signed(mono_ms: u64) -> i64 {
    i64::try_from(mono_ms).unwrap_or(i64::MAX)
}

/// What a reading deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) trust: Trust,
    pub(super) uncertainty_ms: u64,
    pub(super) doubt: Option<Doubt>,
    /// True time at the reading, where it is known, whatever the wall clock shows.
    pub(super) truth: Option<Fix>,
}

impl Verdict {
    const fn suspect(doubt: Doubt, truth: Option<Fix>) -> Self {
        Self { trust: Trust::Suspect, uncertainty_ms: 0, doubt: Some(doubt), truth }
    }

    pub(super) const fn reading(&self, raw: RawClock) -> ClockReading {
        ClockReading { wall: raw.wall, mono: raw.mono, boot: raw.boot, trust: self.trust, uncertainty_ms: self.uncertainty_ms }
    }
}

/// All that is known of time in this boot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    settings: Settings,
    floor: Option<Wall>,
    /// The last trusted reading: the wall clock as it stood.
    trusted: Option<(Mono, Wall, u64)>,
    /// The best exchange with the office.
    office: Option<Fix>,
    /// The steps since the last trusted reading.
    stepped_ms: Option<i64>,
}

impl Known {
    pub(super) const fn new(settings: Settings, floor: Option<Wall>) -> Self {
        Self { settings, floor, trusted: None, office: None, stepped_ms: None }
    }

    pub(super) const fn floor(&self) -> Option<Wall> {
        self.floor
    }

    /// A moment that has certainly passed.
    pub(super) fn passed(&mut self, wall: Wall) {
        self.floor = self.floor.max(Some(wall));
    }

    /// A reading of this boot that was trusted.
    pub(super) fn trusted(&mut self, reading: &ClockReading) {
        self.passed(reading.wall.minus_millis(reading.uncertainty_ms));
        if self.trusted.is_none_or(|(mono, ..)| mono <= reading.mono) {
            self.trusted = Some((reading.mono, reading.wall, reading.uncertainty_ms));
            self.stepped_ms = None;
        }
    }

    pub(super) fn stepped(&mut self, step_ms: i64) {
        self.stepped_ms = Some(self.stepped_ms.unwrap_or(0).saturating_add(step_ms));
    }

    /// An exchange with an office whose clock is synchronised. It replaces one that is less certain by now, or that it contradicts.
    pub(super) fn office(&mut self, fix: Fix) {
        let replaces = self.office.is_none_or(|before| {
            let (wall, uncertainty_ms) = before.at(fix.mono, self.settings.drift_ppm);
            let contradicts = wall.0.abs_diff(fix.wall.0) > uncertainty_ms.saturating_add(fix.uncertainty_ms);
            contradicts || fix.uncertainty_ms <= uncertainty_ms
        });
        if replaces {
            self.office = Some(fix);
        }
    }

    /// What the office's clock shows now, by the best exchange of the last day, if its word is taken and does not lie behind the floor.
    fn office_now(&self, raw: &RawClock) -> Option<Fix> {
        let fix = self.office.filter(|_| self.settings.source.office())?;
        let fresh = raw.mono.millis_since(fix.mono) < OFFICE_VOUCHES_MS;
        fresh.then(|| fix.moved_to(raw.mono, self.settings.drift_ppm))
    }

    /// True time by the office, as a moment of this boot.
    pub(super) fn office_moment(&self, raw: RawClock) -> Option<TrustedMoment> {
        let truth = self.verdict(&raw).truth.filter(|fix| fix.source == TimeSource::Office)?;
        Some(TrustedMoment { boot: raw.boot, mono: truth.mono, wall: truth.wall, uncertainty_ms: truth.uncertainty_ms })
    }

    /// What is vouched for now and lies behind the floor, if the witnesses agree.
    pub(super) fn overtaken(&self, raw: &RawClock) -> Option<Fix> {
        let unbounded = Self { floor: None, ..*self };
        let Verdict { truth: Some(truth), .. } = unbounded.verdict(raw) else { return None };
        self.behind(truth.wall).map(|_| truth)
    }

    /// What was thought to have passed has not: no more than this has.
    pub(super) const fn forgive(&mut self, passed: Wall) {
        self.floor = Some(passed);
        self.trusted = None;
        self.stepped_ms = None;
    }

    pub(super) fn verdict(&self, raw: &RawClock) -> Verdict {
        let kernel_ms = raw.kernel.filter(|error_ms| self.settings.source.kernel() && *error_ms <= DOUBTFUL_MS);
        let kernel = kernel_ms.map(|error_ms| Fix { mono: raw.mono, wall: raw.wall, uncertainty_ms: error_ms, source: TimeSource::Kernel });
        match (kernel, self.office_now(raw)) {
            (Some(kernel), Some(office)) => self.by_both(raw, kernel, office),
            (Some(fix), None) | (None, Some(fix)) => self.by_witness(raw, fix),
            (None, None) => self.alone(raw),
        }
    }

    fn by_both(&self, raw: &RawClock, kernel: Fix, office: Fix) -> Verdict {
        let by_ms = raw.wall.millis_since(office.wall);
        let uncertain_ms = kernel.uncertainty_ms.saturating_add(office.uncertainty_ms);
        if by_ms.unsigned_abs() > OFFSET_MAX_MS.saturating_add(uncertain_ms) {
            return Verdict::suspect(Doubt::Disputed { by_ms }, None);
        }
        self.by_witness(raw, kernel)
    }

    fn by_witness(&self, raw: &RawClock, truth: Fix) -> Verdict {
        if let Some(by_ms) = self.behind(truth.wall) {
            return Verdict::suspect(Doubt::Overtaken { by_ms }, None);
        }
        let by_ms = raw.wall.millis_since(truth.wall);
        if by_ms.unsigned_abs() > OFFSET_MAX_MS {
            return Verdict::suspect(Doubt::Wrong { by_ms }, Some(truth));
        }
        let uncertainty_ms = truth.uncertainty_ms.saturating_add(by_ms.unsigned_abs());
        Verdict { trust: Trust::Synced, uncertainty_ms, doubt: None, truth: Some(truth) }
    }

    /// Nothing vouches for the clock now: does it at least agree with what was known before?
    fn alone(&self, raw: &RawClock) -> Verdict {
        if let Some(by_ms) = self.behind(raw.wall) {
            return Verdict::suspect(Doubt::Behind { by_ms }, None);
        }
        let Some((mono, wall, uncertainty_ms)) = self.trusted else {
            return self.never_trusted(raw);
        };
        let free = Fix { mono, wall, uncertainty_ms, source: TimeSource::Kernel };
        let (expected, uncertainty_ms) = free.at(raw.mono, self.settings.drift_ppm);
        let by_ms = raw.wall.millis_since(expected);
        if by_ms.unsigned_abs() > STEP_MS {
            return Verdict::suspect(Doubt::Stepped { by_ms }, None);
        }
        let uncertainty_ms = uncertainty_ms.saturating_add(by_ms.unsigned_abs());
        let doubt = Some(Doubt::RunningFree { for_ms: raw.mono.millis_since(mono), uncertainty_ms });
        Verdict { trust: Trust::Holdover, uncertainty_ms, doubt, truth: None }
    }

    fn never_trusted(&self, raw: &RawClock) -> Verdict {
        let stale = self.office.filter(|_| self.settings.source.office()).map(|fix| fix.at(raw.mono, self.settings.drift_ppm));
        if let Some((wall, uncertainty_ms)) = stale {
            let by_ms = raw.wall.millis_since(wall);
            if by_ms.unsigned_abs() > OFFSET_MAX_MS.saturating_add(uncertainty_ms) {
                return Verdict::suspect(Doubt::Wrong { by_ms }, None);
            }
        }
        match self.stepped_ms {
            Some(by_ms) => Verdict::suspect(Doubt::Stepped { by_ms }, None),
            None => Verdict { trust: Trust::Unset, uncertainty_ms: 0, doubt: Some(Doubt::NeverConfirmed), truth: None },
        }
    }

    fn behind(&self, wall: Wall) -> Option<u64> {
        let by_ms = self.floor?.millis_since(wall);
        u64::try_from(by_ms).ok().filter(|by_ms| *by_ms > BEHIND_MAX_MS)
    }
}
