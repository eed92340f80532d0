//! A real kiosk in a folder: `punchd` with a simulated badge reader, and a client of its page that notes when each result came.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use punchd::sim::reader::{Protocol, SimReader};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::Process;
use crate::stopwatch::{Spread, now, wait_until};

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// How many different badges there are: with fewer, one would come again while it still counts as held.
const BADGES: u64 = 4_000;

/// A program that said that it is ready.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// Where it listens.
    pub(crate) listen: String,
    /// When it said so.
    pub(crate) ready_at: u64,
}

impl Program {
    /// Starts it and waits for its ready line.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log_file = File::options().create(true).append(true).open(log)?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let (line, heard) = channel();
        std::thread::spawn(move || {
            let mut first = String::new();
            output.read_line(&mut first).ok();
            line.send((first, now())).ok();
            output.read_to_end(&mut Vec::new()).ok();
        });
        let (line, ready_at) = heard.recv_timeout(PATIENCE).unwrap_or_default();
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let program = Self { child, listen: ready.get("listen").and_then(Value::as_str).unwrap_or_default().to_owned(), ready_at };
        ensure!(!program.listen.is_empty(), "not ready: {line:?}\n{}", std::fs::read_to_string(log).unwrap_or_default());
        Ok(program)
    }

    /// What the system knows of it.
    pub(crate) fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    /// Tells it to stop and waits for its end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = until("the program has ended", || self.child.try_wait().ok().flatten())?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(())
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

/// A running `punchd` with one badge reader.
#[derive(Debug)]
pub(crate) struct Kiosk {
    program: Program,
    programs: PathBuf,
    socket: PathBuf,
    reader: SimReader,
    began: u64,
    next_badge: u64,
}

impl Kiosk {
    /// Starts it over the data directory `data` in a folder; `programs` is where the binaries are.
    pub(crate) fn start(programs: &Path, folder: &Path) -> anyhow::Result<Self> {
        let reader = SimReader::spawn(Protocol::Em4100, &folder.join("badge"))?;
        let (config, socket) = (folder.join("terminal.toml"), folder.join("kiosk.sock"));
        let mut text = format!(
            "[kiosk]\nlisten = \"127.0.0.1:0\"\nsound = false\n[clock]\nsource = \"office\"\n[terminal]\nname = \"一楼东厅 1号机\"\n\
             data-dir = \"{}\"\ncontrol-socket = \"{}\"\n",
            folder.join("data").display(),
            socket.display(),
        );
        write!(text, "[[reader]]\nname = \"badge\"\ndevice = \"{}\"\nprotocol = \"em4100\"\n", folder.join("badge").display())?;
        std::fs::write(&config, text)?;
        let began = now();
        let mut command = Command::new(programs.join("punchd"));
        let program = Program::start(command.arg("run").arg("--config").arg(&config), &folder.join("punchd.log"))?;
        Ok(Self { program, programs: programs.to_owned(), socket, reader, began, next_badge: 0 })
    }

    /// Nanoseconds from its start to its ready line.
    pub(crate) const fn ready_after(&self) -> u64 {
        self.program.ready_at.saturating_sub(self.began)
    }

    /// Waits until its journal is open and its reader is read; nanoseconds from its start.
    pub(crate) fn until_usable(&self) -> anyhow::Result<u64> {
        self.until("the journal is open and the reader is read", |status| {
            status.get("journal").is_some_and(Value::is_string) && status.pointer("/readers/0/connected") == Some(&Value::Bool(true))
        })?;
        Ok(now().saturating_sub(self.began))
    }

    /// What the system knows of it.
    pub(crate) fn process(&self) -> Process {
        self.program.process()
    }

    /// How it stands.
    pub(crate) fn status(&self) -> anyhow::Result<Value> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.write_all(b"{\"verb\":\"status\"}\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Waits until it stands so.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        until(what, || self.status().ok().filter(|status| holds(status)))
    }

    /// A command of `punchctl`, not yet started.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("punchctl"));
        command.arg("--socket").arg(&self.socket).args(arguments).env("LANG", "C.UTF-8");
        command
    }

    /// A browser that looks at its page.
    pub(crate) fn page(&self) -> anyhow::Result<Page> {
        Page::open(&self.program.listen)
    }

    /// Presents a badge that was not presented lately.
    pub(crate) fn tap(&mut self) -> anyhow::Result<()> {
        let badge = badge(self.next_badge);
        self.next_badge += 1;
        Ok(self.reader.badge(&badge)?)
    }

    /// Presents so many badges, one each `every` nanoseconds and never before the last was answered; the times from just before the
    /// badge's bytes to the result on the page. After each result `then` may do something of its own.
    pub(crate) fn taps(
        &mut self,
        page: &Page,
        count: usize,
        every: u64,
        mut then: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Spread> {
        let mut spread = Spread::default();
        let mut next = now();
        for _ in 0..count {
            wait_until(next);
            next = now() + every;
            let began = now();
            self.tap()?;
            spread.add(page.result()?.saturating_sub(began));
            then()?;
        }
        Ok(spread)
    }

    /// Tells it to stop and waits for its end.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.program.stop()
    }
}

/// The bytes of a badge of the bench's own numbers, which no person has.
pub(crate) fn badge(number: u64) -> Vec<u8> {
    let low = u32::try_from(number % BADGES).unwrap_or_default();
    [vec![0xBE], (0x00B0_0000 + low).to_be_bytes().to_vec()].concat()
}

/// A client of `/events` that stamps each durable result as it comes.
#[derive(Debug)]
pub(crate) struct Page(Receiver<u64>);

impl Page {
    /// Connects to a page and waits until it says how things stand.
    pub(crate) fn open(address: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /events HTTP/1.1\r\nhost: {address}\r\n\r\n")?;
        let (results, come) = channel();
        let (opened, open) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let Some(datum) = line.strip_prefix("data: ") else { continue };
                if datum.contains("\"replay\":true") {
                    opened.send(()).ok();
                } else if datum.contains("\"sequence\":") && results.send(now()).is_err() {
                    return;
                }
            }
        });
        open.recv_timeout(PATIENCE).context("the page sent nothing")?;
        Ok(Self(come))
    }

    /// When the next durable result came.
    pub(crate) fn result(&self) -> anyhow::Result<u64> {
        self.0.recv_timeout(PATIENCE).context("no result came to the page")
    }
}

/// Waits for something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let end = now() + u64::try_from(PATIENCE.as_nanos())?;
    while now() < end {
        if let Some(found) = look() {
            return Ok(found);
        }
        std::thread::park_timeout(LOOK);
    }
    bail!("not within {PATIENCE:?}: {what}")
}
