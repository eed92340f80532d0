//! The folder of one office and one kiosk, and the processes in it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use punchd::clock::Clock;
use punchd::domain::time::{UtcOffset, WorkDate};
use serde_json::Value;

/// Longest wait for anything that must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// The kiosk's readers and their protocols.
pub(super) const READERS: [(&str, &str); 2] = [("badge", "em4100"), ("qr", "line")];

/// A journal and a place in it.
pub(super) type EntryPlace = (String, u64);

/// A punch at the office.
pub(super) struct Held {
    /// Where it stands.
    pub(super) place: EntryPlace,
    /// What was read.
    pub(super) credential: String,
}

/// The folder.
pub(super) struct Place {
    folder: tempfile::TempDir,
    begun: WorkDate,
}

impl Place {
    /// Writes both configurations. The office keeps its port through all its lives, so that the kiosk finds it again.
    pub(super) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), begun: today() };
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let office = format!(
            "[office]\nname = \"示例县政务服务中心\"\nlisten = \"{free}\"\nclock = \"trusted\"\ndata-dir = \"{}\"\n",
            place.path("office").display()
        );
        std::fs::write(place.path("office.toml"), office).unwrap();
        let head = format!(
            "[terminal]\nname = \"一楼东厅\"\ndata-dir = \"{}\"\ncontrol-socket = \"{}\"\n[kiosk]\nlisten = \"127.0.0.1:0\"\nsound = false\n",
            place.path("kiosk").display(),
            place.path("kiosk.sock").display()
        );
        let reader = |(name, protocol): (&str, &str)| {
            format!("[[reader]]\nname = \"{name}\"\ndevice = \"{}\"\nprotocol = \"{protocol}\"\n", place.path(name).display())
        };
        std::fs::write(place.path("terminal.toml"), head + &READERS.map(reader).concat()).unwrap();
        place
    }

    /// A file or folder in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Pairs the running kiosk with the running office.
    pub(super) fn pair(&self) {
        let added = json(&self.office(&["terminal", "add", "east-hall-1", "--json"]));
        let (url, code) = (added["url"].as_str().unwrap(), added["code"].as_str().unwrap());
        self.until("the kiosk answers", PATIENCE, || self.ctl(&["status", "--json"]).status.success());
        let paired = self.ctl(&["pair", url, code]);
        assert!(paired.status.success(), "{}", String::from_utf8_lossy(&paired.stderr));
    }

    /// Waits until the office has everything that the running kiosk holds.
    pub(super) fn wait_until_drained(&self, limit: Duration) {
        self.until("everything is at the office", limit, || {
            let status = json(&self.ctl(&["status", "--json"]));
            status["backlog"] == 0 && status["sequence"].as_u64() > Some(0) && status["acknowledged"] == status["sequence"]
        });
    }

    /// Every punch at the office.
    pub(super) fn punches(&self) -> Vec<Held> {
        let days = BTreeSet::from([self.begun, today()]);
        let lines = days.iter().flat_map(|day| {
            let listed = self.office(&["punches", "--json", "--date", &day.to_string()]);
            String::from_utf8(listed.stdout).unwrap().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
        });
        let held = |punch: Value| Held {
            place: (punch["journal"].as_str().unwrap().to_owned(), punch["sequence"].as_u64().unwrap()),
            credential: punch["credential"]["value"].as_str().unwrap().to_owned(),
        };
        lines.map(held).collect()
    }

    /// Nothing was lost, added, changed or reordered, and no hole was declared or is open.
    pub(super) fn check_verified(&self) {
        let verified = self.office(&["verify", "--json"]);
        let report = json(&verified);
        assert!(verified.status.success() && report["faults_total"] == 0, "{report:#}");
        for journal in report["journals"].as_array().unwrap() {
            let open = ["holes", "pending"].map(|kind| journal[kind].as_array().unwrap().len());
            assert!(open == [0, 0] && journal["forked"] == false && journal["quarantined"] == 0, "{journal:#}");
        }
    }

    fn office(&self, words: &[&str]) -> Output {
        let config = self.path("office.toml");
        Command::new(env!("CARGO_BIN_EXE_punch-office")).arg("--config").arg(config).args(words).output().unwrap()
    }

    fn ctl(&self, words: &[&str]) -> Output {
        let socket = self.path("kiosk.sock");
        Command::new(env!("CARGO_BIN_EXE_punchctl")).arg("--socket").arg(socket).args(words).output().unwrap()
    }

    fn until(&self, what: &str, limit: Duration, so: impl Fn() -> bool) {
        let clock = Clock::system();
        let end = clock.mono().plus_millis(u64::try_from(limit.as_millis()).unwrap());
        while !so() {
            let status = || String::from_utf8_lossy(&self.ctl(&["status", "--json"]).stdout).into_owned();
            assert!(clock.mono() < end, "not within {limit:?}: {what}; {}", status());
        }
    }
}

/// A running kiosk.
pub(super) struct Kiosk(Running);

impl Kiosk {
    /// Starts it.
    pub(super) fn start(place: &Place) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_punchd"));
        command.arg("--config").arg(place.path("terminal.toml"));
        Self(Running::start(command))
    }

    /// Waits until it is ready: where its page is.
    pub(super) fn wait_ready(&self) -> SocketAddr {
        self.0.listen()
    }

    /// Kills it, wherever it is.
    pub(super) fn kill(self) {
        drop(self.0);
    }
}

/// A running office.
pub(super) struct Office(Running);

impl Office {
    /// Starts it and waits until it serves.
    pub(super) fn start(place: &Place) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_punch-office"));
        command.arg("--config").arg(place.path("office.toml")).arg("serve");
        let office = Self(Running::start(command));
        office.0.listen();
        office
    }

    /// Ends it, in order or not; there is none then.
    pub(super) fn end(mut self, in_order: bool) -> Option<Self> {
        if in_order {
            let id = rustix::process::Pid::from_child(&self.0.child);
            rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
            self.0.child.wait().unwrap();
        }
        None
    }
}

/// A process that is killed when it is dropped, and the lines it says.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.env("PUNCH_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).all(|line| said.send(line).is_ok()));
        Self { child, lines }
    }

    /// The address of the ready line.
    fn listen(&self) -> SocketAddr {
        let line = self.lines.recv_timeout(PATIENCE).expect("the program says that it is ready");
        let ready: Value = serde_json::from_str(&line).unwrap();
        ready["listen"].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL; one that has ended already needs none.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn today() -> WorkDate {
    UtcOffset::china().civil(Clock::system().wall()).0
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}
