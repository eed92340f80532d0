//! A kiosk with a badge reader behind a line that can be spoilt, and what happened at it.

use std::collections::BTreeSet;
use std::time::Duration;

use punchd::clock::Clock;
use punchd::sim::reader::SimReader;
use serde_json::Value;

use super::super::rig::{EntryPlace, Events, Kiosk, Office, PATIENCE, Place, Tally, badge, confirmation, until};
use super::proxy::Proxy;

/// A tap that waited for the network would wait at least for a silence of 15 s; this leaves room for a busy machine.
const GREEN_WITHIN_MS: u64 = 5_000;

/// The kiosk, its reader and its line.
pub(super) struct Stand {
    pub(super) place: Place,
    pub(super) kiosk: Kiosk,
    pub(super) line: Proxy,
    pub(super) terminal: String,
    pub(super) tally: Tally,
    badge: SimReader,
    events: Events,
    next: u32,
}

impl Stand {
    /// A kiosk that is paired over a good line; badge numbers begin at `number` times a hundred thousand.
    pub(super) fn paired(office: &Office, number: u32) -> Self {
        let stand = Self::new(Place::new(), Proxy::to(office.address), number);
        office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
        stand
    }

    /// A kiosk that is not paired, over a line and a data directory that are there already.
    pub(super) fn new(place: Place, line: Proxy, number: u32) -> Self {
        let (badge, kiosk) = place.badge_kiosk();
        let events = kiosk.events();
        let (terminal, next) = (format!("hall-{number}"), number * 100_000);
        Self { place, kiosk, line, terminal, tally: Tally::default(), badge, events, next }
    }

    /// Somebody taps with a badge of their own, and the page is green at once; how long that took, in milliseconds.
    pub(super) fn tap(&mut self) -> u64 {
        let (bytes, shown) = badge(self.next);
        self.next += 1;
        self.events.rest();
        let clock = Clock::system();
        let before = clock.mono();
        self.badge.badge(&bytes).unwrap();
        self.tally.fed.insert(shown);
        let datum = self.events.next("the tap is recorded", |datum| confirmation(datum).is_some());
        let took_ms = clock.mono().millis_since(before);
        assert!(took_ms < GREEN_WITHIN_MS, "{}: green after {took_ms} ms", self.terminal);
        self.tally.confirmed.extend(confirmation(&datum));
        took_ms
    }

    /// The credential and the place of the latest tap.
    pub(super) fn latest(&self) -> EntryPlace {
        self.tally.confirmed.last().unwrap().clone()
    }

    /// A technician asks to try now.
    pub(super) fn sync(&self) {
        assert!(self.kiosk.ctl(&["sync"]).status.success());
    }

    /// Asks until the office has everything and nothing is wrong with it any more.
    pub(super) fn drain(&self, limit: Duration) -> Value {
        self.sync();
        self.kiosk.within("everything is at the office, and all is well with it", limit, |status| {
            let settled = status["office"]["reachable"] == true && office_conditions(status).is_empty();
            settled && status["backlog"] == 0 && status["acknowledged"] == status["sequence"]
        })
    }

    /// Asks until this office says that it has everything.
    pub(super) fn drain_to(&self, office: &Office, limit: Duration) {
        until("the office has everything", limit, || {
            self.sync();
            let status = self.kiosk.status();
            (mark(office, &self.terminal) == status["sequence"].as_u64() && status["backlog"] == 0).then_some(())
        });
    }

    /// Waits for a condition whose particulars contain this, with its remedy in both languages.
    pub(super) fn until_told(&self, code: &str, says: &str) -> Value {
        self.kiosk.within(&format!("{code}: {says}"), PATIENCE * 3, |status| is_told(status, code, says))
    }

    /// Nothing that is secret, and nothing that an impostor said, is in the log.
    pub(super) fn check_log(&self, secrets: &[&str]) {
        let log = self.kiosk.log();
        let read = |name: &str| std::fs::read_to_string(self.place.path("data").join(name)).unwrap();
        let pairing: Value = serde_json::from_str(&read("pairing.json")).unwrap();
        let ca = pairing["ca"].as_str().unwrap().lines().nth(1).unwrap().to_owned();
        let own = [read("terminal.key").trim().to_owned(), ca, "PRIVATE KEY".to_owned(), "ed25519=".to_owned()];
        for secret in own
            .iter()
            .map(String::as_str)
            .chain(secrets.iter().copied())
            .chain(self.tally.fed.iter().filter_map(|fed| fed.strip_prefix("em4100:")))
        {
            assert!(!log.contains(secret), "{}: {secret} is in the log", self.terminal);
        }
    }
}

/// How far an office has what a terminal's open journal holds.
pub(super) fn mark(office: &Office, terminal: &str) -> Option<u64> {
    let shown = office.json(&["terminal", "show", terminal]);
    shown["journals"].as_array()?.iter().filter_map(|journal| journal["mark"].as_u64()).max()
}

/// Everything that is wrong with the office, as codes.
pub(super) fn office_conditions(status: &Value) -> BTreeSet<String> {
    let codes = status["conditions"].as_array().unwrap().iter().filter_map(|condition| condition["code"].as_str());
    codes.filter(|code| code.starts_with("office-")).map(ToOwned::to_owned).collect()
}

/// Whether this alone is wrong with the office, with particulars and remedies.
pub(super) fn is_told(status: &Value, code: &str, says: &str) -> bool {
    let told = super::super::rig::condition(status, code).filter(|condition| {
        let remedies = condition["remedy"].as_array().unwrap();
        let detail = condition["detail"].as_str().unwrap_or_default();
        detail.contains(says) && remedies.len() == 2 && remedies.iter().all(|remedy| !remedy.as_str().unwrap().is_empty())
    });
    told.is_some() && office_conditions(status).len() == 1
}
