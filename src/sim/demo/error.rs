//! Why a demo came to no end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::super::reader::SimError;
use crate::sys::Exit;

/// Whatever went wrong in the product's own parts.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a demo came to no end.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    /// The folder or a file in it cannot be used.
    #[error("{} cannot be used", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is something in the folder.
    #[error("{} is not empty; name another folder", .0.display())]
    NotEmpty(PathBuf),
    /// The shipped roster is none.
    #[error("roster-example.csv, line {line}: {text}")]
    Roster {
        /// Which line.
        line: u64,
        /// What is wrong there.
        text: String,
    },
    /// The system gives no event loop, thread or name.
    #[error("the system does not let the demo {doing}")]
    System {
        /// What was to be done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: Cause,
    },
    /// The office could not do something.
    #[error("the office cannot {doing}")]
    Office {
        /// What.
        doing: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The kiosk could not do something.
    #[error("the kiosk cannot {doing}")]
    Kiosk {
        /// What.
        doing: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A simulated reader did not do what it was told.
    #[error("the simulated {reader} reader fails")]
    Reader {
        /// Which.
        reader: &'static str,
        /// Why.
        #[source]
        source: SimError,
    },
    /// Something did not happen in time.
    #[error("{what} within {} s", limit.as_secs())]
    Late {
        /// What did not.
        what: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// Somebody ended it.
    #[error("interrupted")]
    Interrupted,
}

impl DemoError {
    /// The exit code.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Folder { .. } | Self::Reader { .. } => Exit::Io,
            Self::NotEmpty(_) => Exit::Usage,
            Self::Roster { .. } | Self::Late { .. } => Exit::Software,
            Self::System { .. } | Self::Office { .. } | Self::Kiosk { .. } | Self::Interrupted => Exit::Unavailable,
        }
    }
}

/// The office could not do something, because of an error.
pub(super) fn office<E: Into<Cause>>(doing: &'static str) -> impl FnOnce(E) -> DemoError {
    move |source| DemoError::Office { doing, source: source.into() }
}

/// The kiosk could not do something, because of an error.
pub(super) fn kiosk<E: Into<Cause>>(doing: &'static str) -> impl FnOnce(E) -> DemoError {
    move |source| DemoError::Kiosk { doing, source: source.into() }
}
