//! Real kiosks and a real office: a kiosk's files are damaged while it is stopped or killed, or under its hands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{self, Files, named};
use super::hall::Hall;
use super::wound::{PAGE, Wound};
use crate::rig::{Office, PATIENCE, condition};

/// Taps that the office has before, and that it has not, at each kiosk.
const SENT: u32 = 3;
const WAITING: u32 = 12;

/// What is done to a kiosk's files.
struct Injury {
    what: &'static str,
    /// Whether it is killed, so that its log is not written back, and not stopped in order.
    killed: bool,
    wound: fn(&Files, &Hall) -> (String, Wound),
    /// Whether the journal is set aside.
    aside: bool,
}

const INJURIES: [Injury; 9] = [
    Injury { what: "a bit of an entry", killed: false, wound: |files, hall| (database(files), bit_of(files, hall, 8)), aside: true },
    Injury {
        what: "a high bit of a letter",
        killed: false,
        wound: |files, hall| (database(files), high_bit_of(files, hall, 9)),
        aside: true,
    },
    Injury { what: "a page of zeros", killed: false, wound: |files, hall| (database(files), page_of(files, hall, 7)), aside: true },
    Injury {
        what: "the end cut off",
        killed: false,
        wound: |files, _| (database(files), Wound::Cut { at: files[&database(files)].len() - 2 * PAGE }),
        aside: true,
    },
    Injury { what: "the schema version", killed: false, wound: |files, _| (database(files), Wound::Bit { at: 63, bit: 1 }), aside: true },
    Injury { what: "the file itself", killed: false, wound: |files, _| (database(files), Wound::Gone), aside: true },
    Injury { what: "a bit in the log", killed: true, wound: |files, hall| (log(files), log_bit_of(files, hall, 5)), aside: true },
    Injury {
        what: "the index of the log",
        killed: true,
        wound: |files, _| (named(files, ".db-shm"), Wound::Replaced(vec![0x5A; 32_768])),
        aside: false,
    },
    Injury { what: "the state", killed: false, wound: |_, _| ("state.db".to_owned(), Wound::Replaced(vec![0x5A; 8_192])), aside: false },
];

#[test]
fn damage_at_nine_kiosks_is_shown_declared_and_costs_no_other_punch() {
    let mut office = Office::start();
    let mut halls: Vec<Hall> = INJURIES.iter().map(|_| Hall::open()).collect();
    for (number, hall) in (0..).zip(&mut halls) {
        office.pair(hall.running(), &name(number));
        hall.tap(number * 1_000..number * 1_000 + SENT);
        hall.running().until_drained(PATIENCE);
    }
    office.stop();
    for ((number, hall), injury) in (0..).zip(&mut halls).zip(&INJURIES) {
        hall.tap(number * 1_000 + SENT..number * 1_000 + SENT + WAITING);
        // What is known beside the journal follows as soon as nobody taps.
        let seen = format!("\"seen\":{{\"sequence\":{}", hall.greens.last().unwrap().0.1);
        let state = |files: Files| files.into_iter().filter(|(name, _)| name.starts_with("state.db")).collect::<Files>();
        crate::rig::until("the end is known beside the journal", PATIENCE, || {
            files::hold(&state(hall.data()), seen.as_bytes()).then_some(())
        });
        if injury.killed {
            hall.kill();
        } else {
            hall.stop();
        }
        let mut files = hall.data();
        let (file, wound) = (injury.wound)(&files, hall);
        assert!(wound.inflict(&mut files, &file), "{}", injury.what);
        std::fs::remove_file(hall.path(&file)).unwrap();
        files::write(&hall.place.path("data"), &files);
    }
    office.start_again();
    for ((number, hall), injury) in (0..).zip(&mut halls).zip(&INJURIES) {
        check_kiosk(hall, injury, number);
    }
    let held: BTreeMap<(String, u64), String> = office.punches().into_iter().map(|punch| (punch.place, punch.credential)).collect();
    let report = office.json(&["verify"]);
    assert_eq!(report["faults_total"], 0, "{report:#}");
    for ((number, hall), injury) in (0..).zip(&halls).zip(&INJURIES) {
        check_office(&office, hall, injury, number, &held, &report);
    }
    let credentials: BTreeSet<&String> = held.values().collect();
    assert_eq!(credentials.len(), held.len(), "a punch is held twice");
}

/// It starts, says which journal is damaged, is green at once, and has nothing left to send.
fn check_kiosk(hall: &mut Hall, injury: &Injury, number: u32) {
    hall.start();
    let journal = hall.greens[0].0.0.clone();
    hall.tap(number * 1_000 + 500..number * 1_000 + 501);
    let status = hall.running().until("its conditions are told", |status| !injury.aside || condition(status, "journal-damaged").is_some());
    if injury.aside {
        assert_eq!(condition(&status, "journal-damaged").unwrap()["subject"], journal, "{}", injury.what);
    }
    assert_eq!(hall.greens.last().unwrap().0.0 != journal, injury.aside, "{}", injury.what);
    hall.running().until_drained(PATIENCE);
}

/// Each green is held once, or declared lost where `verify` names it.
fn check_office(office: &Office, hall: &Hall, injury: &Injury, number: u32, held: &BTreeMap<(String, u64), String>, report: &Value) {
    let holes: Vec<(String, u64, u64)> = report["journals"].as_array().unwrap().iter().flat_map(holes_of).collect();
    let mut lost = 0;
    for (place, credential) in &hall.greens {
        if let Some(found) = held.get(place) {
            assert_eq!(found, credential, "{}", injury.what);
            continue;
        }
        let declared = holes.iter().any(|(journal, from, to)| *journal == place.0 && (from..=to).contains(&&place.1));
        assert!(declared, "{}: {place:?} is neither held nor declared lost", injury.what);
        lost += 1;
    }
    let shown = office.json(&["terminal", "show", &name(number)]);
    let shown_lost: u64 = shown["journals"].as_array().unwrap().iter().map(|journal| journal["lost"].as_u64().unwrap()).sum();
    println!("{}: {} greens, {lost} declared lost", injury.what, hall.greens.len());
    assert!(shown_lost >= lost, "{}: {shown:#}", injury.what);
    assert!(injury.aside || lost == 0, "{}", injury.what);
    let complete = shown["journals"].as_array().unwrap().iter().all(|journal| journal["mark"] == journal["announced"]);
    assert!(complete, "{}: the mark passes every hole: {shown:#}", injury.what);
}

fn holes_of(journal: &Value) -> Vec<(String, u64, u64)> {
    let id = journal["journal"].as_str().unwrap().to_owned();
    let holes = journal["holes"].as_array().unwrap().iter();
    holes.map(|hole| (id.clone(), hole["from"].as_u64().unwrap(), hole["to"].as_u64().unwrap())).collect()
}

#[test]
fn a_journal_taken_from_under_a_running_kiosk_is_missed_at_the_next_tap_and_declared() {
    let (office, mut hall) = (Office::start(), Hall::open());
    office.pair(hall.running(), "east-hall-1");
    hall.tap(1..4);
    hall.running().until_drained(PATIENCE);
    let name = database(&hall.data());
    std::fs::rename(hall.path(&name), hall.place.path("elsewhere.db")).unwrap();
    let told = hall.tap_in_vain(4);
    assert_eq!(told["state"], "not-recorded", "{told:#}");
    hall.running().until("it recovers", |status| status["journal"].is_string() && status["journal"] != hall.greens[0].0.0.as_str());
    hall.tap(5..8);
    hall.running().until_drained(PATIENCE);
    let held: BTreeMap<(String, u64), String> = office.punches().into_iter().map(|punch| (punch.place, punch.credential)).collect();
    assert_eq!(held, hall.greens.iter().cloned().collect());
    assert_eq!(office.json(&["verify"])["faults_total"], 0);
}

fn name(number: u32) -> String {
    format!("hall-{number}")
}

fn database(files: &Files) -> String {
    named(files, ".db")
}

fn log(files: &Files) -> String {
    named(files, ".db-wal")
}

/// Where the badge of a tap that was not sent stands in a file.
fn place_of(bytes: &[u8], hall: &Hall, index: usize) -> usize {
    let text = hall.greens[usize::try_from(SENT).unwrap() + index].1.as_bytes();
    bytes.windows(text.len()).rposition(|window| window == text).expect("the badge stands in the file")
}

fn bit_of(files: &Files, hall: &Hall, index: usize) -> Wound {
    Wound::Bit { at: place_of(&files[&database(files)], hall, index) + 8, bit: 0 }
}

fn high_bit_of(files: &Files, hall: &Hall, index: usize) -> Wound {
    Wound::Bit { at: place_of(&files[&database(files)], hall, index) + 8, bit: 7 }
}

fn page_of(files: &Files, hall: &Hall, index: usize) -> Wound {
    let at = place_of(&files[&database(files)], hall, index);
    Wound::Zero { at: at - at % PAGE, length: PAGE }
}

fn log_bit_of(files: &Files, hall: &Hall, index: usize) -> Wound {
    Wound::Bit { at: place_of(&files[&log(files)], hall, index) + 8, bit: 0 }
}
