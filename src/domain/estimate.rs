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
    let uncertainty_ms = moment.uncertainty_ms.saturating_add(drift_ms(distance_ms, DRIFT_PPM));
    let quality = if uncertainty_ms <= DOUBTFUL_MS { Quality::Estimated } else { Quality::Suspect };
    BestTime { at: moment.wall.plus_millis(shift), quality }
}

/// How far a clock may have drifted after running free for so long, rounded up, in milliseconds.
pub const fn drift_ms(elapsed_ms: u64, ppm: u64) -> u64 {
    elapsed_ms.saturating_mul(ppm).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn a_trusted_reading_stands_as_it_is() {
        let reading = ClockReading { trust: Trust::Synced, uncertainty_ms: 20, ..reading(1, 5_000) };
        assert_eq!(best_time(&reading, &[moment(1, 0, 999)]), BestTime { at: reading.wall, quality: Quality::Trusted });
    }

    #[test]
    fn a_trusted_reading_that_may_be_off_by_more_than_a_second_is_counted_from_a_moment() {
        let reading = ClockReading { trust: Trust::Synced, uncertainty_ms: DOUBTFUL_MS + 1, ..reading(1, 5_000) };
        assert_eq!(best_time(&reading, &[moment(1, 4_000, 90_000)]), BestTime { at: Wall(91_000), quality: Quality::Estimated });
    }

    #[test]
    fn a_boot_in_1970_is_counted_from_the_nearest_moment_before_or_after() {
        let moments = [moment(1, 60_000, 1_000_000), moment(1, 600_000, 1_540_500), moment(2, 40_000, 7)];
        assert_eq!(best_time(&reading(1, 30_000), &moments).at, Wall(970_000));
        assert_eq!(best_time(&reading(1, 500_000), &moments).at, Wall(1_440_500));
    }

    #[test]
    fn another_boots_moments_say_nothing() {
        let reading = reading(1, 5_000);
        assert_eq!(best_time(&reading, &[moment(2, 5_000, 90_000)]), BestTime { at: reading.wall, quality: Quality::Suspect });
    }

    #[test]
    fn after_five_and_a_half_hours_of_free_running_an_estimate_is_no_longer_certain_to_a_second() {
        let moments = [moment(1, 0, 0)];
        assert_eq!(best_time(&reading(1, 5 * HOUR_MS), &moments).quality, Quality::Estimated);
        assert_eq!(best_time(&reading(1, 6 * HOUR_MS), &moments).quality, Quality::Suspect);
    }

    proptest! {
        #[test]
        fn no_values_whatever_break_it(wall: i64, mono: u64, uncertainty_ms: u64, moments in prop::collection::vec(any::<(u64, i64, u64)>(), 0..4)) {
            let moments: Vec<_> = moments.into_iter().map(|(mono, wall, uncertainty_ms)| TrustedMoment { uncertainty_ms, ..moment(1, mono, wall) }).collect();
            for trust in [Trust::Synced, Trust::Holdover, Trust::Suspect, Trust::Unset] {
                let reading = ClockReading { wall: Wall(wall), trust, uncertainty_ms, ..reading(1, mono) };
                let best = best_time(&reading, &moments);
                prop_assert_eq!(best.quality == Quality::Trusted, trust == Trust::Synced && uncertainty_ms <= DOUBTFUL_MS);
            }
        }

        #[test]
        fn an_untrusted_time_does_not_depend_on_the_wall_clock_once_a_moment_is_known(wall: i64, mono in 0..HOUR_MS * 1000) {
            let moments = [moment(1, 77_000, 1_700_000_000_000)];
            let raw = ClockReading { wall: Wall(wall), ..reading(1, mono) };
            prop_assert_eq!(best_time(&raw, &moments), best_time(&reading(1, mono), &moments));
        }

        #[test]
        fn times_keep_the_order_of_the_monotonic_clock(a in 0..HOUR_MS * 1000, later in 0..HOUR_MS) {
            let moments = [moment(1, 50_000, 1_700_000_000_000)];
            prop_assert!(best_time(&reading(1, a), &moments).at <= best_time(&reading(1, a + later), &moments).at);
        }

        #[test]
        fn drift_never_shrinks_with_time(a: u64, b: u64) {
            prop_assert!(drift_ms(a.min(b), DRIFT_PPM) <= drift_ms(a.max(b), DRIFT_PPM));
        }
    }

    fn reading(boot: u8, mono: u64) -> ClockReading {
        ClockReading { wall: Wall(33_000), mono: Mono(mono), boot: BootId([boot; 16]), trust: Trust::Unset, uncertainty_ms: 0 }
    }

    fn moment(boot: u8, mono: u64, wall: i64) -> TrustedMoment {
        TrustedMoment { boot: BootId([boot; 16]), mono: Mono(mono), wall: Wall(wall), uncertainty_ms: 20 }
    }
}
