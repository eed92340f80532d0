//! A fork: the entries from the first conflicting one are written again in a new journal, with their origin, once.

use super::*;
use crate::terminal::journal::set::Set;
use crate::wire::entry::{CutOff, SuccessionReason};

#[test]
fn after_a_fork_everything_from_the_conflict_on_stands_in_a_new_journal_with_its_origin() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let old = rig.available()[0].journal;
    let stored = rig.store_many(600);
    rig.ask(Command::HealFork { journal: old, from: Sequence(100) });
    let later = rig.store(punch(600));
    assert_ne!(later.journal, old);
    let views = healed(&mut rig, later.journal, 503);
    assert_eq!((views[0].journal, views[0].last, views[0].head), (old, Sequence(99), stored[97].hash));
    let (copies, lost) = rig.drain(&views[1]);
    assert!(lost.is_empty());
    assert_chain(&copies, 1);
    let Body::Opened { predecessor: Some(before), .. } = read(&copies[0]).body else { panic!("no predecessor") };
    assert_eq!((before.journal, before.sequence, before.reason), (old, Sequence(601), SuccessionReason::Forked));
    let origins: Vec<u64> = copies.iter().filter_map(|stored| read(stored).origin).map(|origin| origin.sequence.0).collect();
    assert_eq!(origins, (100..=601).collect::<Vec<u64>>());
    for copy in copies.iter().map(read) {
        let Some(origin) = copy.origin else { continue };
        let first = &stored[usize::try_from(origin.sequence.0).unwrap() - 2];
        assert_eq!((origin.journal, origin.hash, copy.body), (old, first.hash, read(first).body));
    }
    assert_eq!(rig.condition(Code::JournalForked).subject, old.to_string());
    // Asked again, as an uplink does that lost the answer.
    rig.ask(Command::HealFork { journal: old, from: Sequence(100) });
    assert_eq!(rig.journals().len(), 2);
    rig.stop();
}

#[test]
fn healing_that_was_cut_short_goes_on_after_a_restart() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let old = rig.available()[0].journal;
    rig.store_many(1_500);
    rig.ask(Command::HealFork { journal: old, from: Sequence(2) });
    rig.ask(Command::Stop);
    rig.thread.take().unwrap().join().unwrap();
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    assert_eq!(views.len(), 2);
    let views = healed(&mut rig, views[1].journal, 1_501);
    let (copies, _) = rig.drain(&views[1]);
    let origins: Vec<u64> = copies.iter().filter_map(|stored| read(stored).origin).map(|origin| origin.sequence.0).collect();
    assert_eq!(origins, (2..=1_501).collect::<Vec<u64>>());
    rig.stop();
}

#[test]
fn what_was_unreadable_before_a_fork_cut_it_off_is_said_in_the_new_journal() {
    let home = folder();
    let (path, all) = damage::written(home.path(), 60);
    damage::change(&path, |bytes| {
        for victim in &all[30..33] {
            let at = damage::find(bytes, &victim.text) + victim.text.len() - 20;
            bytes[at] ^= 0x04;
        }
    });
    let mut rig = Rig::start(home.path());
    let old = rig.available()[0].journal;
    rig.ask(Command::HealFork { journal: old, from: Sequence(11) });
    let later = rig.store(punch(600));
    let views = healed(&mut rig, later.journal, 50);
    let (copies, lost) = rig.drain(views.last().unwrap());
    assert!(lost.is_empty());
    let said: Vec<CutOff> = copies
        .iter()
        .filter_map(|stored| if let Body::Maintenance { action } = read(stored).body { action.parse().ok() } else { None })
        .collect();
    assert_eq!(said, [CutOff { journal: old, from: Sequence(31), to: Sequence(33) }]);
    let origins = copies.iter().filter_map(|stored| read(stored).origin).filter(|origin| origin.journal == old);
    assert_eq!(origins.map(|origin| origin.sequence.0).collect::<Vec<_>>(), (11..=30).chain(34..=61).collect::<Vec<_>>());
    rig.stop();
}

#[test]
fn while_a_fork_is_being_healed_the_time_of_the_first_entry_still_to_be_written_is_told() {
    let home = folder();
    let mut rig = Rig::start_carelessly(home.path());
    let old = rig.available()[0].journal;
    let stored = rig.store_many(600);
    rig.stop();
    let mut set = Set::open(&options(home.path()), &Clock::system()).unwrap();
    set.make_ready(&Clock::system()).unwrap();
    set.heal_fork(old, Sequence(100), &Clock::system()).unwrap();
    let owed = |set: &Set| set.views().last().unwrap().owed;
    assert_eq!(owed(&set), Some(read(&stored[98]).clock));
    assert!(set.heal_slice(&Clock::system()).unwrap());
    let next = owed(&set).expect("some are still to be written");
    assert!(next.wall > read(&stored[98]).clock.wall && next.wall < read(&stored[599]).clock.wall);
    while set.heal_slice(&Clock::system()).unwrap() {}
    assert_eq!(owed(&set), None, "all of them are in the new journal");
}

#[test]
fn a_forked_journal_goes_once_all_of_it_is_acknowledged_under_its_new_name_and_old() {
    let home = folder();
    let mut rig = Rig::start_carelessly(home.path());
    let old = rig.available()[0].journal;
    let stored = rig.store_many(60);
    rig.ask(Command::HealFork { journal: old, from: Sequence(31) });
    let later = rig.store(Draft { clock: reading(MORNING.plus_millis(399 * DAY_MS), Trust::Synced), ..punch(600) });
    rig.acknowledge(&stored[28]);
    let late = MORNING.plus_millis(400 * DAY_MS);
    let views = healed(&mut rig, later.journal, 32);
    let pruned = |rig: &mut Rig| {
        rig.ask(Command::Prune { now: late });
        (0..8).for_each(|_| rig.settle());
        rig.journals()
    };
    assert_eq!(pruned(&mut rig)[0].first, Sequence(31), "the copies are not acknowledged yet");
    let copies = rig.drain(&JournalView { last: Sequence(33), ..views[1] }).0;
    rig.acknowledge(copies.last().unwrap());
    let left = pruned(&mut rig);
    assert_eq!(left.iter().map(|view| view.journal).collect::<Vec<_>>(), [later.journal]);
    assert_eq!(files(home.path(), "journal-").len(), 1);
    rig.stop();
    let mut rig = Rig::start_carelessly(home.path());
    assert_eq!(rig.available().len(), 1, "it stays away");
    rig.stop();
}

/// The journals once the new one holds at least so many entries.
fn healed(rig: &mut Rig, journal: JournalId, last: u64) -> Vec<JournalView> {
    rig.wait(|event| {
        let views = told_journals(event)?;
        views.iter().any(|view| view.journal == journal && view.last.0 >= last).then(|| views.to_vec())
    })
}
