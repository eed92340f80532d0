//! One life of a kiosk whose whole data directory lies on a disk that records: from its first start, through pairing, a roster, many people,
//! a restart and a `kill -9`, to the day when its disk is taken out. Every confirmation is noted with the length of the record at that moment.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use punchd::sim::reader::{Protocol, SimReader};
use tempfile::TempDir;

use super::super::rig::{EntryPlace, Events, Kiosk, Office, PATIENCE, Place, badge, confirmation, punchd, until};
use super::device::{self, Mounted, Served};
use super::log::Log;

/// Who the kiosk is.
pub(super) const TERMINAL: &str = "east-hall-1";
/// The disk's size: the ballast, twice its room, and journals.
const MEBIBYTES: u64 = 48;
/// So many of the people are in the roster.
const KNOWN: u32 = 40;
/// People of the longest rush: more than the log holds before it is written back in a quiet moment.
const RUSH: u32 = 290;

/// A confirmation, and how long the record was when it was seen.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) place: EntryPlace,
    pub(super) logged: u64,
}

/// A copy of the office's data directory: it holds nothing that was not durable at the kiosk when the record was this long.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) logged: u64,
    pub(super) data: PathBuf,
}

/// What is left of that life.
pub(super) struct Life {
    pub(super) folder: TempDir,
    /// The disk before it.
    pub(super) base: PathBuf,
    /// The record.
    pub(super) log: Log,
    pub(super) owed: Vec<Owed>,
    pub(super) fed: BTreeSet<String>,
    /// How long the record was when pairing was confirmed.
    pub(super) paired: u64,
    /// The kiosk's key and what pairing gave, as files.
    pub(super) identity: [(&'static str, Vec<u8>); 2],
    pub(super) office: Office,
    /// The first from before the pairing.
    pub(super) copies: Vec<Copy>,
}

/// The life under way. What is dropped first stands first.
struct Living {
    kiosk: Option<Kiosk>,
    events: Events,
    reader: SimReader,
    config: PathBuf,
    mounted: Mounted,
    place: Place,
    served: Served,
    office: Office,
    folder: PathBuf,
    owed: Vec<Owed>,
    copies: Vec<Copy>,
    next: u32,
}

/// Lives it.
pub(super) fn live() -> Life {
    let folder = device::folder();
    let (base, live) = (folder.path().join("base.img"), folder.path().join("live.img"));
    device::make_file_system(&base, MEBIBYTES);
    std::fs::copy(&base, &live).unwrap();
    let served = Served::start(&live, folder.path(), "live");
    let place = Place::new();
    let data = place.path("data");
    std::fs::create_dir(&data).unwrap();
    let mounted = Mounted::at(&served.exported, &data, "");
    let mut living = Living::begin(place, mounted, served, folder.path());
    living.copy();
    living.people(6);
    living.office.pair(living.kiosk(), TERMINAL);
    let paired = living.served.logged();
    let identity = ["terminal.key", "pairing.json"].map(|name| (name, std::fs::read(data.join(name)).unwrap()));
    living.kiosk().until("the roster is there", |status| status["office"]["bundle"].is_string());
    living.people(12);
    living.copy();
    living.rush();
    living.copy();
    living.again(true);
    living.people(20);
    living.again(false);
    living.people(20);
    living.copy();
    living.office.kill();
    living.people(10);
    let Living { kiosk, mounted, place, served, office, owed, copies, next, .. } = living;
    assert_eq!(kiosk.and_then(Kiosk::stop), Some(0));
    drop((mounted, place));
    let log = served.log().to_owned();
    drop(served);
    let log = Log::read(&log);
    let fed = (1..next).map(|number| badge(number).1).collect();
    Life { folder, base, log, owed, fed, paired, identity, office, copies }
}

impl Living {
    fn begin(place: Place, mounted: Mounted, served: Served, folder: &Path) -> Self {
        let office = Office::start();
        let mut roster = "工号,姓名,派驻部门,岗位类别,卡号,进驻日期\n".to_owned();
        for number in 1..=KNOWN {
            writeln!(roster, "ZC{number:04},甲{number},税务局,窗口,{},2026-01-05", badge(number).1).unwrap();
        }
        std::fs::write(place.path("roster.csv"), roster).unwrap();
        office.run(&["roster", "import", &place.path("roster.csv").display().to_string()]);
        let reader = place.reader("badge", Protocol::Em4100);
        let config = place.configure("", &[("badge", "em4100")]);
        let kiosk = start(&place, &config);
        let events = kiosk.watched();
        let (owed, copies, folder) = (Vec::new(), Vec::new(), folder.to_owned());
        Self { kiosk: Some(kiosk), events, reader, config, mounted, place, served, office, folder, owed, copies, next: 1 }
    }

    fn kiosk(&self) -> &Kiosk {
        self.kiosk.as_ref().unwrap()
    }

    /// So many people, each of whom waits for the page.
    fn people(&mut self, count: u32) {
        for _ in 0..count {
            self.tap();
            let datum = self.events.next("a confirmation", |datum| confirmation(datum).is_some());
            self.note(confirmation(&datum));
        }
    }

    /// People who do not wait for one another; afterwards the log is written back.
    fn rush(&mut self) {
        let size = || std::fs::metadata(journal(&self.place.path("data"))).unwrap().len();
        let before = size();
        let goal = self.owed.len() + usize::try_from(RUSH).unwrap();
        for _ in 0..RUSH {
            self.tap();
            for datum in self.events.rest() {
                self.note(confirmation(&datum));
            }
        }
        while self.owed.len() < goal {
            let datum = self.events.next("a confirmation", |datum| confirmation(datum).is_some());
            self.note(confirmation(&datum));
        }
        until("the log is written back", PATIENCE, || {
            (std::fs::metadata(journal(&self.place.path("data"))).unwrap().len() > before).then_some(())
        });
    }

    fn tap(&mut self) {
        self.reader.badge(&badge(self.next).0).unwrap();
        self.next += 1;
    }

    /// The record's length is read after the confirmation was seen.
    fn note(&mut self, place: Option<EntryPlace>) {
        let logged = self.served.logged();
        self.owed.extend(place.map(|place| Owed { place, logged }));
    }

    /// Ends the kiosk, in order or not, and starts it again.
    fn again(&mut self, in_order: bool) {
        match self.kiosk.take() {
            Some(kiosk) if in_order => assert_eq!(kiosk.stop(), Some(0)),
            Some(kiosk) => kiosk.kill(),
            None => {}
        }
        self.reader.unplug().unwrap();
        self.reader.plug().unwrap();
        let kiosk = start(&self.place, &self.config);
        self.events = kiosk.watched();
        self.kiosk = Some(kiosk);
    }

    /// Copies the office as soon as it has everything.
    fn copy(&mut self) {
        if !self.copies.is_empty() {
            self.kiosk().until_drained(PATIENCE);
        }
        self.office.stop();
        let data = self.folder.join(format!("office-{}", self.copies.len()));
        copy_folder(&self.office.data(), &data);
        let logged = if self.copies.is_empty() { 0 } else { self.served.logged() };
        self.copies.push(Copy { logged, data });
        self.office.start_again();
    }
}

/// Starts a kiosk and waits until its reader and its journal are open.
pub(super) fn start(place: &Place, config: &Path) -> Kiosk {
    let kiosk = Kiosk::start_by(place, punchd(config, &["run"]).env("PUNCH_LOG", "warn"));
    kiosk.page();
    kiosk.until_open();
    kiosk
}

/// Makes a folder's contents those of another.
pub(super) fn copy_folder(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    device::run("cp", &["-a", &from.display().to_string(), &to.display().to_string()]).unwrap();
}

/// The only journal's file.
fn journal(data: &Path) -> PathBuf {
    let names = std::fs::read_dir(data).unwrap().map(|found| found.unwrap().path());
    let mut journals =
        names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("journal-") && path.extension().unwrap() == "db");
    let journal = journals.next().unwrap();
    assert!(journals.next().is_none(), "one journal");
    journal
}
