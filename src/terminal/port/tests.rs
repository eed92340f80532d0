//! Ports on real pseudo-terminals: a master that is closed is what pulling the plug is.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use serialport::{SerialPort as _, TTYPort};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::domain::credential::Credential;
use crate::reader::protocol::Protocol;

/// Longest wait for anything, far beyond every bound that is asserted.
const LIMIT: Duration = Duration::from_secs(20);
/// Most events that any test passes over.
const EVENTS_MAX: usize = 10;
/// A badge that the EM4100 fixtures hold, framed.
const FRAME: &[u8] = b"\x0267003B51C6CB\x03";

/// A port on its thread, and the test's side of its events.
struct Rig {
    runtime: Runtime,
    folder: TempDir,
    handle: PortHandle,
    events: mpsc::Receiver<PortEvent>,
    thread: Option<JoinHandle<()>>,
}

impl Rig {
    fn new(protocol: Protocol) -> Self {
        Self::with(protocol, |_| ())
    }

    /// Lets a device be there before the port looks for it.
    fn with<T>(protocol: Protocol, prepare: impl FnOnce(&Path) -> T) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("reader");
        prepare(&device);
        let settings = ReaderSettings::new("badge".parse().unwrap(), device, protocol.settings());
        let (handle, commands) = commands();
        let (sender, events) = mpsc::channel(64);
        let thread = std::thread::spawn(move || run(&settings, &Clock::system(), &sender, &commands));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { runtime, folder, handle, events, thread: Some(thread) }
    }

    /// Plugs a device in under the stable name and waits until the port has it. A terminal's number is free again as soon as its owner is
    /// gone, and whoever still looks for that owner takes the next holder for it: then another is plugged in.
    fn plugs(&mut self) -> (TTYPort, u64) {
        let clock = Clock::system();
        let mut taken = Vec::new();
        for _ in 0..EVENTS_MAX {
            let plugged = clock.mono();
            let master = plug(&self.device());
            let opened = |kind| {
                let busy = matches!(kind, PortEventKind::Closed { why: PortError::Busy { .. } });
                (busy || matches!(kind, PortEventKind::Opened)).then_some(!busy)
            };
            let (opened, at) = self.awaits(opened);
            if opened {
                return (master, at.millis_since(plugged));
            }
            std::fs::remove_file(self.device()).unwrap();
            self.closed();
            taken.push(master);
        }
        panic!("every terminal was taken by somebody else");
    }

    fn device(&self) -> PathBuf {
        self.folder.path().join("reader")
    }

    /// Pulls the plug. The name goes first: another test may be given the same terminal the moment it is free.
    fn unplug(&self, master: TTYPort) {
        std::fs::remove_file(self.device()).unwrap();
        drop(master);
    }

    fn next(&mut self) -> PortEvent {
        let next = async { tokio::time::timeout(LIMIT, self.events.recv()).await };
        self.runtime.block_on(next).expect("an event in time").expect("the port goes on")
    }

    /// Takes events until one is as wanted.
    fn awaits<T>(&mut self, wanted: impl Fn(PortEventKind) -> Option<T>) -> (T, Mono) {
        for _ in 0..EVENTS_MAX {
            let event = self.next();
            if let Some(found) = wanted(event.kind) {
                return (found, event.at);
            }
        }
        panic!("{EVENTS_MAX} events, and none was the awaited one");
    }

    fn closed(&mut self) -> (PortError, Mono) {
        self.awaits(|kind| if let PortEventKind::Closed { why } = kind { Some(why) } else { None })
    }

    fn reads(&mut self) -> Reading {
        self.awaits(|kind| if let PortEventKind::Reading(reading) = kind { Some(reading) } else { None }).0
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.handle.stop();
        self.events.close();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the port's thread does not panic");
        }
    }
}

fn plug(device: &Path) -> TTYPort {
    let (mut master, slave) = TTYPort::pair().unwrap();
    master.set_timeout(LIMIT).unwrap();
    std::fs::remove_file(device).ok();
    symlink(slave.name().unwrap(), device).unwrap();
    master
}

fn badge() -> Reading {
    Reading::Credential("em4100:67003B51C6".parse::<Credential>().unwrap())
}

#[test]
fn a_frame_is_read_whole_or_in_pieces() {
    let mut rig = Rig::new(Protocol::Em4100);
    let (mut master, _) = rig.plugs();
    master.write_all(FRAME).unwrap();
    assert_eq!(rig.reads(), badge());
    for byte in FRAME {
        master.write_all(&[*byte]).unwrap();
        master.flush().unwrap();
    }
    assert_eq!(rig.reads(), badge());
}

#[test]
fn an_unplug_is_noticed_within_a_second_and_the_reader_is_back_within_three() {
    let mut rig = Rig::new(Protocol::Em4100);
    let clock = Clock::system();
    for _ in 0..2 {
        let (mut master, after_ms) = rig.plugs();
        assert!(after_ms < 3_000);
        master.write_all(FRAME).unwrap();
        assert_eq!(rig.reads(), badge());
        let pulled = clock.mono();
        rig.unplug(master);
        let (why, at) = rig.closed();
        assert!(matches!(why, PortError::Unplugged { .. }), "{why}");
        assert!(at.millis_since(pulled) < 1_000);
    }
}

#[test]
fn a_device_that_is_missing_is_told_once_with_what_to_do() {
    let mut rig = Rig::new(Protocol::Line);
    let (why, _) = rig.closed();
    assert_eq!((why.code(), why.is_transient()), ("port-missing", false));
    assert!(why.hint().contains("/dev/serial/by-id"));
    rig.handle.request(Request::Slots);
    let event = rig.next();
    assert!(matches!(event.kind, PortEventKind::Answer(Answer::Failed { .. })), "not a second Closed: {event:?}");
}

#[test]
fn a_device_that_is_no_serial_port_or_that_another_program_has_is_told_as_such() {
    let mut rig = Rig::with(Protocol::Line, |device| symlink("/dev/null", device).unwrap());
    assert_eq!(rig.closed().0.code(), "port-open");

    let (_master, slave) = TTYPort::pair().unwrap();
    let name = slave.name().unwrap();
    let _other = TTYPort::open(&serialport::new(name.as_str(), 9_600)).unwrap();
    let mut rig = Rig::with(Protocol::Line, |device| symlink(&name, device).unwrap());
    assert_eq!(rig.closed().0.code(), "port-busy");
}

#[test]
fn a_reader_that_is_gone_does_not_hold_up_another() {
    let mut gone = Rig::new(Protocol::Em4100);
    let mut other = Rig::new(Protocol::Em4100);
    let ((master, _), (mut healthy, _)) = (gone.plugs(), other.plugs());
    gone.unplug(master);
    gone.closed();
    for _ in 0..3 {
        healthy.write_all(FRAME).unwrap();
        assert_eq!(other.reads(), badge());
    }
}

#[test]
fn a_line_that_ends_with_nothing_is_read_after_its_gap_and_stamped_when_it_came() {
    let mut rig = Rig::new(Protocol::Line);
    let (mut master, _) = rig.plugs();
    master.write_all(b"QR-17").unwrap();
    let (reading, at) = rig.awaits(|kind| if let PortEventKind::Reading(reading) = kind { Some(reading) } else { None });
    assert_eq!(reading, Reading::Credential(Credential::Text("QR-17".into())));
    assert!(Clock::system().mono().millis_since(at) >= 45, "stamped before the gap, not after it");
}

#[test]
fn raw_bytes_are_told_while_somebody_listens() {
    let mut rig = Rig::new(Protocol::Em4100);
    let (mut master, _) = rig.plugs();
    rig.handle.listen(true);
    master.write_all(FRAME).unwrap();
    let (raw, _) = rig.awaits(|kind| if let PortEventKind::Raw(bytes) = kind { Some(bytes) } else { None });
    assert!(FRAME.starts_with(&raw) && !raw.is_empty());
    assert_eq!(rig.reads(), badge());
}

#[test]
fn a_module_is_asked_and_a_request_is_passed_on() {
    let mut rig = Rig::new(Protocol::Ef01);
    let (mut master, _) = rig.plugs();
    let mut asked = [0; 16];
    master.read_exact(&mut asked).unwrap();
    assert_eq!(asked, *b"\xEF\x01\xFF\xFF\xFF\xFF\x01\x00\x07\x13\x00\x00\x00\x00\x00\x1B");
    master.write_all(b"\xEF\x01\xFF\xFF\xFF\xFF\x07\x00\x03\x00\x00\x0A").unwrap();
    let mut asked = [0; 12];
    master.read_exact(&mut asked).unwrap();
    assert_eq!(asked, *b"\xEF\x01\xFF\xFF\xFF\xFF\x01\x00\x03\x0F\x00\x13");
    assert!(rig.handle.request(Request::Cancel));
    let (answer, _) = rig.awaits(|kind| if let PortEventKind::Answer(answer) = kind { Some(answer) } else { None });
    assert!(matches!(answer, Answer::Failed { .. }));
}

#[test]
fn a_port_stops_when_told_whether_its_device_is_there_or_not() {
    for plugged in [false, true] {
        let mut rig = Rig::new(Protocol::Ef01);
        let _master = plugged.then(|| rig.plugs());
        let clock = Clock::system();
        let told = clock.mono();
        rig.handle.stop();
        rig.thread.take().unwrap().join().unwrap();
        assert!(clock.mono().millis_since(told) < 2_500);
    }
}

#[test]
fn a_loose_plug_fills_no_log_and_its_last_line_tells_how_it_stands() {
    let reader: ReaderName = "badge".parse().unwrap();
    let unplugged = PortError::Unplugged { device: "/dev/badge".into() };
    let mut log = Log::default();
    let mut written = 0;
    for bounce in 0..1_000 {
        for why in [None, Some(&unplugged)] {
            written += u64::from(log.line(Mono(bounce * 50), &reader, why));
        }
    }
    assert_eq!(written, 21, "a closed and an open one every five seconds");
    assert!(log.owes_closed, "it is closed, and the last line said that it is open");
    assert!(!log.line(Mono(49_999), &reader, Some(&unplugged)));
    assert!(log.line(Mono(50_000), &reader, Some(&unplugged)), "so that is said as soon as it may be");
    assert!(!log.owes_closed);
}
