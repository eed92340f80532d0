//! The journals that are damaged here: where power cuts are of no concern, and many starts are.

use std::path::Path;

use punchd::terminal::journal::{OpenOptions, Options};
use punchd::wire::entry::{Body, Draft, TimeSource};

use crate::rig::journal::{Journal, MORNING, draft, options};

/// One that does not wait for the disk.
pub(super) fn start(folder: &Path) -> Journal {
    let open = OpenOptions { vfs: None, pragmas: vec![("synchronous".to_owned(), "OFF".to_owned())] };
    Journal::start(Options { open, ..options(folder, None) })
}

/// A trusted moment.
pub(super) fn sync(number: u64) -> Draft {
    let wall = MORNING.plus_millis(1_000 * i64::try_from(number).unwrap());
    draft(number, Body::Sync { wall, uncertainty_ms: 12, source: TimeSource::Office })
}
