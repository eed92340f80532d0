//! A data directory that a newer program has written, under an older one.

use super::files::named;
use super::hall::Hall;
use crate::rig::{condition, has};

#[test]
fn a_journal_of_a_newer_program_asks_for_paper_and_stays_as_it_is_to_the_byte() {
    let mut hall = Hall::open();
    hall.tap(1..4);
    hall.stop();
    let name = named(&hall.data(), ".db");
    let newer = "CREATE TABLE newer (one INTEGER) STRICT; PRAGMA user_version = 2";
    rusqlite::Connection::open(hall.path(&name)).unwrap().execute_batch(newer).unwrap();
    let before = hall.data()[&name].clone();
    hall.start_without_journal();
    let status = hall.running().until("it says why", |status| has(status, "journal-unavailable"));
    let why = condition(&status, "journal-unavailable").unwrap()["detail"].as_str().unwrap().to_owned();
    assert!(why.contains("made by a newer program") && why.contains("install the newer punchd again"), "{why}");
    let told = hall.tap_in_vain(4);
    assert_eq!(told["state"], "not-recorded", "{told:#}");
    hall.stop();
    assert_eq!(hall.data()[&name], before);
    assert!(hall.data().keys().all(|name| !name.contains("damaged")));
}
