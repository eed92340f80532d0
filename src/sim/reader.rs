//! A simulated reader on a pseudo-terminal, driven from any thread.
//!
//! Invariants: one thread owns the terminal and the device; a verb returns when its bytes are with the kernel (or scheduled, for a hold and
//! a late frame), and says so when they cannot be; dropping the reader unplugs it and removes its link.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

pub use super::badge::Form;
use super::bench::{Asked, Bench};
use super::command::{Command, Distortion};
pub use super::device::{Protocol, Settings};
pub use super::finger::Touch;
pub use super::finger_instruction::Dialect;
pub use super::line::{Encoding, Terminator};

/// How many of the host's writes are remembered.
const HOST_WROTE_MAX: usize = 4_096;

/// Something that the host wrote: a packet where the protocol has packets, else the bytes of one read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostWrote {
    /// In hexadecimal.
    pub host: String,
    /// The instruction's name, or what else it was.
    pub instruction: String,
}

/// Why a simulated reader did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The pseudo-terminal could not be made.
    #[error("no pseudo-terminal could be opened")]
    Terminal(#[source] io::Error),
    /// The link could not be made or removed.
    #[error("the link {} could not be changed", path.display())]
    Link {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The thread could not be started.
    #[error("the reader's thread could not be started")]
    Thread(#[source] io::Error),
    /// Bytes could not be written.
    #[error("the reader's bytes could not be written")]
    Write(#[source] io::Error),
    /// It is not plugged in.
    #[error("the reader is unplugged")]
    Unplugged,
    /// It is plugged in.
    #[error("the reader is plugged in already")]
    Plugged,
    /// The host has left so much unread that the frame was lost.
    #[error("the host does not read: the frame was lost")]
    Lost,
    /// This protocol has no such thing, or takes other values for it.
    #[error("a reader of this protocol cannot do that with {0}")]
    NotThisReader(&'static str),
    /// Nothing was presented that could be held.
    #[error("nothing lies on the reader to hold")]
    NothingToHold,
    /// A limit was passed.
    #[error("{what} is limited to {max}")]
    TooMuch {
        /// What.
        what: &'static str,
        /// The limit, in the unit of the thing.
        max: u128,
    },
    /// The reader's thread has ended.
    #[error("the reader has stopped")]
    Stopped,
}

/// Called on the reader's thread for everything that the host writes.
pub type Listener = Box<dyn Fn(&HostWrote) + Send>;

/// A simulated reader that is plugged in when it is made.
#[derive(Debug)]
pub struct SimReader {
    asks: Option<Sender<Asked>>,
    thread: Option<JoinHandle<()>>,
    link: PathBuf,
    shared: Arc<Shared>,
}

/// What the reader's thread tells.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    wrote: Mutex<VecDeque<HostWrote>>,
    path: Mutex<Option<PathBuf>>,
}

impl Shared {
    /// The reader is at this node, or at none.
    pub(crate) fn is_at(&self, path: Option<PathBuf>) {
        *lock(&self.path) = path;
    }

    /// The host wrote this.
    pub(crate) fn heard(&self, wrote: HostWrote) {
        let mut kept = lock(&self.wrote);
        if kept.len() == HOST_WROTE_MAX {
            kept.pop_front();
        }
        kept.push_back(wrote);
    }
}

impl SimReader {
    /// Makes the terminal and the link, and starts the reader.
    pub fn spawn(settings: impl Into<Settings>, link: &Path) -> Result<Self, SimError> {
        Self::spawn_with(settings, link, Box::new(|_| ()))
    }

    /// The same, with a listener to what the host writes.
    pub fn spawn_with(settings: impl Into<Settings>, link: &Path, listener: Listener) -> Result<Self, SimError> {
        let shared = Arc::new(Shared::default());
        let bench = Bench::new(settings.into(), link, listener, Arc::clone(&shared))?;
        let (asks, asked) = channel();
        let thread =
            std::thread::Builder::new().name("sim-reader".to_owned()).spawn(move || bench.run(&asked)).map_err(SimError::Thread)?;
        Ok(Self { asks: Some(asks), thread: Some(thread), link: link.to_owned(), shared })
    }

    /// Does one command.
    pub fn obey(&self, command: Command) -> Result<(), SimError> {
        let (answer, answered) = sync_channel(1);
        let asks = self.asks.as_ref().ok_or(SimError::Stopped)?;
        asks.send((command, answer)).ok().ok_or(SimError::Stopped)?;
        answered.recv().unwrap_or(Err(SimError::Stopped))
    }

    /// Presents a badge by its raw bytes, once.
    pub fn badge(&self, bytes: &[u8]) -> Result<(), SimError> {
        self.obey(Command::Badge(bytes.to_vec()))
    }

    /// Sends a text.
    pub fn line(&self, text: &str) -> Result<(), SimError> {
        self.obey(Command::Line(text.to_owned()))
    }

    /// Puts a finger on; it stays until [`SimReader::lift`] or the end of a hold.
    pub fn finger(&self, touch: Touch) -> Result<(), SimError> {
        self.obey(Command::Finger(touch))
    }

    /// Takes the finger or the badge away.
    pub fn lift(&self) -> Result<(), SimError> {
        self.obey(Command::Lift)
    }

    /// Keeps the last badge repeating, or the finger on, for so long; returns at once.
    pub fn hold(&self, duration: Duration) -> Result<(), SimError> {
        self.obey(Command::Hold(duration))
    }

    /// Sends so many bytes that mean nothing in any protocol.
    pub fn noise(&self, count: usize) -> Result<(), SimError> {
        self.obey(Command::Noise(count))
    }

    /// Does this to the next frame.
    pub fn distort(&self, distortion: Distortion) -> Result<(), SimError> {
        self.obey(Command::Distort(distortion))
    }

    /// Pulls the cable: the host's reads fail and the link is gone.
    pub fn unplug(&self) -> Result<(), SimError> {
        self.obey(Command::Unplug)
    }

    /// Puts the cable in again: a new terminal, the same link.
    pub fn plug(&self) -> Result<(), SimError> {
        self.obey(Command::Plug)
    }

    /// Lets the supply dip: a fingerprint module forgets the verified password and says that it started.
    pub fn brown_out(&self) -> Result<(), SimError> {
        self.obey(Command::BrownOut)
    }

    /// Sets a fingerprint module's password, which is not verified then.
    pub fn password(&self, password: u32) -> Result<(), SimError> {
        self.obey(Command::Password(password))
    }

    /// Fills every free slot of a fingerprint module.
    pub fn full(&self) -> Result<(), SimError> {
        self.obey(Command::Full)
    }

    /// The link that a configuration names.
    pub fn link(&self) -> &Path {
        &self.link
    }

    /// The terminal's own node, while it is plugged in.
    pub fn path(&self) -> Option<PathBuf> {
        lock(&self.shared.path).clone()
    }

    /// What the host wrote, oldest first: the last 4,096.
    pub fn host_wrote(&self) -> Vec<HostWrote> {
        lock(&self.shared.wrote).iter().cloned().collect()
    }
}

impl Drop for SimReader {
    fn drop(&mut self) {
        drop(self.asks.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the reader's thread has been reported there; here nothing is left to do.
            drop(thread.join());
        }
    }
}

/// A poisoned lock guards plain values that are whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};

    use serialport::{SerialPort as _, TTYPort};
    use tempfile::TempDir;

    use super::*;
    use crate::sim::hex;

    const BADGE: [u8; 5] = [0x67, 0x00, 0x3B, 0x51, 0xC6];
    const FRAME: &[u8] = b"\x0267003B51C6CB\x03";
    /// How long a test waits for bytes that must come.
    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_badge_reaches_the_host_once() {
        let (reader, _folder) = reader(Protocol::Em4100);
        let mut host = open(&reader, LIMIT);
        reader.badge(&BADGE).unwrap();
        assert_eq!(read(&mut host, FRAME.len()), FRAME);
        host.set_timeout(Duration::from_millis(150)).unwrap();
        assert_eq!(host.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_distortion_changes_the_next_frame_alone() {
        let (reader, _folder) = reader(Protocol::Em4100);
        let mut host = open(&reader, LIMIT);
        let expected: [(Distortion, &[u8]); 4] = [
            (Distortion::Corrupt, b"\x0267003B51C6C0\x03"),
            (Distortion::Split, FRAME),
            (Distortion::Truncate, b"\x0267003B"),
            (Distortion::Late(Duration::from_millis(30)), FRAME),
        ];
        for (distortion, distorted) in expected {
            reader.distort(distortion).unwrap();
            reader.badge(&BADGE).unwrap();
            assert_eq!(read(&mut host, distorted.len()), distorted, "{distortion:?}");
            reader.badge(&BADGE).unwrap();
            assert_eq!(read(&mut host, FRAME.len()), FRAME, "after {distortion:?}");
        }
        assert!(matches!(reader.distort(Distortion::WrongAddress), Err(SimError::NotThisReader(_))));
    }

    #[test]
    fn a_held_badge_repeats_until_it_is_lifted() {
        let (reader, _folder) = reader(Protocol::Em4100Binary);
        let mut host = open(&reader, LIMIT);
        assert!(matches!(reader.hold(LIMIT), Err(SimError::NothingToHold)));
        reader.badge(&BADGE).unwrap();
        reader.hold(Duration::from_mins(1)).unwrap();
        let frame = read(&mut host, 10);
        for _ in 0..4 {
            assert_eq!(read(&mut host, 10), frame);
        }
        reader.lift().unwrap();
        host.set_timeout(Duration::from_millis(200)).unwrap();
        while host.read(&mut [0; 10]).is_ok() {}
    }

    #[test]
    fn an_unplugged_reader_fails_the_host_and_comes_back_under_the_same_link() {
        let (reader, _folder) = reader(Protocol::Line);
        let mut host = open(&reader, LIMIT);
        reader.unplug().unwrap();
        assert_ne!(host.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(!reader.link().is_symlink());
        assert_eq!(reader.path(), None);
        assert!(matches!(reader.line("QR-17"), Err(SimError::Unplugged)));
        assert!(matches!(reader.unplug(), Err(SimError::Unplugged)));
        drop(host);
        reader.plug().unwrap();
        assert!(matches!(reader.plug(), Err(SimError::Plugged)));
        let mut host = open(&reader, LIMIT);
        reader.line("QR-17").unwrap();
        assert_eq!(read(&mut host, 6), b"QR-17\r");
    }

    #[test]
    fn a_dropped_reader_leaves_no_link() {
        let (reader, folder) = reader(Protocol::Line);
        let link = reader.link().to_owned();
        assert!(link.is_symlink());
        drop(reader);
        assert!(!link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_fingerprint_module_answers_and_tells_what_the_host_asked() {
        let (reader, _folder) = reader(Protocol::Ef01);
        let mut host = open(&reader, LIMIT);
        let verify = hex::parsed("EF01FFFFFFFF01000713000000 00001B".replace(' ', "").as_str()).unwrap();
        host.write_all(&verify).unwrap();
        assert_eq!(hex::shown(&read(&mut host, 12)), "EF01FFFFFFFF07000300000A");
        let expected = HostWrote { host: hex::shown(&verify), instruction: "VfyPwd".to_owned() };
        assert_eq!(reader.host_wrote(), [expected]);
        reader.brown_out().unwrap();
        assert_eq!(read(&mut host, 1), [0x55]);
    }

    #[test]
    fn a_finger_stays_as_long_as_it_is_held() {
        let (reader, _folder) = reader(Protocol::Ef01);
        let mut host = open(&reader, LIMIT);
        reader.finger(Touch::Slot(7)).unwrap();
        assert_eq!(get_image(&mut host), 0x00);
        reader.hold(Duration::from_millis(50)).unwrap();
        let until_lifted = (0..10_000).find(|_| get_image(&mut host) == 0x02);
        assert!(until_lifted.is_some(), "the finger was never lifted");
    }

    #[test]
    fn noise_begins_no_frame() {
        let (reader, _folder) = reader(Protocol::Em4100);
        let mut host = open(&reader, LIMIT);
        reader.noise(300).unwrap();
        assert!(read(&mut host, 300).iter().all(|byte| *byte >= 0x80));
        assert!(matches!(reader.noise(100_000), Err(SimError::TooMuch { .. })));
    }

    #[test]
    fn a_reader_refuses_what_another_protocol_reads() {
        let (reader, _folder) = reader(Protocol::Em4100);
        assert!(matches!(reader.line("QR-17"), Err(SimError::NotThisReader(_))));
        assert!(matches!(reader.finger(Touch::Unknown), Err(SimError::NotThisReader(_))));
        assert!(matches!(reader.badge(&[1, 2, 3, 4]), Err(SimError::NotThisReader(_))));
        assert!(matches!(reader.full(), Err(SimError::NotThisReader(_))));
    }

    fn reader(protocol: Protocol) -> (SimReader, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let reader = SimReader::spawn(protocol, &folder.path().join("reader")).unwrap();
        (reader, folder)
    }

    fn open(reader: &SimReader, timeout: Duration) -> TTYPort {
        serialport::new(reader.link().to_string_lossy(), 9_600).timeout(timeout).open_native().unwrap()
    }

    fn read(host: &mut TTYPort, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        host.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The code that the module answers to GetImage.
    fn get_image(host: &mut TTYPort) -> u8 {
        host.write_all(&hex::parsed("EF01FFFFFFFF010003010005").unwrap()).unwrap();
        read(host, 12)[9]
    }
}
