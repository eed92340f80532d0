//! Disk faults under the journal: whatever fails, nothing is confirmed that is not durable, a refusal is told at once, and it goes on by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use punch_vfs::{Chance, Disk, Fault, Replay};
use punchd::health::Code;
use punchd::terminal::journal::{Event, Options};

use super::in_parallel;
use super::judge::judge;
use super::scene::{Recorded, Scene, folder};
use crate::rig::journal::{Journal, options, punch};
use crate::rig::{PATIENCE, until};

/// How long the one sync takes.
const STALL: Duration = Duration::from_secs(3);
/// Faults tried at the same time.
const AT_ONCE: u64 = 16;
/// Power cuts behind each fault.
const CUTS: usize = 6;

/// What people do while the disk fails: some tap, one acknowledges, a value is kept, the daemon starts again.
fn play(fault: Option<Fault>) -> (Recorded, u64, u64) {
    let mut scene = Scene::new(true, |_| {});
    scene.start();
    scene.taps(2);
    if let Some(fault) = fault {
        scene.disk().plan(fault);
    }
    let mut refused = 0;
    for _ in 0..3 {
        let mut last = scene.tap();
        while let Err(why) = last {
            refused += 1;
            assert!(why.contains("goes on by itself"), "{why}");
            scene.journal().recover();
            last = scene.tap();
        }
        let last = last.unwrap();
        scene.acknowledge(&last);
        scene.quiet();
        if scene.keep().is_err() {
            refused += 1;
        }
    }
    scene.stop();
    scene.start();
    let struck = scene.disk().struck();
    scene.disk().mend();
    scene.journal().recover();
    scene.tap().expect("the fault has ended");
    scene.keep().expect("the fault has ended");
    scene.stop();
    scene.start();
    scene.taps(1);
    (scene.end("a fault"), struck, refused)
}

/// Cuts the power once behind every operation, and so many times more.
fn cut_everywhere(recorded: &Recorded, more: usize) {
    let end = recorded.recording.operations().len();
    let mut replay = Replay::new(&recorded.recording);
    for place in 0..=end {
        replay.advance_to(place);
        for seed in 0..=more {
            let faults = judge(recorded, place, &replay.cut(&mut Chance::new((place * 1_000 + seed) as u64)));
            assert!(faults.is_empty(), "{}, cut at {place} of {end}, seed {seed}: {faults:#?}", recorded.name);
        }
    }
}

/// The scene with a fault at the first write or sync, at the second, and so on, until it has no more of them; each with power cuts behind it.
fn at_every_place(what: &str, fault: impl Fn(u64) -> Fault + Sync) {
    let (mut places, mut refusals, mut cuts) = (0, 0, 0);
    loop {
        let first = places + 1;
        let tried = in_parallel(usize::try_from(AT_ONCE).unwrap(), |more| {
            let place = first + more as u64;
            let (recorded, struck, refused) = play(Some(fault(place)));
            let mut chance = Chance::new(place);
            let end = recorded.recording.operations().len();
            let mut stops: Vec<usize> = (0..CUTS).map(|_| chance.below(end + 1)).chain([end]).collect();
            stops.sort_unstable();
            let mut replay = Replay::new(&recorded.recording);
            for stop in stops {
                replay.advance_to(stop);
                let faults = judge(&recorded, stop, &replay.cut(&mut chance));
                assert!(faults.is_empty(), "{what} {place}, cut at {stop} of {end}: {faults:#?}");
            }
            (struck, refused)
        });
        places += AT_ONCE;
        cuts += tried.len() * (CUTS + 1);
        refusals += tried.iter().map(|(_, refused)| refused).sum::<u64>();
        if tried.iter().any(|(struck, _)| *struck == 0) {
            break;
        }
    }
    println!("{what}: {places} places tried, {refusals} refusals, {cuts} power cuts, 0 lost, 0 doubled, 0 malformed");
    assert!(refusals > 0, "nobody was refused: that proves nothing");
}

#[test]
fn a_disk_full_at_any_write_confirms_nothing_that_is_not_durable() {
    at_every_place("full at one write", |write| Fault::full(write..=write));
}

#[test]
fn a_disk_full_from_any_write_on_for_a_while_confirms_nothing_that_is_not_durable() {
    at_every_place("full at twelve writes", |write| Fault::full(write..write + 12));
}

#[test]
fn a_sync_that_fails_anywhere_confirms_nothing_that_is_not_durable() {
    at_every_place("one sync fails", |sync| Fault::sync_fails(sync..=sync));
}

#[test]
fn syncs_that_go_on_failing_confirm_nothing_that_is_not_durable() {
    at_every_place("five syncs fail", |sync| Fault::sync_fails(sync..sync + 5));
}

/// The open question of a failed sync: what it should have made durable may be on the disk. Once the journal can store again, it is not.
#[test]
fn an_entry_refused_because_its_sync_failed_is_not_there_later() {
    for failing in [1, 2, 3, 7, 20] {
        let mut scene = Scene::new(true, |_| {});
        scene.start();
        scene.taps(3);
        scene.disk().plan(Fault::sync_fails(1..=failing));
        let mut refused = 0;
        while scene.tap().is_err() {
            refused += 1;
            scene.journal().recover();
        }
        scene.taps(2);
        scene.stop();
        scene.start();
        let last = scene.look().last().unwrap().last;
        println!("{failing} failing syncs: {refused} refusals, {last} entries");
        assert_eq!(last.0, 1 + 3 + 1 + 2, "the beginning and what was confirmed, nothing else");
    }
}

#[test]
fn an_entry_refused_because_its_sync_failed_is_not_there_after_a_restart_either() {
    let mut scene = Scene::new(true, |_| {});
    scene.start();
    scene.taps(3);
    scene.disk().plan(Fault::sync_fails(..));
    scene.tap().unwrap_err();
    scene.stop();
    scene.disk().mend();
    scene.start();
    assert_eq!(scene.look().last().unwrap().last.0, 4);
    scene.taps(1);
}

#[test]
fn a_punch_confirmed_after_a_failed_sync_is_there_after_a_power_cut() {
    let mut scene = Scene::new(true, |_| {});
    scene.start();
    scene.taps(2);
    for failing in [1, 2, 4] {
        scene.disk().plan(Fault::sync_fails(1..=failing));
        while scene.tap().is_err() {
            scene.journal().recover();
        }
        scene.taps(1);
    }
    cut_everywhere(&scene.end("punches after failed syncs"), 0);
}

#[test]
fn a_value_kept_after_a_failed_sync_is_there_after_a_power_cut() {
    let mut scene = Scene::new(true, |_| {});
    scene.start();
    for failing in [1, 2, 3] {
        let stored = scene.taps(1);
        scene.acknowledge(&stored[0]);
        scene.quiet();
        scene.disk().plan(Fault::sync_fails(1..=failing));
        while scene.keep().is_err() {}
        scene.keep().unwrap();
    }
    cut_everywhere(&scene.end("values after failed syncs"), 0);
}

#[test]
fn a_power_cut_while_a_journal_is_made_leaves_nothing_that_counts_as_damaged() {
    let mut scene = Scene::new(true, |_| {});
    scene.start();
    cut_everywhere(&scene.end("a journal is made"), 20);
}

#[test]
fn a_disk_that_turns_read_only_under_a_running_journal_is_told_at_once_and_waited_for() {
    let mut scene = Scene::new(true, |_| {});
    scene.start();
    scene.taps(2);
    scene.disk().plan(Fault::read_only());
    let why = scene.tap().unwrap_err();
    assert!(why.contains("goes on by itself"), "{why}");
    assert!(!scene.journal().is_available());
    scene.tap().unwrap_err();
    scene.disk().mend();
    scene.journal().recover();
    assert_eq!(scene.tap().unwrap().sequence.0, 4, "nothing refused is there");
}

#[test]
fn a_sync_that_takes_three_seconds_holds_the_light_back_and_loses_nobody() {
    let home = folder();
    let disk = Disk::register(home.path(), true).unwrap();
    let mut journal = Journal::start(options(home.path(), Some(disk.name())));
    journal.opened().unwrap();
    disk.plan(Fault::stall(1, STALL));
    let before = disk.total(|_| true).syncs;
    let tickets: Vec<_> = (0..40).map(|number| journal.append(punch(number))).collect();
    let mut sequences = BTreeSet::new();
    for (number, ticket) in tickets.into_iter().enumerate() {
        let stored = journal.outcome(ticket).unwrap();
        assert!(disk.total(|_| true).syncs > before, "the light waits for the sync");
        sequences.insert(stored.sequence.0);
        assert_eq!(stored.sequence.0, number as u64 + 2);
    }
    assert_eq!((disk.struck(), sequences.len()), (1, 40));
    journal.stop();
}

/// The ballast is real, and so is its room: the disk below is full exactly as long as the ballast stands.
#[test]
fn the_ballast_makes_room_for_the_next_punches_and_is_made_again() {
    let home = folder();
    let ballast = home.path().join("ballast");
    let disk = Disk::register(home.path(), true).unwrap();
    let options = Options { ballast_bytes: 65_536, ..options(home.path(), Some(disk.name())) };
    let mut journal = Journal::start(options);
    journal.opened().unwrap();
    assert!(ballast.exists());
    disk.plan(Fault::full(..).while_there(ballast.clone()));
    let ticket = journal.append(punch(1));
    assert_eq!(journal.outcome(ticket).unwrap().sequence.0, 2, "stored in the ballast's room");
    assert!(disk.struck() > 0 && !ballast.exists());
    let low = |event: &Event| {
        if let Event::Conditions(told) = event { told.iter().any(|told| told.code == Code::DiskLow).then_some(()) } else { None }
    };
    journal.wait(low);
    disk.mend();
    until("the ballast is made again", PATIENCE, || {
        journal.quiet();
        ballast.exists().then_some(())
    });
    let ticket = journal.append(punch(2));
    assert_eq!(journal.outcome(ticket).unwrap().sequence.0, 3);
    journal.stop();
}
