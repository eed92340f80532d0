//! The configured readers: their ports' commands, and what a technician is told of them.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use crate::config::reader::ReaderSettings;
use crate::control::ReaderStatus;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::health::Code;
use crate::health::board::Board;
use crate::reader::{Fault, Output, Signal};
use crate::terminal::port::{PortCommand, PortEvent, PortNews};

/// Most commands that wait for a port's thread.
pub const PORT_COMMANDS_MAX: usize = 64;
/// So many faults within the window make a line noisy.
const NOISY_FAULTS: u64 = 30;
/// The window, in milliseconds.
const NOISY_WINDOW_MS: u64 = 60_000;

/// All readers of the kiosk, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Readers {
    readers: Vec<Reader>,
}

#[derive(Debug)]
struct Reader {
    settings: ReaderSettings,
    commands: mpsc::Sender<PortCommand>,
    open: bool,
    answering: bool,
    why: String,
    readings: u64,
    faults: BTreeMap<Fault, u64>,
    opened: u64,
    window: (Mono, u64),
    noisy: bool,
}

impl Reader {
    const fn connected(&self) -> bool {
        self.open && self.answering
    }
}

impl Readers {
    /// Adds a reader and the way to its port's thread.
    pub fn add(&mut self, settings: ReaderSettings, commands: mpsc::Sender<PortCommand>) {
        let answering = !settings.protocol.protocol().answers();
        self.readers.push(Reader {
            settings,
            commands,
            open: false,
            answering,
            why: "not opened yet".to_owned(),
            readings: 0,
            faults: BTreeMap::new(),
            opened: 0,
            window: (Mono(0), 0),
            noisy: false,
        });
    }

    /// Whether the thread of that name is a port's that was told to stop; none is while the kiosk runs.
    #[expect(clippy::unused_self, reason = "the readers decide which threads may end")]
    pub(super) const fn is_gone(&self, _thread: &str) -> bool {
        false
    }

    /// Takes in what a port told; whether the reader can read, where that changed.
    pub(super) fn note(&mut self, event: &PortEvent) -> Option<bool> {
        let reader = self.readers.iter_mut().find(|reader| reader.settings.name == event.reader)?;
        let before = reader.connected();
        match &event.news {
            PortNews::Opened => {
                (reader.open, reader.opened) = (true, reader.opened + 1);
                reader.why.clear();
            }
            PortNews::Closed { why } => {
                reader.open = false;
                reader.answering = !reader.settings.protocol.protocol().answers();
                reader.why.clone_from(why);
            }
            PortNews::Output(Output::Online(online)) => {
                reader.answering = *online;
                reader.why = if *online { String::new() } else { "the module does not answer".to_owned() };
            }
            PortNews::Output(Output::Reading(_)) => reader.readings += 1,
            PortNews::Output(Output::Fault(fault)) => reader.fault(*fault, event.at),
            PortNews::Output(Output::Write(_) | Output::Answer(_)) | PortNews::Raw(_) => {}
        }
        let after = reader.connected();
        (before != after).then_some(after)
    }

    /// Shows on the reader itself what became of a reading.
    pub(super) fn signal(&self, name: &ReaderName, signal: Signal) {
        self.command(name, PortCommand::Signal(signal));
    }

    /// Asks a port's thread; whether there is such a reader and it has room.
    pub(super) fn command(&self, name: &ReaderName, command: PortCommand) -> bool {
        let reader = self.readers.iter().find(|reader| reader.settings.name == *name);
        reader.is_some_and(|reader| reader.commands.try_send(command).is_ok())
    }

    /// Whether a reader of that name is configured.
    pub(super) fn is_known(&self, name: &ReaderName) -> bool {
        self.readers.iter().any(|reader| reader.settings.name == *name)
    }

    /// What is wrong with them.
    pub(super) fn conditions(&self, now: Mono, board: &mut Board) {
        for reader in &self.readers {
            let name = reader.settings.name.as_str();
            board.set(now, Code::ReaderMissing, name, (!reader.open).then(|| reader.why.clone()));
            let silent = reader.open && !reader.answering;
            board.set(now, Code::ReaderSilent, name, silent.then(|| reader.why.clone()));
            board.set(now, Code::ReaderNoisy, name, (reader.open && reader.noisy).then(String::new));
        }
    }

    /// How they stand.
    pub(super) fn status(&self) -> Vec<ReaderStatus> {
        let status = |reader: &Reader| ReaderStatus {
            reader: reader.settings.name.clone(),
            protocol: reader.settings.protocol.protocol().name().to_owned(),
            device: reader.settings.device.display().to_string(),
            connected: reader.connected(),
            detail: reader.why.clone(),
            readings: reader.readings,
            faults: reader.faults.iter().map(|(fault, count)| (*fault, *count)).collect(),
            reopened: reader.opened.saturating_sub(1),
        };
        self.readers.iter().map(status).collect()
    }
}

impl Reader {
    fn fault(&mut self, fault: Fault, at: Mono) {
        *self.faults.entry(fault).or_default() += 1;
        let (begun, count) = self.window;
        if at.millis_since(begun) > NOISY_WINDOW_MS {
            self.noisy = count >= NOISY_FAULTS;
            self.window = (at, 1);
        } else {
            self.window = (begun, count + 1);
            self.noisy |= count + 1 >= NOISY_FAULTS;
        }
    }
}
