//! A database on a recorded disk: everything that SQLite does is seen, and every planned fault is met.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{Chance, Disk, Fault, Operation, Replay};

fn open(disk: &Disk, path: &Path) -> Connection {
    let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), disk.name()).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS t (n)").unwrap();
    connection
}

fn rows(path: &Path) -> i64 {
    Connection::open(path).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn insert(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("INSERT INTO t VALUES (1)", [])
}

#[test]
fn a_recording_kept_whole_is_the_folder_itself() {
    let home = tempfile::tempdir().unwrap();
    let disk = Disk::register(home.path(), true).unwrap();
    let connection = open(&disk, &home.path().join("a.db"));
    for _ in 0..20 {
        insert(&connection).unwrap();
    }
    let recording = disk.recording();
    let syncs = recording.operations().iter().filter(|operation| matches!(operation, Operation::Sync { .. })).count() as u64;
    assert_eq!(syncs, disk.total(|_| true).syncs);
    let mut replay = Replay::new(&recording);
    replay.advance_to(recording.operations().len());
    let image = replay.cut(&mut Chance::new(1));
    for name in ["a.db", "a.db-wal"] {
        assert!(image.0[name] == std::fs::read(home.path().join(name)).unwrap(), "{name} is as it was synced");
    }
}

#[test]
fn a_commit_that_was_synced_survives_every_cut_behind_it() {
    let home = tempfile::tempdir().unwrap();
    let disk = Disk::register(home.path(), false).unwrap();
    let connection = open(&disk, &home.path().join("a.db"));
    let mut places = Vec::new();
    for _ in 0..10 {
        insert(&connection).unwrap();
        places.push(disk.recording().operations().len());
    }
    let recording = disk.recording();
    let mut replay = Replay::new(&recording);
    for (sure, place) in (1..).zip(places) {
        replay.advance_to(place);
        for seed in 0..20 {
            let after = tempfile::tempdir().unwrap();
            replay.cut(&mut Chance::new(seed)).write_to(after.path()).unwrap();
            assert_eq!(rows(&after.path().join("a.db")), sure);
        }
    }
}

#[test]
fn a_planned_fault_is_met_at_its_place_and_ends() {
    let home = tempfile::tempdir().unwrap();
    let disk = Disk::register(home.path(), true).unwrap();
    let connection = open(&disk, &home.path().join("a.db"));
    insert(&connection).unwrap();
    let code = |result: rusqlite::Result<usize>| result.err().and_then(|error| error.sqlite_error().map(|error| error.extended_code));
    disk.plan(Fault::full(1..=1));
    assert_eq!(code(insert(&connection)), Some(rusqlite::ffi::SQLITE_FULL));
    disk.plan(Fault::sync_fails(2..=2));
    assert_eq!(code(insert(&connection)), None);
    assert_eq!(code(insert(&connection)), Some(rusqlite::ffi::SQLITE_IOERR_FSYNC));
    disk.plan(Fault::read_only());
    assert_eq!(code(insert(&connection)), Some(rusqlite::ffi::SQLITE_IOERR_WRITE));
    assert!(disk.struck() > 0);
    disk.mend();
    insert(&connection).unwrap();
    drop(connection);
    assert_eq!(rows(&home.path().join("a.db")), 3);
}
