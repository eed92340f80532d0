//! The days of the soak: workdays of the shipped calendar, four rounds of taps each, troubles in between, and the nights.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use punchd::clock::Clock;
use punchd::config::calendar;
use punchd::domain::time::{Wall, WorkDate, dates};
use punchd::office::seed::CALENDAR;
use punchd::sim::command::Distortion;
use punchd::sim::pace;
use tokio::runtime::Runtime;

use super::super::world::random::Random;
use super::bureau::Bureau;
use super::hall::Hall;
use super::people::{ROUNDS, at, due, own_badge, round_of, shown, stranger};
use super::report::{Report, Row, bytes_of, head, of_process};
use super::taps::Taps;
use super::trouble::{Trouble, of_day};

/// A month from here has the year's longest holiday in it, so that punches grow older than the kiosk keeps them.
const FIRST: &str = "2026-09-07";
const LAST: &str = "2026-12-31";
const TERMINAL: &str = "east-hall-1";
/// Shortest skips: between taps, and when nobody is there.
const STRIDE: Duration = Duration::from_secs(3);
const NIGHT_STRIDE: Duration = Duration::from_mins(30);
/// How long, in steps of the clock, the kiosk may take to bring everything to the office.
const SETTLING_STEP_MS: u64 = 30_000;
const SETTLING_STEPS: u32 = 120;
/// How long after a restore the kiosk has heard of it.
const HEARD_MS: u64 = 15 * 60_000;

/// How many taps a full disk lasts: the kiosk makes do with the room in its files for some.
const FULL: (u64, u64) = (20, 60);
/// How many taps a pulled cable or a silent network lasts.
const SHORT: (u64, u64) = (3, 12);
/// Bytes of noise at a time.
const NOISE_BYTES: usize = 300;

/// Everything.
pub(super) struct Soak {
    hall: Hall,
    bureau: Bureau,
    clock: Clock,
    driver: Runtime,
    random: Random,
    people: u32,
    newcomers: u32,
    strangers: u32,
    taps: Taps,
    /// Taps of the whole soak, and at which of them something ends.
    tapped: u64,
    office_back: Option<u64>,
    disk_clear: Option<u64>,
    plugged_in: Option<(usize, u64)>,
    is_hanging: bool,
    log_most: u64,
    days: Vec<WorkDate>,
    report: Report,
    lines: Arc<AtomicU64>,
}

impl Soak {
    /// Opens office and hall on one clock and pairs them.
    pub(super) fn open(folder: PathBuf, lines: Arc<AtomicU64>, people: u32, seed: u64) -> Self {
        let first: WorkDate = FIRST.parse().unwrap();
        let clock = Clock::skipping(at(first, 7, 30));
        let (mut bureau, hall) = (Bureau::open(&clock, folder), Hall::open(&clock));
        bureau.import(people);
        hall.pair(&bureau.url(), &bureau.code(TERMINAL));
        bureau.back_up("first");
        let calendar = calendar::read("calendar-cn.csv", CALENDAR).unwrap();
        let days = dates(first, LAST.parse().unwrap()).filter(|date| calendar.day(*date).is_workday() == Some(true)).collect();
        let driver = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self {
            hall,
            bureau,
            clock,
            driver,
            random: Random::new(seed),
            people,
            newcomers: 0,
            strangers: 0,
            taps: Taps::default(),
            tapped: 0,
            office_back: None,
            disk_clear: None,
            plugged_in: None,
            is_hanging: false,
            log_most: 0,
            days,
            report: Report::default(),
            lines,
        }
    }

    /// Lives through so many workdays and the nights between them.
    pub(super) fn live(&mut self, days: usize) {
        assert!(days >= 1 && days <= self.days.len(), "from 1 to {} workdays", self.days.len());
        self.days.truncate(days);
        head();
        for date in self.days.clone() {
            self.day(date, date == self.days[0]);
        }
    }

    /// Lets everything come to rest and says what it came to.
    pub(super) fn check(mut self) {
        self.all_well();
        self.wait(self.clock.wall().plus_millis(i64::try_from(HEARD_MS).unwrap()), STRIDE);
        self.settle();
        let held = self.days.iter().flat_map(|date| self.bureau.punches_of(*date)).collect();
        let (holes, faults) = self.bureau.verified();
        self.taps.check(held, holes, faults);
        self.bureau.check_verified();
        self.report.check();
    }

    fn day(&mut self, date: WorkDate, is_first: bool) {
        let real = Clock::system();
        let (begun, lines, (presented, confirmed), refused) =
            (real.mono(), self.lines.load(Ordering::Relaxed), self.taps.counts(), self.taps.refused);
        self.wait(at(date, 7, 50), NIGHT_STRIDE);
        let rounds = u64::try_from(ROUNDS.len()).unwrap();
        let mut troubles = of_day(&mut self.random, is_first, rounds * u64::from(self.people));
        let mut named = Vec::new();
        let mut before = 0;
        for round in 0..ROUNDS.len() {
            for person in 0..self.people {
                self.wait(due(date, round, person, self.people), STRIDE);
                while troubles.first().is_some_and(|(when, _)| *when <= before) {
                    let (_, trouble) = troubles.remove(0);
                    if self.begin(trouble) {
                        named.push(format!("{trouble:?}"));
                    }
                }
                self.end_what_is_over();
                self.tap(own_badge(person + 1));
                before += 1;
            }
            self.report.resident.push(i64::try_from(of_process("VmRSS")).unwrap());
        }
        self.wait(at(date, 18, 0), STRIDE * 20);
        if self.office_back.is_none() {
            self.settle();
        }
        self.wait(at(date, 22, 0), NIGHT_STRIDE);
        self.bureau.back_up(&date.to_string());
        let (data, after) = (self.hall.place.path("data"), self.taps.counts());
        let row = Row {
            date: date.to_string(),
            presented: after.0 - presented,
            confirmed: after.1 - confirmed,
            refused: self.taps.refused - refused,
            troubles: named,
            resident_kib: i64::try_from(of_process("VmRSS")).unwrap(),
            threads: of_process("Threads"),
            journal: bytes_of(&data, "journal-", ".db"),
            log_most: std::mem::take(&mut self.log_most),
            state: bytes_of(&data, "state", ".db"),
            office: bytes_of(&self.bureau.data(), "office", ".db"),
            lines: self.lines.load(Ordering::Relaxed) - lines,
            real_ms: real.mono().millis_since(begun),
            pruned: self.hall.status()["journals"][0]["first"].as_u64().unwrap_or(1).saturating_sub(1),
        };
        row.print();
        self.report.rows.push(row);
    }

    /// Lets the clock come to a moment.
    fn wait(&self, moment: Wall, stride: Duration) {
        let reading = self.clock.read();
        let millis = u64::try_from(moment.millis_since(reading.wall)).unwrap_or_default();
        if self.is_hanging {
            // An exchange that hangs takes real time, and nobody at the reader waits for it.
            self.clock.skip(millis);
        } else {
            self.driver.block_on(pace::strides(&self.clock, reading.mono.plus_millis(millis), stride));
        }
    }

    /// Somebody holds a badge to a reader and looks at the page.
    fn tap(&mut self, badge: [u8; 5]) {
        self.present(badge);
        match self.hall.told() {
            Some(place) => self.taps.confirmed(place),
            None if self.disk_clear.is_some() => self.taps.refused += 1,
            None => panic!("a tap was refused though the disk has room: {:#}", self.hall.status()),
        }
        self.log_most = self.log_most.max(bytes_of(&self.hall.place.path("data"), "journal-", ".db-wal"));
    }

    fn present(&mut self, badge: [u8; 5]) {
        if let Some(disk) = self.hall.disk().filter(|_| self.disk_clear.is_some()) {
            // Whatever the kiosk gave back to make room is taken, too.
            disk.fill();
        }
        self.tapped += 1;
        let reader = usize::from(self.tapped.is_multiple_of(2));
        let reader = self.plugged_in.map_or(reader, |(unplugged, _)| 1 - unplugged);
        self.taps.presented(&format!("{} {}", shown(badge), round_of(self.clock.wall())));
        self.hall.readers[reader].badge(&badge).unwrap();
    }

    /// Begins a trouble; whether it could.
    fn begin(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Unplugged => self.unplug(),
            Trouble::Bouncing => self.bounce(),
            Trouble::Noise => {
                let reader = self.plugged();
                self.hall.readers[reader].noise(NOISE_BYTES).unwrap();
            }
            Trouble::HalfFrame => self.distorted(Distortion::Truncate),
            Trouble::SpoiltFrame => self.distorted(Distortion::Corrupt),
            Trouble::Stranger => {
                self.strangers += 1;
                self.tap(stranger(self.strangers));
            }
            Trouble::DiskFull => return self.fill_disk(),
            Trouble::KioskRestarted | Trouble::KioskFallen => return self.at_the_kiosk(trouble == Trouble::KioskFallen),
            Trouble::OfficeGone => return self.is_calm() && self.office_gone((self.people.into(), 3 * u64::from(self.people))),
            Trouble::OfficeGoneForDays => {
                return self.is_calm() && self.office_gone((3 * u64::from(self.people), 8 * u64::from(self.people)));
            }
            Trouble::Hang => return self.is_calm() && self.hang(),
            Trouble::OfficeRestarted if self.is_calm() => {
                self.bureau.gone();
                self.bureau.back();
            }
            Trouble::OfficeRestored if self.is_calm() => self.bureau.restored(),
            Trouble::Roster if self.is_calm() => {
                self.newcomers += 1;
                self.bureau.import(self.people + self.newcomers);
            }
            Trouble::OfficeRestarted | Trouble::OfficeRestored | Trouble::Roster => return false,
        }
        true
    }

    /// Whether the office is there. On the first day, which has every trouble, one that is away comes back for the next.
    fn is_calm(&mut self) -> bool {
        if self.report.rows.is_empty() {
            self.office_back();
        }
        self.office_back.is_none()
    }

    /// A reader that is plugged in.
    fn plugged(&mut self) -> usize {
        let reader = usize::from(self.random.chance(5_000));
        self.plugged_in.map_or(reader, |(unplugged, _)| 1 - unplugged)
    }

    fn unplug(&mut self) {
        self.plug_in();
        let reader = self.plugged();
        self.hall.readers[reader].unplug().unwrap();
        self.plugged_in = Some((reader, self.later(SHORT)));
    }

    fn bounce(&mut self) {
        self.plug_in();
        let reader = self.plugged();
        for _ in 0..self.random.between(2, 6) {
            self.hall.readers[reader].unplug().unwrap();
            self.hall.readers[reader].plug().unwrap();
        }
        self.hall.until_open();
    }

    /// What passes no frame check is no presentation.
    fn distorted(&mut self, distortion: Distortion) {
        let reader = self.plugged();
        self.hall.readers[reader].distort(distortion).unwrap();
        self.hall.readers[reader].badge(&own_badge(1)).unwrap();
    }

    fn fill_disk(&mut self) -> bool {
        let Some(disk) = self.hall.disk() else { return false };
        disk.fill();
        self.disk_clear = Some(self.later(FULL));
        true
    }

    /// It is stopped in order, or falls just after somebody tapped; then it starts.
    fn at_the_kiosk(&mut self, falls: bool) -> bool {
        if self.disk_clear.is_some() {
            return false;
        }
        self.plug_in();
        if falls {
            self.present(own_badge(self.people));
            self.taps.unwatched += 1;
            self.hall.fall();
        } else {
            self.hall.stop();
        }
        self.begin_the_kiosk();
        true
    }

    fn office_gone(&mut self, span: (u64, u64)) -> bool {
        self.bureau.gone();
        self.office_back = Some(self.later(span));
        true
    }

    fn hang(&mut self) -> bool {
        self.bureau.hangs();
        self.is_hanging = true;
        self.office_back = Some(self.later(SHORT));
        true
    }

    /// Starts the kiosk; what its last page was told before is not forgotten.
    fn begin_the_kiosk(&mut self) {
        for place in self.hall.rest() {
            self.taps.confirmed(place);
            self.taps.unwatched -= 1;
        }
        self.hall.begin();
    }

    fn later(&mut self, (least, most): (u64, u64)) -> u64 {
        self.tapped + self.random.between(least, most)
    }

    fn end_what_is_over(&mut self) {
        if self.plugged_in.is_some_and(|(_, end)| end <= self.tapped) {
            self.plug_in();
            self.hall.until_open();
        }
        if self.disk_clear.is_some_and(|end| end <= self.tapped) {
            self.clear_disk();
        }
        if self.office_back.is_some_and(|end| end <= self.tapped) {
            self.office_back();
        }
    }

    fn plug_in(&mut self) {
        if let Some((reader, _)) = self.plugged_in.take() {
            self.hall.readers[reader].plug().unwrap();
        }
    }

    fn clear_disk(&mut self) {
        if self.disk_clear.take().is_some() {
            self.hall.disk().unwrap().clear();
            self.hall.until_open();
        }
    }

    fn office_back(&mut self) {
        self.office_back = None;
        self.is_hanging = false;
        self.bureau.back();
    }

    fn all_well(&mut self) {
        self.plug_in();
        self.clear_disk();
        self.office_back();
        self.hall.until_open();
    }

    /// Lets the kiosk bring everything to the office.
    fn settle(&mut self) {
        for _ in 0..SETTLING_STEPS {
            let status = self.hall.status();
            if status["backlog"] == 0 && status["acknowledged"] == status["sequence"] {
                return;
            }
            self.driver.block_on(pace::strides(&self.clock, self.clock.mono().plus_millis(SETTLING_STEP_MS), STRIDE));
        }
        panic!("the kiosk did not bring everything to the office: {:#}", self.hall.status());
    }
}
