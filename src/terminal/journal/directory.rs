//! The data directory: one process at a time, the names in it, and setting a damaged file aside.
//!
//! Names: `journal-ID.db`, `journal-ID.damaged-N.db`, `state.db`, `state.damaged-N.db`, each with SQLite's `-wal` and `-shm` beside it; `lock`;
//! `ballast`. A damaged file keeps its log: the database moves first, so that a log is never taken for that of another file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::error::{JournalError, file};
use crate::domain::id::JournalId;

/// Most damaged files of one name.
const DAMAGED_MAX: u32 = 1_000;
const LOG: &str = "-wal";
const INDEX: &str = "-shm";
/// Only while a file is made, before it has a log.
const ROLLBACK: &str = "-journal";

/// A data directory that this process holds.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    handle: File,
    _lock: File,
}

/// What lies in it.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Journals under their own name.
    pub(super) whole: BTreeSet<JournalId>,
    /// Journals set aside.
    pub(super) damaged: BTreeMap<JournalId, Vec<PathBuf>>,
}

/// Which file a path led to, so that it is noticed when it leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    /// Of the file at a path.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self(found.dev(), found.ino()))
    }
}

impl Directory {
    /// Takes the directory for this process, and finishes a setting aside that was broken off.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Directory { path: path.to_owned(), source };
        let handle = File::open(path).map_err(failed)?;
        if !handle.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let lock = File::options().read(true).write(true).create(true).truncate(false).open(path.join("lock")).map_err(failed)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => JournalError::Locked { path: path.to_owned() },
            other => failed(other.into()),
        })?;
        let directory = Self { path: path.to_owned(), handle, _lock: lock };
        directory.finish_moves()?;
        Ok(directory)
    }

    /// Whether a directory is there in which no journal was ever kept.
    pub(super) fn is_blank(path: &Path) -> bool {
        let ours = |name: &str| name.starts_with("journal-") || name.starts_with("state.");
        fs::read_dir(path).is_ok_and(|mut found| !found.any(|found| found.is_ok_and(|found| found.file_name().to_str().is_some_and(ours))))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A journal's file.
    pub(super) fn journal(&self, journal: JournalId) -> PathBuf {
        journal_in(&self.path, journal)
    }

    /// The state's file.
    pub(super) fn state(&self) -> PathBuf {
        state_in(&self.path)
    }

    /// Makes names durable.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.handle.sync_all().map_err(file("sync", &self.path))
    }

    /// Whether the directory is still where it was opened.
    pub(super) fn is_there(&self) -> bool {
        let held = self.handle.metadata().map(|found| Identity(found.dev(), found.ino()));
        held.is_ok_and(|held| Identity::of(&self.path).is_ok_and(|found| found == held))
    }

    /// What lies in it.
    pub(super) fn listing(&self) -> Result<Listing, JournalError> {
        listing_of(&self.path)
    }

    /// Moves a damaged database with its log out of the way, and tells where it lies.
    pub(super) fn set_aside(&self, path: &Path) -> Result<PathBuf, JournalError> {
        let aside = (1..=DAMAGED_MAX).map(|n| path.with_extension(format!("damaged-{n}.db"))).find(|aside| !aside.exists());
        let aside = aside.ok_or_else(|| file("set aside", path)(io::ErrorKind::AlreadyExists.into()))?;
        fs::rename(path, &aside).map_err(file("set aside", path))?;
        move_companions(path, &aside)?;
        self.sync()?;
        Ok(aside)
    }

    /// Removes a database with its log.
    pub(super) fn remove(&self, path: &Path) -> Result<(), JournalError> {
        for name in [path.to_owned(), companion(path, LOG), companion(path, INDEX), companion(path, ROLLBACK)] {
            match fs::remove_file(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file("remove", &name)(error)),
                Err(_) | Ok(()) => {}
            }
        }
        self.sync()
    }

    /// A power cut between the two moves of a setting aside leaves a log without its database; so does a hand that removes one.
    fn finish_moves(&self) -> Result<(), JournalError> {
        let names = names_in(&self.path)?;
        for name in &names {
            let Some(stem) = name.strip_suffix(LOG).and_then(|base| base.strip_suffix(".db")) else { continue };
            let database = self.path.join(format!("{stem}.db"));
            if database.exists() || stem.contains(".damaged-") {
                continue;
            }
            let bare = |aside: &&PathBuf| aside.exists() && !companion(aside, LOG).exists();
            let all: Vec<PathBuf> =
                (1..=DAMAGED_MAX).map(|n| database.with_extension(format!("damaged-{n}.db"))).take_while(|path| path.exists()).collect();
            if let Some(aside) = all.iter().rev().find(bare) {
                move_companions(&database, aside)?;
                self.sync()?;
            } else if name.starts_with("journal-") {
                // The database itself is gone. An empty one gives its log a name under which it is searched.
                tracing::error!(name, "a log lies without its database and is set aside");
                File::create_new(&database).map_err(file("make", &database))?;
                self.set_aside(&database)?;
            }
        }
        Ok(())
    }
}

/// A journal's file in a directory that nobody need hold.
pub(super) fn journal_in(directory: &Path, journal: JournalId) -> PathBuf {
    directory.join(format!("journal-{journal}.db"))
}

/// The state's file in a directory that nobody need hold.
pub(super) fn state_in(directory: &Path) -> PathBuf {
    directory.join("state.db")
}

/// What lies in a directory that nobody need hold.
pub(super) fn listing_of(directory: &Path) -> Result<Listing, JournalError> {
    let mut listing = Listing::default();
    for name in names_in(directory)? {
        let Some(stem) = name.strip_prefix("journal-").and_then(|rest| rest.strip_suffix(".db")) else { continue };
        match stem.split_once(".damaged-") {
            None => listing.whole.extend(stem.parse::<JournalId>().ok()),
            Some((id, _)) => {
                let Ok(id) = id.parse::<JournalId>() else { continue };
                listing.damaged.entry(id).or_default().push(directory.join(&name));
            }
        }
    }
    Ok(listing)
}

fn names_in(directory: &Path) -> Result<Vec<String>, JournalError> {
    let failed = || file("list", directory);
    let mut names = Vec::new();
    for found in fs::read_dir(directory).map_err(failed())? {
        names.extend(found.map_err(failed())?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The log that lies beside a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    companion(path, LOG)
}

/// What SQLite lays beside a database while it is being made, and undoes after a power cut.
pub(super) fn rollback_of(path: &Path) -> PathBuf {
    companion(path, ROLLBACK)
}

fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn move_companions(from: &Path, to: &Path) -> Result<(), JournalError> {
    for suffix in [LOG, INDEX] {
        let (from, to) = (companion(from, suffix), companion(to, suffix));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file("set aside", &from)(error)),
            Err(_) | Ok(()) => {}
        }
    }
    Ok(())
}
