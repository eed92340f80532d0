//! The kiosk's clocks: how far the wall clock can be believed at every reading, and what is known of true time.
//!
//! Invariants (law 6):
//! - `synced` rests on a witness of this boot: the kernel is synchronised, or an exchange with an office whose own clock is, less than 24 h ago,
//!   put the wall clock at most 2 s off. Where both speak and differ by more than 2 s, neither is believed until they agree again: a time in
//!   dispute accuses nobody.
//! - Only trusted times raise the floor, and a time that lies behind it is not trusted: trusted time never goes backwards. A clock that was
//!   never trusted leaves no trace in it, however far ahead it was.
//! - True time, once known, is an entry (`sync`) even where the wall clock is far off, so that the readings of this boot can be estimated.
//! - No reading is ever refused.

mod tls;
mod verdict;

use std::collections::VecDeque;

pub use self::tls::tls_moment;
pub use self::verdict::{Doubt, Source};
use self::verdict::{Fix, Known, Verdict};
use crate::domain::estimate::{BestTime, DOUBTFUL_MS, DRIFT_PPM, TrustedMoment, best_time, drift_ms};
use crate::domain::time::{ClockReading, Mono, RawClock, Trust, Wall};
use crate::health::{Code, Condition};
use crate::wire::entry::{Body, Entry, TimeSource};

/// How often the clocks are compared when nothing else happens, in milliseconds.
pub const TICK_MS: u64 = 10_000;
/// From how far the wall clock moves against the monotonic one it has stepped, in milliseconds.
pub const STEP_MS: u64 = 500;
/// How fast the kernel may slew the wall clock, in parts per million (`adjtimex(2)`, the greatest frequency correction).
const SLEW_PPM: u64 = 500;
/// Fewest milliseconds between two entries of steps; what happens in between is summed up.
const STEP_EVERY_MS: u64 = 60_000;
/// From how far true time moves against the monotonic clock it is recorded again, in milliseconds (law 6).
const MOVED_MS: u64 = 500;
/// After how long true time is recorded again although it did not move, in milliseconds (law 6).
const SYNC_EVERY_MS: u64 = 24 * 3_600_000;
/// By how much the doubt about the recorded moment has grown when true time is recorded again while readings are counted from it, because the
/// clock itself is not certain, in milliseconds: half of a doubtful second, so that each reading has a moment near enough.
const COUNTED_GROWN_MS: u64 = DOUBTFUL_MS / 2;
/// Fewest milliseconds between two writes of the floor.
const FLOOR_EVERY_MS: u64 = 10 * 60_000;
/// From how far one recorded moment lies before an earlier one the floor was taken back in between, in milliseconds: trusted time may be off by
/// two seconds, and as much again.
const FORGIVEN_MS: i64 = 5_000;
/// Longest half round trip of an exchange that says anything about time, in milliseconds: above it the result is doubtful anyway.
const HALF_TRIP_MAX_MS: u64 = DOUBTFUL_MS;
/// Most trusted moments of this boot that are remembered: two a day for a month and more.
const MOMENTS_MAX: usize = 64;
/// Most actions that wait to be carried out; beyond it nothing is recorded, and tried again at the next reading.
const ACTIONS_MAX: usize = 64;

/// What the keeper is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whose word is taken.
    pub source: Source,
    /// How far the machine's quartz may drift, in parts per million.
    pub drift_ppm: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { source: Source::Both, drift_ppm: DRIFT_PPM }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The floor as it was kept: true time lies after it.
    Floor(Wall),
    /// The journal is open; its recent entries, oldest first. Nothing is recorded before: it may be known already.
    Journal(&'a [Entry]),
    /// The office answered a request.
    Exchange(Exchange),
}

/// One request to the office and its answer, as far as they tell the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// When the request went out.
    pub sent: Mono,
    /// When the answer came in.
    pub received: Mono,
    /// The office's clock at the answer.
    pub office_wall: Wall,
    /// Whether the office's own clock is synchronised.
    pub office_trusted: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Give it to the core as `Event::Record`, with this reading as its `now`: a `sync` entry's time belongs to that moment.
    Record {
        /// The clocks of that moment.
        clock: ClockReading,
        /// A moment of true time, or a step.
        body: Body,
    },
    /// Keep it durably; it is given back at the next start as [`Event::Floor`].
    KeepFloor {
        /// A moment that has passed for certain.
        wall: Wall,
    },
}

/// The machine.
#[derive(Debug)]
pub struct ClockKeeper {
    known: Known,
    journal_known: bool,
    last: Option<(RawClock, Verdict)>,
    step_ms: Option<i64>,
    step_recorded: Option<Mono>,
    synced: Option<Fix>,
    /// Whether there was a reading since, whose time is counted from the recorded moments.
    counted_from: bool,
    floor_kept: Option<(Wall, Mono)>,
    moments: Vec<TrustedMoment>,
    /// The last trusted time that the journal gave back.
    remembered: Option<Wall>,
    offset_ms: Option<i64>,
    actions: VecDeque<Action>,
}

impl ClockKeeper {
    /// Begins a boot's watch with the floor as it was kept, if any.
    pub const fn new(settings: Settings, floor: Option<Wall>) -> Self {
        Self {
            known: Known::new(settings, floor),
            journal_known: false,
            last: None,
            step_ms: None,
            step_recorded: None,
            synced: None,
            counted_from: false,
            floor_kept: None,
            moments: Vec::new(),
            remembered: None,
            offset_ms: None,
            actions: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, raw: RawClock, event: Event<'_>) {
        match event {
            Event::Floor(wall) => self.known.passed(wall),
            Event::Journal(recent) => {
                self.journal_known = true;
                self.remembered = None;
                for entry in recent {
                    self.remember(raw, entry);
                }
            }
            Event::Exchange(exchange) => self.exchange(raw, exchange),
        }
        self.read(raw);
    }

    /// The moment that `poll_timeout` named has come.
    pub fn handle_timeout(&mut self, raw: RawClock) {
        self.read(raw);
    }

    /// The next thing to do, until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When `handle_timeout` is wanted.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.last.map(|(raw, _)| raw.mono.plus_millis(TICK_MS))
    }

    /// Both clocks with the trust they deserve: the `now` of the other machines. Steps and trusted moments are noticed on the way.
    pub fn read(&mut self, raw: RawClock) -> ClockReading {
        self.notice_step(raw);
        let verdict = self.known.verdict(&raw);
        self.last = Some((raw, verdict));
        let reading = verdict.reading(raw);
        self.counted_from |= reading.trust != Trust::Synced || reading.uncertainty_ms > DOUBTFUL_MS;
        if reading.trust == Trust::Synced {
            self.known.trusted(&reading);
            self.keep_floor(reading.mono);
        }
        if self.journal_known {
            self.record_step(reading);
            self.record_truth(reading, verdict.truth);
        }
        reading
    }

    /// What is best known of the time now; the page marks it ~ unless it is trusted.
    pub fn best_now(&mut self, raw: RawClock) -> BestTime {
        let reading = self.read(raw);
        let fix = self.known.office_moment(raw);
        let moments: Vec<TrustedMoment> = self.moments.iter().copied().chain(fix).collect();
        best_time(&reading, &moments)
    }

    /// A technician says that the floor is wrong: it was raised by a source that was trusted and wrong. Only where the clock is vouched for now;
    /// by how much the floor went back, in milliseconds, or `None` where nothing is to be forgiven.
    pub fn forgive(&mut self, raw: RawClock) -> Option<u64> {
        self.read(raw);
        let truth = self.known.overtaken(&raw)?;
        let before = self.known.floor()?;
        self.known.forgive(truth.wall.minus_millis(truth.uncertainty_ms));
        let floor = self.known.floor()?;
        self.floor_kept = Some((floor, raw.mono));
        self.actions.push_back(Action::KeepFloor { wall: floor });
        self.read(raw);
        u64::try_from(before.millis_since(floor)).ok()
    }

    /// Why the clock is not trusted; `None` while it is.
    pub fn doubt(&self) -> Option<Doubt> {
        self.last.and_then(|(_, verdict)| verdict.doubt)
    }

    /// Our clock less the office's at the last exchange, in milliseconds.
    pub const fn office_offset_ms(&self) -> Option<i64> {
        self.offset_ms
    }

    /// What has certainly passed.
    pub const fn floor(&self) -> Option<Wall> {
        self.known.floor()
    }

    /// The trusted moments of this boot that were recorded.
    pub fn moments(&self) -> &[TrustedMoment] {
        &self.moments
    }

    /// What a technician should know: the clock is not confirmed, and why. A clock running free is worth a word once a second is in doubt.
    pub fn condition(&self) -> Option<Condition> {
        let (_, verdict) = self.last?;
        let doubt = verdict.doubt?;
        let harmless = verdict.trust == Trust::Holdover && verdict.uncertainty_ms <= DOUBTFUL_MS;
        (!harmless).then(|| Condition { code: Code::ClockUntrusted, subject: String::new(), detail: doubt.to_string() })
    }

    fn remember(&mut self, raw: RawClock, entry: &Entry) {
        let clock = entry.clock;
        if let Body::Sync { wall, uncertainty_ms, .. } = entry.body {
            self.forgiven(wall, uncertainty_ms);
        } else if clock.trust == Trust::Synced {
            self.forgiven(clock.wall, clock.uncertainty_ms);
        }
        if clock.trust == Trust::Synced {
            if clock.boot == raw.boot {
                self.known.trusted(&clock);
            } else {
                self.known.passed(clock.wall.minus_millis(clock.uncertainty_ms));
            }
        }
        let Body::Sync { wall, uncertainty_ms, source } = entry.body else {
            return;
        };
        if clock.boot != raw.boot {
            return;
        }
        let fix = Fix { mono: clock.mono, wall, uncertainty_ms, source };
        self.synced = Some(fix);
        self.add_moment(raw, fix);
        if source == TimeSource::Office {
            self.known.office(fix);
        }
    }

    /// No trusted time behind the floor is ever recorded: whatever the journal says had passed before was taken back in between.
    fn forgiven(&mut self, recorded: Wall, uncertainty_ms: u64) {
        if self.remembered.is_some_and(|wall| wall.millis_since(recorded) > FORGIVEN_MS) {
            self.known.forgive(recorded.minus_millis(uncertainty_ms));
        }
        self.remembered = Some(recorded);
    }

    fn exchange(&mut self, raw: RawClock, exchange: Exchange) {
        let Some(round_ms) = exchange.received.0.checked_sub(exchange.sent.0) else {
            return;
        };
        let half_ms = round_ms.div_ceil(2);
        let wall = exchange.office_wall.plus_millis(i64::try_from(half_ms).unwrap_or(i64::MAX));
        let fix = Fix { mono: exchange.received, wall, uncertainty_ms: half_ms, source: TimeSource::Office };
        self.offset_ms = Some(raw.wall.millis_since(fix.at(raw.mono, 0).0));
        if exchange.office_trusted && half_ms <= HALF_TRIP_MAX_MS {
            self.known.office(fix);
        }
    }

    fn notice_step(&mut self, raw: RawClock) {
        let Some((last, _)) = self.last else {
            return;
        };
        let elapsed_ms = raw.mono.millis_since(last.mono);
        let step_ms = raw.wall.millis_since(last.wall).saturating_sub(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
        if step_ms.unsigned_abs() <= STEP_MS + drift_ms(elapsed_ms, SLEW_PPM) {
            return;
        }
        self.known.stepped(step_ms);
        self.step_ms = Some(self.step_ms.unwrap_or(0).saturating_add(step_ms));
    }

    fn record_step(&mut self, clock: ClockReading) {
        let due = self.step_recorded.is_none_or(|at| clock.mono.millis_since(at) >= STEP_EVERY_MS);
        if let Some(step_ms) = self.step_ms.filter(|_| due && self.actions.len() < ACTIONS_MAX) {
            (self.step_ms, self.step_recorded) = (None, Some(clock.mono));
            self.actions.push_back(Action::Record { clock, body: Body::ClockStep { step_ms } });
        }
    }

    /// True time is an entry at the first trust of a boot, when it moved, and once a day.
    fn record_truth(&mut self, clock: ClockReading, truth: Option<Fix>) {
        let Some(fix) = truth else {
            return;
        };
        let due = self.synced.is_none_or(|before| {
            let moved_ms = before.at(fix.mono, 0).0.0.abs_diff(fix.wall.0);
            let grown_ms = before.at(fix.mono, DRIFT_PPM).1.saturating_sub(fix.uncertainty_ms);
            let counted = self.counted_from && grown_ms >= COUNTED_GROWN_MS;
            moved_ms >= MOVED_MS || counted || fix.mono.millis_since(before.mono) >= SYNC_EVERY_MS
        });
        if !due || self.actions.len() >= ACTIONS_MAX {
            return;
        }
        let Fix { wall, uncertainty_ms, source, .. } = fix;
        (self.synced, self.counted_from) = (Some(fix), false);
        self.actions.push_back(Action::Record { clock, body: Body::Sync { wall, uncertainty_ms, source } });
        self.moments.push(TrustedMoment { boot: clock.boot, mono: clock.mono, wall, uncertainty_ms });
        self.bound_moments();
    }

    fn keep_floor(&mut self, mono: Mono) {
        let Some(wall) = self.known.floor().filter(|_| self.actions.len() < ACTIONS_MAX) else {
            return;
        };
        if self.floor_kept.is_none_or(|(kept, at)| wall > kept && mono.millis_since(at) >= FLOOR_EVERY_MS) {
            self.floor_kept = Some((wall, mono));
            self.actions.push_back(Action::KeepFloor { wall });
        }
    }

    fn add_moment(&mut self, raw: RawClock, fix: Fix) {
        let moment = TrustedMoment { boot: raw.boot, mono: fix.mono, wall: fix.wall, uncertainty_ms: fix.uncertainty_ms };
        if !self.moments.contains(&moment) {
            self.moments.push(moment);
            self.bound_moments();
        }
    }

    fn bound_moments(&mut self) {
        let surplus = self.moments.len().saturating_sub(MOMENTS_MAX);
        self.moments.drain(..surplus);
    }
}

#[cfg(test)]
mod tests;
