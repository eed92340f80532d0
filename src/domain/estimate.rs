//! The best-known time of an entry: as recorded where the clock was trusted, otherwise counted from a trusted moment of the same boot. Terminal and office compute it alike.
//!
//! Moments of one boot may contradict each other: a source that was trusted was wrong for a while. What is right cannot be known then; the
//! newest stand, because a clock is corrected after it was wrong, and whatever rests on a moment that they contradict is suspect.

use serde::{Deserialize, Serialize};

use super::id::BootId;
use super::time::{ClockReading, Mono, Trust, Wall};

/// How far a free-running quartz may drift, in parts per million (law 6; a setting where a kiosk is known to be worse).
pub const DRIFT_PPM: u64 = 50;
/// Above this uncertainty a time is doubtful, in milliseconds (law 6).
pub const DOUBTFUL_MS: u64 = 1_000;
/// How far two trusted moments of a boot may part for each elapsed time before one of them must be wrong, in parts per million: ten times what a
/// quartz drifts, and as much as the kernel slews a clock (`adjtimex(2)`).
const CONTRADICTION_PPM: u64 = 500;

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
    /// Counted from a trusted moment of the same boot, or by a clock that has run free since one; certain to a second.
    Estimated,
    /// Nothing certain to a second is known; the raw time or a wide estimate stands in.
    Suspect,
}

impl TrustedMoment {
    /// The time at another moment of the same boot, and its uncertainty in milliseconds.
    fn at(&self, mono: Mono) -> (Wall, u64) {
        let distance_ms = self.mono.0.abs_diff(mono.0);
        let distance = i64::try_from(distance_ms).unwrap_or(i64::MAX);
        let wall = if mono < self.mono { self.wall.plus_millis(distance.saturating_neg()) } else { self.wall.plus_millis(distance) };
        (wall, self.uncertainty_ms.saturating_add(drift_ms(distance_ms, DRIFT_PPM)))
    }

    /// Whether both can be true.
    fn agrees(&self, other: &Self) -> bool {
        let parted_ms = self.at(other.mono).0.0.abs_diff(other.wall.0);
        let drifted_ms = drift_ms(self.mono.0.abs_diff(other.mono.0), CONTRADICTION_PPM);
        let allowed_ms = self.uncertainty_ms.saturating_add(other.uncertainty_ms).saturating_add(drifted_ms);
        parted_ms <= allowed_ms.max(DOUBTFUL_MS)
    }
}

/// The trusted moments of one boot, and which of them stand.
#[derive(Debug)]
struct OfBoot {
    /// Those that stand, in the order of the boot.
    standing: Vec<TrustedMoment>,
    /// Whether the newest contradict any.
    disputed: bool,
}

impl OfBoot {
    fn of(boot: BootId, moments: &[TrustedMoment]) -> Self {
        let mut all: Vec<TrustedMoment> = moments.iter().filter(|moment| moment.boot == boot).copied().collect();
        all.sort_by_key(|moment| moment.mono);
        let apart = all.windows(2).rposition(|pair| matches!(pair, [before, after] if !before.agrees(after)));
        let Some(newest) = apart.and_then(|place| all.get(place + 1)).copied() else {
            return Self { standing: all, disputed: false };
        };
        let standing = all.into_iter().filter(|moment| moment.mono >= newest.mono || moment.agrees(&newest)).collect();
        Self { standing, disputed: true }
    }

    fn nearest(&self, mono: Mono) -> Option<&TrustedMoment> {
        self.standing.iter().min_by_key(|moment| moment.mono.0.abs_diff(mono.0))
    }

    /// Whether a reading lies where only contradicted moments could tell its time.
    fn is_disputed(&self, mono: Mono) -> bool {
        self.disputed && self.standing.first().is_none_or(|first| mono < first.mono)
    }
}

/// Whether trusted moments of this boot contradict each other, so that times that were trusted in themselves may no longer be.
pub fn contradict(boot: BootId, moments: &[TrustedMoment]) -> bool {
    OfBoot::of(boot, moments).disputed
}

/// Whether the time of a reading is known at all, be it to a second or to the minute that a quartz drifts in weeks.
pub fn is_placed(reading: &ClockReading, moments: &[TrustedMoment]) -> bool {
    let of_boot = OfBoot::of(reading.boot, moments);
    let known = best_time(reading, moments).quality != Quality::Suspect;
    known || (own_word(reading).is_none() && !of_boot.standing.is_empty() && !of_boot.is_disputed(reading.mono))
}

/// The best-known time of a reading, given the trusted moments of all boots.
pub fn best_time(reading: &ClockReading, moments: &[TrustedMoment]) -> BestTime {
    let of_boot = OfBoot::of(reading.boot, moments);
    let nearest = of_boot.nearest(reading.mono);
    let word = own_word(reading);
    if let Some(quality) = word {
        let own = TrustedMoment { boot: reading.boot, mono: reading.mono, wall: reading.wall, uncertainty_ms: reading.uncertainty_ms };
        if nearest.is_some_and(|moment| !moment.agrees(&own)) {
            return BestTime { at: reading.wall, quality: Quality::Suspect };
        }
        if quality == Quality::Trusted {
            return BestTime { at: reading.wall, quality };
        }
    }
    let estimate = nearest.map(|moment| moment.at(reading.mono));
    match (word, estimate) {
        (Some(quality), None) => BestTime { at: reading.wall, quality },
        (Some(quality), Some((_, uncertainty_ms))) if reading.uncertainty_ms <= uncertainty_ms => BestTime { at: reading.wall, quality },
        (_, Some((at, uncertainty_ms))) => {
            let certain = uncertainty_ms <= DOUBTFUL_MS && !of_boot.is_disputed(reading.mono);
            BestTime { at, quality: if certain { Quality::Estimated } else { Quality::Suspect } }
        }
        (None, None) => BestTime { at: reading.wall, quality: Quality::Suspect },
    }
}

/// What a reading's own clock is worth, where it is certain to a second: trusted, or run free for a while since it was.
const fn own_word(reading: &ClockReading) -> Option<Quality> {
    if reading.uncertainty_ms > DOUBTFUL_MS {
        return None;
    }
    match reading.trust {
        Trust::Synced => Some(Quality::Trusted),
        Trust::Holdover => Some(Quality::Estimated),
        Trust::Suspect | Trust::Unset => None,
    }
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
        assert_eq!(best_time(&reading, &[moment(1, 0, 28_010)]), BestTime { at: reading.wall, quality: Quality::Trusted });
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

    #[test]
    fn a_clock_that_ran_free_for_two_hours_is_not_doubted_while_it_is_certain_to_a_second() {
        let reading = ClockReading { trust: Trust::Holdover, uncertainty_ms: 460, ..reading(1, 20 * HOUR_MS) };
        let day_old = [moment(1, 0, 33_000 - 20 * 3_600_000 + 300)];
        assert_eq!(best_time(&reading, &day_old), BestTime { at: reading.wall, quality: Quality::Estimated });
        let fresh = [moment(1, 20 * HOUR_MS - 1_000, 32_300)];
        assert_eq!(best_time(&reading, &fresh), BestTime { at: Wall(33_300), quality: Quality::Estimated }, "the more certain of the two");
    }

    #[test]
    fn times_counted_from_a_source_that_was_an_hour_wrong_are_doubted_once_it_is_right_again() {
        let hour = 3_600_000;
        let (good, wrong, right) = (moment(1, 0, 0), moment(1, HOUR_MS, 2 * hour), moment(1, 3 * HOUR_MS, 3 * hour));
        let best = |mono, moments: &[TrustedMoment]| best_time(&reading(1, mono), moments);
        let while_wrong = best(HOUR_MS / 2, &[good, wrong]);
        assert_eq!(while_wrong.quality, Quality::Suspect, "one of the two is wrong");
        let after = [good, wrong, right];
        assert_eq!(best(HOUR_MS / 2, &after), BestTime { at: Wall(hour / 2), quality: Quality::Estimated });
        assert_eq!(best(2 * HOUR_MS, &after), BestTime { at: Wall(2 * hour), quality: Quality::Estimated });
        assert_eq!(best(HOUR_MS, &[wrong, right]).quality, Quality::Suspect, "nothing before says which was right");
        assert_eq!(best(3 * HOUR_MS + 5_000, &[wrong, right]).quality, Quality::Estimated);
    }

    #[test]
    fn a_reading_that_was_trusted_by_a_wrong_source_is_doubted_once_the_source_is_right_again() {
        let hour = 3_600_000;
        let day_ahead = ClockReading { wall: Wall(25 * hour), trust: Trust::Synced, uncertainty_ms: 100, ..reading(1, HOUR_MS) };
        let wrong = moment(1, HOUR_MS - 5_000, 25 * hour - 5_000);
        assert_eq!(best_time(&day_ahead, &[wrong]).quality, Quality::Trusted);
        let right = moment(1, 2 * HOUR_MS, 2 * hour);
        assert_eq!(best_time(&day_ahead, &[wrong, right]), BestTime { at: day_ahead.wall, quality: Quality::Suspect });
        assert!(contradict(day_ahead.boot, &[right, wrong]) && !contradict(day_ahead.boot, &[right]));
    }

    #[test]
    fn a_bad_quartz_and_a_clock_put_right_by_half_a_second_contradict_nothing() {
        let week = 7 * 24 * 3_600_000;
        let slow = [moment(1, 0, 0), moment(1, 500_000, 500_600), moment(1, week, i64::try_from(week).unwrap() + 60_000)];
        assert!(!contradict(BootId([1; 16]), &slow));
    }

    proptest! {
        #[test]
        fn no_values_whatever_break_it(wall: i64, mono: u64, uncertainty_ms: u64, moments in prop::collection::vec(any::<(u64, i64, u64)>(), 0..4)) {
            let moments: Vec<_> = moments.into_iter().map(|(mono, wall, uncertainty_ms)| TrustedMoment { uncertainty_ms, ..moment(1, mono, wall) }).collect();
            for trust in [Trust::Synced, Trust::Holdover, Trust::Suspect, Trust::Unset] {
                let reading = ClockReading { wall: Wall(wall), trust, uncertainty_ms, ..reading(1, mono) };
                let best = best_time(&reading, &moments);
                let own_word = trust == Trust::Synced && uncertainty_ms <= DOUBTFUL_MS;
                prop_assert!(own_word || best.quality != Quality::Trusted);
                prop_assert!(!own_word || !moments.is_empty() || best.quality == Quality::Trusted);
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
