//! A signed file on a USB stick.

use punchd::domain::id::Sequence;
use punchd::office::import::{ImportError, Imported, import};
use punchd::office::keys::known_office_key;
use punchd::office::store::SiteId;
use punchd::office::verify::verify;
use punchd::wire::export::{Header, Tally};

use super::desk::{Desk, Kiosk};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_like_batches_and_twice_harmlessly() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(700, "em4100:67003B51C6");
    desk.send(&kiosk, 1, 10).await;
    let file = signed_file(&kiosk);
    let taken = take(&desk, &file).await.unwrap();
    assert_eq!((taken.entries, taken.accepted, taken.quarantined), (701, 691, 0));
    let again = take(&desk, &file).await.unwrap();
    assert_eq!((again.entries, again.accepted, desk.mark(&kiosk).await), (701, 0, 701));
    assert_eq!(desk.send(&kiosk, 701, 701).await.mark, Sequence(701), "the network goes on where the stick ended");
    let key = known_office_key(&desk.settings.data_dir).unwrap().unwrap().verifying_key();
    let report = verify(desk.store(), SiteId::FIRST, &key).await.unwrap();
    assert!(report.is_good(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_written_while_the_file_was_made_wait_for_the_network() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punch("em4100:67003B51C6");
    let state = kiosk.state();
    kiosk.punch("em4100:67003BA86C");
    let header = serde_json::to_string(&Header::new(kiosk.terminal.clone(), state)).unwrap();
    let taken = take(&desk, &signed(&kiosk, &header)).await.unwrap();
    assert_eq!((taken.accepted, taken.left_out, desk.mark(&kiosk).await), (2, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_changed_cut_or_of_a_stranger_is_refused_and_nothing_of_it_is_taken() {
    let desk = Desk::open().await;
    let mut kiosk = desk.kiosk("hall-1", 1).await;
    kiosk.punches(3, "em4100:67003B51C6");
    let good = signed_file(&kiosk);
    let changed = good.replacen("67003B51C6", "67003BA86C", 1);
    assert!(matches!(take(&desk, &changed).await, Err(ImportError::Signature(_))));
    let cut: String = good.lines().take(3).fold(String::new(), |text, line| text + line + "\n");
    assert!(matches!(take(&desk, &cut).await, Err(ImportError::Form { line: 3, .. })));
    assert!(matches!(take(&desk, good.trim_end()).await, Err(ImportError::Form { .. })));
    let stranger = Kiosk::new("hall-9", 9);
    assert!(matches!(take(&desk, &signed_file(&stranger)).await, Err(ImportError::Unknown(_))));
    desk.store().terminal_revoke(SiteId::FIRST, kiosk.terminal.clone(), desk.clock.wall()).await.unwrap();
    assert!(matches!(take(&desk, &good).await, Err(ImportError::Revoked(_))));
}

fn signed_file(kiosk: &Kiosk) -> String {
    let header = serde_json::to_string(&Header::new(kiosk.terminal.clone(), kiosk.state())).unwrap();
    signed(kiosk, &header)
}

fn signed(kiosk: &Kiosk, header: &str) -> String {
    let mut lines = vec![header.to_owned()];
    lines.extend(kiosk.entries.iter().map(|entry| entry.text.clone()));
    let mut tally = Tally::default();
    for line in &lines {
        tally.line(line);
    }
    lines.push(serde_json::to_string(&tally.sign(&kiosk.key, header)).unwrap());
    lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

async fn take(desk: &Desk, text: &str) -> Result<Imported, ImportError> {
    let path = desk.folder.path().join("stick.jsonl");
    std::fs::write(&path, text).unwrap();
    import(desk.store(), &path, desk.clock.wall(), true).await
}
