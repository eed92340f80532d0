//! A fork: the entries from the first conflicting one are written again in a new journal, with their origin, once.

use super::*;
use crate::wire::entry::SuccessionReason;

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

/// The journals once the new one holds at least so many entries.
fn healed(rig: &mut Rig, journal: JournalId, last: u64) -> Vec<JournalView> {
    rig.wait(|event| {
        let views = told_journals(event)?;
        views.iter().any(|view| view.journal == journal && view.last.0 >= last).then(|| views.to_vec())
    })
}
