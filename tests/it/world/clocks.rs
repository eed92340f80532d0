//! A kiosk's clocks: a quartz that drifts, a battery that is empty, a hand that turns them, an NTP server now and then.

use punchd::domain::id::BootId;
use punchd::domain::time::{Mono, RawClock, Wall};

/// True time at the world's beginning: 2026-03-02 00:00 in China, a Monday.
pub(super) const BEGINNING: Wall = Wall(1_772_380_800_000);
/// What systemd shows where the battery is empty: the day it was built.
const BUILD_DATE: Wall = Wall(1_745_000_000_000);
/// How long the kernel counts as synchronised after it last heard from NTP.
const NTP_HOLDS_MS: u64 = 3 * 3_600_000;
/// What NTP leaves in doubt.
const NTP_ERROR_MS: u64 = 20;

/// What a kiosk's clock shows after power was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Battery {
    /// It went on.
    Good,
    /// 1970.
    Empty,
    /// 1970, lifted by systemd: plausible and wrong.
    Lifted,
}

/// The clocks of one machine; `now` is true time in milliseconds since the world's beginning.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    pub(super) battery: Battery,
    drift_ppm: i64,
    boot: BootId,
    booted: u64,
    /// Wall clock less true time at `set`.
    offset_ms: i64,
    set: u64,
    ntp: Option<u64>,
}

pub(super) fn true_wall(now: u64) -> Wall {
    BEGINNING.plus_millis(i64::try_from(now).unwrap_or(i64::MAX))
}

impl Clocks {
    pub(super) const fn new(battery: Battery, drift_ppm: i64) -> Self {
        Self { battery, drift_ppm, boot: BootId([0; 16]), booted: 0, offset_ms: 0, set: 0, ntp: None }
    }

    /// Power came back.
    pub(super) fn boot(&mut self, now: u64, boot: BootId) {
        let shown = match self.battery {
            Battery::Good => self.wall(now),
            Battery::Empty => Wall(8_000),
            Battery::Lifted => BUILD_DATE,
        };
        self.turn(now, shown);
        self.boot = boot;
        self.booted = now.saturating_sub(8_000);
    }

    /// Somebody sets the wall clock; the kernel then no longer counts as synchronised (`settimeofday` clears what NTP said).
    pub(super) fn turn(&mut self, now: u64, shown: Wall) {
        self.offset_ms = shown.millis_since(true_wall(now));
        self.set = now;
        self.ntp = None;
    }

    /// NTP sets the wall clock right.
    pub(super) fn hear_ntp(&mut self, now: u64) {
        self.turn(now, true_wall(now));
        self.ntp = Some(now);
    }

    pub(super) fn wall(&self, now: u64) -> Wall {
        let elapsed = i64::try_from(now - self.set).unwrap_or(i64::MAX);
        true_wall(now).plus_millis(self.offset_ms + elapsed * self.drift_ppm / 1_000_000)
    }

    pub(super) const fn mono(&self, now: u64) -> Mono {
        Mono(now - self.booted)
    }

    /// True time at a moment of this boot.
    pub(super) const fn when(&self, mono: Mono) -> u64 {
        self.booted + mono.0
    }

    pub(super) fn read(&self, now: u64) -> RawClock {
        let heard = self.ntp.filter(|ntp| now - ntp < NTP_HOLDS_MS);
        let kernel = heard.map(|ntp| NTP_ERROR_MS + (now - ntp) * self.drift_ppm.unsigned_abs() / 1_000_000);
        RawClock { wall: self.wall(now), mono: self.mono(now), boot: self.boot, kernel }
    }
}
