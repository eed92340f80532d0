//! Real programs in a temporary folder: a kiosk with simulated readers, an office, and clients of the page and of the technician's socket.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use punchd::clock::Clock;
use punchd::sim::reader::{Protocol, SimReader};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything that has no limit of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A badge of the published frames.
pub(crate) const BADGE: [u8; 5] = [0x67, 0x00, 0x3B, 0x51, 0xC6];
/// Another one.
pub(crate) const OTHER_BADGE: [u8; 5] = [0x67, 0x00, 0x3B, 0xA8, 0x6C];

/// A folder with everything of one kiosk.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn reader(&self, name: &str, protocol: Protocol) -> SimReader {
        SimReader::spawn(protocol, &self.path(name)).unwrap()
    }

    /// Writes `terminal.toml`: `more` stands in its `[terminal]` table and behind it.
    pub(crate) fn configure(&self, more: &str, readers: &[(&str, &str)]) -> PathBuf {
        let mut text = format!(
            "[kiosk]\nlisten = \"127.0.0.1:0\"\nsound = false\n[clock]\nsource = \"office\"\n[terminal]\nname = \"一楼东厅 1号机\"\n\
             data-dir = {:?}\ncontrol-socket = {:?}\n{more}\n",
            self.path("data"),
            self.path("kiosk.sock")
        );
        for (name, protocol) in readers {
            writeln!(text, "[[reader]]\nname = \"{name}\"\ndevice = {:?}\nprotocol = \"{protocol}\"", self.path(name)).unwrap();
        }
        let file = self.path("terminal.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A kiosk with one badge reader, its journal open.
    pub(crate) fn badge_kiosk(&self) -> (SimReader, Kiosk) {
        let reader = self.reader("badge", Protocol::Em4100);
        let kiosk = Kiosk::start(self, &self.configure("", &[("badge", "em4100")]));
        kiosk.until("the reader is open", |status| status["readers"][0]["connected"] == true && status["journal"].is_string());
        (reader, kiosk)
    }
}

/// A program that said that it is ready.
struct Program {
    child: Child,
    listen: String,
}

impl Program {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log_file = File::options().create(true).append(true).open(log).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (line, heard) = channel();
        std::thread::spawn(move || {
            let mut first = String::new();
            output.read_line(&mut first).ok();
            line.send(first).ok();
            output.read_to_end(&mut Vec::new()).ok();
        });
        let line = heard.recv_timeout(PATIENCE).unwrap_or_default();
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            child.kill().ok();
            panic!("not ready: {line:?}\n{}", std::fs::read_to_string(log).unwrap_or_default());
        };
        assert_eq!(ready["ready"], true);
        Self { child, listen: ready["listen"].as_str().unwrap().to_owned() }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Tells it to stop; its exit code.
    fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        until("it has ended", PATIENCE, || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// A running `punchd`.
pub(crate) struct Kiosk {
    program: Program,
    socket: PathBuf,
    log: PathBuf,
}

impl Kiosk {
    pub(crate) fn start(place: &Place, config: &Path) -> Self {
        let log = place.path("punchd.log");
        let mut command = punchd(config, &["run"]);
        Self { program: Program::start(command.env("PUNCH_LOG", "trace"), &log), socket: place.path("kiosk.sock"), log }
    }

    pub(crate) fn page(&self) -> &str {
        &self.program.listen
    }

    pub(crate) fn stop(mut self) -> Option<i32> {
        self.program.stop()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// How often each thread has gone to sleep of its own accord: once for each time that it was woken.
    pub(crate) fn wakes(&self) -> BTreeMap<String, u64> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.program.child.id())).unwrap().flatten();
        let wakes = |thread: &Path| {
            let status = std::fs::read_to_string(thread.join("status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            Some((thread.display().to_string(), line.trim().parse().ok()?))
        };
        threads.filter_map(|thread| wakes(&thread.path())).collect()
    }

    /// Waits for its end; its exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        until("punchd has ended", PATIENCE, || self.program.child.try_wait().unwrap()).code()
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(mut self) {
        self.program.child.kill().unwrap();
        self.program.child.wait().unwrap();
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
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

    pub(crate) fn events(&self) -> Events {
        Events::of(self.page())
    }
}

/// Whether a condition is in a status.
pub(crate) fn has(status: &Value, code: &str) -> bool {
    condition(status, code).is_some()
}

pub(crate) fn condition<'a>(status: &'a Value, code: &str) -> Option<&'a Value> {
    status["conditions"].as_array().unwrap().iter().find(|condition| condition["code"] == code)
}

/// What the page is told.
pub(crate) struct Events(Receiver<Value>);

impl Events {
    fn of(page: &str) -> Self {
        let mut stream = TcpStream::connect(page).unwrap();
        write!(stream, "GET /events HTTP/1.1\r\nhost: {page}\r\n\r\n").unwrap();
        let (told, data) = channel();
        std::thread::spawn(move || {
            let mut kind = String::new();
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if let Some(event) = line.strip_prefix("event: ") {
                    event.clone_into(&mut kind);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let datum = serde_json::from_str(data).unwrap();
                    if std::mem::take(&mut kind).is_empty() && told.send(datum).is_err() {
                        return;
                    }
                }
            }
        });
        Self(data)
    }

    /// The next datum of which this holds; what came before it is passed over.
    pub(crate) fn next(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut passed = Vec::new();
        let found = until_or(PATIENCE, || {
            let datum = self.0.recv_timeout(LOOK).ok()?;
            passed.push(datum.clone());
            holds(&datum).then_some(datum)
        });
        found.unwrap_or_else(|| panic!("the page was not told: {what}, but {passed:#?}"))
    }

    pub(crate) fn state(&self, state: &str) -> Value {
        self.next(state, |datum| datum["state"] == state)
    }

    /// Everything that was told up to now.
    pub(crate) fn rest(&self) -> Vec<Value> {
        self.0.try_iter().collect()
    }
}

/// A running `punch-office` in a folder of its own.
pub(crate) struct Office {
    program: Program,
    config: PathBuf,
    _folder: TempDir,
}

impl Office {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("office.toml");
        let data = folder.path().join("data");
        let text = format!("[office]\nname = \"示例中心\"\nutc-offset = \"+08:00\"\nlisten = \"127.0.0.1:0\"\ndata-dir = {data:?}\n");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_punch-office"));
        let program = Program::start(command.arg("--config").arg(&config).arg("serve"), &folder.path().join("office.log"));
        Self { program, config, _folder: folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.program.listen)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_punch-office")).arg("--config").arg(&self.config).args(arguments).output().unwrap();
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
        let paired = kiosk.ctl(&["pair", &self.url(), &self.code(terminal)]);
        assert!(paired.status.success(), "{}\n{}", text(&paired.stderr), kiosk.log());
    }
}

pub(crate) fn punchd(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_punchd"));
    command.args(arguments).arg("--config").arg(config);
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for something with a limit.
pub(crate) fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    until_or(limit, look).unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
}

fn until_or<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let clock = Clock::system();
    let end = clock.mono().plus_millis(u64::try_from(limit.as_millis()).unwrap());
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if clock.mono() >= end {
            return None;
        }
        std::thread::park_timeout(LOOK);
    }
}
