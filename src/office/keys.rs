//! The data directory and the office's own signing key: made once, under a lock, readable by the office alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

use crate::domain::id::{hex_bytes, hex_text};
use crate::sys;

/// The file of the office's signing key: 64 hexadecimal digits.
pub const OFFICE_KEY_FILE: &str = "office.key";
/// Locked while keys or the CA are made.
const MAKING_LOCK: &str = "keys.lock";
/// Locked by a running server and by a restore.
const SERVING_LOCK: &str = "serve.lock";
/// Most bytes of a key file.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or the directory cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key file does not hold a key.
    #[error("{path} does not hold a key")]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// Another process serves from this directory.
    #[error("another punch-office serves from {path}")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

impl KeyError {
    /// The same for a file.
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check that the data directory exists and belongs to the user who runs punch-office",
            Self::Content { .. } => "restore the file from a backup; a new key would make terminals distrust the office",
            Self::Random => "try again",
            Self::InUse { .. } => "stop it first",
        }
    }
}

/// Holds a lock until dropped.
#[derive(Debug)]
pub struct Locked(#[expect(dead_code, reason = "the lock ends when the file is closed")] File);

/// Makes the data directory, if it is absent.
///
/// # Errors
/// When it cannot be made.
pub fn ensure_dir(path: &Path) -> Result<(), KeyError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| KeyError::file(path, source))
}

/// Waits until no one else makes keys in this directory.
///
/// # Errors
/// When the lock cannot be made.
pub fn lock_making(data_dir: &Path) -> Result<Locked, KeyError> {
    let (path, file) = lock_file(data_dir, MAKING_LOCK)?;
    file.lock().map_err(|source| KeyError::file(&path, source))?;
    Ok(Locked(file))
}

/// Makes sure that nobody else serves from this directory, or restores into it.
///
/// # Errors
/// When somebody does, or the lock cannot be made.
pub fn lock_serving(data_dir: &Path) -> Result<Locked, KeyError> {
    let (path, file) = lock_file(data_dir, SERVING_LOCK)?;
    match file.try_lock() {
        Ok(()) => Ok(Locked(file)),
        Err(fs::TryLockError::WouldBlock) => Err(KeyError::InUse { path: data_dir.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(KeyError::file(&path, source)),
    }
}

fn lock_file(data_dir: &Path, name: &str) -> Result<(PathBuf, File), KeyError> {
    let path = data_dir.join(name);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    opened.map(|file| (path.clone(), file)).map_err(|source| KeyError::file(&path, source))
}

/// The office's signing key, made if absent.
///
/// # Errors
/// When it can neither be read nor made.
pub fn office_key(data_dir: &Path) -> Result<SigningKey, KeyError> {
    ensure_dir(data_dir)?;
    let _lock = lock_making(data_dir)?;
    if let Some(key) = known_office_key(data_dir)? {
        return Ok(key);
    }
    let path = data_dir.join(OFFICE_KEY_FILE);
    let seed: [u8; 32] = random()?;
    sys::write_whole(&path, format!("{}\n", hex_text(&seed)).as_bytes(), 0o600).map_err(|source| KeyError::file(&path, source))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The office's signing key, if one was made.
///
/// # Errors
/// When it is there and cannot be read.
pub fn known_office_key(data_dir: &Path) -> Result<Option<SigningKey>, KeyError> {
    let path = data_dir.join(OFFICE_KEY_FILE);
    let Some(text) = read_if_there(&path)? else { return Ok(None) };
    let bytes = hex_bytes(text.trim()).and_then(|bytes| bytes.try_into().ok());
    bytes.map(|bytes| Some(SigningKey::from_bytes(&bytes))).ok_or(KeyError::Content { path })
}

/// A small text file, or `None` where there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<String>, KeyError> {
    match sys::read_limited(path, KEY_BYTES_MAX) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_not_text| KeyError::Content { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::file(path, source)),
    }
}

/// Random bytes from the system.
///
/// # Errors
/// When it gives none.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).or(Err(KeyError::Random))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = office_key(&data).unwrap();
        assert_eq!(office_key(&data).unwrap(), first);
        assert_eq!(fs::metadata(data.join(OFFICE_KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(data.join(OFFICE_KEY_FILE), "not a key").unwrap();
        assert!(matches!(office_key(&data), Err(KeyError::Content { .. })));
    }

    #[test]
    fn a_second_server_in_the_same_directory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock_serving(folder.path()).unwrap();
        assert!(matches!(lock_serving(folder.path()), Err(KeyError::InUse { .. })));
        drop(first);
        assert!(lock_serving(folder.path()).is_ok());
    }
}
