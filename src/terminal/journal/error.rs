//! What can go wrong with the kiosk's files: by operation and object, and with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_DATA, SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ};

use crate::wire::canonical::CanonicalError;

/// Why a journal, or the directory they live in, cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The data directory is missing, no directory, or may not be used.
    #[error("data directory {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the data directory.
    #[error("data directory {}: another punchd is using it", path.display())]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// While the program ran, another directory came into the place of the one with the journals.
    #[error("data directory {}: another one is in its place, without the journals that were there", path.display())]
    Replaced {
        /// Which.
        path: PathBuf,
    },
    /// A file could not be made, moved, read or removed.
    #[error("{operation} {}: {source}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("{operation} {}: {source}", path.display())]
    Sqlite {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A newer program made the file; it was left as it is.
    #[error("{}: made by a newer program (schema {found}; this one knows up to {known}); left untouched", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest known schema.
        known: usize,
    },
    /// What was read contradicts itself.
    #[error("{}: damaged: {finding}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found, with the sequence where there is one.
        finding: String,
    },
    /// A setting on which durability rests is not in force.
    #[error("{}: {setting} is {found}, not {must}", path.display())]
    Setting {
        /// Which file.
        path: PathBuf,
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        must: &'static str,
    },
    /// SQLite is older than the version that mended a corruption bug.
    #[error("SQLite {found} is older than 3.51.3, which mended a corruption of the write-ahead log")]
    OldSqlite {
        /// The version at hand.
        found: &'static str,
    },
    /// The file's end is not where this process left it.
    #[error("{}: ends at {found}, not at {expected} where this process left it", path.display())]
    TailMoved {
        /// Which file.
        path: PathBuf,
        /// Where it ends.
        found: u64,
        /// Where it should.
        expected: u64,
    },
    /// The file is closed after a failure and not open again yet.
    #[error("{}: closed after a failure", path.display())]
    Closed {
        /// Which file.
        path: PathBuf,
    },
    /// The file is no longer where it was opened.
    #[error("{}: gone from its place", path.display())]
    Gone {
        /// Which file.
        path: PathBuf,
    },
    /// An entry longer than any reading makes it.
    #[error("an entry of {bytes} bytes is longer than {}", super::file::ENTRY_LOCAL_MAX)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A value to be kept that is too long.
    #[error("the value “{key}” of {bytes} bytes is longer than {}", super::state::KEPT_BYTES_MAX)]
    KeptTooLong {
        /// Its name.
        key: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// No journal is known by that id, or none is open.
    #[error("no such journal")]
    NoJournal,
    /// An entry could not be written or read as JSON.
    #[error(transparent)]
    Content(#[from] CanonicalError),
    /// No random number for a new journal's id.
    #[error("no random numbers: {0}")]
    Random(String),
}

impl JournalError {
    /// Whether the file's content is at fault, so that it must be set aside.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. }) || matches!(self, Self::Sqlite { source, .. } if is_damage(source))
    }

    /// Whether there is no room left.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if source.sqlite_error_code() == Some(ErrorCode::DiskFull))
            || matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }

    /// What a technician can do about it.
    pub(crate) fn hint(&self) -> &'static str {
        if self.is_full() {
            return "free disk space; it goes on by itself";
        }
        match self {
            Self::Directory { .. } => "create it, mount it, or correct data-dir; it goes on by itself",
            Self::Replaced { .. } => "mount the right one again, and it goes on by itself; or restart punchd to begin anew in this one",
            Self::Locked { .. } => "stop the other punchd, or give this one a data-dir of its own",
            Self::Newer { .. } => "install the newer punchd again",
            Self::OldSqlite { .. } | Self::Setting { .. } => "install punchd as it was built",
            Self::Damaged { .. } => "keep the data directory and run punchctl export",
            Self::TooLong { .. } | Self::KeptTooLong { .. } | Self::NoJournal | Self::Content(_) => "report this with the log",
            Self::File { .. }
            | Self::Sqlite { .. }
            | Self::TailMoved { .. }
            | Self::Closed { .. }
            | Self::Gone { .. }
            | Self::Random(_) => "check disk, mount options and permissions; it goes on by itself",
        }
    }

    /// The error and what to do, in one line for the page and the log.
    pub(crate) fn advice(&self) -> String {
        format!("{self}; {}", self.hint())
    }
}

/// Whether SQLite's complaint is about the content: its own findings, a value of another type than was written, or a sector that cannot be
/// read any more.
fn is_damage(error: &rusqlite::Error) -> bool {
    let unreadable = |code: i32| [SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_DATA, SQLITE_IOERR_CORRUPTFS].contains(&code);
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || error.sqlite_error().is_some_and(|found| unreadable(found.extended_code))
        || matches!(
            error,
            rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::QueryReturnedNoRows
        )
}

/// Names the operation and the file of an SQLite error.
pub(super) fn sqlite(operation: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> JournalError {
    move |source| JournalError::Sqlite { operation, path: path.to_owned(), source }
}

/// Names the operation and the file of a system error.
pub(super) fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError::File { operation, path: path.to_owned(), source }
}

/// A finding about a file's content.
pub(super) fn damaged(path: &Path, finding: impl Into<String>) -> JournalError {
    JournalError::Damaged { path: path.to_owned(), finding: finding.into() }
}
