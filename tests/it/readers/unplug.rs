//! A reader whose plug is pulled again and again, or is loose.

use std::time::Duration;

use punchd::clock::Clock;

use super::cable::{Cable, em4100, pause};
use super::vitals::{Vitals, recorded, start};
use crate::rig::{Place, badge, has};

/// How often the plug is pulled.
const UNPLUGS: u32 = 20;
/// How long the link dangles after the tty is gone, in milliseconds (seen on a machine with udev).
const DANGLES_MS: u64 = 250;
/// How long the link is late when the tty appears, in milliseconds (seen on a machine with udev: up to 300).
const LATE_MS: u64 = 300;
/// How long a loose plug has contact, and has none, in milliseconds.
const BOUNCE_MS: u64 = 120;
/// An unplug is to be seen within 1 s; the rest is for a busy machine.
const SEEN: Duration = Duration::from_millis(2_500);
/// A reader is to come back within 3 s.
const BACK: Duration = Duration::from_millis(4_500);
/// A reader that cannot be opened is looked for once a second: far less than this share of a processor.
const PROCESSOR_PERCENT_MAX: u64 = 50;
/// Taps after each return.
const TAPS: u32 = 3;

#[test]
fn a_reader_pulled_twenty_times_with_a_loose_plug_is_back_each_time_and_loses_no_tap() {
    let place = Place::new();
    let mut cable = Cable::plugged(&place, "badge");
    let kiosk = start(&place, &[("badge", "em4100")]);
    kiosk.until_open();
    let (events, before, clock) = (kiosk.events(), Vitals::of(&kiosk), Clock::system());
    let connected = |status: &serde_json::Value| status["readers"][0]["connected"] == true;
    let (mut fed, mut slowest_ms) = (Vec::new(), 0);
    for round in 0..UNPLUGS {
        cable.node_goes();
        kiosk.within("the unplug is seen", SEEN, |status| !connected(status));
        pause(DANGLES_MS);
        cable.link_goes();
        if round % 5 == 0 {
            kiosk.within("it is said what to do", SEEN, |status| has(status, "reader-missing"));
        }
        for _ in 0..if round % 3 == 0 { 2 + round % 2 } else { 0 } {
            bounces(&mut cable);
            kiosk.within("it is gone again", SEEN, |status| !connected(status));
        }
        cable.node_appears();
        pause(u64::from(round % 4) * LATE_MS / 3);
        let settled = clock.mono();
        cable.link_appears();
        kiosk.within("the reader is back", BACK, connected);
        slowest_ms = slowest_ms.max(clock.mono().millis_since(settled));
        for tap in 0..TAPS {
            let (bytes, shown) = badge(round * TAPS + tap);
            cable.sends(&em4100(bytes));
            fed.push(shown);
        }
        for _ in 0..TAPS {
            events.next("each tap is recorded", |datum| datum["sequence"].is_u64() && datum["reader"] == "badge");
        }
        kiosk.within("nothing is said any more", SEEN, |status| connected(status) && !has(status, "reader-missing"));
    }
    assert_eq!(recorded(&kiosk), fed, "each once, in order");
    let spent = before.spent(&kiosk, &format!("{UNPLUGS} unplugs, {} taps, slowest return {slowest_ms} ms", fed.len()));
    assert!(spent.processor_percent < PROCESSOR_PERCENT_MAX, "{spent:?}");
    assert!((spent.log_lines as u64) < spent.seconds, "less than a line a second: {spent:?}\n{}", kiosk.log());
}

/// A contact that lasts a moment.
fn bounces(cable: &mut Cable) {
    cable.node_appears();
    cable.link_appears();
    pause(BOUNCE_MS);
    cable.node_goes();
    pause(BOUNCE_MS);
    cable.link_goes();
}
