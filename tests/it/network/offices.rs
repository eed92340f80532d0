//! The office went back to yesterday, is two, is another, or has another key.

use std::time::Duration;

use punchd::office::keys::OFFICE_KEY_FILE;

use super::super::rig::{Office, Tally};
use super::stand::Stand;

/// How long everything has to reach an office again.
const DRAIN_LIMIT: Duration = Duration::from_secs(40);
/// Taps of a day.
const TAPS: usize = 5;

#[test]
fn an_office_restored_from_yesterday_gets_everything_again() {
    let mut office = Office::start();
    let mut stand = Stand::paired(&office, 1);
    let backup = stand.place.path("backup").display().to_string();
    tap_and_drain(&mut stand, &office);
    office.run(&["backup", &backup]);
    tap_and_drain(&mut stand, &office);
    office.stop();
    std::fs::rename(office.data(), stand.place.path("broken")).unwrap();
    office.run(&["restore", &backup]);
    office.start_again();
    stand.tap();
    stand.drain_to(&office, DRAIN_LIMIT);
    check(&stand, &office, "restored from yesterday");
    stand.drain(DRAIN_LIMIT);
}

#[test]
fn two_offices_behind_one_name_one_a_copy_of_the_other_both_get_everything() {
    let first = Office::start();
    let mut stand = Stand::paired(&first, 1);
    let backup = stand.place.path("backup").display().to_string();
    tap_and_drain(&mut stand, &first);
    first.run(&["backup", &backup]);
    tap_and_drain(&mut stand, &first);
    let mut copy = Office::configured("");
    copy.run(&["restore", &backup]);
    copy.start_again();
    stand.line.lead_to(&[copy.address, first.address]);
    for _ in 0..TAPS {
        stand.tap();
        stand.sync();
        stand.line.hang_up();
    }
    // After a mark that went back the kiosk rests for a second, so each office is its office for as long as it takes to have everything.
    for office in [&copy, &first, &copy, &first] {
        stand.line.lead_to(&[office.address]);
        stand.tap();
        stand.drain_to(office, DRAIN_LIMIT);
    }
    stand.line.lead_to(&[copy.address]);
    stand.drain_to(&copy, DRAIN_LIMIT);
    check(&stand, &first, "the first of two offices behind one name");
    check(&stand, &copy, "the second of two offices behind one name");
}

#[test]
fn a_foreign_office_behind_the_same_name_gets_nothing_and_is_told() {
    let (office, foreign) = (Office::start(), Office::start());
    let mut stand = Stand::paired(&office, 1);
    tap_and_drain(&mut stand, &office);
    stand.line.lead_to(&[foreign.address]);
    stand.tap();
    stand.sync();
    stand.until_told("office-untrusted", "certificate");
    stand.line.lead_to(&[foreign.address, office.address]);
    stand.tap();
    stand.drain_to(&office, DRAIN_LIMIT);
    stand.line.lead_to(&[office.address]);
    stand.drain(DRAIN_LIMIT);
    check(&stand, &office, "a foreign office behind the same name");
    assert!(foreign.punches().is_empty());
    assert!(foreign.log().lines().count() < 20, "{}", foreign.log());
}

#[test]
fn an_office_whose_key_was_replaced_is_not_believed_until_it_is_paired_again() {
    let mut office = Office::start();
    let mut stand = Stand::paired(&office, 1);
    tap_and_drain(&mut stand, &office);
    office.stop();
    std::fs::rename(office.data().join(OFFICE_KEY_FILE), stand.place.path("old.key")).unwrap();
    office.start_again();
    stand.tap();
    stand.sync();
    let status = stand.until_told("office-untrusted", "another key");
    assert!(status["backlog"].as_u64() > Some(0), "an unproven receipt acknowledged something: {status:#}");
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    stand.drain_to(&office, DRAIN_LIMIT);
    stand.drain(DRAIN_LIMIT);
    check(&stand, &office, "the office's key was replaced");
    stand.check_log(&[]);
}

#[test]
fn a_revoked_kiosk_is_paired_again_and_sends_what_it_kept() {
    let office = Office::start();
    let mut stand = Stand::paired(&office, 1);
    tap_and_drain(&mut stand, &office);
    office.run(&["terminal", "revoke", &stand.terminal]);
    stand.tap();
    stand.sync();
    stand.until_told("office-refuses", "revoked");
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    stand.drain_to(&office, DRAIN_LIMIT);
    stand.drain(DRAIN_LIMIT);
    check(&stand, &office, "revoked and paired again");
    stand.check_log(&[]);
}

fn tap_and_drain(stand: &mut Stand, office: &Office) {
    for _ in 0..TAPS {
        stand.tap();
    }
    stand.drain_to(office, DRAIN_LIMIT);
}

fn check(stand: &Stand, office: &Office, what: &str) {
    office.check_verified();
    let tally = Tally { fed: stand.tally.fed.clone(), confirmed: stand.tally.confirmed.clone(), held: office.punches() };
    assert_eq!(tally.held.len(), tally.fed.len());
    tally.check(what);
}
