//! A process that says in one line that it is ready, and is killed when it is dropped.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PATIENCE, until};

/// The process.
pub(super) struct Program {
    child: Child,
    first_line: Receiver<String>,
    listen: OnceLock<String>,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it logs is added to a file.
    pub(super) fn start(command: &mut Command, log: &Path) -> Self {
        let log_file = File::options().create(true).append(true).open(log).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (line, first_line) = channel();
        std::thread::spawn(move || {
            let mut first = String::new();
            output.read_line(&mut first).ok();
            line.send(first).ok();
            output.read_to_end(&mut Vec::new()).ok();
        });
        Self { child, first_line, listen: OnceLock::new(), log: log.to_owned() }
    }

    /// Where it listens, once it says that it is ready.
    pub(super) fn listen(&self) -> &str {
        self.listen.get_or_init(|| {
            let line = self.first_line.recv_timeout(PATIENCE).unwrap_or_default();
            let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}\n{}", self.log()));
            assert_eq!(ready["ready"], true);
            ready["listen"].as_str().unwrap().to_owned()
        })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Tells it to stop; its exit code.
    pub(super) fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for its end; its exit code.
    pub(super) fn ended(&mut self) -> Option<i32> {
        until("the program has ended", PATIENCE, || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SIGKILL; one that has ended already needs none.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
