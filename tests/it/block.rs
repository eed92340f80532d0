//! The power goes, at any moment, under the whole kiosk: real ext4 on a disk that records every write and every flush, the real programs with
//! the whole data directory on it, and after each cut what a disk of that kind may still hold.
//!
//! What must hold after every cut: the kiosk starts and is ready; every confirmed punch of before is there, in one whole chain; who was paired
//! still is, under the same key; everything goes to the office as it was at that moment, once each; and the first tap is confirmed.

mod bare;
mod cut;
pub(crate) mod device;
mod log;
mod replay;
mod workload;

use punchd::clock::Clock;

use self::cut::Past;
use self::replay::Found;
use super::world::random::Random;

/// The variable that asks for more cuts, and how many there are without it.
const CUTS: &str = "PUNCH_BLOCK_CUTS";
const CUTS_USUAL: usize = 60;
/// The variable that repeats a run's choices.
const SEED: &str = "PUNCH_BLOCK_SEED";
/// Cuts of each kind by which the rig proves that it can tell.
const CUTS_BARE: usize = 24;

#[test]
fn a_kiosk_whose_power_is_cut_at_any_moment_starts_again_with_every_confirmed_punch() {
    if !device::can_serve("power cuts under the whole kiosk") {
        return;
    }
    let (seed, mut random) = chance();
    let clock = Clock::system();
    let begun = clock.mono();
    let mut life = workload::live();
    let cuts = number(CUTS).and_then(|count| usize::try_from(count).ok()).unwrap_or(CUTS_USUAL);
    let (entries, flushes) = (life.log.asked.len(), life.log.flushes());
    println!("{entries} writes and {flushes} flushes recorded, {} confirmed, in {} ms", life.owed.len(), clock.mono().millis_since(begun));
    let begun = clock.mono();
    let log = std::mem::replace(&mut life.log, log::Log::none());
    let mut past = Past::new(&life.base, &log);
    let mut found = Found::default();
    let confirmed: Vec<u64> = life.owed.iter().map(|owed| owed.logged).collect();
    for (n, cut) in cut::moments(&log, &confirmed, cuts, &mut random).into_iter().enumerate() {
        let image = life.folder.path().join(format!("cut-{n}.img"));
        past.cut(cut, &mut random, &image);
        found.check(&mut life, cut, &image);
        std::fs::remove_file(&image).unwrap();
    }
    println!("{SEED}={seed}: {found:#?} in {} ms", clock.mono().millis_since(begun));
    assert!(found.owed > 0 && found.at_office > 0, "too little happened to prove anything");
}

#[test]
fn the_same_cuts_lose_confirmed_punches_from_a_journal_that_does_not_wait_for_the_disk() {
    if bare::is_child() || !device::can_serve("what the power cuts would find") {
        return;
    }
    let (seed, _) = chance();
    let [full, normal] = ["FULL", "NORMAL"].map(|synchronous| bare::lost(synchronous, CUTS_BARE, &mut Random::new(seed)));
    println!("{SEED}={seed}: {CUTS_BARE} cuts each: FULL {full:?}, NORMAL {normal:?}");
    assert_eq!(full.cuts_hurt, 0, "a journal that waits for the disk loses nothing");
    assert!(normal.cuts_hurt > 0 && full.owed > 0, "the rig finds nothing, so it proves nothing");
}

/// A seed that is chosen or repeated, and what follows from it.
fn chance() -> (u64, Random) {
    let seed = number(SEED).unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    });
    println!("{SEED}={seed}");
    (seed, Random::new(seed))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
