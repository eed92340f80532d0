//! The only reader of the machine's clocks. Everything else is given the time.
//!
//! A demo hands the same [`Clock`] to office and terminal alike and lets it skip; the services take [`Clock::system`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::domain::id::BootId;
use crate::domain::time::{Mono, Wall};

/// Where Linux tells which boot this is.
const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";

/// The machine's clocks at one moment, before anyone judged how far to believe them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsReading {
    /// `CLOCK_REALTIME`.
    pub wall: Wall,
    /// `CLOCK_BOOTTIME`.
    pub mono: Mono,
    /// Which boot.
    pub boot: BootId,
    /// The kernel's own estimate of its error in milliseconds, if it is synchronised.
    pub kernel_synced_ms: Option<u64>,
}

/// A clock that can be asked and waited on; clones share the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    boot: BootId,
    skipped: Option<Arc<Skipped>>,
}

/// How far a demo's clock has run ahead of the machine's.
#[derive(Debug)]
struct Skipped {
    mono_ms: AtomicU64,
    wall_shift_ms: AtomicI64,
}

impl Clock {
    /// The machine's own clocks.
    pub fn system() -> Self {
        Self { boot: boot_id(), skipped: None }
    }

    /// A clock that begins at `start` and can be made to skip; it counts as synchronised by the kernel.
    pub fn skipping(start: Wall) -> Self {
        let shift = start.millis_since(os_wall());
        let skipped = Skipped { mono_ms: AtomicU64::new(0), wall_shift_ms: AtomicI64::new(shift) };
        Self { boot: boot_id(), skipped: Some(Arc::new(skipped)) }
    }

    /// Asks all clocks.
    pub fn read(&self) -> OsReading {
        OsReading { wall: self.wall(), mono: self.mono(), boot: self.boot, kernel_synced_ms: self.kernel_synced_ms() }
    }

    /// The wall clock alone.
    pub fn wall(&self) -> Wall {
        match &self.skipped {
            None => os_wall(),
            Some(skipped) => os_wall().plus_millis(skipped.wall_shift_ms.load(Ordering::SeqCst)),
        }
    }

    /// Time since boot alone.
    pub fn mono(&self) -> Mono {
        let ahead = self.skipped.as_ref().map_or(0, |skipped| skipped.mono_ms.load(Ordering::SeqCst));
        os_mono().plus_millis(ahead)
    }

    /// Moves a skipping clock ahead, wall and monotonic time together; does nothing to the machine's own.
    pub fn skip(&self, millis: u64) {
        if let Some(skipped) = &self.skipped {
            skipped.mono_ms.fetch_add(millis, Ordering::SeqCst);
            skipped.wall_shift_ms.fetch_add(i64::try_from(millis).unwrap_or(i64::MAX), Ordering::SeqCst);
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

    fn kernel_synced_ms(&self) -> Option<u64> {
        if self.is_skipping() { Some(1) } else { kernel_synced_ms() }
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

const fn kernel_synced_ms() -> Option<u64> {
    None
}
