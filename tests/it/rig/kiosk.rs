//! A running `punchd`, its socket and its page.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::program::Program;
use super::{Events, PATIENCE, Place, text, until_or};

/// The kiosk.
pub(crate) struct Kiosk {
    program: Program,
    socket: PathBuf,
}

impl Kiosk {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(place: &Place, config: &Path) -> Self {
        let kiosk = Self::start_by(place, punchd(config, &["run"]).env("PUNCH_LOG", "trace"));
        kiosk.page();
        kiosk
    }

    /// Starts it by a command of the caller's, with an environment, a name space or a log level of its own, and does not wait.
    pub(crate) fn start_by(place: &Place, command: &mut Command) -> Self {
        Self { program: Program::start(command, &place.path("punchd.log")), socket: place.path("kiosk.sock") }
    }

    /// Where its page is, once it is ready.
    pub(crate) fn page(&self) -> &str {
        self.program.listen()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    pub(crate) fn stop(mut self) -> Option<i32> {
        self.program.stop()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// How often each thread has gone to sleep of its own accord: once for each time that it was woken.
    pub(crate) fn wakes(&self) -> BTreeMap<String, u64> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).unwrap().flatten();
        let wakes = |thread: &Path| {
            let status = std::fs::read_to_string(thread.join("status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            Some((thread.display().to_string(), line.trim().parse().ok()?))
        };
        threads.filter_map(|thread| wakes(&thread.path())).collect()
    }

    /// Waits for its end; its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.program.ended()
    }

    /// Ends it at once, wherever it is.
    pub(crate) fn kill(self) {
        drop(self);
    }

    pub(crate) fn log(&self) -> String {
        self.program.log()
    }

    /// `punchctl`, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_punchctl"));
        command.arg("--socket").arg(&self.socket).args(arguments).env("LANG", "C.UTF-8");
        command
    }

    pub(crate) fn ctl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A verb's answer, one JSON value a line.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.ctl(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How it stands, asked without a program in between.
    pub(crate) fn status(&self) -> Value {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.write_all(b"{\"verb\":\"status\"}\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", self.log()))
    }

    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.within(what, PATIENCE, holds)
    }

    pub(crate) fn within(&self, what: &str, limit: Duration, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = until_or(limit, || {
            last = self.status();
            holds(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("not within {limit:?}: {what}\n{last:#}\n{}", self.log()))
    }

    /// Waits until its readers and its journal are open.
    pub(crate) fn until_open(&self) {
        self.until("the readers and the journal are open", |status| {
            let readers = status["readers"].as_array().unwrap();
            status["journal"].is_string() && readers.iter().all(|reader| reader["connected"] == true)
        });
    }

    /// Waits until the office has everything that it holds.
    pub(crate) fn until_drained(&self, limit: Duration) {
        self.within("everything is at the office", limit, |status| {
            status["backlog"] == 0 && status["sequence"].as_u64() > Some(0) && status["acknowledged"] == status["sequence"]
        });
    }

    pub(crate) fn events(&self) -> Events {
        Events::of(self.page())
    }
}

pub(crate) fn punchd(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_punchd"));
    command.args(arguments).arg("--config").arg(config);
    command
}
