//! Thousands of damages to the files of a stopped kiosk, and of one whose power was cut.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::case::{self, Verdict};
use super::files::{self, Files, named};
use super::original::Original;
use super::wound::{PAGE, Wound, byte, everywhere, misplaced};
use crate::world::random::Random;

/// The variable that repeats a run's choices.
const SEED: &str = "PUNCH_DAMAGE_SEED";
/// After so many cases against the law the rest is left out.
const WRONG_MAX: usize = 20;
/// Where SQLite's header ends: each of its bytes is tried.
const HEADER_BYTES: usize = 100;

#[test]
fn whatever_is_damaged_in_a_stopped_journal_all_else_is_sent_and_the_next_punch_is_stored() {
    let original = Original::stopped(160);
    let mut random = seed();
    let name = named(&original.files, ".db");
    let length = original.files[&name].len();
    let mut wounds: Vec<Wound> = (0..HEADER_BYTES).map(|at| Wound::Bit { at, bit: byte(&mut random) % 8 }).collect();
    wounds.extend(everywhere(&mut random, length, (12, 6)));
    wounds.extend(misplaced(&mut random, length / PAGE, 60));
    try_all("a stopped journal", &original, &wounds.into_iter().map(|wound| (name.clone(), wound)).collect::<Vec<_>>());
}

#[test]
fn whatever_is_damaged_in_the_log_of_a_journal_all_else_is_sent_and_the_next_punch_is_stored() {
    let original = Original::cut_off(80, 40);
    let mut random = seed();
    let (database, log) = (named(&original.files, ".db"), named(&original.files, ".db-wal"));
    let (pages, frames) = (original.files[&database].len(), original.files[&log].len());
    let mut cases: Vec<(String, Wound)> =
        everywhere(&mut random, pages, (4, 2)).into_iter().map(|wound| (database.clone(), wound)).collect();
    let head = (0..56).map(|at| Wound::Bit { at, bit: byte(&mut random) % 8 }).collect::<Vec<_>>();
    cases.extend(head.into_iter().chain(everywhere(&mut random, frames, (4, 2))).map(|wound| (log.clone(), wound)));
    try_all("a journal with a log", &original, &cases);
}

#[test]
fn a_log_or_an_index_that_is_gone_garbage_or_anothers_costs_nothing_that_still_stands_in_the_files() {
    let original = Original::cut_off(40, 20);
    let stranger = Original::cut_off(30, 10);
    let mut random = seed();
    let garbage: Vec<u8> = (0..3 * PAGE).map(|_| byte(&mut random)).collect();
    let mut cases = Vec::new();
    for end in [".db-wal", ".db-shm"] {
        let name = named(&original.files, end);
        let anothers = stranger.files[&named(&stranger.files, end)].clone();
        let longer = [original.files[&name].clone(), anothers.clone()].concat();
        cases.extend([Wound::Gone, Wound::Replaced(Vec::new()), Wound::Replaced(garbage.clone())].map(|wound| (name.clone(), wound)));
        cases.extend([Wound::Replaced(anothers), Wound::Replaced(longer)].map(|wound| (name.clone(), wound)));
    }
    let (database, foreign) = (named(&original.files, ".db"), stranger.files[&named(&stranger.files, ".db")].clone());
    cases.extend(
        [Wound::Gone, Wound::Replaced(Vec::new()), Wound::Replaced(garbage), Wound::Replaced(foreign)]
            .map(|wound| (database.clone(), wound)),
    );
    try_all("a log or an index", &original, &cases);
}

#[test]
fn whatever_happens_to_the_state_beside_the_journals_every_entry_is_there_and_the_journal_goes_on() {
    for (what, original) in
        [("the state of a stopped kiosk", Original::stopped(40)), ("the state of one cut off", Original::cut_off(20, 20))]
    {
        let mut random = seed();
        let names: Vec<String> = original.files.keys().filter(|name| name.starts_with("state.db")).cloned().collect();
        let mut cases = Vec::new();
        for name in names {
            let wounds = everywhere(&mut random, original.files[&name].len(), (20, 10));
            let garbage = (0..2 * PAGE).map(|_| byte(&mut random)).collect();
            let more = [Wound::Gone, Wound::Replaced(Vec::new()), Wound::Replaced(garbage)];
            cases.extend(wounds.into_iter().chain(more).map(|wound| (name.clone(), wound)));
        }
        let verdicts = try_all(what, &original, &cases);
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::default()), "{what}: no entry was touched");
    }
}

pub(super) fn seed() -> Random {
    let chosen = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = chosen.unwrap_or(20_261_123);
    println!("{SEED}={seed}");
    Random::new(seed)
}

/// Tries every case on its own; all that went wrong is told together.
fn try_all(what: &str, original: &Original, cases: &[(String, Wound)]) -> Vec<Verdict> {
    let (next, wrong, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let work = || {
        while let Some((name, wound)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if wrong.lock().unwrap().len() >= WRONG_MAX {
                return;
            }
            let mut wounded: Files = original.files.clone();
            if !wound.inflict(&mut wounded, name) {
                continue;
            }
            let judged = std::panic::catch_unwind(|| case::judge(original, &wounded));
            match judged.unwrap_or_else(|_| Err("a panic".to_owned())) {
                Ok(verdict) => verdicts.lock().unwrap().push(verdict),
                Err(why) => wrong.lock().unwrap().push(format!("{name}: {}: {why}", short(wound))),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (wrong, verdicts) = (wrong.into_inner().unwrap(), verdicts.into_inner().unwrap());
    let (aside, lost) =
        (verdicts.iter().filter(|verdict| verdict.set_aside).count(), verdicts.iter().map(|verdict| verdict.lost).sum::<usize>());
    println!(
        "{what}: {} damages, {aside} set aside, {lost} entries declared lost, {} against the law",
        verdicts.len() + wrong.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{what}: {} of {}:\n{}", wrong.len(), cases.len(), wrong[..wrong.len().min(12)].join("\n"));
    verdicts
}

fn short(wound: &Wound) -> String {
    let text = format!("{wound:?}");
    text.chars().take(60).collect()
}

#[test]
fn files_are_compared_as_a_whole() {
    let files = Files::from([("a".to_owned(), b"xxabc".to_vec())]);
    assert!(files::hold(&files, b"abc") && !files::hold(&files, b"abd"));
}
