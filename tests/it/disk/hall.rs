//! A hall: a kiosk that keeps its data on a disk of its own, the people who tap there, and the office. Everybody who taps looks at the page.

use std::path::PathBuf;
use std::process::Command;

use punchd::clock::Clock;
use punchd::sim::reader::{Protocol, SimReader};
use serde_json::Value;
use tempfile::TempDir;

use super::super::block::device::{self, Mounted, Served};
use super::super::rig::{EntryPlace, Events, Kiosk, Office, PATIENCE, Place, Tally, badge, confirmation, punchd, until};

/// The disk's size: more than the room under which a disk counts as low, eight ballasts.
const MEBIBYTES: u64 = 96;
/// Within a second whoever taps is told what became of it; twice as long where others share the machine.
pub(super) const TOLD_WITHIN_MS: u64 = 2 * 1_000;

/// The hall. What is to end first stands first.
pub(super) struct Hall {
    kiosk: Option<Kiosk>,
    pub(super) events: Events,
    reader: SimReader,
    pub(super) mounted: Option<Mounted>,
    pub(super) place: Place,
    pub(super) served: Option<Served>,
    pub(super) image: PathBuf,
    /// What is mounted: the image, or the disk as it is served.
    disk: PathBuf,
    pub(super) folder: TempDir,
    office: Office,
    clock: Clock,
    tally: Tally,
    next: u32,
    /// The longest that anybody waited for the page, in milliseconds.
    slowest_ms: u64,
}

impl Drop for Hall {
    fn drop(&mut self) {
        // A program that waits for a disk cannot end before the disk answers.
        if let Some(served) = &self.served {
            served.go_on();
        }
    }
}

/// What the page said to whoever tapped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Durable, at this place.
    Confirmed(EntryPlace),
    /// Sign on paper.
    Paper,
}

impl Hall {
    /// A hall whose kiosk is paired; its disk is a plain one.
    pub(super) fn open() -> Self {
        Self::open_with(false, |_| {})
    }

    /// The same with a disk that can stall and be torn out, and a kiosk with an environment of its own.
    pub(super) fn open_with(is_served: bool, environment: impl Fn(&mut Command)) -> Self {
        let folder = device::folder();
        let image = folder.path().join("disk.img");
        device::make_file_system(&image, MEBIBYTES);
        let served = is_served.then(|| Served::start(&image, folder.path(), "first"));
        let place = Place::new();
        std::fs::create_dir(place.path("disk")).unwrap();
        let disk = served.as_ref().map_or(&image, |served| &served.exported).clone();
        let mounted = Mounted::at(&disk, &place.path("disk"), "errors=remount-ro");
        let reader = place.reader("badge", Protocol::Em4100);
        let config = place.configure("", &[("badge", "em4100")]);
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replacen("/data\"", "/disk/data\"", 1)).unwrap();
        let office = Office::start();
        let mut command = punchd(&config, &["run"]);
        environment(command.env("PUNCH_LOG", "info"));
        let kiosk = Kiosk::start_by(&place, &mut command);
        kiosk.page();
        kiosk.until_open();
        let events = kiosk.watched();
        office.pair(&kiosk, "east-hall-1");
        let (mounted, kiosk, clock, tally) = (Some(mounted), Some(kiosk), Clock::system(), Tally::default());
        Self { kiosk, events, reader, mounted, place, served, image, disk, folder, office, clock, tally, next: 1, slowest_ms: 0 }
    }

    pub(super) fn kiosk(&self) -> &Kiosk {
        self.kiosk.as_ref().unwrap()
    }

    /// The data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.place.path("disk/data")
    }

    /// Ends the kiosk in order, and starts it again later with [`Hall::begin`].
    pub(super) fn end(&mut self) {
        assert_eq!(self.kiosk.take().and_then(Kiosk::stop), Some(0));
    }

    /// Starts the kiosk on whatever its disk is like.
    pub(super) fn begin(&mut self) {
        self.reader.unplug().unwrap();
        self.reader.plug().unwrap();
        let kiosk = Kiosk::start(&self.place, &self.place.path("terminal.toml"));
        self.events = kiosk.watched();
        kiosk.until("the reader is open", |status| status["readers"][0]["connected"] == true);
        self.kiosk = Some(kiosk);
    }

    /// Somebody taps, and does not look.
    pub(super) fn present(&mut self) {
        let (bytes, shown) = badge(self.next);
        self.next += 1;
        self.tally.fed.insert(shown);
        self.reader.badge(&bytes).unwrap();
    }

    /// The next answer of the page.
    pub(super) fn told(&mut self) -> Told {
        let datum = self.events.next("what became of a tap", |datum| confirmation(datum).is_some() || datum["state"] == "not-recorded");
        self.note(&datum)
    }

    /// What a datum says of a tap.
    pub(super) fn note(&mut self, datum: &Value) -> Told {
        let Some(place) = confirmation(datum) else { return Told::Paper };
        self.tally.confirmed.push(place.clone());
        Told::Confirmed(place)
    }

    /// Somebody taps and looks.
    pub(super) fn tap(&mut self) -> Told {
        let begun = self.clock.mono();
        self.present();
        let told = self.told();
        let waited = self.clock.mono().millis_since(begun);
        assert!(waited < TOLD_WITHIN_MS, "told after {waited} ms: {told:?}\n{}", self.kiosk().log());
        self.slowest_ms = self.slowest_ms.max(waited);
        told
    }

    /// So many people, all of whom are confirmed.
    pub(super) fn confirmed(&mut self, count: usize) {
        for _ in 0..count {
            assert!(matches!(self.tap(), Told::Confirmed(_)), "{}", self.kiosk().log());
        }
    }

    /// So many people, all of whom sign on paper.
    pub(super) fn on_paper(&mut self, count: usize) {
        for _ in 0..count {
            assert_eq!(self.tap(), Told::Paper);
        }
    }

    /// People tap until one is told to sign on paper; how many were confirmed before.
    pub(super) fn until_paper(&mut self) -> usize {
        const TAPS_MAX: usize = 4_000;
        (0..TAPS_MAX).find(|_| self.tap() == Told::Paper).expect("the disk never got full")
    }

    /// Waits until punches can be stored again.
    pub(super) fn recovered(&self) -> Value {
        self.kiosk().until("it recovers", |status| status["journal"].is_string() && !super::super::rig::has(status, "journal-unavailable"))
    }

    /// Takes the disk away, whoever still looks at it, and waits until nobody does.
    pub(super) fn unmount(&mut self) {
        let device = self.mounted.take().unwrap().take_away();
        until("the kiosk has let go of its disk", PATIENCE, || (!device::is_in_use(&device, &self.disk)).then_some(()));
    }

    /// Puts the disk back.
    pub(super) fn mount(&mut self) {
        self.disk.clone_from(self.served.as_ref().map_or(&self.image, |served| &served.exported));
        self.mounted = Some(Mounted::at(&self.disk, &self.place.path("disk"), "errors=remount-ro"));
    }

    /// Everything goes to the office: nothing that was confirmed is missing, nothing is there twice.
    pub(super) fn check(mut self, what: &str) {
        self.kiosk().until_drained(PATIENCE);
        self.end();
        self.tally.held = self.office.punches();
        self.tally.check(what);
        println!("{what}: nobody waited longer than {} ms for the page", self.slowest_ms);
        self.office.check_verified();
    }
}
