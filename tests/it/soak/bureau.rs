//! The office of the soak: the real one in this process, on the shared clock. It can be gone, silent on its port, or put back to last night.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use punchd::clock::Clock;
use punchd::config::office::{self, OfficeSettings};
use punchd::domain::id::TerminalId;
use punchd::domain::time::{Wall, WorkDate};
use punchd::office::pairing::open_code;
use punchd::office::serve::{self, Running};
use punchd::office::store::SiteId;
use punchd::office::{plan, roster_file};
use punchd::supervise::Supervisor;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::super::rig::{Held, Office, text};
use super::people::{roster, round_of};

/// Worker threads of the office.
const WORKERS: usize = 2;

/// The office.
pub(super) struct Bureau {
    rig: Office,
    settings: OfficeSettings,
    clock: Clock,
    running: Option<(Runtime, Running)>,
    silent: Option<TcpListener>,
    backups: PathBuf,
    backup: Option<PathBuf>,
}

impl Bureau {
    /// Opens one; its backups lie in a folder of their own.
    pub(super) fn open(clock: &Clock, backups: PathBuf) -> Self {
        let rig = Office::configured("clock = \"trusted\"");
        let config = std::fs::read_to_string(rig.config()).unwrap();
        let settings = office::check("office.toml", &config).unwrap_or_else(|problems| panic!("{problems}"));
        let mut bureau = Self { rig, settings, clock: clock.clone(), running: None, silent: None, backups, backup: None };
        bureau.back();
        bureau
    }

    /// Where terminals reach it.
    pub(super) fn url(&self) -> String {
        self.rig.url()
    }

    /// Where its data are.
    pub(super) fn data(&self) -> PathBuf {
        self.rig.data()
    }

    /// It serves, under the address it had.
    pub(super) fn back(&mut self) {
        drop(self.silent.take());
        if self.running.is_some() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().unwrap();
        let (supervisor, _) = Supervisor::new();
        let running = runtime.block_on(serve::start(&self.settings, &self.clock, supervisor)).unwrap();
        self.running = Some((runtime, running));
    }

    /// It does not.
    pub(super) fn gone(&mut self) {
        if let Some((runtime, running)) = self.running.take() {
            assert!(runtime.block_on(running.stop()), "the office did not stop in time");
        }
    }

    /// Something takes connections at its address and never answers.
    pub(super) fn hangs(&mut self) {
        self.gone();
        self.silent = Some(TcpListener::bind(self.rig.address).unwrap());
    }

    /// A pairing code.
    pub(super) fn code(&self, terminal: &str) -> String {
        let (runtime, running) = self.running.as_ref().unwrap();
        let id = terminal.parse::<TerminalId>().unwrap();
        let opened = open_code(running.store(), SiteId::FIRST, id, running.identity().anchor(), self.clock.wall());
        runtime.block_on(opened).unwrap().code.to_string()
    }

    /// Imports the roster of so many people, as `roster import` does on this clock's day.
    pub(super) fn import(&self, people: u32) {
        let (runtime, running) = self.running.as_ref().unwrap();
        let (store, now) = (running.store(), self.clock.wall());
        runtime.block_on(async {
            let (known, bindings) = (store.roster(SiteId::FIRST).await.unwrap(), store.bindings(SiteId::FIRST).await.unwrap());
            let file = roster_file::read(roster(people).as_bytes());
            let (report, facts) = plan::roster::plan(file, &known, bindings, self.settings.utc_offset.civil(now).0);
            assert_eq!(report.problems, []);
            store.add_facts(SiteId::FIRST, facts, "soak".to_owned(), now).await.unwrap();
        });
    }

    /// Backs it up while it serves; the backup before goes.
    pub(super) fn back_up(&mut self, name: &str) {
        let folder = self.backups.join(name);
        self.rig.run(&["backup", &folder.display().to_string()]);
        if let Some(before) = self.backup.replace(folder) {
            std::fs::remove_dir_all(before).unwrap();
        }
    }

    /// Its machine is lost; the last backup is put in its place.
    pub(super) fn restored(&mut self) {
        self.gone();
        std::fs::remove_dir_all(self.data()).unwrap();
        let backup = self.backup.as_deref().map(Path::display).unwrap().to_string();
        self.rig.run(&["restore", &backup]);
        self.back();
    }

    /// Every punch of a day with the round it was tapped in.
    pub(super) fn punches_of(&self, date: WorkDate) -> Vec<Held> {
        let listed = self.rig.run(&["punches", "--json", "--date", &date.to_string()]);
        let held = |line: &str| {
            let punch: Value = serde_json::from_str(line).unwrap();
            let word = |field: &Value| field.as_str().unwrap().to_owned();
            let moment = Wall::parse_rfc3339(&word(&punch["at"])).unwrap();
            let credential = format!("{} {}", word(&punch["credential"]["value"]), round_of(moment));
            Held { place: (word(&punch["journal"]), punch["sequence"].as_u64().unwrap()), credential }
        };
        text(&listed.stdout).lines().map(held).collect()
    }

    /// Holes that were declared or are open, and faults.
    pub(super) fn verified(&self) -> (usize, u64) {
        let report = self.rig.json(&["verify"]);
        let count = |kind: &str| {
            report["journals"].as_array().unwrap().iter().map(|journal| journal[kind].as_array().unwrap().len()).sum::<usize>()
        };
        (count("holes") + count("pending"), report["faults_total"].as_u64().unwrap())
    }

    /// Nothing was lost, added, changed or reordered.
    pub(super) fn check_verified(&self) {
        self.rig.check_verified();
    }
}
