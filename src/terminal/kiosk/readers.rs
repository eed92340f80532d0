//! The configured readers: their ports' commands, and what a technician is told of them.

use std::collections::BTreeMap;

use crate::control::ReaderStatus;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::health::Code;
use crate::health::board::Board;
use crate::health::doctor::port;
use crate::reader::{Fault, Request, Signal};
use crate::terminal::port::{PortEvent, PortEventKind, PortHandle, PortSettings};

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
    settings: PortSettings,
    port: PortHandle,
    open: bool,
    answering: bool,
    why: String,
    code: &'static str,
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
    pub fn add(&mut self, settings: PortSettings, port: PortHandle) {
        let answering = !settings.protocol.protocol().answers();
        self.readers.push(Reader {
            settings,
            port,
            open: false,
            answering,
            why: "not opened yet".to_owned(),
            code: "port-missing",
            readings: 0,
            faults: BTreeMap::new(),
            opened: 0,
            window: (Mono(0), 0),
            noisy: false,
        });
    }

    /// Takes in what a port told; whether the reader can read, where that changed.
    pub(super) fn note(&mut self, event: &PortEvent) -> Option<bool> {
        let reader = self.readers.iter_mut().find(|reader| reader.settings.reader == event.reader)?;
        let before = reader.connected();
        match &event.kind {
            PortEventKind::Opened => {
                (reader.open, reader.opened) = (true, reader.opened + 1);
                reader.why.clear();
            }
            PortEventKind::Closed { why } => {
                reader.open = false;
                reader.answering = !reader.settings.protocol.protocol().answers();
                (reader.why, reader.code) = (why.to_string(), why.code());
            }
            PortEventKind::Online(online) => {
                reader.answering = *online;
                reader.why = if *online { String::new() } else { "the module does not answer".to_owned() };
            }
            PortEventKind::Reading(_) => reader.readings += 1,
            PortEventKind::Fault(fault) => reader.fault(*fault, event.at),
            PortEventKind::Answer(_) | PortEventKind::Raw(_) => {}
        }
        let after = reader.connected();
        (before != after).then_some(after)
    }

    /// Shows on the reader itself what became of a reading.
    pub(super) fn signal(&self, name: &ReaderName, signal: Signal) {
        if let Some(port) = self.port(name) {
            port.signal(signal);
        }
    }

    /// Passes on a technician's request; whether the port has room.
    pub(super) fn request(&self, name: &ReaderName, request: Request) -> bool {
        self.port(name).is_some_and(|port| port.request(request))
    }

    /// Whether a reader's bytes are wanted as they are read.
    pub(super) fn listen(&self, name: &ReaderName, on: bool) {
        if let Some(port) = self.port(name) {
            port.listen(on);
        }
    }

    /// Tells every port to end.
    pub(super) fn stop(&self) {
        self.readers.iter().for_each(|reader| reader.port.stop());
    }

    fn port(&self, name: &ReaderName) -> Option<&PortHandle> {
        self.readers.iter().find(|reader| reader.settings.reader == *name).map(|reader| &reader.port)
    }

    /// Whether a reader of that name is configured.
    pub(super) fn is_known(&self, name: &ReaderName) -> bool {
        self.readers.iter().any(|reader| reader.settings.reader == *name)
    }

    /// What is wrong with them.
    pub(super) fn conditions(&self, now: Mono, board: &mut Board) {
        for reader in &self.readers {
            let name = reader.settings.reader.as_str();
            board.set(now, Code::ReaderMissing, name, (!reader.open).then(|| reader.why.clone()));
            let silent = reader.open && !reader.answering;
            board.set(now, Code::ReaderSilent, name, silent.then(|| reader.why.clone()));
            board.set(now, Code::ReaderNoisy, name, (reader.open && reader.noisy).then(String::new));
        }
    }

    /// How they stand, for the doctor.
    pub(super) fn examined(&self, now: Mono) -> Vec<port::Reader> {
        let examined = |reader: &Reader| port::Reader {
            reader: reader.settings.reader.to_string(),
            protocol: reader.settings.protocol.protocol().name().to_owned(),
            device: reader.settings.device.display().to_string(),
            open: reader.open,
            module: reader.settings.protocol.protocol().answers(),
            answers: reader.answering,
            code: if reader.open { String::new() } else { reader.code.to_owned() },
            why: reader.why.clone(),
            readings: reader.readings,
            faults: reader.faults.values().sum(),
            noisy: reader.noisy,
            heard: reader.port.heard().map(|(bytes, at)| (bytes, now.millis_since(at))),
        };
        self.readers.iter().map(examined).collect()
    }

    /// How they stand.
    pub(super) fn status(&self) -> Vec<ReaderStatus> {
        let status = |reader: &Reader| ReaderStatus {
            reader: reader.settings.reader.clone(),
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
