//! Damage: whatever is flipped, cut off or gone, the next punch is stored, everything else is found again, and the hole is named.

use std::collections::BTreeSet;

use super::*;
use crate::wire::entry::SuccessionReason;

const PAGE: usize = 4_096;

/// A stopped journal with so many punches, and what is in it.
pub(super) fn written(directory: &Path, punches: u64) -> (PathBuf, Vec<Stored>) {
    let mut rig = Rig::start(directory);
    rig.available();
    rig.store_many(punches);
    let all = rig.stream(None, 64);
    rig.stop();
    (only_journal(directory), all)
}

pub(super) fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Where a text stands; the last place, since pages keep old copies of what once stood in them.
pub(super) fn find(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).rposition(|window| window == text.as_bytes()).unwrap()
}

/// Everything that the uplink gets: entries by journal, holes.
fn everything(rig: &mut Rig, views: &[JournalView]) -> (Vec<Stored>, Vec<Lost>) {
    let drained: Vec<_> = views.iter().map(|view| rig.drain(view)).collect();
    let lost = drained.iter().flat_map(|(_, lost)| lost.clone()).collect();
    (drained.into_iter().flat_map(|(entries, _)| entries).collect(), lost)
}

#[test]
fn one_flipped_byte_costs_one_entry_and_the_next_punch_is_stored_at_once() {
    let home = folder();
    let (path, all) = written(home.path(), 200);
    let victim = &all[100];
    change(&path, |bytes| {
        let at = find(bytes, &victim.text) + victim.text.len() - 20;
        bytes[at] ^= 0x04;
    });
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    assert_eq!(views.len(), 2);
    assert_eq!(rig.condition(Code::JournalDamaged).subject, victim.journal.to_string());
    let opened = rig.load(views[1].journal, 1, 1).0;
    let Body::Opened { predecessor: Some(before), .. } = read(&opened[0]).body else { panic!("no predecessor") };
    assert_eq!((before.journal, before.sequence, before.head), (victim.journal, Sequence(201), all[200].hash));
    assert_eq!(before.reason, SuccessionReason::Damaged);
    assert_eq!(rig.store(punch(0)).sequence, Sequence(2));
    let (entries, lost) = rig.drain(&views[0]);
    assert_eq!(entries.len(), 200);
    assert_eq!((lost[0].from, lost[0].to, lost[0].head_after), (victim.sequence, victim.sequence, Some(victim.hash)));
    assert_eq!(rig.stream(None, 64).len(), 202);
    rig.stop();
    assert_eq!(files(home.path(), &format!("journal-{}.damaged-1", victim.journal)).len(), 1);
    let mut rig = Rig::start(home.path());
    assert_eq!(rig.available().len(), 2, "a second start begins nothing new");
    rig.stop();
}

#[test]
fn an_entry_whose_stored_hash_is_bad_is_believed_on_the_word_of_the_next() {
    let home = folder();
    let (path, all) = written(home.path(), 20);
    let victim = &all[10];
    change(&path, |bytes| {
        let at = find(bytes, &victim.text) + victim.text.len();
        bytes[at] ^= 0xFF;
    });
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    let (entries, lost) = rig.drain(&views[0]);
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(entries, all);
    rig.stop();
}

#[test]
fn every_page_of_the_file_can_be_wiped_and_the_rest_is_still_sent() {
    let home = folder();
    let (path, all) = written(home.path(), 120);
    let whole = std::fs::read(&path).unwrap();
    let texts: BTreeSet<&str> = all.iter().map(|stored| stored.text.as_str()).collect();
    for page in 0..whole.len() / PAGE {
        let place = folder();
        std::fs::copy(home.path().join("state.db"), place.path().join("state.db")).unwrap();
        let mut bytes = whole.clone();
        let range = page * PAGE..(page + 1) * PAGE;
        bytes[range].fill(0);
        let gone = all.iter().filter(|stored| !bytes.windows(stored.text.len()).any(|window| window == stored.text.as_bytes())).count();
        std::fs::write(place.path().join(path.file_name().unwrap()), bytes).unwrap();
        let mut rig = Rig::start_carelessly(place.path());
        let views = rig.available();
        rig.store(punch(0));
        let (entries, lost) = everything(&mut rig, &views);
        let found = entries.iter().filter(|stored| texts.contains(stored.text.as_str())).count();
        let missing: u64 = lost.iter().map(|hole| hole.to.0 - hole.from.0 + 1).sum();
        assert_eq!((found, missing), (all.len() - gone, u64::try_from(gone).unwrap()), "page {page}");
        rig.stop();
    }
}

#[test]
fn any_flipped_bit_leaves_every_entry_sent_or_declared_lost() {
    let home = folder();
    let (path, all) = written(home.path(), 12);
    let whole = std::fs::read(&path).unwrap();
    let texts: BTreeSet<&str> = all.iter().map(|stored| stored.text.as_str()).collect();
    // Every byte of the header, and places all over the file.
    for at in (0..100).chain((100..whole.len()).step_by(307)) {
        let place = folder();
        std::fs::copy(home.path().join("state.db"), place.path().join("state.db")).unwrap();
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        std::fs::write(place.path().join(path.file_name().unwrap()), bytes).unwrap();
        let mut rig = Rig::start_carelessly(place.path());
        let views = rig.available();
        rig.store(punch(0));
        let (entries, lost) = everything(&mut rig, &views);
        let found = entries.iter().filter(|stored| texts.contains(stored.text.as_str())).count();
        let missing: u64 = lost.iter().map(|hole| hole.to.0 - hole.from.0 + 1).sum();
        assert!(missing <= 1 && found + usize::try_from(missing).unwrap() == all.len(), "byte {at}: {found} found, {missing} missing");
        rig.stop();
    }
}

#[test]
fn damage_in_an_older_part_is_found_while_nobody_taps() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.store_many(200);
    let all = rig.stream(None, 64);
    rig.stop();
    // Reached only by the walk along the whole chain: too far back for the check at start.
    let mut set = super::super::set::Set::open(&options(home.path()), &Clock::system()).unwrap();
    set.make_ready(&Clock::system()).unwrap();
    let path = only_journal(home.path());
    change(&path, |bytes| {
        let at = find(bytes, &all[5].text) + 40;
        bytes[at] ^= 0x01;
    });
    set.open_file().unwrap().connection_mut().unwrap().pragma_update(None, "cache_size", 0).unwrap();
    set.open_file().unwrap().connection_mut().unwrap().execute_batch("PRAGMA shrink_memory").unwrap();
    while set.walk_slice().unwrap() {}
    assert!(!set.is_writable());
    set.make_ready(&Clock::system()).unwrap();
    assert_eq!(set.views().len(), 2);
}

#[test]
fn a_file_that_lost_its_end_is_not_written_on() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.store_many(5);
    rig.stop();
    let path = only_journal(home.path());
    let early = std::fs::read(&path).unwrap();
    let mut rig = Rig::start(home.path());
    rig.available();
    let last = rig.store_many(5).pop().unwrap();
    rig.acknowledge(&last);
    rig.stop();
    std::fs::write(&path, early).unwrap();
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    assert_eq!((views.len(), views[0].last, views[0].head), (2, Sequence(11), last.hash));
    let (entries, lost) = rig.drain(&views[0]);
    assert_eq!(
        (entries.len(), lost.len(), lost[0].from, lost[0].to, lost[0].head_after),
        (6, 1, Sequence(7), Sequence(11), Some(last.hash))
    );
    rig.stop();
}

#[test]
fn a_journal_whose_file_vanished_is_declared_lost_as_far_as_it_was_not_sent() {
    let home = folder();
    let (path, all) = written(home.path(), 10);
    std::fs::remove_file(path).unwrap();
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    assert_eq!((views.len(), views[0].journal, views[0].last), (2, all[0].journal, Sequence(11)));
    let (entries, lost) = rig.drain(&views[0]);
    assert_eq!((entries.len(), lost[0].from, lost[0].to), (0, Sequence(1), Sequence(11)));
    rig.stop();
}

#[test]
fn a_damaged_state_is_set_aside_and_what_it_kept_is_taken_over() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    rig.available();
    assert_eq!(rig.keep("pairing", "the office's address"), Ok(()));
    rig.store_many(5);
    rig.stop();
    let path = home.path().join("state.db");
    change(&path, |bytes| {
        let at = find(bytes, "\"seen\"");
        bytes[at + 2] ^= 0x01;
    });
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    assert_eq!((views.len(), views[0].last), (1, Sequence(6)));
    rig.condition(Code::JournalDamaged);
    rig.stop();
    change(&path, |bytes| bytes.iter_mut().skip(16).take(80).for_each(|byte| *byte = 0xFF));
    let mut rig = Rig::start(home.path());
    assert_eq!(rig.available().len(), 1);
    rig.store(punch(9));
    rig.stop();
    assert_eq!(files(home.path(), "state.damaged-").len(), 1);
}

#[test]
fn a_setting_aside_that_was_cut_short_is_finished_with_its_log() {
    let home = folder();
    let id = JournalId([5; 16]);
    let name = |suffix: &str| home.path().join(format!("journal-{id}{suffix}"));
    std::fs::write(name(".damaged-1.db"), "broken").unwrap();
    std::fs::write(name(".db-wal"), "its log").unwrap();
    let mut rig = Rig::start(home.path());
    rig.available();
    rig.stop();
    assert_eq!(std::fs::read_to_string(name(".damaged-1.db-wal")).unwrap(), "its log");
}

#[test]
fn a_letter_that_is_none_any_more_costs_one_entry_and_not_the_next_punch() {
    let home = folder();
    let (path, all) = written(home.path(), 20);
    change(&path, |bytes| {
        let at = find(bytes, &all[10].text) + 60;
        bytes[at] ^= 0x80;
    });
    let mut rig = Rig::start(home.path());
    let views = rig.available();
    assert_eq!(rig.store(punch(0)).sequence, Sequence(2));
    let (entries, lost) = rig.drain(&views[0]);
    assert_eq!((entries.len(), lost.len(), lost[0].from, lost[0].to), (20, 1, Sequence(11), Sequence(11)));
    rig.stop();
}

#[test]
fn a_log_whose_database_is_gone_is_searched_all_the_same() {
    let home = folder();
    let mut rig = Rig::start(home.path());
    let journal = rig.available()[0].journal;
    rig.store_many(5);
    let all = rig.stream(None, 64);
    let left = folder();
    let log = format!("journal-{journal}.db-wal");
    std::fs::copy(home.path().join(&log), left.path().join(&log)).unwrap();
    rig.stop();
    let mut rig = Rig::start(left.path());
    let views = rig.available();
    assert_eq!(rig.drain(&views[0]), (all, Vec::new()));
    rig.stop();
}

#[test]
fn what_stands_beside_an_entry_and_does_not_follow_from_it_is_damage() {
    for change in ["wall_ms = wall_ms + 1", "trusted_ms = 0", "trusted_ms = NULL", "sync_boot = zeroblob(16)"] {
        let home = folder();
        let (path, all) = written(home.path(), 20);
        let sql = "SELECT sql FROM sqlite_schema WHERE name = 'entry_is_never_changed'";
        let connection = rusqlite::Connection::open(&path).unwrap();
        let trigger: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        let change = format!("DROP TRIGGER entry_is_never_changed; UPDATE entry SET {change} WHERE sequence = 7; {trigger};");
        connection.execute_batch(&change).unwrap();
        drop(connection);
        let mut rig = Rig::start(home.path());
        let views = rig.available();
        assert_eq!((views.len(), rig.condition(Code::JournalDamaged).subject), (2, all[0].journal.to_string()), "{change}");
        assert_eq!(rig.drain(&views[0]), (all, Vec::new()), "{change}");
        rig.stop();
    }
}
