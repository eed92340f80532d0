//! A journal on a recorded disk: what was asked of it, what it promised, and when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use punch_vfs::{Disk, Recording};
use punchd::domain::id::{JournalId, Sequence};
use punchd::domain::time::Wall;
use punchd::machine::uplink::JournalView;
use punchd::terminal::journal::{Command, Options};
use punchd::wire::entry::{Draft, Stored};
use tempfile::TempDir;

use crate::rig::journal::{Journal, options, punch};

/// Where temporary folders are in memory, so that syncing costs nothing.
const MEMORY: &str = "/dev/shm";
/// A pragma for the journal files, as `name=value`: for the proof that this rig notices a journal that does not wait for the disk.
pub(super) const PRAGMA: &str = "PUNCH_POWER_PRAGMA";
/// The one key of all kept values here.
const KEY: &str = "pairing";

/// What somebody may rely on from a place of the recording on.
#[derive(Debug, Clone)]
pub(super) enum Promise {
    /// The journal runs on this machine.
    Runs(String),
    /// An entry is durable.
    Stored(Stored),
    /// An append was refused: its entry's time.
    Refused(Wall),
    /// The value of this number is durable.
    Kept(u64),
    /// A journal's entries up to here may be removed.
    MayGo(JournalId, Sequence),
}

/// What a scene leaves behind.
pub(super) struct Recorded {
    pub(super) name: &'static str,
    pub(super) recording: Recording,
    /// By the number of their mark.
    pub(super) promises: Vec<Promise>,
    /// Every entry that was ever stored.
    pub(super) known: BTreeMap<(JournalId, Sequence), Stored>,
    /// Whether files were damaged before it began.
    pub(super) damaged: bool,
}

/// A scene being played.
pub(super) struct Scene {
    home: TempDir,
    disk: Disk,
    journal: Option<Journal>,
    machine: String,
    promises: Vec<Promise>,
    known: BTreeMap<(JournalId, Sequence), Stored>,
    views: Vec<JournalView>,
    punches: u64,
    kept: u64,
}

impl Scene {
    /// In a folder that `prepare` may fill before the recording begins.
    pub(super) fn new(powersafe_overwrite: bool, prepare: impl FnOnce(&Path)) -> Self {
        let home = folder();
        prepare(home.path());
        let disk = Disk::register(home.path(), powersafe_overwrite).unwrap();
        Self {
            home,
            disk,
            journal: None,
            machine: "machine-a".to_owned(),
            promises: Vec::new(),
            known: BTreeMap::new(),
            views: Vec::new(),
            punches: 0,
            kept: 0,
        }
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(super) fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().expect("it runs")
    }

    /// Starts on another machine from now on.
    pub(super) fn move_to(&mut self, machine: &str) {
        machine.clone_into(&mut self.machine);
    }

    pub(super) fn start(&mut self) {
        self.promise(Promise::Runs(self.machine.clone()));
        let mut options = Options { machine: self.machine.clone(), ..options(self.home.path(), Some(self.disk.name())) };
        options.open.pragmas = std::env::var(PRAGMA).ok().and_then(|set| set.split_once('=').map(owned)).into_iter().collect();
        self.journal = Some(Journal::start(options));
        self.views = self.journal().opened_at_last().journals;
        self.take_stock();
    }

    pub(super) fn stop(&mut self) {
        self.journal.take().expect("it runs").stop();
    }

    /// One person taps, and waits for the light.
    pub(super) fn tap(&mut self) -> Result<Stored, String> {
        let draft = self.next_punch();
        let ticket = self.journal().append(draft.clone());
        self.hear(&draft, ticket)
    }

    pub(super) fn taps(&mut self, count: u64) -> Vec<Stored> {
        (0..count).map(|_| self.tap().expect("it is stored")).collect()
    }

    /// So many people tap at once.
    pub(super) fn taps_together(&mut self, count: u64) -> Vec<Stored> {
        let drafts: Vec<Draft> = (0..count).map(|_| self.next_punch()).collect();
        let tickets: Vec<_> = drafts.iter().map(|draft| self.journal().append(draft.clone())).collect();
        drafts.iter().zip(tickets).map(|(draft, ticket)| self.hear(draft, ticket).expect("it is stored")).collect()
    }

    fn next_punch(&mut self) -> Draft {
        self.punches += 1;
        punch(self.punches)
    }

    fn hear(&mut self, draft: &Draft, ticket: punchd::machine::Ticket) -> Result<Stored, String> {
        let outcome = self.journal().outcome(ticket);
        match &outcome {
            Ok(stored) => {
                self.promise(Promise::Stored(stored.clone()));
                self.know(stored);
            }
            Err(_) => self.promise(Promise::Refused(draft.clock.wall)),
        }
        outcome
    }

    pub(super) fn keep(&mut self) -> Result<(), String> {
        self.kept += 1;
        let value = self.kept.to_string();
        let kept = self.journal().keep(KEY, value);
        if kept.is_ok() {
            self.promise(Promise::Kept(self.kept));
        }
        kept
    }

    pub(super) fn acknowledge(&mut self, stored: &Stored) {
        self.journal().acknowledge(stored);
        self.journal().settle();
    }

    /// Removes what is acknowledged, all of it being old by `now`.
    pub(super) fn prune(&mut self, last: &Stored, now: Wall) {
        self.promise(Promise::MayGo(last.journal, last.sequence));
        self.journal().ask(Command::Prune { now });
        for _ in 0..8 {
            self.look();
        }
    }

    pub(super) fn heal_fork(&mut self, from: &Stored) {
        self.journal().ask(Command::HealFork { journal: from.journal, from: from.sequence });
        for _ in 0..4 {
            self.look();
        }
        self.take_stock();
    }

    /// Quiet moments, in which the journal checks and tidies up.
    pub(super) fn quiet(&mut self) {
        for _ in 0..6 {
            self.journal().quiet();
        }
        self.look();
    }

    /// The journals as they are; the last is open.
    pub(super) fn look(&mut self) -> &[JournalView] {
        if let Some(views) = self.journal().settle() {
            self.views = views;
        }
        &self.views
    }

    /// How often the journals' databases themselves were written to, their logs left out.
    pub(super) fn written_back(&self) -> u64 {
        self.disk.total(is_database).writes
    }

    /// Ends the scene as a power cut would: nothing that comes after is recorded.
    pub(super) fn end(mut self, name: &'static str) -> Recorded {
        if self.journal.is_some() {
            self.take_stock();
        }
        let recording = self.disk.recording();
        if let Some(journal) = self.journal.take() {
            journal.stop();
        }
        Recorded { name, recording, promises: self.promises, known: self.known, damaged: false }
    }

    /// Moves what lies in the scene's folder into another one.
    pub(super) fn move_into(self, folder: &Path) {
        for file in databases(self.home.path()) {
            std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
    }

    /// Everything that can be read now is relied on from now on.
    fn take_stock(&mut self) {
        for view in self.look().to_vec() {
            let (entries, _) = self.journal().drain(&view);
            for stored in &entries {
                if !self.known.contains_key(&(stored.journal, stored.sequence)) {
                    self.promise(Promise::Stored(stored.clone()));
                    self.know(stored);
                }
            }
        }
    }

    fn know(&mut self, stored: &Stored) {
        self.known.insert((stored.journal, stored.sequence), stored.clone());
    }

    fn promise(&mut self, promise: Promise) {
        self.disk.mark(self.promises.len());
        self.promises.push(promise);
    }
}

/// A temporary folder, in memory where there is such a place.
pub(super) fn folder() -> TempDir {
    let memory = Path::new(MEMORY);
    if memory.is_dir() { tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The database files of a folder, by name.
pub(super) fn databases(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "db"));
    found.sort();
    found
}

/// Whether this is the name of a journal's database, not of its log.
pub(super) fn is_database(name: &str) -> bool {
    name.starts_with("journal-") && Path::new(name).extension().is_some_and(|ending| ending == "db")
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
