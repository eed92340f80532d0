//! One serial port, on a thread of its own: opened by its stable name, read, written, closed when it is unplugged, opened again.
//!
//! Invariants: a reading is stamped when its bytes were read; no port waits for another; a dead port is closed before its name is looked for,
//! or the kernel gives the device another; whatever a line or a loose plug does, events, logs and wake-ups stay bounded.

mod device;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use tokio::sync::mpsc;

pub use self::device::PortError;
use self::session::{End, Session};
use crate::clock::Clock;
use crate::config::reader::ReaderSettings;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::reader::{Answer, Driver, Fault, Reading, Request, Signal};

/// How often a missing device is looked for, in milliseconds.
const LOOK_MS: u64 = 1_000;
/// Least time between two log lines that say that one port is closed, in milliseconds.
const LOG_EVERY_MS: u64 = 5_000;
/// Most commands that wait for a port.
const COMMANDS_MAX: usize = 16;

/// What a port tells.
#[derive(Debug)]
pub struct PortEvent {
    /// Which reader.
    pub reader: ReaderName,
    /// When; of a reading, when its last bytes were read.
    pub at: Mono,
    /// What.
    pub kind: PortEventKind,
}

/// What happened at a port.
#[derive(Debug)]
pub enum PortEventKind {
    /// It is open.
    Opened,
    /// It is not, and why; told again only when the reason becomes another.
    Closed {
        /// Why.
        why: PortError,
    },
    /// A presentation, or one more frame of it.
    Reading(Reading),
    /// Something was wrong on the line, so many times since it was last told.
    Faults {
        /// What.
        fault: Fault,
        /// How often.
        count: u64,
    },
    /// The answer to a request, or a step on the way to it.
    Answer(Answer),
    /// A module that must answer does or does not.
    Online(bool),
    /// Bytes as they were read, while somebody listens; dropped where events pile up.
    Raw(Vec<u8>),
}

/// What a port is told.
#[derive(Debug)]
enum Command {
    Signal(Signal),
    Request(Request),
    /// Nothing: look at the flags.
    Wake,
}

/// The end of a port that others hold.
#[derive(Debug, Clone)]
pub struct PortHandle {
    commands: SyncSender<Command>,
    flags: Arc<Flags>,
}

/// The end of a port that its thread holds.
#[derive(Debug)]
pub struct PortCommands {
    commands: Receiver<Command>,
    flags: Arc<Flags>,
}

#[derive(Debug, Default)]
struct Flags {
    stop: AtomicBool,
    listen: AtomicBool,
    /// Bytes since the start, and when the last of them came, in milliseconds since boot.
    bytes: AtomicU64,
    heard: AtomicU64,
}

/// Both ends.
pub fn commands() -> (PortHandle, PortCommands) {
    let (sender, receiver) = sync_channel(COMMANDS_MAX);
    let flags = Arc::new(Flags::default());
    (PortHandle { commands: sender, flags: Arc::clone(&flags) }, PortCommands { commands: receiver, flags })
}

impl PortHandle {
    /// Shows on the reader what became of a reading; where the port is busy or gone it is not shown.
    pub fn signal(&self, signal: Signal) {
        self.commands.try_send(Command::Signal(signal)).ok();
    }

    /// Passes on a technician's request; false where too many wait or the port has ended.
    pub fn request(&self, request: Request) -> bool {
        self.commands.try_send(Command::Request(request)).is_ok()
    }

    /// How many bytes came since the start, and when the last of them did; none where none did.
    pub fn heard(&self) -> Option<(u64, Mono)> {
        let bytes = self.flags.bytes.load(Ordering::SeqCst);
        (bytes > 0).then(|| (bytes, Mono(self.flags.heard.load(Ordering::SeqCst))))
    }

    /// Whether [`PortEventKind::Raw`] is wanted.
    pub fn listen(&self, on: bool) {
        self.flags.listen.store(on, Ordering::SeqCst);
    }

    /// Ends the port: at once while its device is missing, else with the next byte or after two seconds.
    pub fn stop(&self) {
        self.flags.stop.store(true, Ordering::SeqCst);
        self.commands.try_send(Command::Wake).ok();
    }
}

/// What waits for a port's thread.
#[derive(Debug)]
enum Waiting {
    Nothing,
    Signal(Signal),
    Request(Request),
    Stop,
}

impl PortCommands {
    fn next(&self) -> Waiting {
        if self.flags.stop.load(Ordering::SeqCst) {
            return Waiting::Stop;
        }
        match self.commands.try_recv() {
            Ok(command) => self.waiting(command),
            Err(std::sync::mpsc::TryRecvError::Empty) => Waiting::Nothing,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => Waiting::Stop,
        }
    }

    /// The same, but waits for something until a moment.
    fn next_until(&self, beat: &Clock, until: Mono) -> Waiting {
        if self.flags.stop.load(Ordering::SeqCst) {
            return Waiting::Stop;
        }
        match self.commands.recv_timeout(beat.until(until)) {
            Ok(command) => self.waiting(command),
            Err(RecvTimeoutError::Timeout) => Waiting::Nothing,
            Err(RecvTimeoutError::Disconnected) => Waiting::Stop,
        }
    }

    fn waiting(&self, command: Command) -> Waiting {
        match command {
            Command::Signal(signal) => Waiting::Signal(signal),
            Command::Request(request) => Waiting::Request(request),
            Command::Wake if self.flags.stop.load(Ordering::SeqCst) => Waiting::Stop,
            Command::Wake => Waiting::Nothing,
        }
    }

    fn note_heard(&self, bytes: usize, at: Mono) {
        self.flags.heard.store(at.0, Ordering::SeqCst);
        self.flags.bytes.fetch_add(u64::try_from(bytes).unwrap_or_default(), Ordering::SeqCst);
    }

    fn listening(&self) -> bool {
        self.flags.listen.load(Ordering::SeqCst)
    }
}

/// Serves one port until it is stopped or nobody takes its events any more. It blocks: it is run on a thread of its own.
///
/// `clock` stamps what is told. Pauses on the line and waiting for a device are measured by the machine's own clock, which no demonstration
/// makes skip.
pub fn run(settings: &ReaderSettings, clock: &Clock, events: &mpsc::Sender<PortEvent>, commands: &PortCommands) {
    let teller = Teller { reader: &settings.reader, clock, events };
    let mut port = Port { settings, teller, commands, beat: Clock::system(), log: Log::default(), told: None };
    let mut driver = settings.protocol.driver(settings.serial.baud);
    while port.serve(driver.as_mut()).is_some() && port.rest().is_some() {}
}

/// A port between its openings.
struct Port<'a> {
    settings: &'a ReaderSettings,
    teller: Teller<'a>,
    commands: &'a PortCommands,
    beat: Clock,
    log: Log,
    told: Option<&'static str>,
}

impl Port<'_> {
    /// Opens the device and serves it while it is there; `None` when the port is to end.
    fn serve(&mut self, driver: &mut dyn Driver) -> Option<()> {
        let why = match device::open(&self.settings.device, self.settings.serial) {
            Err(why) => why,
            Ok(mut open) => {
                self.told = None;
                self.log.line(self.beat.mono(), &self.settings.reader, None);
                self.teller.tell(PortEventKind::Opened)?;
                let answers = self.settings.protocol.protocol().answers();
                let session = Session::new(&self.settings.device, answers, &self.teller, self.commands, &self.beat);
                match session.serve(&mut open, driver) {
                    End::Stopped => return None,
                    End::Gone(why) => why,
                }
            }
        };
        let news = self.told != Some(why.absence());
        if news || self.log.owes_closed {
            self.log.line(self.beat.mono(), &self.settings.reader, Some(&why));
        }
        if news {
            self.told = Some(why.absence());
            self.teller.tell(PortEventKind::Closed { why })?;
        }
        Some(())
    }

    /// Waits until the device is to be looked for again; `None` when the port is to end.
    fn rest(&self) -> Option<()> {
        let until = self.beat.mono().plus_millis(LOOK_MS);
        while self.beat.mono() < until {
            match self.commands.next_until(&self.beat, until) {
                Waiting::Nothing | Waiting::Signal(_) => {}
                Waiting::Request(_) => {
                    let why = "the reader is not connected".to_owned();
                    self.teller.tell(PortEventKind::Answer(Answer::Failed { why }))?;
                }
                Waiting::Stop => return None,
            }
        }
        Some(())
    }
}

/// Tells events in a reader's name.
struct Teller<'a> {
    reader: &'a ReaderName,
    clock: &'a Clock,
    events: &'a mpsc::Sender<PortEvent>,
}

impl Teller<'_> {
    fn now(&self) -> Mono {
        self.clock.mono()
    }

    /// Waits for room; `None` when nobody listens any more.
    fn tell(&self, kind: PortEventKind) -> Option<()> {
        self.tell_at(self.now(), kind)
    }

    fn tell_at(&self, at: Mono, kind: PortEventKind) -> Option<()> {
        self.events.blocking_send(PortEvent { reader: self.reader.clone(), at, kind }).ok()
    }

    /// Only where there is room.
    fn mention(&self, kind: PortEventKind) {
        self.events.try_send(PortEvent { reader: self.reader.clone(), at: self.now(), kind }).ok();
    }
}

/// A port's log lines: few even if its plug is loose, and the last one tells how it stands.
#[derive(Debug, Default)]
struct Log {
    said_open: Option<bool>,
    closed: Option<Mono>,
    owes_closed: bool,
    held_back: u64,
}

impl Log {
    /// Says that the port is open, where that is news; or that it is closed and why, where that was not just said. Whether a line was written.
    fn line(&mut self, now: Mono, reader: &ReaderName, why: Option<&PortError>) -> bool {
        let said = match why {
            None => self.said_open == Some(true),
            Some(_) => self.closed.is_some_and(|closed| now.millis_since(closed) < LOG_EVERY_MS),
        };
        self.held_back += u64::from(said && !(self.owes_closed && why.is_some()));
        self.owes_closed = said && why.is_some();
        if said {
            return false;
        }
        self.said_open = Some(why.is_none());
        let held_back = std::mem::take(&mut self.held_back);
        match why {
            None => tracing::info!(%reader, held_back, "reader's port is open"),
            Some(why) => {
                self.closed = Some(now);
                tracing::warn!(%reader, held_back, code = why.code(), "reader's port is closed: {why}");
            }
        }
        true
    }
}
