//! Whole lives of a kiosk's clock, played with the truth at hand: whatever happens to the clock, a time that the office takes for certain is true
//! to a second. The keeper's own entries are the only moments that the office has.

use super::*;
use crate::domain::estimate::is_placed;

/// What happens next, after some milliseconds.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// Nothing but a tap.
    Tap,
    /// The clock is set by so many milliseconds.
    Step(i64),
    /// The time service sets the clock by a server that is so far off.
    Ntp(i64),
    /// An exchange with an office whose clock is so far off, over so many milliseconds.
    Office(i64, u64),
    /// Power cut; the clock comes up so far off.
    Boot(i64),
}

/// A reading and the truth.
#[derive(Debug)]
struct Tap {
    clock: ClockReading,
    truth: i64,
}

/// A kiosk's machine and what it has written down.
struct Life {
    keeper: ClockKeeper,
    boot: u8,
    booted: i64,
    truth: i64,
    ppm: i64,
    /// Wall clock less truth, and when that was so.
    off: (i64, i64),
    ntp: Option<i64>,
    journal: Vec<Entry>,
    taps: Vec<Tap>,
}

/// How long the kernel counts as synchronised.
const NTP_HOLDS_MS: i64 = 6_000_000;

impl Life {
    fn new(ppm: i64, off: i64) -> Self {
        Self {
            keeper: keeper(Source::Both, None),
            boot: 0,
            booted: NOW - 8_000,
            truth: NOW,
            ppm,
            off: (off, NOW),
            ntp: None,
            journal: vec![],
            taps: vec![],
        }
    }

    fn raw(&self) -> RawClock {
        let drifted = |since: i64| (self.truth - since) * self.ppm / 1_000_000;
        let mono = u64::try_from(self.truth - self.booted + drifted(self.booted)).unwrap();
        let kernel = self.ntp.filter(|heard| self.truth - heard < NTP_HOLDS_MS).map(|heard| 20 + drifted(heard).unsigned_abs());
        RawClock { wall: Wall(self.truth + self.off.0 + drifted(self.off.1)), mono: Mono(mono), boot: BootId([self.boot; 16]), kernel }
    }

    fn set(&mut self, off: i64) {
        self.off = (off, self.truth);
        self.ntp = None;
    }

    fn play(&mut self, wait: i64, turn: Turn) {
        // The program looks at its clocks at least so often; what happens in between is one step for it.
        self.truth += wait;
        match turn {
            Turn::Tap => {}
            Turn::Step(by) => self.set(self.raw().wall.0 - self.truth + by),
            Turn::Ntp(off) => {
                self.set(off);
                self.ntp = Some(self.truth);
            }
            Turn::Office(off, round) => {
                let raw = self.raw();
                let third = i64::try_from(round / 3).unwrap();
                self.keeper.handle(raw, Event::Exchange(exchange(raw.mono.0.max(round), round, self.truth + off - third)));
            }
            Turn::Boot(off) => {
                self.boot += 1;
                self.booted = self.truth - 8_000;
                self.set(off);
                let floor = self.keeper.floor();
                self.keeper = starting(Source::Both, None);
                self.keeper.handle(self.raw(), Event::Floor(floor.unwrap_or(Wall(0))));
                self.keeper.handle(self.raw(), Event::Journal(&self.journal));
            }
        }
        let clock = self.keeper.read(self.raw());
        self.taps.push(Tap { clock, truth: self.truth });
        self.write();
    }

    /// What the keeper records stands in the journal.
    fn write(&mut self) {
        for action in drain(&mut self.keeper) {
            if let Action::Record { clock, body } = action {
                let first = entry(self.boot, clock.trust, clock.wall.0, body);
                self.journal.push(Entry { clock, ..first });
            }
        }
    }

    fn moments(&self) -> Vec<TrustedMoment> {
        let moment = |entry: &Entry| {
            let Body::Sync { wall, uncertainty_ms, .. } = entry.body else { return None };
            Some(TrustedMoment { boot: entry.clock.boot, mono: entry.clock.mono, wall, uncertainty_ms })
        };
        self.journal.iter().filter_map(moment).collect()
    }

    /// How far off the worst time is that is taken for certain, and how many are marked.
    fn judged(&self) -> (u64, usize) {
        let moments = self.moments();
        let best = |tap: &Tap| (best_time(&tap.clock, &moments), tap.truth);
        let (marked, certain): (Vec<_>, Vec<_>) = self.taps.iter().map(best).partition(|(best, _)| best.quality == Quality::Suspect);
        (certain.iter().map(|(best, truth)| best.at.0.abs_diff(*truth)).max().unwrap_or(0), marked.len())
    }
}

/// A second, and what rounding and two witnesses' own errors add.
const CERTAIN_MS: u64 = DOUBTFUL_MS + 5;
/// A wrong witness that is noticed for certain is at least so far off: more than clocks may part in the weeks that a boot lasts here.
const WRONG_MS: i64 = 2 * 3_600_000;

fn waits() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1_000_i64..60_000, 4 => 60_000_i64..30_000_000, 1 => 30_000_000_i64..600_000_000]
}

fn anywhere() -> impl Strategy<Value = i64> {
    prop_oneof![-4_000_000_000_i64..40_000_000_000, -10_000_i64..10_000, Just(-3_600_000), Just(86_400_000), Just(-NOW + 8_000)]
}

fn honest() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => Just(Turn::Tap),
        2 => anywhere().prop_map(Turn::Step),
        2 => Just(Turn::Ntp(0)),
        3 => (0_u64..3_000).prop_map(|round| Turn::Office(0, round)),
        1 => anywhere().prop_map(Turn::Boot),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Steps, drift, boots and weeks alone, with witnesses that are right whenever they speak.
    #[test]
    fn whatever_happens_to_the_clock_a_certain_time_is_true_to_a_second(
        turns in prop::collection::vec((waits(), honest()), 1..50), ppm in -45_i64..=45, off in anywhere(),
    ) {
        let mut life = Life::new(ppm, off);
        for (wait, turn) in turns {
            life.play(wait, turn);
        }
        let (worst, _) = life.judged();
        prop_assert!(worst <= CERTAIN_MS, "off by {worst} ms");
    }

    /// A server was far off for a while, was believed, is right again and was forgiven: whatever rested on it is marked.
    #[test]
    fn a_source_that_was_wrong_and_is_right_again_leaves_no_certain_time_that_is_wrong(
        before in prop::collection::vec(waits().prop_filter("hours", |wait| *wait < 30_000_000), 0..4),
        during in prop::collection::vec(waits().prop_filter("hours", |wait| *wait < 30_000_000), 1..6),
        after in prop::collection::vec(waits().prop_filter("hours", |wait| *wait < 30_000_000), 1..6),
        wrong in prop_oneof![WRONG_MS..40_000_000_000_i64, -300 * 86_400_000_i64..-WRONG_MS],
        ppm in -45_i64..=45,
    ) {
        let mut life = Life::new(ppm, 0);
        let phases = [(before, 0), (during, wrong), (after, 0)];
        for (waits, off) in phases {
            for wait in waits {
                life.play(wait, Turn::Ntp(off));
                life.play(5_000, Turn::Tap);
                if off == 0 {
                    life.keeper.forgive(life.raw());
                    life.write();
                    life.play(5_000, Turn::Tap);
                }
            }
        }
        let (worst, _) = life.judged();
        prop_assert!(worst <= CERTAIN_MS, "off by {worst} ms");
        let last = life.taps.last().unwrap();
        prop_assert_eq!(best_time(&last.clock, &life.moments()).quality, Quality::Trusted, "nothing is poisoned afterwards");
        prop_assert!(is_placed(&last.clock, &life.moments()));
    }
}
