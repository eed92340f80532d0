//! The laws of pruning and of marks: only what is acknowledged and old by trusted time goes, and a mark may go back.

use super::*;
use crate::terminal::journal::file::JournalFile;
use crate::terminal::journal::set::Set;
use crate::wire::batch::LostReason;

fn later(days: i64) -> Wall {
    MORNING.plus_millis(days * DAY_MS)
}

fn on_day(day: i64, trust: Trust) -> Draft {
    Draft { clock: reading(later(day), trust), ..punch(0) }
}

/// The open journal's view after pruning came to its end.
fn pruned(rig: &mut Rig, now: Wall) -> Vec<JournalView> {
    rig.ask(Command::Prune { now });
    for _ in 0..8 {
        rig.settle();
    }
    rig.journals()
}

#[test]
fn only_what_is_acknowledged_and_older_than_the_retention_is_pruned() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let journal = rig.available()[0].journal;
    let stored: Vec<Stored> = [0, 1, 2, 3].map(|day| rig.store(on_day(day, Trust::Synced))).into();
    rig.acknowledge(&stored[2]);
    let view = pruned(&mut rig, later(182))[0];
    assert_eq!((view.first, view.before_first), (Sequence(4), Some(stored[1].hash)), "day 2 is 180 days old, not older");
    let view = pruned(&mut rig, later(400))[0];
    assert_eq!((view.first, view.before_first), (Sequence(5), Some(stored[2].hash)), "day 3 is not acknowledged");
    let (entries, lost) = rig.load(journal, 1, 10);
    assert_eq!(entries, stored[3..]);
    assert_eq!(
        (lost[0].from, lost[0].to, lost[0].reason, lost[0].head_after),
        (Sequence(1), Sequence(4), LostReason::Pruned, Some(stored[2].hash))
    );
    rig.stop();
    let mut rig = Rig::start(home.path());
    let next = rig.available()[0];
    assert_eq!((next.first, next.acknowledged, next.last), (Sequence(5), Sequence(4), Sequence(5)));
    assert_eq!(rig.store(punch(0)).sequence, Sequence(6));
    rig.stop();
}

#[test]
fn an_entry_that_is_exactly_as_old_as_the_retention_is_kept() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    let clock = ClockReading { uncertainty_ms: 0, ..reading(later(0), Trust::Synced) };
    let stored = rig.store(Draft { clock, ..punch(0) });
    rig.acknowledge(&stored);
    assert_eq!(pruned(&mut rig, later(180))[0].first, Sequence(1));
    assert_eq!(pruned(&mut rig, later(180).plus_millis(1))[0].first, Sequence(3));
    rig.stop();
}

#[test]
fn a_clock_at_1970_makes_nothing_old() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.store(Draft { clock: reading(Wall(0), Trust::Unset), ..punch(0) });
    let wrong = rig.store(Draft { clock: reading(Wall(0), Trust::Suspect), ..punch(0) });
    rig.acknowledge(&wrong);
    let view = pruned(&mut rig, later(400))[0];
    assert_eq!(view.first, Sequence(1));
    let trusted = rig.store(on_day(0, Trust::Holdover));
    rig.acknowledge(&trusted);
    let view = pruned(&mut rig, later(400))[0];
    assert_eq!(view.first, Sequence(5), "what stands before a trusted old entry is older still");
    rig.stop();
}

#[test]
fn a_week_in_which_a_server_was_400_days_ahead_is_pruned_in_its_time_and_keeps_nothing_else() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    for day in [0, 401, 402, 3] {
        let stored = rig.store(on_day(day, Trust::Synced));
        rig.acknowledge(&stored);
    }
    assert_eq!(pruned(&mut rig, later(182))[0].first, Sequence(3), "how old the wrong ones are is not known yet");
    assert_eq!(pruned(&mut rig, later(184))[0].first, Sequence(6), "a right one after them is old enough");
    rig.stop();
}

#[test]
fn an_older_journal_is_removed_when_everything_in_it_was_pruned_and_a_later_question_is_answered() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let old = rig.available()[0].journal;
    let last = rig.store(on_day(0, Trust::Synced));
    rig.stop();
    let mut rig = Rig::start_with(Options { machine: "machine-b".to_owned(), ..options(home.path()) });
    assert_eq!(rig.available().len(), 2);
    rig.acknowledge(&last);
    let views = pruned(&mut rig, later(400));
    assert_eq!(views.len(), 1);
    assert_eq!(files(home.path(), &format!("journal-{old}")).len(), 0);
    let (entries, lost) = rig.load(old, 1, 10);
    assert_eq!((entries.len(), lost[0].from, lost[0].to, lost[0].head_after), (0, Sequence(1), Sequence(2), Some(last.hash)));
    rig.stop();
    let mut rig = Rig::start_with(Options { machine: "machine-b".to_owned(), ..options(home.path()) });
    assert_eq!(rig.available().len(), 1);
    rig.stop();
}

#[test]
fn a_mark_may_go_back_and_one_beyond_the_end_is_ignored() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let journal = rig.available()[0].journal;
    let stored = rig.store_many(10);
    rig.acknowledge(&stored[9]);
    rig.acknowledge(&stored[3]);
    let beyond = receipt(journal, Sequence(99), EntryHash::NONE);
    rig.ask(Command::Acknowledge { journal, mark: Sequence(99), receipt: Box::new(beyond) });
    rig.stop();
    let mut rig = Rig::start(home.path());
    assert_eq!(rig.available()[0].acknowledged, Sequence(5));
    assert_eq!(rig.load(journal, 6, 100).0, stored[4..]);
    rig.stop();
}

#[test]
fn entries_can_be_neither_changed_nor_removed_nor_put_in_between() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.store_many(3);
    rig.stop();
    let connection = rusqlite::Connection::open(only_journal(home.path())).unwrap();
    let refused = [
        "UPDATE entry SET wall_ms = 0",
        "DELETE FROM entry",
        "DELETE FROM entry WHERE sequence = 1",
        "INSERT INTO entry SELECT 9, text, hash, wall_ms, trusted_ms, sync_boot FROM entry WHERE sequence = 1",
        "INSERT OR REPLACE INTO entry SELECT 2, text, hash, wall_ms, trusted_ms, sync_boot FROM entry WHERE sequence = 1",
    ];
    for statement in refused {
        assert!(connection.execute_batch(statement).is_err(), "{statement}");
    }
}

#[test]
fn a_slow_reader_keeps_nobody_waiting() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.store_many(1_000);
    let (into, mut from) = mpsc::channel(1);
    rig.ask(Command::Stream { after: None, into });
    rig.store_many(3);
    let mut read = 0;
    while rig.runtime.block_on(async { tokio::time::timeout(LIMIT, from.recv()).await }).unwrap().is_some() {
        read += 1;
        if read == 500 {
            rig.store(punch(0));
        }
    }
    assert_eq!(read, 1_001);
    rig.stop();
}

#[test]
fn what_another_hand_appended_is_seen_before_the_next_entry_is_placed() {
    let home = folder();
    let clock = Clock::system();
    let mut set = Set::open(&options(home.path()), &clock).unwrap();
    set.make_ready(&clock).unwrap();
    let (path, journal) = (set.open_file().unwrap().path().to_owned(), set.views()[0].journal);
    let mut other = JournalFile::open(&path, journal, &OpenOptions::default()).unwrap().unwrap();
    other.append(&[punch(0)], None, &mut Vec::new()).unwrap();
    drop(other);
    let stored = set.append(&[punch(1)], &clock).unwrap().remove(0).unwrap();
    assert_eq!(stored.sequence, Sequence(3));
    assert_chain(&set.load(journal, Sequence(1), 10).unwrap().unwrap().0, 1);
}
