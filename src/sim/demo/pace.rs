//! When the demo's clock runs and when it skips: a decision without effects.
//!
//! Real speed while anything is in progress that takes real time, or while somebody whose moment has come has not woken yet; else straight
//! to the next scripted step or the next moment that anyone waits for.

use crate::domain::time::Mono;

/// Looks, a millisecond apart, that a waiter whose moment has come is given to wake.
const WAKING_LOOKS_MAX: u32 = 50;

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// Now.
    pub(super) now: Mono,
    /// When the next scripted step is due.
    pub(super) step: Mono,
    /// The next moment that anyone waits for.
    pub(super) waited_for: Option<Mono>,
    /// Whether a request or the like is under way.
    pub(super) in_progress: bool,
    /// How often in a row somebody was found who should be awake.
    pub(super) waking_looks: u32,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// The step is due.
    Act,
    /// Let real time pass.
    Run,
    /// Somebody is waking: let real time pass, and count.
    Waking,
    /// Skip so many milliseconds.
    Skip(u64),
}

/// Decides.
pub(super) fn pace(view: View) -> Pace {
    if view.now >= view.step {
        return Pace::Act;
    }
    if view.in_progress {
        return Pace::Run;
    }
    match view.waited_for {
        Some(moment) if moment <= view.now && view.waking_looks < WAKING_LOOKS_MAX => Pace::Waking,
        Some(moment) if moment > view.now => Pace::Skip(moment.min(view.step).millis_since(view.now)),
        Some(_) | None => Pace::Skip(view.step.millis_since(view.now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: View = View { now: Mono(1_000), step: Mono(9_000), waited_for: None, in_progress: false, waking_looks: 0 };

    #[test]
    fn a_quiet_moment_is_skipped_to_whatever_comes_first() {
        assert_eq!(pace(QUIET), Pace::Skip(8_000));
        assert_eq!(pace(View { waited_for: Some(Mono(4_000)), ..QUIET }), Pace::Skip(3_000));
        assert_eq!(pace(View { waited_for: Some(Mono(40_000)), ..QUIET }), Pace::Skip(8_000));
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
