//! A seeded world: many kiosks with clocks that drift and step, a network that delays, loses, repeats and is gone for weeks, power cuts at any
//! action, offices restored from old copies, full disks and cloned machines; around the real machines, over the real bytes.
//!
//! Oracles: every green is at the office exactly once · nothing is there that was not committed · the chain verifies · a terminal is never
//! complete up to a moment before which something is missing · a time taken for certain is true to a second, and the sheets are those of the
//! hall · the backlog is zero within a bound once faults stop · the same seed gives the
//! same trace. A mutant at the machines' edge must be noticed.

mod clocks;
mod disk;
mod kiosk;
mod ledger;
mod mutant;
mod office;
mod plan;
pub(crate) mod random;
mod run;
mod sheets;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::mutant::Mutant;
use self::run::World;
use self::sheets::Book;

/// How many seeds run each time; `PUNCHD_WORLD_SEEDS` asks for another number.
const SEEDS: u64 = 320;
/// Where the seeds that once failed are kept; they always run.
const KEPT: &str = include_str!("world/seeds.txt");
const KEPT_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/world/seeds.txt");
/// What is written down where the world itself came down: no oracle has spoken.
const PANIC: &str = "a panic";
/// Within so many seeds a mutant must be noticed.
const MUTANT_SEEDS: u64 = 40;

#[test]
fn every_green_reaches_the_office_exactly_once_in_every_world() {
    let count = std::env::var("PUNCHD_WORLD_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    let kept = KEPT.lines().filter_map(|line| line.split_whitespace().next()).filter_map(|seed| seed.parse::<u64>().ok());
    let seeds: Vec<u64> = kept.chain(1..=count).collect();
    let failures = Mutex::new(Vec::new());
    let (greens, sheets) = (AtomicU64::new(0), AtomicU64::new(0));
    let book = Book::shipped();
    let next = AtomicU64::new(0);
    let work = || {
        while let Some(seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|index| seeds.get(index)) {
            let outcome = outcome(*seed, None, &book);
            greens.fetch_add(outcome.greens as u64, Ordering::Relaxed);
            sheets.fetch_add(outcome.sheets as u64, Ordering::Relaxed);
            if !outcome.violations.is_empty() {
                failures.lock().unwrap().push((*seed, outcome.violations));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failures = failures.into_inner().unwrap();
    keep(&failures);
    assert!(failures.is_empty(), "{} worlds broke a law:\n{failures:#?}", failures.len());
    let (greens, sheets) = (greens.into_inner(), sheets.into_inner());
    assert!(greens > 50 * count && sheets > 4 * count, "{greens} greens and {sheets} sheets in {count} worlds prove nothing");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 7, 23] {
        assert_eq!(World::new(seed, None).run().trace, World::new(seed, None).run().trace, "seed {seed}");
    }
    assert_ne!(World::new(1, None).run().trace, World::new(2, None).run().trace);
}

#[test]
fn every_mutant_is_noticed() {
    let book = Book::shipped();
    for mutant in Mutant::ALL {
        let violations = (1..=MUTANT_SEEDS).flat_map(|seed| outcome(seed, Some(mutant), &book).violations);
        let noticed = violations.into_iter().find(|violation| violation != PANIC);
        println!("{mutant:?}: {}", noticed.as_deref().unwrap_or("nothing"));
        assert!(noticed.is_some(), "{mutant:?} lived through {MUTANT_SEEDS} worlds");
    }
}

/// What came of one world.
#[derive(Debug, Default)]
struct Outcome {
    greens: usize,
    sheets: usize,
    violations: Vec<String>,
}

/// Runs one world; a panic inside counts as a violation of its own.
fn outcome(seed: u64, mutant: Option<Mutant>, book: &Book) -> Outcome {
    let world = std::panic::catch_unwind(|| World::new(seed, mutant).run());
    let Ok(mut world) = world else { return Outcome { violations: vec![PANIC.to_owned()], ..Outcome::default() } };
    if !world.bundles_in_force() {
        world.ledger.violation("a kiosk never got the bundle of the day".to_owned());
    }
    let sheets = world.compare_sheets(book);
    Outcome { greens: world.ledger.count(), sheets, violations: world.ledger.violations }
}

/// Adds seeds that failed to the list that always runs.
fn keep(failures: &[(u64, Vec<String>)]) {
    let fresh = |seed: u64| !KEPT.lines().any(|line| line.split_whitespace().next() == Some(&seed.to_string()));
    let lines = failures.iter().filter(|(seed, _)| fresh(*seed)).map(|(seed, what)| format!("{seed} {}\n", what[0]));
    let lines: String = lines.collect();
    if !lines.is_empty() {
        std::fs::write(KEPT_FILE, format!("{KEPT}{lines}")).unwrap();
    }
}
