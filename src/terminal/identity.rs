//! Who this kiosk is at the office: its key, made once and never leaving its file, and what pairing gave. Secrets are files of mode 0600.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::config::terminal::TerminalSettings;
use crate::domain::id::{TerminalId, hex_bytes, hex_text};
use crate::sys;

/// The kiosk's Ed25519 secret, hexadecimal.
const KEY_FILE: &str = "terminal.key";
/// What pairing gave.
const PAIRING_FILE: &str = "pairing.json";
/// Most bytes of either file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What pairing gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The office's address.
    pub url: String,
    /// Who the kiosk is.
    pub terminal: TerminalId,
    /// The CA that vouches for the office, PEM.
    pub ca: String,
    /// The office's key for receipts and bundles, hexadecimal.
    pub office_key: String,
}

/// Why the identity's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error("cannot {verb} {path}: {source}")]
    File {
        /// `read`, `write` or `make`.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The kiosk is paired, and the key by which the office knows it is gone.
    #[error("{path} is gone, and the office knows this kiosk by it")]
    KeyGone {
        /// The key's file.
        path: PathBuf,
    },
}

impl IdentityError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check that the data directory exists and belongs to the daemon's user",
            Self::Damaged { .. } => "set the file aside and pair again with punchctl pair",
            Self::KeyGone { .. } => "put it back, or pair again with punchctl pair",
        }
    }
}

/// Reads what pairing gave; none before it.
///
/// # Errors
/// When the file is there and cannot be used.
pub fn pairing(data_dir: &Path) -> Result<Option<Pairing>, IdentityError> {
    let path = data_dir.join(PAIRING_FILE);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| IdentityError::Damaged { path, why: error.to_string() })
}

/// Keeps what pairing gave.
///
/// # Errors
/// When it cannot be written; the old pairing then still stands.
pub fn keep_pairing(data_dir: &Path, pairing: &Pairing) -> Result<(), IdentityError> {
    let path = data_dir.join(PAIRING_FILE);
    let text = serde_json::to_vec_pretty(pairing).map_err(|error| IdentityError::Damaged { path: path.clone(), why: error.to_string() })?;
    sys::write_whole(&path, &text, 0o600).map_err(|source| IdentityError::File { verb: "write", path, source })
}

/// How the configuration contradicts a pairing, with what to do, so that nobody believes a kiosk to be another; none where it does not.
pub fn contradiction(settings: &TerminalSettings, pairing: &Pairing) -> Option<String> {
    let told = |key: &str, configured: &str, paired: &str| {
        let remedy = "correct terminal.toml, or remove pairing.json from the data directory and pair again";
        Some(format!("{key} is {configured} in the configuration, but the kiosk is paired with {paired}; {remedy}"))
    };
    if let Some(id) = settings.id.as_ref().filter(|id| **id != pairing.terminal) {
        return told("terminal.id", id.as_str(), pairing.terminal.as_str());
    }
    if let Some(url) = settings.office.url.as_ref().filter(|url| **url != pairing.url) {
        return told("office.url", url, &pairing.url);
    }
    let file = settings.office.ca_file.as_ref()?;
    match sys::read_limited(file, FILE_BYTES_MAX) {
        Err(error) => told("office.ca-file", &format!("{} ({error})", file.display()), "a CA that it must name"),
        Ok(ca) if String::from_utf8_lossy(&ca).trim() != pairing.ca.trim() => {
            told("office.ca-file", &file.display().to_string(), "another CA")
        }
        Ok(_) => None,
    }
}

/// Where the kiosk's key lies.
pub fn key_file(data_dir: &Path) -> PathBuf {
    data_dir.join(KEY_FILE)
}

/// The kiosk's key, if it was made already.
///
/// # Errors
/// When it is there and cannot be used.
pub fn kept_key(data_dir: &Path) -> Result<Option<SigningKey>, IdentityError> {
    let path = key_file(data_dir);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let secret = hex_bytes(text.trim()).and_then(|secret| <[u8; 32]>::try_from(secret).ok());
    let damaged = || IdentityError::Damaged { path, why: "it must be 64 hexadecimal digits".to_owned() };
    secret.map(|secret| Some(SigningKey::from_bytes(&secret))).ok_or_else(damaged)
}

/// The key of a kiosk that is paired; never a new one, which no office would know.
///
/// # Errors
/// When it is not there, or cannot be read.
pub fn paired_key(data_dir: &Path) -> Result<SigningKey, IdentityError> {
    kept_key(data_dir)?.ok_or_else(|| IdentityError::KeyGone { path: key_file(data_dir) })
}

/// The kiosk's key, for pairing; made at the first call.
///
/// # Errors
/// When it can be neither read nor made.
pub fn key(data_dir: &Path) -> Result<SigningKey, IdentityError> {
    if let Some(key) = kept_key(data_dir)? {
        return Ok(key);
    }
    let key = new_key().map_err(|source| IdentityError::File { verb: "make", path: key_file(data_dir), source })?;
    keep_key(data_dir, &key)?;
    Ok(key)
}

/// A key that nobody has seen.
///
/// # Errors
/// When the system gives no randomness.
pub fn new_key() -> io::Result<SigningKey> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Keeps a key in the place of any before it.
///
/// # Errors
/// When it cannot be written; the old key then still stands.
pub fn keep_key(data_dir: &Path, key: &SigningKey) -> Result<(), IdentityError> {
    let path = key_file(data_dir);
    fs::create_dir_all(data_dir)
        .and_then(|()| sys::write_whole(&path, format!("{}\n", hex_text(&key.to_bytes())).as_bytes(), 0o600))
        .map_err(|source| IdentityError::File { verb: "write", path, source })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, IdentityError> {
    match sys::read_limited(path, FILE_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdentityError::File { verb: "read", path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = key(folder.path()).unwrap();
        assert_eq!(key(folder.path()).unwrap().to_bytes(), first.to_bytes());
        let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_configuration_that_names_another_kiosk_office_or_ca_contradicts_the_pairing() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        fs::write(&ca_file, "the CA\n").unwrap();
        let terminal: TerminalId = "east-hall-1".parse().unwrap();
        let pairing = Pairing { url: "https://office:1".to_owned(), terminal, ca: "the CA".to_owned(), office_key: String::new() };
        let told = |text: &str| contradiction(&crate::config::terminal::check("terminal.toml", text).unwrap(), &pairing);
        assert_eq!(told(""), None);
        let same = format!("[terminal]\nid = \"east-hall-1\"\n[office]\nurl = \"https://office:1/\"\nca-file = {ca_file:?}\n");
        assert_eq!(told(&same), None);
        for (text, key) in [
            ("[terminal]\nid = \"west-hall-1\"\n", "terminal.id"),
            ("[office]\nurl = \"https://elsewhere\"\n", "office.url"),
            ("[office]\nca-file = \"/nowhere/ca.pem\"\n", "office.ca-file"),
        ] {
            assert!(told(text).unwrap().contains(key), "{text}");
        }
        fs::write(&ca_file, "another CA\n").unwrap();
        assert!(told(&same).unwrap().contains("another CA"));
    }

    #[test]
    fn a_damaged_key_is_told_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE), "garbage").unwrap();
        assert!(matches!(key(folder.path()), Err(IdentityError::Damaged { .. })));
        assert_eq!(fs::read_to_string(folder.path().join(KEY_FILE)).unwrap(), "garbage");
    }
}
