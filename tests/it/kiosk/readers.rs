//! Readers: pulled and put back, watched byte by byte, and badges that nobody knows yet.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use punchd::sim::reader::Protocol;
use serde_json::Value;

use crate::rig::{BADGE, Kiosk, OTHER_BADGE, Place, condition, has, text};

/// An unplug is to be seen within 1 s; the rest is for a busy machine.
const SEEN: Duration = Duration::from_millis(2_500);
/// A reader is to come back within 3 s.
const BACK: Duration = Duration::from_millis(4_500);

#[test]
fn a_reader_pulled_is_told_within_a_second_comes_back_by_itself_and_the_other_goes_on() {
    let place = Place::new();
    let (badge, line) = (place.reader("badge", Protocol::Em4100), place.reader("qr", Protocol::Line));
    let kiosk = Kiosk::start(&place, &place.configure("", &[("badge", "em4100"), ("qr", "line")]));
    let connected = |status: &Value, place: usize| status["readers"][place]["connected"].as_bool().unwrap();
    kiosk.until("both are open", |status| connected(status, 0) && connected(status, 1) && status["journal"].is_string());
    let events = kiosk.events();
    badge.unplug().unwrap();
    let status = kiosk.within("the reader is missing", SEEN, |status| !connected(status, 0));
    assert!(status["readers"][0]["detail"].as_str().unwrap().contains("unplugged"));
    line.line("QR-17").unwrap();
    assert_eq!(events.state("unknown")["reader"], "qr", "the other reader goes on");
    let status = kiosk.within("it is said what to do", SEEN, |status| has(status, "reader-missing"));
    assert_eq!(condition(&status, "reader-missing").unwrap()["subject"], "badge");
    let shown = text(&kiosk.ctl(&["status"]).stdout);
    assert!(shown.contains("A reader is not connected [badge]") && shown.contains("✘ badge"), "{shown}");
    badge.plug().unwrap();
    let status = kiosk.within("it is back", BACK, |status| connected(status, 0));
    assert!(!has(&status, "reader-missing") && status["readers"][0]["reopened"] == 1);
    badge.badge(&BADGE).unwrap();
    assert_eq!(events.next("the badge", |datum| datum["reader"] == "badge" && datum["state"] == "unknown")["reader"], "badge");
}

#[test]
fn an_unknown_badge_without_a_roster_is_recorded_all_the_same() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    let events = kiosk.events();
    badge.badge(&BADGE).unwrap();
    let datum = events.state("unknown");
    let status = kiosk.status();
    assert_eq!((&datum["journal"], datum["reason"].as_str()), (&status["journal"], Some("no_roster")));
    let punches = kiosk.ask(&["punches"]);
    let sequences: Vec<u64> = punches.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<u64>>(), "one line for each entry, oldest first");
    let entry = punches.iter().find(|entry| entry["sequence"] == datum["sequence"]).unwrap();
    assert!(entry.to_string().contains("67003B51C6"), "{entry}");
    assert_eq!(kiosk.ask(&["punches", "--after", &(sequences.len() - 1).to_string()]).len(), 1);
    assert!(!kiosk.log().contains("67003B51C6"), "badge numbers reach no log: {}", kiosk.log());
}

#[test]
fn live_bytes_are_shown_as_they_come_and_an_unknown_reader_is_refused() {
    let place = Place::new();
    let (badge, kiosk) = place.badge_kiosk();
    let mut raw = kiosk.command(&["readers", "--raw", "badge"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(raw.stdout.take().unwrap()).lines();
    let events = kiosk.events();
    // The tool may not be listening yet: badges are shown to it until one is seen.
    let (seen, heard) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || seen.send(lines.next().unwrap().unwrap()));
    let mut shown = None;
    for round in 0..40 {
        badge.badge(if round % 2 == 0 { &BADGE } else { &OTHER_BADGE }).unwrap();
        events.next("it is read", |datum| datum["sequence"].is_u64());
        shown = heard.recv_timeout(Duration::from_millis(250)).ok();
        if shown.is_some() {
            break;
        }
    }
    raw.kill().unwrap();
    raw.wait().unwrap();
    reading.join().unwrap().ok();
    let shown = shown.unwrap();
    assert!(shown.contains("02363730303342"), "{shown}");
    let refused = kiosk.ctl(&["readers", "--raw", "nowhere"]);
    assert!(refused.status.code() == Some(69) && text(&refused.stderr).contains("no reader is named nowhere"));
}
