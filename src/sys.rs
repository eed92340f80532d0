//! What the programs share of the operating system: exit codes, standard output, files that are whole or absent.

pub mod accounts;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Exit codes of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The command line is wrong.
    Usage = 64,
    /// What was checked is not right.
    Data = 65,
    /// Something that is needed does not answer.
    Unavailable = 69,
    /// A fault of the program itself.
    Software = 70,
    /// A file cannot be read or written.
    Io = 74,
    /// Not permitted.
    Permission = 77,
    /// The configuration is wrong.
    Config = 78,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Writes a line to standard output; a closed pipe is not an error worth dying for.
pub fn out(line: impl fmt::Display) {
    writeln!(io::stdout().lock(), "{line}").ok();
}

/// Writes a line to standard error.
pub fn err(line: impl fmt::Display) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, or is longer.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// Writes a file so that a power cut leaves the old one or the new one, whole; `mode` are its permissions (0o600 for secrets).
///
/// # Errors
/// When any step fails; the old file is then untouched.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let beside = folder.join(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// The one set of cryptographic algorithms for TLS.
pub fn crypto() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
