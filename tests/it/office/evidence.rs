//! What the verifier proves and what it finds; backups and going back to one.

use punchd::domain::id::Sequence;
use punchd::office::backup::{BackupError, backup, restore};
use punchd::office::keys::known_office_key;
use punchd::office::store::{Database, SiteId, Store};
use punchd::office::verify::{Report, verify};
use punchd::supervise::Supervisor;
use punchd::wire::batch::{Lost, LostReason};

use super::desk::{Desk, Kiosk, until};
use crate::rig::settings;

#[tokio::test(flavor = "multi_thread")]
async fn everything_as_received_proves_true_and_holes_are_named() {
    let (desk, mut kiosk) = busy_desk().await;
    let hole = Lost { from: Sequence(21), to: Sequence(22), reason: LostReason::Pruned, head_after: Some(kiosk.entries[21].hash) };
    desk.post(&kiosk, kiosk.body(23, 24, vec![hole.clone()])).await.unwrap();
    kiosk.punches(6, "em4100:67003B51C6");
    desk.send(&kiosk, 28, 30).await;
    let report = report(&desk).await;
    assert!(report.is_good(), "{report:?}");
    let [journal] = report.journals.as_slice() else { panic!("one journal") };
    assert_eq!((journal.entries, journal.mark, journal.holes.as_slice()), (25, Sequence(24), [hole].as_slice()));
    assert_eq!(journal.pending, [(Sequence(25), Sequence(27))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_does_not_shake_the_proof() {
    let (desk, kiosk) = busy_desk().await;
    let mut forked = Kiosk { entries: kiosk.entries[..20].to_vec(), ..Kiosk::new("hall-1", 1) };
    forked.punches(3, "em4100:6F007B3972");
    desk.send(&kiosk, 21, 22).await;
    assert_eq!(desk.send(&forked, 19, 23).await.fork, Some(Sequence(21)));
    let mut kiosk = kiosk;
    kiosk.punch("em4100:67003B51C6");
    desk.send(&kiosk, 23, 25).await;
    let report = report(&desk).await;
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.journals[0].forked, report.journals[0].quarantined), (true, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_byte_a_missing_row_and_one_added_behind_our_back_are_found() {
    const GUARDS: &str = "DROP TRIGGER entry_is_never_changed; DROP TRIGGER entry_is_moved_never_removed; PRAGMA foreign_keys = off;";
    let added = "INSERT INTO entry SELECT site, terminal, journal, 21, hash, replace(text, '\"sequence\":20', '\"sequence\":21'), received_at, hash, kind, boot
                 FROM entry WHERE sequence = 20; UPDATE journal SET mark = 21";
    for (tampering, codes) in [
        ("UPDATE entry SET text = replace(text, '67003B51C6', '67003B51C7') WHERE sequence = 7", vec!["changed", "chain"]),
        ("DELETE FROM feed WHERE sequence = 7; DELETE FROM entry WHERE sequence = 7", vec!["missing", "unsigned"]),
        ("DELETE FROM feed WHERE sequence = 20; DELETE FROM entry WHERE sequence = 20", vec!["missing", "signature", "unsigned"]),
        (added, vec!["changed", "chain", "unsigned"]),
        ("UPDATE statement SET signature = replace(signature, '0', '1')", vec!["signature", "unsigned"]),
        ("DELETE FROM statement", vec!["unsigned"]),
        ("UPDATE receipt SET body = CAST(replace(CAST(body AS TEXT), '\"mark\":20', '\"mark\":99') AS BLOB)", vec!["receipt-signature"]),
    ] {
        let (desk, kiosk) = busy_desk().await;
        // A receipt is kept with the write after it.
        desk.post(&kiosk, kiosk.heartbeat()).await.unwrap();
        assert!(report(&desk).await.is_good());
        let connection = rusqlite::Connection::open(&desk.settings.database).unwrap();
        connection.execute_batch(&format!("{GUARDS}{tampering}")).unwrap();
        let found = report(&desk).await;
        let mut names: Vec<&str> = found.faults.iter().map(|fault| fault.code).collect();
        names.sort_unstable();
        names.dedup();
        for code in &codes {
            assert!(names.contains(code), "{code} in {names:?} after {tampering}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_office_is_behind_and_gets_everything_again() {
    let (desk, mut kiosk) = busy_desk().await;
    let copy = desk.folder.path().join("backup");
    let manifest = backup(&desk.settings, &copy, "2026-11-23T12:00:00+08:00".to_owned()).await.unwrap();
    assert_eq!(
        manifest.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
        ["office.db", "office.key", "ca.key.pem", "ca.pem"]
    );
    kiosk.punch("em4100:67003BA86C");
    kiosk.punch("em4100:67003BA86C");
    let last = kiosk.last().0;
    assert_eq!(desk.send(&kiosk, 21, last).await.mark.0, last);
    let seen = desk.store().feed_after(SiteId::FIRST, None, 1_000).await.unwrap();
    assert!(matches!(backup(&desk.settings, &copy, String::new()).await, Err(BackupError::Exists { .. })));
    assert!(matches!(restore(&desk.settings, &copy).await, Err(BackupError::Key(_))), "a running server is not restored over");
    let (folder, old) = desk.close().await;
    // A program that another test starts just then has the server's lock too, until it is the program.
    until("nothing is overwritten", async || matches!(restore(&old, &copy).await, Err(BackupError::Exists { .. }))).await;
    restore(&settings(folder.path().join("second")), &copy).await.unwrap();
    let desk = Desk::open_in(folder, "second").await;
    let receipt = desk.post(&kiosk, kiosk.heartbeat()).await.unwrap();
    assert_eq!(receipt.mark, Sequence(20), "the mark went back");
    assert_eq!(desk.send(&kiosk, 21, last).await.mark.0, last);
    let again = desk.store().feed_after(SiteId::FIRST, Some(seen.next), 1_000).await.unwrap();
    assert_eq!(again.items.len(), seen.items.len(), "a cursor of before begins again");
    assert!(report(&desk).await.is_good());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_a_changed_byte_is_not_restored() {
    let (desk, _) = busy_desk().await;
    let copy = desk.folder.path().join("backup");
    backup(&desk.settings, &copy, String::new()).await.unwrap();
    let file = copy.join("office.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let target = settings(desk.folder.path().join("other"));
    assert!(matches!(restore(&target, &copy).await, Err(BackupError::Broken { .. })));
    assert!(!target.database.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn few_statements_are_kept_and_still_every_entry_is_signed_for() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    for _ in 0..30 {
        let at = kiosk.punch("em4100:67003B51C6").sequence.0;
        desk.send(&kiosk, if at == 2 { 1 } else { at }, at).await;
        desk.post(&kiosk, kiosk.heartbeat()).await.unwrap();
    }
    let kept = desk.store().audit_statements(SiteId::FIRST, kiosk.terminal.clone(), 0, 1_000).await.unwrap();
    assert!(kept.len() <= 3, "{} statements: the day's first, its last, and the one that reaches furthest", kept.len());
    assert!(report(&desk).await.is_good());
}

/// Twenty entries of one kiosk at the office, in three batches; four more at the kiosk.
async fn busy_desk() -> (Desk, Kiosk) {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(23, "em4100:67003B51C6");
    for (from, to) in [(1, 5), (6, 12), (13, 20)] {
        desk.send(&kiosk, from, to).await;
    }
    (desk, kiosk)
}

async fn report(desk: &Desk) -> Report {
    let key = known_office_key(&desk.settings.data_dir).unwrap().unwrap().verifying_key();
    let store = Store::open_to_read(&Database::Sqlite(desk.settings.database.clone()), &Supervisor::new().0).unwrap();
    let report = verify(&store, SiteId::FIRST, &key).await.unwrap();
    store.close().await;
    report
}
