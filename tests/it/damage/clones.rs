//! A disk copied into another machine: two kiosks with one key and one journal, both tapped.

use std::collections::BTreeSet;

use super::hall::Hall;
use crate::rig::{Office, PATIENCE, condition, text};

#[test]
fn two_kiosks_with_one_disk_both_keep_every_green_and_the_one_told_to_heals() {
    let (office, mut first) = (Office::start(), Hall::open());
    office.pair(first.running(), "east-hall-1");
    first.tap(1..6);
    first.running().until_drained(PATIENCE);
    let journal = first.greens[0].0.0.clone();
    first.stop();
    let mut second = first.cloned();
    first.start();
    first.tap(100..106);
    first.running().until_drained(PATIENCE);
    second.start();
    second.tap(200..206);
    let status = second.running().until("the fork is told", |status| condition(status, "journal-forked").is_some());
    assert_eq!(condition(&status, "journal-forked").unwrap()["subject"], journal.as_str());
    for number in [300, 400] {
        first.tap(number..number + 4);
        second.tap(number + 50..number + 54);
    }
    for hall in [&first, &second] {
        hall.running().until_drained(PATIENCE);
    }
    assert!(first.greens.iter().all(|(place, _)| place.0 == journal), "the untouched twin goes on in its journal");
    assert_ne!(second.greens.last().unwrap().0.0, journal, "the one told to begins a new journal");
    check_office(&office, &journal, &[&first, &second]);
}

fn check_office(office: &Office, journal: &str, halls: &[&Hall]) {
    let shown = office.json(&["terminal", "show", "east-hall-1"]);
    let journals = shown["journals"].as_array().unwrap();
    let forked: Vec<_> = journals.iter().filter(|known| known["forked"] == true).collect();
    assert!(forked.len() == 1 && forked[0]["journal"] == journal, "{shown:#}");
    assert!(forked[0]["quarantined"].as_u64() > Some(0), "the copies are kept as evidence: {shown:#}");
    let report = office.json(&["verify"]);
    assert_eq!(report["faults_total"], 0, "{report:#}");
    assert!(text(&office.run(&["verify"]).stdout).contains("forked"));
    let held: Vec<String> = office.punches().into_iter().map(|punch| punch.credential).collect();
    let greens: BTreeSet<String> = halls.iter().flat_map(|hall| hall.greens.iter().map(|(_, credential)| credential.clone())).collect();
    println!("two kiosks with one disk: {} greens, {} held", greens.len(), held.len());
    assert_eq!(held.iter().cloned().collect::<BTreeSet<_>>(), greens);
    assert_eq!(held.len(), greens.len(), "each green is counted once");
}
