//! The only reader of the machine's clocks. Everything else is given the time.
//!
//! A demo hands the same [`Clock`] to office and terminal alike and lets it skip; the services take [`Clock::system`].
//! Whether something synchronises the wall clock is found out by `kernel`, which says how and how well.

mod kernel;
mod waiting;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use self::kernel::{Answer, KernelSync};
use self::waiting::Waiting;
use crate::domain::id::BootId;
use crate::domain::time::{Mono, RawClock, Wall};

/// How often [`Clock::refresh_kernel_sync`] is wanted, in milliseconds.
pub const KERNEL_REFRESH_MS: u64 = 60_000;

/// Where Linux tells which boot this is.
const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";
/// How far apart the readings of one moment may lie, in milliseconds.
const READ_APART_MS: u64 = 20;
/// How often that is tried.
const READ_TRIES: usize = 8;
/// What a skipping clock says of its own error, in milliseconds.
const SKIPPING_ERROR_MS: u64 = 1;

/// A clock that can be asked and waited on; clones share the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    boot: BootId,
    kernel: Arc<Mutex<KernelSync>>,
    skipped: Option<Arc<Skipped>>,
}

/// How a demo's clock differs from the machine's: by what it began with, and by what it skipped, which moves wall and monotonic time as one.
#[derive(Debug)]
struct Skipped {
    start_shift_ms: i64,
    ahead_ms: AtomicU64,
    in_progress: AtomicUsize,
    waiting: Waiting,
}

/// Something that takes real time, such as an exchange over the network: until it is dropped, nobody should make the clock skip.
#[derive(Debug)]
pub struct InProgress(Option<Arc<Skipped>>);

impl Drop for InProgress {
    fn drop(&mut self) {
        if let Some(skipped) = &self.0 {
            skipped.in_progress.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Clock {
    /// The machine's own clocks.
    pub fn system() -> Self {
        Self { boot: boot_id(), kernel: Arc::default(), skipped: None }
    }

    /// A clock that begins at `start` and can be made to skip; it counts as synchronised by the kernel.
    pub fn skipping(start: Wall) -> Self {
        let skipped = Skipped {
            start_shift_ms: start.millis_since(os_wall()),
            ahead_ms: AtomicU64::new(0),
            in_progress: AtomicUsize::new(0),
            waiting: Waiting::new(),
        };
        Self { boot: boot_id(), kernel: Arc::default(), skipped: Some(Arc::new(skipped)) }
    }

    /// Asks all clocks, at one moment: again where the program was held up between the two.
    pub fn read(&self) -> RawClock {
        let (shift_ms, ahead_ms) = self.ahead();
        let (mut wall, mut mono) = (os_wall(), os_mono());
        for _ in 0..READ_TRIES {
            let before = mono;
            (wall, mono) = (os_wall(), os_mono());
            if mono.millis_since(before) <= READ_APART_MS {
                break;
            }
        }
        let (wall, mono) = (wall.plus_millis(shift_ms), mono.plus_millis(ahead_ms));
        RawClock { wall, mono, boot: self.boot, kernel: self.kernel_error_ms(wall, mono) }
    }

    /// The wall clock alone.
    pub fn wall(&self) -> Wall {
        os_wall().plus_millis(self.ahead().0)
    }

    /// Time since boot alone.
    pub fn mono(&self) -> Mono {
        os_mono().plus_millis(self.ahead().1)
    }

    /// Moves a skipping clock ahead, wall and monotonic time together; does nothing to the machine's own.
    pub fn skip(&self, millis: u64) {
        if let Some(skipped) = &self.skipped {
            skipped.ahead_ms.fetch_add(millis, Ordering::SeqCst);
            skipped.waiting.jumped();
        }
    }

    /// Whether it can be made to skip.
    pub const fn is_skipping(&self) -> bool {
        self.skipped.is_some()
    }

    /// How long from now until a moment of this clock, 0 if it is past.
    pub fn until(&self, moment: Mono) -> Duration {
        Duration::from_millis(moment.millis_since(self.mono()))
    }

    /// Waits until this clock shows a moment; a skip past it ends the wait.
    pub async fn sleep_until(&self, moment: Mono) {
        let Some(skipped) = &self.skipped else {
            while self.mono() < moment {
                tokio::time::sleep(self.until(moment)).await;
            }
            return;
        };
        let _place = skipped.waiting.wait_for(moment);
        let mut jumps = skipped.waiting.jumps();
        while self.mono() < moment {
            tokio::select! {
                _ = jumps.changed() => {}
                () = tokio::time::sleep(self.until(moment)) => {}
            }
        }
    }

    /// The next moment that anyone waits for on a skipping clock.
    pub fn next_wait(&self) -> Option<Mono> {
        self.skipped.as_ref()?.waiting.next()
    }

    /// Says that something has begun that takes real time.
    pub fn begin(&self) -> InProgress {
        if let Some(skipped) = &self.skipped {
            skipped.in_progress.fetch_add(1, Ordering::SeqCst);
        }
        InProgress(self.skipped.clone())
    }

    /// Whether something that takes real time is in progress, as far as a skipping clock was told.
    pub fn is_in_progress(&self) -> bool {
        self.skipped.as_ref().is_some_and(|skipped| skipped.in_progress.load(Ordering::SeqCst) > 0)
    }

    /// Asks the system's time service whether the clock is synchronised, where that takes a process; blocks for up to 5 s.
    ///
    /// Wanted every [`KERNEL_REFRESH_MS`] and at start, from a thread that may block. Does nothing where `systemd-timesyncd` tells by its file,
    /// and nothing for a skipping clock.
    pub fn refresh_kernel_sync(&self) {
        if self.is_skipping() || kernel::timesyncd_tells() {
            return;
        }
        let synchronised = kernel::ask_timedated();
        let answer = Answer { synchronised, wall: self.wall(), mono: self.mono() };
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner).answered(answer);
    }

    /// How far wall and monotonic time are ahead of the machine's, in milliseconds.
    fn ahead(&self) -> (i64, u64) {
        self.skipped.as_ref().map_or((0, 0), |skipped| {
            let ahead_ms = skipped.ahead_ms.load(Ordering::SeqCst);
            (skipped.start_shift_ms.saturating_add_unsigned(ahead_ms), ahead_ms)
        })
    }

    fn kernel_error_ms(&self, wall: Wall, mono: Mono) -> Option<u64> {
        if self.is_skipping() {
            return Some(SKIPPING_ERROR_MS);
        }
        let marked = kernel::timesyncd_marked();
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner).error_ms(marked, wall, mono)
    }
}

fn os_wall() -> Wall {
    let now = clock_gettime(ClockId::Realtime);
    Wall(now.tv_sec * 1_000 + now.tv_nsec / 1_000_000)
}

fn os_mono() -> Mono {
    let now = clock_gettime(ClockId::Boottime);
    Mono(u64::try_from(now.tv_sec * 1_000 + now.tv_nsec / 1_000_000).unwrap_or_default())
}

fn boot_id() -> BootId {
    let text = std::fs::read_to_string(BOOT_ID_FILE).unwrap_or_default();
    text.trim().replace('-', "").parse().unwrap_or(BootId([0; 16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clocks_go_on_together() {
        let clock = Clock::system();
        let (a, b) = (clock.read(), clock.read());
        assert!(a.mono <= b.mono && a.boot == b.boot);
    }

    #[test]
    fn a_skipping_clock_moves_wall_and_monotonic_time_by_the_same() {
        let clock = Clock::skipping(Wall(1_700_000_000_000));
        let before = clock.read();
        let same = clock.clone();
        same.skip(3_600_000);
        let after = clock.read();
        let (wall, mono) = (after.wall.millis_since(before.wall), after.mono.millis_since(before.mono));
        assert!(mono >= 3_600_000 && wall.abs_diff(i64::try_from(mono).unwrap()) <= 1);
        assert_eq!(after.kernel, Some(SKIPPING_ERROR_MS));
    }

    #[test]
    fn what_takes_real_time_is_known_until_it_ends() {
        let clock = Clock::skipping(Wall(1_700_000_000_000));
        let (first, second) = (clock.begin(), clock.begin());
        drop(first);
        assert!(clock.is_in_progress());
        drop(second);
        assert!(!clock.is_in_progress());
    }

    #[tokio::test]
    async fn a_skip_ends_a_wait_and_the_next_wait_is_known() {
        let clock = Clock::skipping(Wall(1_700_000_000_000));
        let moment = clock.mono().plus_millis(9 * 3_600_000);
        let waiter = clock.clone();
        let driver = clock.clone();
        tokio::join!(waiter.sleep_until(moment), async move {
            while driver.next_wait() != Some(moment) {
                tokio::task::yield_now().await;
            }
            driver.skip(moment.millis_since(driver.mono()));
        });
        assert_eq!(clock.next_wait(), None);
    }
}
