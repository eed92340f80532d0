//! Kill -9 at any moment: a kiosk's process dies again and again while people tap and the office comes and goes. Real processes, real TLS,
//! real SQLite; only the readers are simulated.
//!
//! What must hold at the end: what a page confirmed ⊆ what the office has ⊆ what was presented, each at most once, and the chain verifies.

mod feeder;
mod place;
mod watcher;

use std::collections::BTreeSet;
use std::time::Duration;

use punchd::clock::Clock;

use self::feeder::Feeder;
use self::place::{Kiosk, Office, Place};
use self::watcher::Watcher;

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
    let mut office = Some(Office::start(&place));
    let watcher = Watcher::start();
    let first = Kiosk::start(&place);
    watcher.look_at(first.wait_ready());
    place.pair();
    first.kill();
    let feeder = Feeder::start(&place);

    let mut away = 0;
    for _ in 0..KILLS {
        feeder.replug();
        let kiosk = Kiosk::start(&place);
        if !choices.one_in(KILLED_STARTING) {
            watcher.look_at(kiosk.wait_ready());
            watcher.wait_for(choices.below(CONFIRMED_MAX + 1), Duration::from_millis(choices.below(LIFE_MAX_MS)));
        }
        kiosk.kill();
        if choices.one_in(OFFICE_TURNS) {
            office = match office {
                Some(running) => running.end(choices.one_in(2)),
                None => Some(Office::start(&place)),
            };
        }
        away += usize::from(office.is_none());
    }

    let fed = feeder.stop();
    let office = office.unwrap_or_else(|| Office::start(&place));
    let kiosk = Kiosk::start(&place);
    watcher.look_at(kiosk.wait_ready());
    place.wait_until_drained(DRAIN_LIMIT);
    kiosk.kill();
    let confirmed = watcher.stop();
    let held = place.punches();
    let elapsed = Clock::system().mono().millis_since(begun);
    println!(
        "{KILLS} kills in {elapsed} ms, {away} with the office away: {} fed, {} confirmed, {} held",
        fed.len(),
        confirmed.len(),
        held.len()
    );

    place.check_verified();
    office.end(false);
    let places: BTreeSet<_> = held.iter().map(|punch| punch.place.clone()).collect();
    assert_eq!(places.len(), held.len(), "the office holds an entry twice");
    let shown: BTreeSet<_> = confirmed.iter().cloned().collect();
    assert_eq!(shown.len(), confirmed.len(), "the page confirmed an entry twice");
    let lost: Vec<_> = shown.difference(&places).collect();
    assert!(lost.is_empty(), "confirmed, and not at the office: {lost:?}");
    let mut seen = BTreeSet::new();
    for punch in &held {
        assert!(fed.contains(&punch.credential), "{} was never presented", punch.credential);
        assert!(seen.insert(&punch.credential), "{} was presented once and is held twice", punch.credential);
    }
    assert!(confirmed.len() > KILLS && away > 0 && away < KILLS, "too little happened to prove anything");
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
