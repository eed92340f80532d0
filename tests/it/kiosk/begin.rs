//! Beginning and ending: the ready line, the socket, a second daemon, a signal.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use punchd::clock::Clock;
use punchd::sim::reader::Protocol;
use rustix::process::Signal;
use serde_json::Value;

use crate::rig::{BADGE, Kiosk, OTHER_BADGE, PATIENCE, Place, condition, has, punchd, text, until};

#[test]
fn a_ready_kiosk_tells_its_page_and_its_status_has_exactly_the_stable_keys() {
    let place = Place::new();
    let (_badge, kiosk) = place.badge_kiosk();
    let listen = until("the address is written", PATIENCE, || std::fs::read_to_string(place.path("data/listen")).ok());
    assert_eq!(serde_json::from_str::<Value>(&listen).unwrap(), serde_json::json!({ "ready": true, "listen": kiosk.page() }));
    let mode = std::fs::metadata(place.path("kiosk.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let status = &kiosk.ask(&["status"])[0];
    let keys: BTreeSet<&str> = status.as_object().unwrap().keys().map(String::as_str).collect();
    let stable =
        ["acknowledged", "backlog", "clock", "conditions", "journal", "journals", "office", "readers", "sequence", "terminal", "version"];
    assert_eq!(keys, BTreeSet::from(stable));
    assert!(has(status, "not-paired") && has(status, "no-roster") && status["terminal"].is_null());
    assert!(status["sequence"].as_u64().unwrap() >= 1 && status["acknowledged"] == 0);
    let shown = kiosk.ctl(&["status", "--lang", "zh"]);
    assert!(text(&shown.stdout).contains("尚未与中心配对"));
}

#[test]
fn a_second_daemon_says_what_the_first_one_holds() {
    let place = Place::new();
    let (_badge, kiosk) = place.badge_kiosk();
    let refused = punchd(&place.path("terminal.toml"), &["run"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(69));
    assert!(text(&refused.stderr).contains("another punchd answers there"), "{}", text(&refused.stderr));
    let other = Place::new();
    let config = other.configure("", &[]);
    let same_data = std::fs::read_to_string(&config)
        .unwrap()
        .replace(&other.path("data").display().to_string(), &place.path("data").display().to_string());
    std::fs::write(&config, same_data).unwrap();
    let second = Kiosk::start(&other, &config);
    let status = second.until("it cannot store", |status| has(status, "journal-unavailable"));
    assert!(condition(&status, "journal-unavailable").unwrap()["detail"].as_str().unwrap().contains("another punchd is using it"));
    assert!(!has(&kiosk.status(), "journal-unavailable"), "the first one goes on");
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn a_killed_kiosk_starts_again_over_its_stale_socket_with_everything_that_was_green() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let green = events.state("unknown");
    kiosk.kill();
    assert!(place.path("kiosk.sock").exists());
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    let status = kiosk.until("the journal is open", |status| status["journal"].is_string());
    assert_eq!(status["journal"], green["journal"]);
    let punches = kiosk.ask(&["punches"]);
    assert!(punches.iter().any(|entry| entry["sequence"] == green["sequence"] && entry["kind"] == "punch"), "{punches:?}");
}

#[test]
fn a_signal_ends_it_with_code_0_and_everything_that_was_read_is_stored() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    let events = kiosk.events();
    for round in 0..20 {
        badge.badge(if round % 2 == 0 { &BADGE } else { &OTHER_BADGE }).unwrap();
    }
    events.next("the first is recorded", |datum| datum["sequence"].is_u64());
    kiosk.signal(Signal::TERM);
    assert_eq!(kiosk.ended(), Some(0));
    let told: BTreeSet<u64> = events.rest().iter().filter_map(|datum| datum["sequence"].as_u64()).collect();
    let left_open = std::fs::read_dir(place.path("data"))
        .unwrap()
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().ends_with("-wal") && file.metadata().is_ok_and(|found| found.len() > 0));
    assert_eq!(left_open.count(), 0, "the log is written back");
    drop(badge);
    let _badge = place.reader("badge", Protocol::Em4100);
    let kiosk = Kiosk::start(&place, &place.path("terminal.toml"));
    kiosk.until("the journal is open", |status| status["journal"].is_string());
    let stored: BTreeSet<u64> = kiosk.ask(&["punches"]).iter().filter_map(|entry| entry["sequence"].as_u64()).collect();
    assert!(told.is_subset(&stored), "{told:?} {stored:?}");
}

/// How long an idle kiosk is watched at a time, how often it may wake in that time, and how often it is watched: the start sets a few things
/// going that come to rest.
const WATCHED_MS: u64 = 3_000;
const WAKES_MAX: u64 = 3 * WATCHED_MS / 1_000;
const WATCHES: usize = 3;

#[test]
fn an_idle_kiosk_with_a_badge_reader_wakes_at_most_three_times_a_second() {
    let place = Place::new();
    let (_badge, kiosk) = place.badge_kiosk();
    let clock = Clock::system();
    let watch = |_| {
        let (end, before) = (clock.mono().plus_millis(WATCHED_MS), kiosk.wakes());
        until("it was watched", PATIENCE, || (clock.mono() >= end).then_some(()));
        kiosk.wakes().iter().map(|(thread, wakes)| wakes - before.get(thread).unwrap_or(&0)).sum::<u64>()
    };
    let counts: Vec<u64> = (0..WATCHES).map(watch).collect();
    assert!(counts.iter().any(|count| *count <= WAKES_MAX), "{counts:?} times in {WATCHED_MS} ms each");
}
