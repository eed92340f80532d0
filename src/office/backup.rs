//! `punch-office backup` and `restore`: a copy of the store at one moment, with the keys and the CA, that stands for itself.
//!
//! Invariants: nothing is ever overwritten; the manifest with every file's digest is written last, so a copy without one is not a backup;
//! after a restore the feed begins a new epoch, and terminals send again what the copy lacks.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ca::{CA_FILE, CA_KEY_FILE};
use super::keys::{self, KeyError, OFFICE_KEY_FILE};
use super::store::{Database, Store, StoreError};
use crate::config::office::OfficeSettings;
use crate::domain::id::hex_text;
use crate::supervise::Supervisor;
use crate::sys;

/// The copy of the store in a backup.
pub const DATABASE_FILE: &str = "office.db";
/// The manifest.
pub const MANIFEST_FILE: &str = "backup.json";
const FORMAT: &str = "punch-office-backup";
const VERSION: u32 = 1;
/// Most bytes of a manifest.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;
/// What is kept beside the store, where it is there.
const KEY_FILES: [&str; 3] = [OFFICE_KEY_FILE, CA_KEY_FILE, CA_FILE];

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is there already.
    #[error("{path} is there already")]
    Exists {
        /// What.
        path: PathBuf,
    },
    /// No manifest, or one that does not fit its files.
    #[error("{path} is no whole backup: {why}")]
    Broken {
        /// Which folder or file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Locks or keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path, its permissions and the room on the disk",
            Self::Exists { .. } => "nothing is ever overwritten: name an empty folder, or move the old files away",
            Self::Broken { .. } => "use another backup",
            Self::Key(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// Its files.
    pub files: Vec<ManifestFile>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// Copies store and keys into a folder that is not there yet or is empty; a running server goes on meanwhile.
///
/// # Errors
/// Why there is no backup.
pub async fn backup(settings: &OfficeSettings, folder: &Path, made_at: String) -> Result<Manifest, BackupError> {
    let (supervisor, _notices) = Supervisor::new();
    empty_folder(folder)?;
    let store = Store::open(&Database::Sqlite(settings.database.clone()), &supervisor)?;
    let copied = store.copy_to(folder.join(DATABASE_FILE)).await;
    store.close().await;
    copied?;
    set_private(&folder.join(DATABASE_FILE))?;
    let mut files = vec![describe(folder, DATABASE_FILE)?];
    for name in KEY_FILES {
        if copy(&settings.data_dir.join(name), &folder.join(name))? {
            files.push(describe(folder, name)?);
        }
    }
    let manifest = Manifest { format: FORMAT.to_owned(), version: VERSION, made_at, files };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| broken(folder, error.to_string()))?;
    let path = folder.join(MANIFEST_FILE);
    sys::write_whole(&path, text.as_bytes(), 0o600).map_err(|source| BackupError::File { path, source })?;
    Ok(manifest)
}

/// Puts a backup in place. The server must not run, and nothing may be there that would be overwritten.
///
/// # Errors
/// Why nothing was restored.
pub async fn restore(settings: &OfficeSettings, folder: &Path) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(folder)?;
    keys::ensure_dir(&settings.data_dir)?;
    let _lock = keys::lock_serving(&settings.data_dir)?;
    let target = |name: &str| if name == DATABASE_FILE { settings.database.clone() } else { settings.data_dir.join(name) };
    for file in &manifest.files {
        if target(&file.name).exists() {
            return Err(BackupError::Exists { path: target(&file.name) });
        }
    }
    // The store last: without it, nothing was restored.
    for file in manifest.files.iter().rev() {
        copy(&folder.join(&file.name), &target(&file.name))?;
    }
    let (supervisor, _notices) = Supervisor::new();
    let store = Store::open(&Database::Sqlite(settings.database.clone()), &supervisor)?;
    let begun = store.begin_feed_again().await;
    store.close().await;
    begun?;
    Ok(manifest)
}

/// Reads a manifest and checks every file against it.
///
/// # Errors
/// What is missing or changed.
pub fn read_manifest(folder: &Path) -> Result<Manifest, BackupError> {
    let path = folder.join(MANIFEST_FILE);
    let bytes = sys::read_limited(&path, MANIFEST_BYTES_MAX).map_err(|source| BackupError::File { path, source })?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| broken(folder, error.to_string()))?;
    if manifest.format != FORMAT || manifest.version != VERSION {
        return Err(broken(folder, format!("{} version {} is not known here", manifest.format, manifest.version)));
    }
    let known = |file: &ManifestFile| file.name == DATABASE_FILE || KEY_FILES.contains(&file.name.as_str());
    if !manifest.files.iter().all(known) || manifest.files.first().is_none_or(|first| first.name != DATABASE_FILE) {
        return Err(broken(folder, "its manifest names other files than a backup has".to_owned()));
    }
    for file in &manifest.files {
        if describe(folder, &file.name)? != *file {
            return Err(broken(&folder.join(&file.name), "it is not what the manifest says".to_owned()));
        }
    }
    Ok(manifest)
}

fn broken(path: &Path, why: String) -> BackupError {
    BackupError::Broken { path: path.to_owned(), why }
}

fn empty_folder(folder: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::File { path: folder.to_owned(), source };
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(BackupError::Exists { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)
        }
        Err(source) => Err(failed(source)),
    }
}

/// Copies a file durably under its own name only once it is whole; `false` where there is none.
fn copy(from: &Path, to: &Path) -> Result<bool, BackupError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::File { path, source }
    };
    if !from.exists() {
        return Ok(false);
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    fs::copy(from, &beside).map_err(failed(from))?;
    set_private(&beside)?;
    File::open(&beside).and_then(|file| file.sync_all()).map_err(failed(&beside))?;
    fs::rename(&beside, to).map_err(failed(to))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    Ok(true)
}

fn set_private(path: &Path) -> Result<(), BackupError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|source| BackupError::File { path: path.to_owned(), source })
}

fn describe(folder: &Path, name: &str) -> Result<ManifestFile, BackupError> {
    let path = folder.join(name);
    let failed = |source| BackupError::File { path: path.clone(), source };
    let mut file = File::open(&path).map_err(failed)?;
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        digest.update(part);
        bytes += u64::try_from(read).unwrap_or_default();
    }
    Ok(ManifestFile { name: name.to_owned(), bytes, sha256: hex_text(&digest.finalize()) })
}
