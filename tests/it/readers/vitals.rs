//! What a kiosk costs while something is wrong: processor, memory, log lines; and how long a tap takes from its last byte to the page.

use std::process::Command;

use punchd::clock::Clock;
use punchd::domain::time::Mono;
use rustix::time::{ClockId, clock_gettime};

use super::cable::{Cable, em4100, pause};
use crate::rig::{Events, Kiosk, Place, badge, punchd};

/// Clock ticks of `/proc/PID/stat` in a second (`USER_HZ`).
const TICKS_A_SECOND: u64 = 100;
/// Pause between two taps of a measurement, in milliseconds.
const TAP_EVERY_MS: u64 = 60;

/// A kiosk that logs as much as one in a hall does.
pub(super) fn start(place: &Place, readers: &[(&str, &str)]) -> Kiosk {
    let config = place.configure("", readers);
    let command: &mut Command = &mut punchd(&config, &["run"]);
    let kiosk = Kiosk::start_by(place, command.env("PUNCH_LOG", "info"));
    kiosk.page();
    kiosk
}

/// A kiosk's costs up to a moment.
#[derive(Debug)]
pub(super) struct Vitals {
    at: Mono,
    ticks: u64,
    lines: usize,
    /// Resident memory, in KiB.
    pub(super) resident_kib: u64,
}

/// Its costs between two moments.
#[derive(Debug)]
pub(super) struct Spent {
    /// Share of one processor, in percent.
    pub(super) processor_percent: u64,
    /// How much more memory is resident, in KiB.
    pub(super) grown_kib: u64,
    pub(super) log_lines: usize,
    pub(super) seconds: u64,
}

impl Vitals {
    pub(super) fn of(kiosk: &Kiosk) -> Self {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", kiosk.id())).unwrap();
        // Behind the name in brackets: the 14th and 15th value of the line are the time as user and as system.
        let values: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let status = std::fs::read_to_string(format!("/proc/{}/status", kiosk.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            at: Clock::system().mono(),
            ticks: values[11].parse::<u64>().unwrap() + values[12].parse::<u64>().unwrap(),
            lines: kiosk.log().lines().count(),
            resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
        }
    }

    /// What was spent since then, printed under a name.
    pub(super) fn spent(&self, kiosk: &Kiosk, what: &str) -> Spent {
        let after = Self::of(kiosk);
        let millis = after.at.millis_since(self.at).max(1);
        let spent = Spent {
            processor_percent: (after.ticks - self.ticks) * 1_000 * 100 / TICKS_A_SECOND / millis,
            grown_kib: after.resident_kib.saturating_sub(self.resident_kib),
            log_lines: after.lines - self.lines,
            seconds: millis / 1_000,
        };
        println!("{what}: {spent:?}, resident {} KiB", after.resident_kib);
        spent
    }
}

/// Taps so many badges of their own, one after the other, and gives the median time from the last byte to the page, in microseconds.
pub(super) fn median_tap(cable: &mut Cable, reader: &str, events: &Events, numbers: std::ops::Range<u32>) -> u64 {
    let mut taken: Vec<u64> = numbers
        .map(|number| {
            cable.sends(&em4100(badge(number).0));
            let sent = micros();
            events.next("the tap is recorded", |datum| datum["reader"] == reader && datum["sequence"].is_u64());
            let taken = micros() - sent;
            pause(TAP_EVERY_MS);
            taken
        })
        .collect();
    taken.sort_unstable();
    taken[taken.len() / 2]
}

/// Time since some moment, in microseconds.
pub(super) fn micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000 + u64::try_from(now.tv_nsec).unwrap() / 1_000
}

/// Every credential that the journal holds, oldest first.
pub(super) fn recorded(kiosk: &Kiosk) -> Vec<String> {
    let punches = kiosk.ask(&["punches"]);
    punches.iter().filter(|entry| entry["kind"] == "punch").map(|entry| entry["credential"].as_str().unwrap().to_owned()).collect()
}
