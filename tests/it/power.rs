//! Power cuts and disk faults below SQLite, under the real journal on its own thread.
//!
//! Each scene is played once on a disk that remembers every write and sync (`tests/vfs`). Then the power is cut at places of what it remembers,
//! each cut with its own chance of what unsynced writes come to, and the real journal opens what is left. What must hold is in `judge`.
//!
//! `PUNCH_POWER_SEED` sets the chance, `PUNCH_POWER_CUTS` the cuts of each scene. The recordings themselves differ a little from run to run
//! (a journal's id is random), so a seed repeats the choice of cuts and not every byte.

mod counts;
mod faults;
mod judge;
mod scene;
mod scenes;

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use punch_vfs::{Chance, Replay};

use self::judge::{Faults, judge};
use self::scene::{PRAGMA, Recorded};
use self::scenes::SCENES;

const SEED: &str = "PUNCH_POWER_SEED";
const CUTS: &str = "PUNCH_POWER_CUTS";
/// Cuts of each scene where nothing else is asked; each of the ten scenes is played twice.
const CUTS_OF_A_SCENE: usize = 510;
/// The seed where none is given.
const SEED_DEFAULT: u64 = 20_261_123;
/// Cuts that one thread takes in a row.
const SHARE: usize = 64;
/// Faults that are printed in full.
const PRINTED_MAX: usize = 12;

#[test]
fn no_power_cut_loses_what_was_confirmed_or_leaves_a_malformed_file() {
    let seed = number_of(SEED).unwrap_or(SEED_DEFAULT);
    let wanted = number_of(CUTS).map_or(CUTS_OF_A_SCENE, |cuts| usize::try_from(cuts).unwrap());
    let scenes: Vec<Recorded> = in_parallel(2 * SCENES.len(), |index| {
        let (name, play) = SCENES[index / 2];
        Recorded { name, ..play(index % 2 == 0) }
    });
    let cuts: Vec<(usize, Vec<Cut>)> = scenes
        .iter()
        .enumerate()
        .flat_map(|(index, scene)| {
            let all = places(scene.recording.operations().len(), wanted, seed ^ index as u64);
            all.chunks(SHARE).map(|share| (index, share.to_vec())).collect::<Vec<_>>()
        })
        .collect();
    let found = in_parallel(cuts.len(), |share| {
        let (index, cuts) = &cuts[share];
        cut_all(&scenes[*index], cuts)
    });
    let mut tally = Tally::default();
    for ((index, cuts), found) in cuts.iter().zip(found) {
        tally.cuts += cuts.len();
        for (cut, faults) in found {
            tally.add(scenes[*index].name, &cut, &faults);
        }
    }
    println!(
        "seed {seed}: {} scenes, {} operations",
        scenes.len(),
        scenes.iter().map(|scene| scene.recording.operations().len()).sum::<usize>()
    );
    println!("cuts {}, lost {}, surplus {}, malformed {}", tally.cuts, tally.lost, tally.surplus, tally.malformed);
    assert!(tally.printed.is_empty(), "{}", tally.printed.join("\n"));
}

/// The rig's proof of itself: with a journal that does not wait for the disk, the test above fails, and says what was lost.
#[test]
fn a_journal_that_does_not_wait_for_the_disk_is_found_out() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "power::no_power_cut_loses_what_was_confirmed_or_leaves_a_malformed_file", "--nocapture"])
        .env(PRAGMA, "synchronous=NORMAL")
        .env(CUTS, "20")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let tally = told.lines().find(|line| line.starts_with("cuts ")).unwrap_or_else(|| panic!("{told}"));
    println!("synchronous=NORMAL: {tally}");
    let lost: u64 = tally.split(", ").find_map(|part| part.strip_prefix("lost ")).unwrap().parse().unwrap();
    assert!(lost > 0 && !output.status.success(), "the rig notices nothing: {told}");
}

/// A place in a recording, and the seed of what unsynced writes come to there.
#[derive(Debug, Clone, Copy)]
struct Cut {
    place: usize,
    seed: u64,
}

#[derive(Default)]
struct Tally {
    cuts: usize,
    /// Cuts after which something was lost, and so on.
    lost: usize,
    surplus: usize,
    malformed: usize,
    printed: Vec<String>,
}

impl Tally {
    fn add(&mut self, scene: &str, cut: &Cut, faults: &Faults) {
        self.lost += usize::from(!faults.lost.is_empty());
        self.surplus += usize::from(!faults.surplus.is_empty());
        self.malformed += usize::from(!faults.malformed.is_empty());
        if self.printed.len() < PRINTED_MAX {
            self.printed.push(format!("{scene}, {cut:?}: {faults:#?}"));
        }
    }
}

/// So many cuts, in order of their places: every prefix as often as all of them fit, then a sample.
fn places(operations: usize, wanted: usize, seed: u64) -> Vec<Cut> {
    let mut chance = Chance::new(seed);
    let prefixes = operations + 1;
    let whole = wanted / prefixes * prefixes;
    let place = |n: usize, chance: &mut Chance| if n < whole { n % prefixes } else { chance.below(prefixes) };
    let mut cuts: Vec<Cut> = (0..wanted).map(|n| Cut { place: place(n, &mut chance), seed: chance.number() }).collect();
    cuts.sort_by_key(|cut| cut.place);
    cuts
}

/// The faults of a share of cuts, those without any left out.
fn cut_all(scene: &Recorded, cuts: &[Cut]) -> Vec<(Cut, Faults)> {
    let mut replay = Replay::new(&scene.recording);
    let mut found = Vec::new();
    for cut in cuts {
        replay.advance_to(cut.place);
        let faults = judge(scene, cut.place, &replay.cut(&mut Chance::new(cut.seed)));
        if !faults.is_empty() {
            found.push((*cut, faults));
        }
    }
    found
}

/// Does something so many times, on as many threads as there are processors, and gives the results in order.
fn in_parallel<T: Send>(count: usize, make: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (next, made) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let result = make(index);
            made.lock().unwrap().push((index, result));
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut made = made.into_inner().unwrap();
    made.sort_by_key(|(index, _)| *index);
    assert_eq!(made.len(), count, "a thread came down");
    made.into_iter().map(|(_, result)| result).collect()
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}
