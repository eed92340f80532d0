//! A `punch-office` in a folder of its own, which keeps its port through all its lives, so that kiosks find it again.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};

use punchd::clock::Clock;
use punchd::config::office::{OfficeClock, OfficeSettings};
use punchd::domain::time::{UtcOffset, WorkDate};
use serde_json::Value;
use tempfile::TempDir;

use super::program::Program;
use super::{Held, Kiosk, text};

/// The office.
pub(crate) struct Office {
    program: Option<Program>,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    begun: WorkDate,
}

impl Office {
    /// Starts one and waits until it serves.
    pub(crate) fn start() -> Self {
        let mut office = Self::configured("");
        office.start_again();
        office
    }

    /// One that does not run yet: `more` stands in its `[office]` table.
    pub(crate) fn configured(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let office = Self { program: None, address, folder, begun: today() };
        office.configure(more);
        office
    }

    /// Writes its configuration anew.
    pub(crate) fn configure(&self, more: &str) {
        let head = "[office]\nname = \"示例中心\"\nutc-offset = \"+08:00\"\n";
        let text = format!("{head}listen = \"{}\"\ndata-dir = {:?}\n{more}\n", self.address, self.data());
        std::fs::write(self.config(), text).unwrap();
    }

    /// Its configuration's file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("office.toml")
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.program.is_some()
    }

    /// Starts it and waits until it serves.
    pub(crate) fn start_again(&mut self) {
        self.start_by(self.command(&["serve"]).env("PUNCH_LOG", "info"));
    }

    /// The same by a command of the caller's.
    pub(crate) fn start_by(&mut self, command: &mut Command) {
        let program = Program::start(command, &self.folder.path().join("office.log"));
        assert_eq!(program.listen(), self.address.to_string());
        self.program = Some(program);
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut program) = self.program.take() {
            assert_eq!(program.stop(), Some(0), "{}", self.log());
        }
    }

    /// Ends it at once, wherever it is.
    pub(crate) fn kill(&mut self) {
        self.program = None;
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("office.log")).unwrap_or_default()
    }

    /// `punch-office`, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_punch-office"));
        command.arg("--config").arg(self.config()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        output
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[arguments, &["--json"]].concat()).stdout).unwrap()
    }

    pub(crate) fn code(&self, terminal: &str) -> String {
        self.json(&["terminal", "add", terminal])["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pair(&self, kiosk: &Kiosk, terminal: &str) {
        self.pair_at(kiosk, terminal, &self.url());
    }

    /// The same through another address, which leads to it.
    pub(crate) fn pair_at(&self, kiosk: &Kiosk, terminal: &str, url: &str) {
        let paired = kiosk.ctl(&["pair", url, &self.code(terminal)]);
        assert!(paired.status.success(), "{}\n{}", text(&paired.stderr), kiosk.log());
    }

    /// Every punch that it holds of the days of this run.
    pub(crate) fn punches(&self) -> Vec<Held> {
        BTreeSet::from([self.begun, today()]).iter().flat_map(|date| self.punches_of(&date.to_string())).collect()
    }

    /// Every punch that it holds of one day.
    pub(crate) fn punches_of(&self, date: &str) -> Vec<Held> {
        let listed = self.run(&["punches", "--json", "--date", date]);
        let held = |punch: Value| Held {
            place: (punch["journal"].as_str().unwrap().to_owned(), punch["sequence"].as_u64().unwrap()),
            credential: punch["credential"]["value"].as_str().unwrap().to_owned(),
        };
        text(&listed.stdout).lines().map(|line| held(serde_json::from_str(line).unwrap())).collect()
    }

    /// Nothing was lost, added, changed or reordered, and no hole was declared or is open.
    pub(crate) fn check_verified(&self) {
        let report = self.json(&["verify"]);
        assert_eq!(report["faults_total"], 0, "{report:#}");
        for journal in report["journals"].as_array().unwrap() {
            let open = ["holes", "pending"].map(|kind| journal[kind].as_array().unwrap().len());
            assert!(open == [0, 0] && journal["forked"] == false && journal["quarantined"] == 0, "{journal:#}");
        }
    }
}

/// What an office in this process is told: any free port, the kernel's clock.
pub(crate) fn settings(data_dir: PathBuf) -> OfficeSettings {
    OfficeSettings {
        name: "示例中心".to_owned(),
        utc_offset: UtcOffset::china(),
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        pages_listen: None,
        database: data_dir.join("office.db"),
        certificate: None,
        data_dir,
        clock: OfficeClock::Kernel,
    }
}

fn today() -> WorkDate {
    UtcOffset::china().civil(Clock::system().wall()).0
}
