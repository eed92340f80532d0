//! Kill -9 at any moment: a kiosk's process dies again and again while people tap and the office comes and goes. Real processes, real TLS,
//! real SQLite; only the readers are simulated.
//!
//! What must hold at the end: what a page confirmed ⊆ what the office has ⊆ what was presented, each at most once, and the chain verifies.

mod feeder;
mod watcher;

use std::time::Duration;

use punchd::clock::Clock;

use self::feeder::{Feeder, READERS};
use self::watcher::Watcher;
use super::rig::{Kiosk, Office, Place, Tally, punchd};

/// How often the kiosk is killed.
const KILLS: usize = 150;
/// Of so many starts, one is killed before it is ready.
const KILLED_STARTING: u64 = 8;
/// Of so many kills, one is followed by the office's coming or going.
const OFFICE_TURNS: u64 = 6;
/// Most confirmations that a life of the kiosk lasts.
const CONFIRMED_MAX: u64 = 12;
/// Longest that a life waits for its confirmations, in milliseconds.
const LIFE_MAX_MS: u64 = 400;
/// How long the last life has to bring everything to the office.
const DRAIN_LIMIT: Duration = Duration::from_mins(1);
/// The variable that repeats a run's choices.
const SEED: &str = "PUNCH_CRASH_SEED";

#[test]
fn a_kiosk_killed_at_any_moment_loses_no_confirmed_punch_and_doubles_none() {
    let mut choices = Choices::new();
    println!("{SEED}={}", choices.0);
    let begun = Clock::system().mono();
    let place = Place::new();
    let config = place.configure("", &READERS.map(|(name, _, protocol)| (name, protocol)));
    let start = || Kiosk::start_by(&place, punchd(&config, &["run"]).env("PUNCH_LOG", "error"));
    let mut office = Office::start();
    let watcher = Watcher::start();
    let first = start();
    watcher.look_at(first.page());
    office.pair(&first, "east-hall-1");
    first.kill();
    let feeder = Feeder::start(&place);

    let mut away = 0;
    for _ in 0..KILLS {
        feeder.replug();
        let kiosk = start();
        if !choices.one_in(KILLED_STARTING) {
            watcher.look_at(kiosk.page());
            watcher.wait_for(choices.below(CONFIRMED_MAX + 1), Duration::from_millis(choices.below(LIFE_MAX_MS)));
        }
        kiosk.kill();
        if choices.one_in(OFFICE_TURNS) {
            match (office.is_running(), choices.one_in(2)) {
                (false, _) => office.start_again(),
                (true, true) => office.stop(),
                (true, false) => office.kill(),
            }
        }
        away += usize::from(!office.is_running());
    }

    let fed = feeder.stop();
    if !office.is_running() {
        office.start_again();
    }
    let kiosk = start();
    watcher.look_at(kiosk.page());
    kiosk.until_drained(DRAIN_LIMIT);
    kiosk.kill();
    let tally = Tally { fed, confirmed: watcher.stop(), held: office.punches() };
    println!("{KILLS} kills in {} ms, {away} with the office away", Clock::system().mono().millis_since(begun));
    office.check_verified();
    tally.check("killed at any moment");
    assert!(tally.confirmed.len() > KILLS && away > 0 && away < KILLS, "too little happened to prove anything");
}

/// Choices that a seed repeats (SplitMix64).
struct Choices(u64);

impl Choices {
    fn new() -> Self {
        let chosen = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        Self(chosen.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}
