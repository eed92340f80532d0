//! When a skipping clock runs and when it skips: a decision without effects, and whoever carries it out.
//!
//! Real speed while anything is in progress that takes real time, or while somebody whose moment has come has not woken yet; else straight
//! to the next scripted step or the next moment that anyone waits for. Strides pass over moments that lie close together: who waited for
//! them wakes once, late.

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::time::Mono;

/// Real time between two looks at the clock.
const LOOK: Duration = Duration::from_millis(1);

/// Looks, a millisecond apart, that a waiter whose moment has come is given to wake.
const WAKING_LOOKS_MAX: u32 = 50;

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct View {
    /// Now.
    now: Mono,
    /// When the next scripted step is due.
    step: Mono,
    /// The next moment that anyone waits for.
    waited_for: Option<Mono>,
    /// Whether a request or the like is under way.
    in_progress: bool,
    /// How often in a row somebody was found who should be awake.
    waking_looks: u32,
    /// Shortest skip, in milliseconds, unless the step is due before.
    stride_ms: u64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// The step is due.
    Act,
    /// Let real time pass.
    Run,
    /// Somebody is waking: let real time pass, and count.
    Waking,
    /// Skip so many milliseconds.
    Skip(u64),
}

/// Waits until a clock shows a moment, skipping where nothing is in progress; a clock that cannot skip is waited for.
pub async fn until(clock: &Clock, moment: Mono) {
    strides(clock, moment, Duration::ZERO).await;
}

/// The same, no skip shorter than a stride.
pub async fn strides(clock: &Clock, moment: Mono, stride: Duration) {
    let stride_ms = u64::try_from(stride.as_millis()).unwrap_or(u64::MAX);
    let mut waking_looks = 0;
    loop {
        let view = View {
            now: clock.mono(),
            step: moment,
            waited_for: clock.next_wait(),
            in_progress: !clock.is_skipping() || clock.is_in_progress(),
            waking_looks,
            stride_ms,
        };
        waking_looks = match pace(view) {
            Pace::Act => return,
            Pace::Run => 0,
            Pace::Waking => waking_looks + 1,
            Pace::Skip(millis) => {
                clock.skip(millis);
                0
            }
        };
        tokio::time::sleep(LOOK).await;
    }
}

/// Decides.
fn pace(view: View) -> Pace {
    if view.now >= view.step {
        return Pace::Act;
    }
    if view.in_progress {
        return Pace::Run;
    }
    match view.waited_for {
        Some(moment) if moment <= view.now && view.waking_looks < WAKING_LOOKS_MAX => Pace::Waking,
        Some(moment) if moment > view.now => {
            let stride = view.now.plus_millis(view.stride_ms);
            Pace::Skip(moment.max(stride).min(view.step).millis_since(view.now))
        }
        Some(_) | None => Pace::Skip(view.step.millis_since(view.now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: View = View { now: Mono(1_000), step: Mono(9_000), waited_for: None, in_progress: false, waking_looks: 0, stride_ms: 0 };

    #[test]
    fn a_quiet_moment_is_skipped_to_whatever_comes_first() {
        assert_eq!(pace(QUIET), Pace::Skip(8_000));
        assert_eq!(pace(View { waited_for: Some(Mono(4_000)), ..QUIET }), Pace::Skip(3_000));
        assert_eq!(pace(View { waited_for: Some(Mono(40_000)), ..QUIET }), Pace::Skip(8_000));
    }

    #[test]
    fn a_stride_passes_over_moments_that_lie_within_it_and_never_over_the_step() {
        let crowded = View { waited_for: Some(Mono(1_001)), stride_ms: 5_000, ..QUIET };
        assert_eq!(pace(crowded), Pace::Skip(5_000));
        assert_eq!(pace(View { waited_for: Some(Mono(8_000)), ..crowded }), Pace::Skip(7_000));
        assert_eq!(pace(View { stride_ms: 60_000, ..crowded }), Pace::Skip(8_000));
    }

    #[test]
    fn what_is_in_progress_is_waited_for_but_never_longer_than_to_the_next_step() {
        assert_eq!(pace(View { in_progress: true, ..QUIET }), Pace::Run);
        assert_eq!(pace(View { in_progress: true, now: Mono(9_000), ..QUIET }), Pace::Act);
    }

    #[test]
    fn who_should_be_awake_is_given_time_to_wake_but_not_for_ever() {
        let due = View { waited_for: Some(Mono(900)), ..QUIET };
        assert_eq!(pace(due), Pace::Waking);
        assert_eq!(pace(View { waking_looks: WAKING_LOOKS_MAX, ..due }), Pace::Skip(8_000));
    }
}
