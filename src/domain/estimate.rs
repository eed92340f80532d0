//! The best-known time of an entry: as recorded where the clock was trusted, otherwise counted from a trusted moment of the same boot. Terminal and office compute it alike.

use serde::{Deserialize, Serialize};

use super::id::BootId;
use super::time::{ClockReading, Mono, Trust, Wall};

/// How far a free-running quartz may drift, in parts per million (law 6; a setting where a kiosk is known to be worse).
pub const DRIFT_PPM: u64 = 50;
/// Above this uncertainty a time is doubtful, in milliseconds (law 6).
pub const DOUBTFUL_MS: u64 = 1_000;

/// A moment of one boot at which true time was known (a `sync` entry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedMoment {
    /// Which boot.
    pub boot: BootId,
    /// Time since that boot.
    pub mono: Mono,
    /// True time then.
    pub wall: Wall,
    /// Half-width of its interval, in milliseconds.
    pub uncertainty_ms: u64,
}

/// A time and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BestTime {
    /// The best-known time.
    pub at: Wall,
    /// What it rests on.
    pub quality: Quality,
}

/// What a best-known time rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// The clock was trusted at the read.
    Trusted,
    /// Counted from a trusted moment of the same boot, certain to a second.
    Estimated,
    /// Nothing certain to a second is known; the raw time or a wide estimate stands in.
    Suspect,
}

/// The best-known time of a reading, given the trusted moments of all boots.
pub fn best_time(reading: &ClockReading, moments: &[TrustedMoment]) -> BestTime {
    if reading.trust == Trust::Synced && reading.uncertainty_ms <= DOUBTFUL_MS {
        return BestTime { at: reading.wall, quality: Quality::Trusted };
    }
    let nearest = moments.iter().filter(|moment| moment.boot == reading.boot).min_by_key(|moment| moment.mono.0.abs_diff(reading.mono.0));
    let Some(moment) = nearest else {
        return BestTime { at: reading.wall, quality: Quality::Suspect };
    };
    let distance_ms = moment.mono.0.abs_diff(reading.mono.0);
    let shift = i64::try_from(reading.mono.0).unwrap_or(i64::MAX) - i64::try_from(moment.mono.0).unwrap_or(i64::MAX);
    let uncertainty_ms = moment.uncertainty_ms + drift_ms(distance_ms, DRIFT_PPM);
    let quality = if uncertainty_ms <= DOUBTFUL_MS { Quality::Estimated } else { Quality::Suspect };
    BestTime { at: moment.wall.plus_millis(shift), quality }
}

/// How far a clock may have drifted after running free for so long, rounded up, in milliseconds.
pub const fn drift_ms(elapsed_ms: u64, ppm: u64) -> u64 {
    elapsed_ms.saturating_mul(ppm).div_ceil(1_000_000)
}
