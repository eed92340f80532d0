//! What can go wrong with the store.

use std::path::PathBuf;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("the store {path} cannot be opened")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Another program's file.
    #[error("{path} is a database of another program (application id {found})")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Whose.
        found: i32,
    },
    /// A newer program wrote it.
    #[error("the store {path} has schema {found}, this program knows {known}")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest known.
        known: i32,
    },
    /// Its pages contradict each other.
    #[error("the store {path} is damaged: {found}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What the check said.
        found: String,
    },
    /// The linked SQLite may corrupt a write-ahead log.
    #[error("SQLite {0} has a known corruption bug")]
    Library(&'static str),
    /// A statement failed.
    #[error("could not {operation}")]
    Sql {
        /// What was being done.
        operation: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// A value cannot be written as JSON, or a stored text is not what it was when it was written.
    #[error("{what} in the store cannot be read or written")]
    Content {
        /// Of what.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A limit was passed.
    #[error("more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many may be.
        limit: usize,
    },
    /// The site is not set up.
    #[error("site {0} is not set up")]
    NoSite(i64),
    /// No thread could be had.
    #[error("no thread for the store")]
    Thread(#[source] std::io::Error),
    /// It was closed, or its thread is gone.
    #[error("the store is closed")]
    Closed,
}

/// Statements of a transaction are named when it ends; until then the error stands alone.
impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sql { operation: "use the store", source }
    }
}

impl StoreError {
    /// A text that is not what it was.
    pub(crate) fn content(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Content { what, source: source.into() }
    }

    /// The same error, naming what was being done.
    #[must_use]
    pub(super) fn during(self, operation: &'static str) -> Self {
        match self {
            Self::Sql { source, .. } => Self::Sql { operation, source },
            other @ (Self::Open { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Library(_)
            | Self::Content { .. }
            | Self::Limit { .. }
            | Self::NoSite(_)
            | Self::Thread(_)
            | Self::Closed) => other,
        }
    }

    /// The error's name in interfaces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "store-open",
            Self::Foreign { .. } => "store-foreign",
            Self::Newer { .. } => "store-newer",
            Self::Damaged { .. } => "store-damaged",
            Self::Library(_) => "store-library",
            Self::Sql { .. } => "store-failed",
            Self::Content { .. } => "store-content",
            Self::Limit { .. } => "store-limit",
            Self::NoSite(_) => "store-no-site",
            Self::Thread(_) => "store-thread",
            Self::Closed => "store-closed",
        }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::Sql { .. } => "check that the data directory exists, is writable and has room",
            Self::Foreign { .. } => "name another file in `database`",
            Self::Newer { .. } => "run the newer punch-office that wrote it",
            Self::Damaged { .. } | Self::Content { .. } => "keep the file, and restore the last backup: terminals send again what it lacks",
            Self::Library(_) => "build with the bundled SQLite, 3.51.3 or newer",
            Self::Limit { .. } => "remove what is no longer needed",
            Self::NoSite(_) => "start punch-office serve once, or check `name` in office.toml",
            Self::Thread(_) => "raise the limit of threads of this service",
            Self::Closed => "try again when punch-office serve has started",
        }
    }

    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Closed | Self::Thread(_) => true,
            Self::Sql { source, .. } | Self::Open { source, .. } => {
                use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
                source
                    .sqlite_error_code()
                    .is_some_and(|code| [DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure, ReadOnly, CannotOpen].contains(&code))
            }
            Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Library(_)
            | Self::Content { .. }
            | Self::Limit { .. }
            | Self::NoSite(_) => false,
        }
    }
}
