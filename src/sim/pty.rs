//! One pseudo-terminal and the symbolic link to it: the cable between a simulated reader and its host.
//!
//! Invariants:
//! - the host's end is raw from its making (a pty that is not raw echoes what the reader writes) and is held open here, so its settings
//!   outlive the host's and the reader's end never hangs up by itself;
//! - a write never blocks: when the host has left too much unread, the bytes are lost, as they are on a real line;
//! - closing it is what an unplugged adapter looks like: the host's reads and writes fail and the node is gone.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serialport::{SerialPort as _, TTYPort};

/// How long a read waits for the host.
const READ_WAIT: Duration = Duration::from_millis(10);
/// Unread bytes at the host above which a write would risk blocking (Linux keeps 4,096 a terminal).
const HOST_UNREAD_MAX: usize = 3 * 1_024;
/// Pause between two bytes that are sent apart.
const SPLIT_GAP: Duration = Duration::from_millis(2);

/// Both ends of a pseudo-terminal.
#[derive(Debug)]
pub(crate) struct Pty {
    reader: TTYPort,
    host: TTYPort,
    path: PathBuf,
}

impl Pty {
    /// Makes a new one.
    pub(crate) fn open() -> io::Result<Self> {
        let (reader, host) = TTYPort::pair()?;
        // The pair is open in every program started from here, which would keep an unplugged reader alive; these copies are not.
        let (mut reader, host) = (reader.try_clone_native()?, host.try_clone_native()?);
        reader.set_timeout(READ_WAIT)?;
        let path = host.name().map(PathBuf::from).ok_or_else(|| io::Error::other("the pseudo-terminal has no name"))?;
        Ok(Self { reader, host, path })
    }

    /// The node that a host opens.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the host wrote; empty when it wrote nothing for a moment.
    pub(crate) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let count = match self.reader.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::BrokenPipe.into()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => 0,
            Err(error) => return Err(error),
        };
        Ok(buffer.get(..count).unwrap_or_default())
    }

    /// Sends a frame in one piece; `false` when the host reads so little that it is lost.
    pub(crate) fn write(&mut self, frame: &[u8]) -> io::Result<bool> {
        let unread = usize::try_from(self.host.bytes_to_read()?).unwrap_or(usize::MAX);
        if unread.saturating_add(frame.len()) > HOST_UNREAD_MAX {
            return Ok(false);
        }
        match self.reader.write_all(frame) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a frame byte by byte with pauses.
    pub(crate) fn write_apart(&mut self, frame: &[u8]) -> io::Result<bool> {
        for byte in frame {
            if !self.write(&[*byte])? {
                return Ok(false);
            }
            std::thread::sleep(SPLIT_GAP);
        }
        Ok(true)
    }

    /// Lets the next host in after one that died while it held the terminal for itself. A real line forgets that mark with its last
    /// opener; this one would not, as its end is held open here. Closing a copy of that end clears it.
    pub(crate) fn forget_exclusive(&self) -> io::Result<()> {
        drop(self.host.try_clone_native()?);
        Ok(())
    }
}

/// Makes `link` point to `target` in one step, in place of an older link, but of nothing else.
pub(crate) fn point(link: &Path, target: &Path) -> io::Result<()> {
    match link.symlink_metadata() {
        Ok(found) if !found.is_symlink() => return Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut beside = OsString::from(link);
    beside.push(format!(".{}", std::process::id()));
    std::os::unix::fs::symlink(target, &beside)?;
    std::fs::rename(&beside, link).inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// Removes `link` if it still points to `target`; whose link it is now, keeps it.
pub(crate) fn unpoint(link: &Path, target: &Path) -> io::Result<()> {
    if std::fs::read_link(link).is_ok_and(|pointed| pointed == target) { std::fs::remove_file(link) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_end_writes_the_other_reads_unchanged_and_without_echo() {
        let mut pty = Pty::open().unwrap();
        let mut host = open(pty.path());
        let every_byte: Vec<u8> = (0..=255).collect();
        assert!(pty.write(&every_byte).unwrap());
        let mut read = vec![0; 256];
        host.read_exact(&mut read).unwrap();
        assert_eq!(read, every_byte);
        assert_eq!(pty.read(&mut [0; 16]).unwrap(), b"");
        host.write_all(&every_byte).unwrap();
        let mut got: Vec<u8> = Vec::new();
        while got.len() < 256 {
            got.extend(pty.read(&mut [0; 300]).unwrap());
        }
        assert_eq!(got, every_byte);
    }

    #[test]
    fn a_host_that_never_reads_loses_bytes_and_blocks_nobody() {
        let mut pty = Pty::open().unwrap();
        let lost = (0..1_000).filter(|_| !pty.write(b"fourteen bytes").unwrap()).count();
        assert!(lost > 0, "the kernel took all of 1000 frames of 14 bytes");
    }

    #[test]
    fn a_dropped_pty_fails_the_hosts_read_at_once() {
        let pty = Pty::open().unwrap();
        let mut host = open(pty.path());
        let path = pty.path().to_owned();
        drop(pty);
        let error = host.read(&mut [0; 1]).unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::TimedOut);
        assert!(!path.exists() || serialport::new(path.to_string_lossy(), 9_600).open_native().is_err());
    }

    #[test]
    fn a_link_replaces_a_link_but_never_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("badge");
        point(&link, Path::new("/dev/null")).unwrap();
        point(&link, Path::new("/dev/zero")).unwrap();
        assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("/dev/zero"));
        unpoint(&link, Path::new("/dev/null")).unwrap();
        assert!(link.is_symlink(), "another reader's link stays");
        unpoint(&link, Path::new("/dev/zero")).unwrap();
        assert!(!link.is_symlink());
        std::fs::write(&link, "precious").unwrap();
        assert_eq!(point(&link, Path::new("/dev/null")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "precious");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn open(path: &Path) -> TTYPort {
        serialport::new(path.to_string_lossy(), 9_600).timeout(Duration::from_secs(5)).open_native().unwrap()
    }
}
