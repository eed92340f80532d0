//! What a punch costs the disk: counted, not timed.

use punch_vfs::{Counts, Disk};

use super::scene::{folder, is_database};
use crate::rig::journal::{Journal, options, punch};
use crate::rig::{PATIENCE, until};

/// Syncs of a journal's files that its log's writing back costs beside the punches: the log's own, the database's, and that of the next log's header.
const SYNCS_OF_A_WRITE_BACK: u64 = 3;
/// Acknowledged entries for which one sync of their marks is allowed.
const ENTRIES_OF_A_MARK: u64 = 512;
/// Entries in the log from which it is written back when nobody taps.
const LOG_ENTRIES_IDLE: u64 = 256;

fn everything(disk: &Disk) -> Counts {
    disk.total(|_| true)
}

fn stored(journal: &mut Journal, number: u64) -> punchd::wire::entry::Stored {
    let ticket = journal.append(punch(number));
    journal.outcome(ticket).unwrap()
}

#[test]
fn a_punch_costs_exactly_one_sync() {
    let home = folder();
    let disk = Disk::register(home.path(), true).unwrap();
    for run in 0..2 {
        let mut journal = Journal::start(options(home.path(), Some(disk.name())));
        journal.opened().unwrap();
        let (before, mut bytes) = (everything(&disk), 0);
        for number in 1..=200 {
            let (then, log) = (everything(&disk), disk.total(|name| name.starts_with("journal-") && name.ends_with("-wal")));
            stored(&mut journal, 1_000 * run + number);
            let now = everything(&disk);
            assert_eq!(now.syncs - then.syncs, 1, "punch {number} of run {run}");
            let logged = disk.total(|name| name.starts_with("journal-") && name.ends_with("-wal"));
            assert_eq!(logged.syncs - log.syncs, 1, "and it is that of the journal's log");
            bytes = now.bytes - before.bytes;
        }
        println!("run {run}: 200 punches, 200 syncs, {} bytes a punch", bytes / 200);
        journal.stop();
    }
}

#[test]
fn punches_that_wait_together_share_a_sync() {
    let home = folder();
    let disk = Disk::register(home.path(), true).unwrap();
    let mut journal = Journal::start(options(home.path(), Some(disk.name())));
    journal.opened().unwrap();
    let before = everything(&disk).syncs;
    let tickets: Vec<_> = (0..640).map(|number| journal.append(punch(number))).collect();
    for ticket in tickets {
        journal.outcome(ticket).unwrap();
    }
    let syncs = everything(&disk).syncs - before;
    println!("640 punches at once: {syncs} syncs");
    assert!((10..640).contains(&syncs), "{syncs}");
    journal.stop();
}

#[test]
fn writing_the_log_back_costs_three_syncs_at_most() {
    let home = folder();
    let disk = Disk::register(home.path(), true).unwrap();
    let mut journal = Journal::start(options(home.path(), Some(disk.name())));
    journal.opened().unwrap();
    for _ in 0..6 {
        journal.quiet();
    }
    let syncs = |disk: &Disk| disk.total(|name| name.starts_with("journal-")).syncs;
    let database = |disk: &Disk| disk.total(is_database);
    for round in 0..3 {
        let (before, written) = (syncs(&disk), database(&disk));
        for number in 1..=LOG_ENTRIES_IDLE {
            stored(&mut journal, 1_000 * round + number);
        }
        assert_eq!(database(&disk), written, "nothing is written back while people tap");
        until("the log was written back", PATIENCE, || {
            journal.quiet();
            (database(&disk).writes > written.writes).then_some(())
        });
        stored(&mut journal, 1_000 * round);
        let more = syncs(&disk) - before - (LOG_ENTRIES_IDLE + 1);
        println!("round {round}: {more} syncs beside those of {} punches", LOG_ENTRIES_IDLE + 1);
        assert!((1..=SYNCS_OF_A_WRITE_BACK).contains(&more), "{more}");
    }
    journal.stop();
}

#[test]
fn marks_and_receipts_cost_a_sync_for_512_entries_at_most() {
    let home = folder();
    let disk = Disk::register(home.path(), true).unwrap();
    let mut journal = Journal::start(options(home.path(), Some(disk.name())));
    journal.opened().unwrap();
    let mut entries = 0;
    let before = disk.total(|name| name.starts_with("state."));
    while entries < 8 * ENTRIES_OF_A_MARK {
        let tickets: Vec<_> = (0..64).map(|number| journal.append(punch(entries + number))).collect();
        let stored: Vec<_> = tickets.into_iter().map(|ticket| journal.outcome(ticket).unwrap()).collect();
        for stored in stored.iter().step_by(8) {
            journal.acknowledge(stored);
        }
        entries += 64;
    }
    journal.settle();
    let after = disk.total(|name| name.starts_with("state."));
    let (writes, syncs) = (after.writes - before.writes, after.syncs - before.syncs);
    println!("{entries} entries acknowledged: {writes} writes of marks, {syncs} syncs");
    assert!(writes > 0 && syncs <= entries / ENTRIES_OF_A_MARK, "{writes} writes, {syncs} syncs");
    journal.stop();
}
