//! A data directory that cannot be used: nothing is green, paper is asked for, and it recovers by itself.

use punchd::sim::reader::Protocol;

use crate::rig::{BADGE, Kiosk, Office, Place, condition, has, text};

#[test]
fn a_data_directory_that_is_a_file_asks_for_paper_and_recovers_once_mended() {
    let place = Place::new();
    let badge = place.reader("badge", Protocol::Em4100);
    std::fs::write(place.path("data"), "in the way").unwrap();
    let kiosk = Kiosk::start(&place, &place.configure("", &[("badge", "em4100")]));
    let status = kiosk.until("it cannot store", |status| has(status, "journal-unavailable") && status["readers"][0]["connected"] == true);
    assert!(status["journal"].is_null() && status["sequence"] == 0);
    assert!(condition(&status, "journal-unavailable").unwrap()["detail"].as_str().unwrap().contains("data"));
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let refused = events.state("not-recorded");
    assert!(refused["sequence"].is_null() && refused["journal"].is_null());
    let unpaired = kiosk.ctl(&["export", "--signed", &place.path("stick").display().to_string()]);
    assert!(unpaired.status.code() == Some(69) && !place.path("stick").exists(), "{}", text(&unpaired.stderr));
    std::fs::remove_file(place.path("data")).unwrap();
    std::fs::create_dir(place.path("data")).unwrap();
    kiosk.until("it recovers", |status| status["journal"].is_string() && !has(status, "journal-unavailable"));
    let meanwhile = events.rest();
    assert!(meanwhile.iter().all(|datum| datum["sequence"].is_null() && datum["state"] != "recorded"), "{meanwhile:?}");
    badge.badge(&BADGE).unwrap();
    assert!(events.state("unknown")["sequence"].is_u64());
    let listen =
        crate::rig::until("the address is written", crate::rig::PATIENCE, || std::fs::read_to_string(place.path("data/listen")).ok());
    assert!(listen.contains(kiosk.page()));
}

#[test]
fn a_kiosk_whose_data_directory_came_late_still_finds_its_office() {
    let (place, office) = (Place::new(), Office::start());
    let kiosk = Kiosk::start(&place, &place.configure("", &[]));
    office.pair(&kiosk, "east-hall-1");
    assert_eq!(kiosk.stop(), Some(0));
    std::fs::rename(place.path("data"), place.path("away")).unwrap();
    std::fs::write(place.path("data"), "not mounted yet").unwrap();
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    kiosk.until("it cannot store", |status| has(status, "journal-unavailable") && has(status, "not-paired"));
    std::fs::remove_file(place.path("data")).unwrap();
    std::fs::rename(place.path("away"), place.path("data")).unwrap();
    let status = kiosk.until("the office is reached", |status| status["office"]["reachable"] == true);
    assert_eq!(status["terminal"], "east-hall-1");
}

#[test]
fn a_damaged_journal_is_named_in_the_status() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let journal = events.state("unknown")["journal"].as_str().unwrap().to_owned();
    assert_eq!(kiosk.stop(), Some(0));
    std::fs::write(place.path(&format!("data/journal-{journal}.db")), "no database any more, and long enough to be looked at".repeat(100))
        .unwrap();
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    let status = kiosk.until("it is told", |status| has(status, "journal-damaged") && status["journal"].is_string());
    let old = status["journals"].as_array().unwrap().iter().find(|old| old["journal"] == journal.as_str()).unwrap();
    assert!(old["damage"].as_str().unwrap().starts_with("journal-damaged") && old["open"] == false, "{old}");
    let open = status["journals"].as_array().unwrap().iter().find(|journal| journal["open"] == true).unwrap();
    assert_eq!((&open["damage"], &open["journal"]), (&"".into(), &status["journal"]));
}
