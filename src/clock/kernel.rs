//! Whether something keeps the wall clock synchronised, found out without a system call that a hardened service may not make.
//!
//! The exact answer is `adjtimex(2)`'s error bound. It is not used: no crate of this program offers it without `unsafe`, and systemd's
//! `ProtectClock=` blocks the call altogether, even for reading (systemd.exec(5)). Two other witnesses are asked:
//!
//! - `/run/systemd/timesync/synchronized` is touched by `systemd-timesyncd` at each successful synchronisation (systemd-timesyncd.service(8),
//!   since version 239). It is never removed, so its *age* counts, not its presence.
//! - Where that file is not there (chrony, ntpd, ntpd-rs): `timedatectl show -p NTPSynchronized`, which is "the kernel's error bound is below
//!   16 s". It takes a process and the system bus, so it is asked once a minute from a thread that may block.
//!
//! Limits: neither tells the error, so a constant stands in for it, plus drift since the last touch; a daemon that lost its server is noticed by
//! timesyncd's file after 1 h 43 min and through `timedatectl` after up to 9 h (chrony keeps the bound itself, and sooner). A step of the wall
//! clock ends the belief at once, until the witness speaks again; a step before this program started cannot be seen here.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::estimate::{DRIFT_PPM, drift_ms};
use crate::domain::time::{Mono, Wall};

/// The file that `systemd-timesyncd` touches at each synchronisation.
const TIMESYNCD_FILE: &str = "/run/systemd/timesync/synchronized";
/// How long a touch is believed, in milliseconds: three times timesyncd's longest interval, 2048 s (timesyncd.conf(5), `PollIntervalMaxSec`).
const TOUCH_BELIEVED_MS: u64 = 3 * 2_048_000;
/// How long an answer of `timedatectl` is believed, in milliseconds: three of its intervals.
const ANSWER_BELIEVED_MS: u64 = 3 * super::KERNEL_REFRESH_MS;
/// The error of a clock that is synchronised over a network, in milliseconds: half of a slow round trip (neither witness tells it).
const NETWORK_ERROR_MS: u64 = 100;
/// How far wall and monotonic time may part before it is a step, in milliseconds; timesyncd slews what is below 400 ms.
const STEP_MS: u64 = 500;
/// How long `timedatectl` may take, in milliseconds.
const ANSWER_WAIT_MS: u64 = 5_000;
/// How often it is looked whether `timedatectl` has ended, in milliseconds.
const ANSWER_POLL_MS: u64 = 20;

/// What the witnesses said, and where both clocks stood then.
#[derive(Debug, Default)]
pub(super) struct KernelSync {
    touch: Option<Touch>,
    answer: Option<Answer>,
}

/// A touch of timesyncd's file as it was first seen.
#[derive(Debug, Clone, Copy)]
struct Touch {
    marked: Wall,
    wall: Wall,
    mono: Mono,
}

/// One answer of `timedatectl`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// Whether the clock is synchronised.
    pub(super) synchronised: bool,
    /// The wall clock then.
    pub(super) wall: Wall,
    /// Time since boot then.
    pub(super) mono: Mono,
}

impl KernelSync {
    /// Takes an answer of `timedatectl`.
    pub(super) const fn answered(&mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    /// The clock's error in milliseconds if it is synchronised, given when timesyncd's file was touched last.
    pub(super) fn error_ms(&mut self, marked: Option<Wall>, wall: Wall, mono: Mono) -> Option<u64> {
        match marked {
            Some(marked) => self.by_touch(marked, wall, mono),
            None => self.by_answer(wall, mono),
        }
    }

    fn by_touch(&mut self, marked: Wall, wall: Wall, mono: Mono) -> Option<u64> {
        let touch = match self.touch {
            Some(touch) if touch.marked == marked => touch,
            Some(_) | None => *self.touch.insert(Touch { marked, wall, mono }),
        };
        let age_ms = u64::try_from(wall.millis_since(marked)).ok()?;
        let stands = age_ms <= TOUCH_BELIEVED_MS && !stepped((touch.wall, touch.mono), (wall, mono));
        stands.then(|| NETWORK_ERROR_MS + drift_ms(age_ms, DRIFT_PPM))
    }

    fn by_answer(&self, wall: Wall, mono: Mono) -> Option<u64> {
        let answer = self.answer.filter(|answer| answer.synchronised)?;
        let fresh = mono.millis_since(answer.mono) <= ANSWER_BELIEVED_MS;
        (fresh && !stepped((answer.wall, answer.mono), (wall, mono))).then_some(NETWORK_ERROR_MS)
    }
}

fn stepped(then: (Wall, Mono), now: (Wall, Mono)) -> bool {
    let wall_ms = now.0.millis_since(then.0);
    let mono_ms = i64::try_from(now.1.millis_since(then.1)).unwrap_or(i64::MAX);
    wall_ms.abs_diff(mono_ms) > STEP_MS
}

/// When timesyncd's file was touched last; `None` where there is none.
pub(super) fn timesyncd_marked() -> Option<Wall> {
    let touched: SystemTime = std::fs::metadata(TIMESYNCD_FILE).ok()?.modified().ok()?;
    let since = touched.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Wall)
}

/// Whether timesyncd's file is there, so that nothing else has to be asked.
pub(super) fn timesyncd_tells() -> bool {
    timesyncd_marked().is_some()
}

/// Whether the kernel's clock is synchronised, by `timedatectl`; no where it is missing, fails or takes too long.
pub(super) fn ask_timedated() -> bool {
    let mut command = Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    if !ended_well(&mut child) {
        return false;
    }
    child.wait_with_output().is_ok_and(|output| output.stdout.trim_ascii() == b"yes")
}

fn ended_well(child: &mut Child) -> bool {
    for _ in 0..ANSWER_WAIT_MS / ANSWER_POLL_MS {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(ANSWER_POLL_MS)),
            Err(_) => break,
        }
    }
    if child.kill().is_ok() {
        drop(child.wait());
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall(1_700_000_000_000);
    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn a_touch_of_timesyncds_file_is_believed_until_it_is_old() {
        let mut sync = KernelSync::default();
        let touched = NOW.plus_millis(-2_000_000);
        assert_eq!(sync.error_ms(Some(touched), NOW, Mono(9_000_000)), Some(NETWORK_ERROR_MS + 100));
        let later = |ms: u64| (NOW.plus_millis(i64::try_from(ms).unwrap()), Mono(9_000_000 + ms));
        assert!(sync.error_ms(Some(touched), later(HOUR_MS).0, later(HOUR_MS).1).is_some());
        assert_eq!(sync.error_ms(Some(touched), later(2 * HOUR_MS).0, later(2 * HOUR_MS).1), None);
    }

    #[test]
    fn a_clock_set_by_hand_is_not_believed_until_timesyncd_speaks_again() {
        let mut sync = KernelSync::default();
        assert!(sync.error_ms(Some(NOW), NOW, Mono(1_000)).is_some());
        let set = NOW.plus_millis(600_000);
        assert_eq!(sync.error_ms(Some(NOW), set, Mono(1_000)), None);
        assert!(sync.error_ms(Some(set), set, Mono(1_000)).is_some());
    }

    #[test]
    fn a_touch_that_lies_ahead_of_the_clock_is_not_believed() {
        assert_eq!(KernelSync::default().error_ms(Some(NOW), NOW.plus_millis(-1), Mono(1)), None);
    }

    #[test]
    fn timedatectls_answer_is_believed_for_minutes_and_not_across_a_step() {
        let mut sync = KernelSync::default();
        assert_eq!(sync.error_ms(None, NOW, Mono(1)), None);
        sync.answered(Answer { synchronised: true, wall: NOW, mono: Mono(1) });
        assert_eq!(sync.error_ms(None, NOW.plus_millis(60_000), Mono(60_001)), Some(NETWORK_ERROR_MS));
        assert_eq!(sync.error_ms(None, NOW.plus_millis(61_000), Mono(60_001)), None);
        assert_eq!(sync.error_ms(None, NOW.plus_millis(200_000), Mono(200_001)), None);
        sync.answered(Answer { synchronised: false, wall: NOW, mono: Mono(1) });
        assert_eq!(sync.error_ms(None, NOW, Mono(1)), None);
    }
}
