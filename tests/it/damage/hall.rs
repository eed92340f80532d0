//! One kiosk in its place, with people who each tap a badge of their own.

use std::path::PathBuf;

use punchd::sim::reader::{Protocol, SimReader};
use serde_json::Value;

use super::files::{self, Files};
use crate::rig::{EntryPlace, Events, Kiosk, Place, badge, confirmation};

/// A kiosk's place; it may run or not.
pub(super) struct Hall {
    pub(super) place: Place,
    pub(super) reader: SimReader,
    pub(super) kiosk: Option<Kiosk>,
    /// What was confirmed: the place of the entry and the credential.
    pub(super) greens: Vec<(EntryPlace, String)>,
}

impl Hall {
    /// Runs, with its journal open.
    pub(super) fn open() -> Self {
        let place = Place::new();
        let (reader, kiosk) = place.badge_kiosk();
        Self { place, reader, kiosk: Some(kiosk), greens: Vec::new() }
    }

    /// Another machine with a copy of this one's data directory, not yet running.
    pub(super) fn cloned(&self) -> Self {
        let place = Place::new();
        std::fs::create_dir(place.path("data")).unwrap();
        files::write(&place.path("data"), &files::read(&self.place.path("data")));
        let reader = place.reader("badge", Protocol::Em4100);
        place.configure("", &[("badge", "em4100")]);
        Self { place, reader, kiosk: None, greens: Vec::new() }
    }

    pub(super) fn running(&self) -> &Kiosk {
        self.kiosk.as_ref().unwrap()
    }

    /// Starts again and takes punches.
    pub(super) fn start(&mut self) {
        self.start_without_journal();
        self.running().until_open();
    }

    /// Starts again, whether it can store anything or not.
    pub(super) fn start_without_journal(&mut self) {
        let kiosk = Kiosk::start(&self.place, &self.config());
        kiosk.until("the reader is open", |status| status["readers"][0]["connected"] == true);
        self.kiosk = Some(kiosk);
    }

    pub(super) fn stop(&mut self) {
        assert_eq!(self.kiosk.take().unwrap().stop(), Some(0));
    }

    /// Ends at once; the log is not written back.
    pub(super) fn kill(&mut self) {
        self.kiosk.take().unwrap().kill();
        // A killed host leaves its exclusive mark on the line for a moment; a cable put in anew has none.
        self.reader.unplug().unwrap();
        self.reader.plug().unwrap();
    }

    /// So many people tap one after another, each once the one before was told.
    pub(super) fn tap(&mut self, numbers: std::ops::Range<u32>) {
        let events = self.events();
        for number in numbers {
            let (bytes, shown) = badge(number);
            self.reader.badge(&bytes).unwrap();
            let told = answer(&events);
            let place = confirmation(&told).unwrap_or_else(|| panic!("not green: {told:#}"));
            self.greens.push((place, shown));
        }
    }

    /// One who taps in vain.
    pub(super) fn tap_in_vain(&self, number: u32) -> Value {
        let events = self.events();
        self.reader.badge(&badge(number).0).unwrap();
        answer(&events)
    }

    /// A page that has been told how things stand.
    fn events(&self) -> Events {
        let events = self.running().events();
        events.next("how things stand", |datum| datum["replay"] == true);
        events
    }

    pub(super) fn data(&self) -> Files {
        files::read(&self.place.path("data"))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path("data").join(name)
    }

    fn config(&self) -> PathBuf {
        self.place.path("terminal.toml")
    }
}

/// What a tap brings to the page, past whatever else it is told.
fn answer(events: &Events) -> Value {
    let answers = |datum: &Value| {
        datum["reader"] == "badge" && datum["replay"] != true && ["unknown", "not-recorded"].iter().any(|state| datum["state"] == *state)
    };
    events.next("a tap is answered", answers)
}
