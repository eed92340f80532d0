//! Pairing with an office, and what goes by hand where no network goes.

use punchd::clock::Clock;
use punchd::office::pairing::open_code;
use punchd::office::serve::start;
use punchd::office::store::SiteId;
use punchd::supervise::Supervisor;
use punchd::wire::pairing::PairingCode;

use crate::rig::{BADGE, Kiosk, Office, Place, condition, has, settings, text};

const ROSTER: &str =
    "工号,姓名,姓名拼音,派驻部门,岗位类别,卡号,进驻日期\nZC0101,欧阳明月,Ouyang Mingyue,示例局,窗口,em4100:67003B51C6,2024-01-02\n";

#[test]
fn a_mistyped_code_and_the_code_of_another_office_do_not_pair() {
    let (place, office, other) = (Place::new(), Office::start(), Office::start());
    let kiosk = Kiosk::start(&place, &place.configure("", &[]));
    let mut wrong: PairingCode = office.code("east-hall-1").parse().unwrap();
    wrong.secret[0] ^= 1;
    let mut elsewhere = wrong.clone();
    elsewhere.ca_digest = other.code("east-hall-1").parse::<PairingCode>().unwrap().ca_digest;
    for (code, why) in [
        (wrong.to_string(), "no such pairing code"),
        (elsewhere.to_string(), "certificate does not fit the code"),
        ("ABCD".to_owned(), "bad-code"),
    ] {
        let refused = kiosk.ctl(&["pair", &office.url(), &code]);
        assert_eq!(refused.status.code(), Some(69));
        assert!(text(&refused.stderr).contains(why), "{why} in {}", text(&refused.stderr));
    }
    let nobody = kiosk.ctl(&["pair", "https://127.0.0.1:1", &wrong.to_string()]);
    assert!(text(&nobody.stderr).contains("cannot be reached"), "{}", text(&nobody.stderr));
    assert!(has(&kiosk.status(), "not-paired") && !place.path("data/pairing.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_older_than_half_an_hour_does_not_pair() {
    let place = Place::new();
    let clock = Clock::skipping(Clock::system().wall());
    let settings = settings(place.path("office"));
    let office = start(&settings, &clock, Supervisor::new().0).await.unwrap();
    let code = open_code(office.store(), SiteId::FIRST, "east-hall-1".parse().unwrap(), office.identity().anchor(), clock.wall()).await;
    let code = code.unwrap().code.to_string();
    clock.skip(31 * 60_000);
    let url = format!("https://{}", office.address());
    let refused = tokio::task::spawn_blocking(move || {
        let kiosk = Kiosk::start(&place, &place.configure("", &[]));
        kiosk.ctl(&["pair", &url, &code])
    });
    let refused = refused.await.unwrap();
    assert!(refused.status.code() == Some(69) && text(&refused.stderr).contains("time is over"), "{}", text(&refused.stderr));
    assert!(office.stop().await);
}

#[test]
fn a_known_person_is_green_by_name_and_in_no_log() {
    let (place, office) = (Place::new(), Office::start());
    std::fs::write(place.path("roster.csv"), ROSTER).unwrap();
    office.run(&["roster", "import", &place.path("roster.csv").display().to_string()]);
    let (badge, kiosk) = place.badge_kiosk();
    office.pair(&kiosk, "east-hall-1");
    kiosk.until("the roster is there", |status| status["office"]["bundle"].is_string() && !has(status, "no-roster"));
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let datum = events.next("the person is known", |datum| datum["name"] == "欧阳明月");
    assert!(datum["sequence"].is_u64());
    kiosk.until("it is at the office", |status| status["backlog"] == 0 && status["acknowledged"] == status["sequence"]);
    let log = kiosk.log();
    for secret in ["欧阳明月", "Ouyang", "67003B51C6", "ZC0101"] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
    office.run(&["terminal", "revoke", "east-hall-1"]);
    assert!(kiosk.ctl(&["sync"]).status.success());
    let status = kiosk.until("the refusal is told", |status| has(status, "office-refuses"));
    assert_eq!(condition(&status, "office-refuses").unwrap()["detail"], status["office"]["last_error"]);
    assert!(!status["office"]["last_error"].as_str().unwrap().is_empty());
}

#[test]
fn pairing_with_another_office_keeps_the_journal_and_sends_it_all() {
    let (place, first, second) = (Place::new(), Office::start(), Office::start());
    let (badge, kiosk) = place.badge_kiosk();
    first.pair(&kiosk, "east-hall-1");
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let journal = events.state("unknown")["journal"].clone();
    kiosk.until("the first office has it", |status| status["backlog"] == 0 && status["acknowledged"] == status["sequence"]);
    second.pair(&kiosk, "west-hall-2");
    let status = kiosk.until("the second office has it", |status| {
        let held = &second.json(&["terminal", "show", "west-hall-2"])["journals"][0]["mark"];
        status["backlog"] == 0 && *held == status["sequence"]
    });
    assert_eq!((&status["journal"], &status["terminal"]), (&journal, &"west-hall-2".into()));
    assert!(status["journals"].as_array().unwrap().len() == 1 && status["office"]["url"] == second.url());
}

#[test]
fn a_signed_file_is_imported_twice_harmlessly() {
    let (place, office) = (Place::new(), Office::start());
    let (badge, kiosk) = place.badge_kiosk();
    office.pair(&kiosk, "east-hall-1");
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let sequence = events.state("unknown")["sequence"].as_u64().unwrap();
    let stick = place.path("stick.punches").display().to_string();
    let exported = kiosk.ctl(&["export", "--signed", &stick]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    for _ in 0..2 {
        office.run(&["import", &stick]);
    }
    let held = office.json(&["terminal", "show", "east-hall-1"]);
    assert!(held["journals"][0]["mark"].as_u64().unwrap() >= sequence && held["journals"][0]["quarantined"] == 0, "{held}");
    office.run(&["verify"]);
    let table = text(&kiosk.ctl(&["export"]).stdout);
    assert!(table.starts_with("\u{FEFF}journal,sequence,at_raw,trust,kind,content\r\n") && table.contains("67003B51C6"), "{table}");
    let lines = text(&kiosk.ctl(&["export", "--format", "jsonl"]).stdout);
    assert_eq!(lines, text(&kiosk.ctl(&["punches", "--json"]).stdout));
}
