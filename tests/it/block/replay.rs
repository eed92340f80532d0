//! A kiosk that comes up after a power cut, on what its disk then holds, and the office as it was by that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use punchd::clock::Clock;
use punchd::domain::id::EntryHash;
use punchd::sim::reader::Protocol;
use punchd::wire::canonical;

use super::super::rig::{EntryPlace, Kiosk, PATIENCE, Place, Tally, badge, confirmation, has, text};
use super::cut::Cut;
use super::device::{self, Mounted};
use super::workload::{Life, TERMINAL, copy_folder, start};

/// The badge of whoever comes first after a cut.
const FIRST_AFTER: u32 = 1_000_000;

/// What was found after all cuts.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cuts: usize,
    /// Confirmations that were owed, all cuts together.
    pub(super) owed: usize,
    /// Entries that were there, all cuts together.
    pub(super) entries: usize,
    /// Cuts after which everything went to the office as it was then.
    pub(super) at_office: usize,
    /// Cuts before the pairing was durable: paired anew.
    pub(super) paired_anew: usize,
    /// File systems that a hand would have had to repair.
    pub(super) repaired: usize,
    /// The longest that the first person after a cut waited for the page, in milliseconds.
    pub(super) first_tap_ms: u64,
}

/// What of the identity is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    None,
    Unpaired,
    Paired,
}

impl Found {
    /// Holds one cut against every promise.
    pub(super) fn check(&mut self, life: &mut Life, cut: Cut, image: &Path) {
        self.repaired += usize::from(device::repair(image).unwrap_or_else(|said| panic!("{cut:?}: the file system is lost: {said}")));
        let place = Place::new();
        let data = place.path("data");
        std::fs::create_dir(&data).unwrap();
        let _mounted = Mounted::at(image, &data, "");
        let identity = check_identity(life, cut, &data);
        let copy =
            life.copies.iter().enumerate().rfind(|(_, copy)| copy.logged <= cut.end).map(|(n, copy)| (n, copy.data.clone())).unwrap();
        // Between the pairing and the first copy that knows of it, no copy is as old as the disk.
        let has_office = identity != Identity::Paired || copy.0 > 0;
        if has_office {
            life.office.kill();
            copy_folder(&copy.1, &life.office.data());
            life.office.start_again();
        }

        let reader = place.reader("badge", Protocol::Em4100);
        let config = place.configure("", &[("badge", "em4100")]);
        let kiosk = start(&place, &config);
        let status = kiosk.status();
        assert!(!has(&status, "journal-damaged") && status["journals"].as_array().unwrap().len() == 1, "{cut:?}: {status:#}");
        assert_eq!(status["terminal"] == TERMINAL, identity == Identity::Paired, "{cut:?}: {status:#}");
        let there = entries(&kiosk, cut);
        let owed: Vec<EntryPlace> = life.owed.iter().filter(|owed| owed.logged <= cut.end).map(|owed| owed.place.clone()).collect();
        let lost: Vec<_> = owed.iter().filter(|place| !there.contains_key(*place)).collect();
        assert!(lost.is_empty(), "{cut:?}: confirmed, and lost: {lost:?}\n{}", kiosk.log());

        let (bytes, shown) = badge(FIRST_AFTER);
        let (events, clock) = (kiosk.events(), Clock::system());
        let begun = clock.mono();
        reader.badge(&bytes).unwrap();
        let green = confirmation(&events.next("the first tap is confirmed", |datum| confirmation(datum).is_some())).unwrap();
        self.first_tap_ms = self.first_tap_ms.max(clock.mono().millis_since(begun));
        assert!(!there.contains_key(&green), "{cut:?}: {green:?} is given twice");

        self.cuts += 1;
        self.owed += owed.len();
        self.entries += there.len();
        if has_office {
            self.at_office += 1;
            if identity != Identity::Paired {
                self.paired_anew += 1;
                life.office.pair(&kiosk, TERMINAL);
            }
            kiosk.until_drained(PATIENCE);
            kiosk.kill();
            let fed: BTreeSet<String> = life.fed.iter().cloned().chain([shown]).collect();
            let confirmed = owed.into_iter().chain([green]).collect();
            Tally { fed, confirmed, held: life.office.punches() }.check(&format!("{cut:?}"));
            life.office.check_verified();
        }
    }
}

/// Never half a key, and never another one: whoever was paired is who they were.
fn check_identity(life: &Life, cut: Cut, data: &Path) -> Identity {
    let [key, pairing] = life.identity.each_ref().map(|(name, whole)| {
        let found = std::fs::read(data.join(name)).ok();
        assert!(found.as_ref().is_none_or(|found| found == whole), "{cut:?}: {name} is another: {found:?}");
        found.is_some()
    });
    assert!(key || !pairing, "{cut:?}: paired without a key");
    assert!(pairing || cut.end < life.paired, "{cut:?}: the pairing is lost");
    match (key, pairing) {
        (_, true) => Identity::Paired,
        (true, false) => Identity::Unpaired,
        (false, false) => Identity::None,
    }
}

/// Every entry that the technician is shown, proven: one chain from the first on.
fn entries(kiosk: &Kiosk, cut: Cut) -> BTreeMap<EntryPlace, String> {
    let listed = kiosk.ctl(&["punches", "--json"]);
    assert!(listed.status.success(), "{cut:?}: {}", text(&listed.stderr));
    let mut found = BTreeMap::new();
    let mut before = (0, EntryHash::NONE);
    for line in text(&listed.stdout).lines() {
        let entry = canonical::open(line).unwrap_or_else(|error| panic!("{cut:?}: {error}: {line}"));
        assert_eq!((entry.sequence.0, entry.previous), (before.0 + 1, before.1), "{cut:?}: the chain is broken at {line}");
        before = (entry.sequence.0, canonical::entry_hash(line));
        found.insert((entry.journal.to_string(), entry.sequence.0), line.to_owned());
    }
    found
}
