//! A cable in the test's own hands: a pseudo-terminal under a tty's name and, one hop further, the stable link that a configuration names.
//!
//! The two hops come and go apart, as the kernel's node and the link of udev do: the link dangles for a while after the node is gone, and
//! appears a while after the node is there.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use serialport::{SerialPort as _, TTYPort};

use crate::rig::Place;

/// How long a read waits for the host.
const READ_WAIT: Duration = Duration::from_millis(2);
/// Unread bytes at the host from which further ones are lost, as on a line (Linux keeps 4,096 a terminal).
const HOST_UNREAD_MAX: usize = 3 * 1_024;

/// The cable of one reader.
pub(super) struct Cable {
    link: PathBuf,
    ends: Option<Ends>,
    plugged: u32,
}

/// Both ends of the terminal, and the tty's name for it.
struct Ends {
    reader: TTYPort,
    host: TTYPort,
    tty: PathBuf,
}

impl Cable {
    /// A cable that is not plugged in, for the reader that the place's configuration names so.
    pub(super) fn new(place: &Place, reader: &str) -> Self {
        Self { link: place.path(reader), ends: None, plugged: 0 }
    }

    /// One that is plugged in.
    pub(super) fn plugged(place: &Place, reader: &str) -> Self {
        let mut cable = Self::new(place, reader);
        cable.node_appears();
        cable.link_appears();
        cable
    }

    /// The tty is there, under a number that it never had before; its link is not yet.
    pub(super) fn node_appears(&mut self) {
        let (reader, host) = TTYPort::pair().unwrap();
        // Programs started meanwhile would keep the pair open; they do not keep these copies.
        let (mut reader, host) = (reader.try_clone_native().unwrap(), host.try_clone_native().unwrap());
        reader.set_timeout(READ_WAIT).unwrap();
        let tty = self.link.with_extension(format!("ttyUSB{}", self.plugged));
        symlink(host.name().unwrap(), &tty).unwrap();
        self.plugged += 1;
        self.ends = Some(Ends { reader, host, tty });
    }

    /// The stable link leads to the tty.
    pub(super) fn link_appears(&self) {
        symlink(&self.ends.as_ref().expect("a tty is there").tty, &self.link).unwrap();
    }

    /// Pulls the plug: the tty is gone, its link dangles.
    pub(super) fn node_goes(&mut self) {
        let ends = self.ends.take().expect("it is plugged in");
        // The name goes first: another test may be given the same terminal the moment it is free.
        std::fs::remove_file(&ends.tty).unwrap();
    }

    /// The link is gone too.
    pub(super) fn link_goes(&self) {
        std::fs::remove_file(&self.link).unwrap();
    }

    /// Sends bytes; `false` where the host has left so many unread that these are lost.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        let ends = self.ends.as_mut().expect("it is plugged in");
        if ends.host.bytes_to_read().unwrap() as usize + bytes.len() > HOST_UNREAD_MAX {
            return false;
        }
        ends.reader.write_all(bytes).is_ok()
    }

    /// Sends bytes that must not be lost.
    pub(super) fn sends(&mut self, bytes: &[u8]) {
        assert!(self.write(bytes), "the kiosk does not read");
    }

    /// What the host wrote; empty where it wrote nothing for a moment.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let mut buffer = [0; 512];
        match self.ends.as_mut().expect("it is plugged in").reader.read(&mut buffer) {
            Ok(count) => buffer[..count].to_vec(),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => Vec::new(),
            Err(error) => panic!("the host's end is held open here: {error}"),
        }
    }
}

/// Lets so much time pass: the faults of this folder have a pace of their own.
pub(super) fn pause(millis: u64) {
    std::thread::park_timeout(Duration::from_millis(millis));
}

/// The frame of an EM4100 badge as ASCII modules send it.
pub(super) fn em4100(badge: [u8; 5]) -> Vec<u8> {
    em4100_with(badge, xor(&badge))
}

/// The same with a checksum of one's own.
pub(super) fn em4100_with(badge: [u8; 5], checksum: u8) -> Vec<u8> {
    let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value)];
    let text: Vec<u8> = badge.iter().chain([&checksum]).flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0F)]).collect();
    [&[0x02], &text[..], &[0x03]].concat()
}

/// The same as binary modules send it.
pub(super) fn em4100_binary(badge: [u8; 5]) -> Vec<u8> {
    let body = [&[0x0A, 0x02], &badge[..]].concat();
    [&[0x02], &body[..], &[xor(&body), 0x03]].concat()
}

pub(super) fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}
