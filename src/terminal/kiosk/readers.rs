//! The configured readers: their ports' commands, and what a technician is told of them.

use std::collections::BTreeMap;

use crate::config::reader::ReaderSettings;
use crate::control::ReaderStatus;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::health::Code;
use crate::health::board::Board;
use crate::health::doctor::port;
use crate::reader::{Fault, Request, Signal};
use crate::terminal::port::{PortEvent, PortEventKind, PortHandle};

/// So many faults within the window make a line noisy.
const NOISY_FAULTS: u64 = 30;
/// The window, in milliseconds; a line that was noisy and had none so long is quiet.
const NOISY_WINDOW_MS: u64 = 60_000;

/// All readers of the kiosk, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Readers {
    readers: Vec<Reader>,
}

#[derive(Debug)]
struct Reader {
    settings: ReaderSettings,
    port: PortHandle,
    open: bool,
    answering: bool,
    why: String,
    code: &'static str,
    readings: u64,
    faults: BTreeMap<Fault, u64>,
    opened: u64,
    noise: Noise,
}

/// The faults of the last minute or so.
#[derive(Debug)]
struct Noise {
    begun: Mono,
    counts: BTreeMap<Fault, u64>,
    until: Option<Mono>,
}

impl Reader {
    const fn connected(&self) -> bool {
        self.open && self.answering
    }
}

impl Readers {
    /// Adds a reader and the way to its port's thread.
    pub fn add(&mut self, settings: ReaderSettings, port: PortHandle) {
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
            noise: Noise { begun: Mono(0), counts: BTreeMap::new(), until: None },
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
            PortEventKind::Faults { fault, count } => {
                *reader.faults.entry(*fault).or_default() += count;
                reader.noise.add(event.at, *fault, *count);
            }
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
            let noisy = reader.open && reader.noise.is_loud(now);
            board.set(now, Code::ReaderNoisy, name, noisy.then(|| reader.noise.mostly().to_owned()));
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
            noisy: reader.noise.is_loud(now),
            heard: reader.port.heard().map(|(bytes, at)| (bytes, now.millis_since(at))),
        };
        self.readers.iter().map(examined).collect()
    }

    /// When a noisy line will have been quiet for long enough.
    pub(super) fn poll_timeout(&self, now: Mono) -> Option<Mono> {
        self.readers.iter().filter_map(|reader| reader.noise.until).filter(|until| *until > now).min()
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

impl Noise {
    fn add(&mut self, at: Mono, fault: Fault, count: u64) {
        if at.millis_since(self.begun) > NOISY_WINDOW_MS {
            self.begun = at;
            self.counts.clear();
        }
        *self.counts.entry(fault).or_default() += count;
        if self.counts.values().sum::<u64>() >= NOISY_FAULTS {
            self.until = Some(at.plus_millis(NOISY_WINDOW_MS));
        }
    }

    fn is_loud(&self, now: Mono) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// What most of it is, for a technician.
    fn mostly(&self) -> &'static str {
        let most = self.counts.iter().max_by_key(|(_, count)| **count);
        most.map_or("", |(fault, _)| fault.meaning())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::protocol::Protocol;
    use crate::terminal::port::commands;

    fn readers() -> Readers {
        let mut readers = Readers::default();
        let settings = ReaderSettings::new("badge".parse().unwrap(), "/dev/badge".into(), Protocol::Em4100.settings());
        readers.add(settings, commands().0);
        readers.note(&told(0, PortEventKind::Opened));
        readers
    }

    fn told(at: u64, kind: PortEventKind) -> PortEvent {
        PortEvent { reader: "badge".parse().unwrap(), at: Mono(at), kind }
    }

    fn shown(readers: &Readers, at: u64) -> Option<String> {
        let mut board = Board::default();
        readers.conditions(Mono(at), &mut board);
        let shown = board.shown(Mono(at).plus_millis(Code::ReaderNoisy.delay_ms()));
        shown.into_iter().find(|condition| condition.code == Code::ReaderNoisy).map(|condition| condition.detail)
    }

    #[test]
    fn a_line_that_was_noisy_and_fell_silent_is_called_noisy_for_a_minute_and_no_longer() {
        let mut readers = readers();
        readers.note(&told(1_000, PortEventKind::Faults { fault: Fault::Noise, count: 1 }));
        assert_eq!(shown(&readers, 1_000), None, "one fault is none");
        readers.note(&told(2_000, PortEventKind::Faults { fault: Fault::Checksum, count: 40 }));
        assert_eq!(shown(&readers, 2_000).as_deref(), Some(Fault::Checksum.meaning()));
        assert_eq!(readers.poll_timeout(Mono(2_000)), Some(Mono(62_000)));
        assert!(shown(&readers, 61_999).is_some());
        assert_eq!((shown(&readers, 62_000), readers.poll_timeout(Mono(62_000))), (None, None));
    }

    #[test]
    fn a_line_that_rustles_all_the_time_is_called_noisy_without_a_gap() {
        let mut readers = readers();
        let mut noisy_since = None;
        for second in 0..600 {
            readers.note(&told(second * 1_000, PortEventKind::Faults { fault: Fault::Noise, count: 1 }));
            match shown(&readers, second * 1_000) {
                Some(_) => noisy_since = noisy_since.or(Some(second)),
                None => assert_eq!(noisy_since, None, "a gap at {second} s"),
            }
        }
        assert_eq!(noisy_since, Some(29));
    }

    #[test]
    fn a_fault_now_and_then_is_no_noise() {
        let mut readers = readers();
        for tap in 0..100 {
            readers.note(&told(tap * 3_000, PortEventKind::Faults { fault: Fault::Truncated, count: 1 }));
            assert_eq!(shown(&readers, tap * 3_000), None);
        }
        assert_eq!(readers.status()[0].faults, [(Fault::Truncated, 100)]);
    }
}
