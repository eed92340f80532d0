//! Data directories as a kiosk leaves them, whole: stopped in order, or with a log that was not written back.

use punchd::domain::id::JournalId;
use punchd::machine::uplink::JournalView;
use punchd::wire::entry::{Draft, Stored};

use super::files::{self, Files};
use super::journal::{start, sync};
use crate::rig::journal::{Journal, punch};
use crate::rig::{PATIENCE, until};

/// Of so many entries one is a trusted moment.
const SYNC_EVERY: u64 = 20;

/// A data directory and every entry in it.
#[derive(Debug, Clone)]
pub(super) struct Original {
    pub(super) files: Files,
    pub(super) entries: Vec<Stored>,
}

impl Original {
    /// So many punches, stopped in order.
    pub(super) fn stopped(punches: u64) -> Self {
        let folder = files::folder();
        let mut journal = start(folder.path());
        let view = written(&mut journal, 0, punches);
        let entries = whole(&mut journal, &view);
        journal.stop();
        Self { files: files::read(folder.path()), entries }
    }

    /// So many punches stopped in order, then so many more, and then the machine was gone.
    pub(super) fn cut_off(punches: u64, more: u64) -> Self {
        let folder = files::folder();
        let mut journal = start(folder.path());
        written(&mut journal, 0, punches);
        journal.stop();
        let mut journal = start(folder.path());
        let view = written(&mut journal, punches, more);
        // What is known beside the journal follows as soon as nobody taps.
        let seen = format!("\"seen\":{{\"sequence\":{}", view.last.0);
        let left = until("the end is known beside the journal", PATIENCE, || {
            journal.quiet_for(0);
            let left = files::read(folder.path());
            files::hold(&state(left.clone()), seen.as_bytes()).then_some(left)
        });
        assert!(
            left.iter().any(|(name, bytes)| name.ends_with(".db-wal") && !name.starts_with("state") && !bytes.is_empty()),
            "no log is left"
        );
        let entries = whole(&mut journal, &view);
        journal.stop();
        Self { files: left, entries }
    }

    pub(super) fn journal(&self) -> JournalId {
        self.entries[0].journal
    }
}

fn state(files: Files) -> Files {
    files.into_iter().filter(|(name, _)| name.starts_with("state.db")).collect()
}

fn entry(number: u64) -> Draft {
    if number.is_multiple_of(SYNC_EVERY) { sync(number) } else { punch(number) }
}

/// Stores so many entries; the journal as it stands then.
fn written(journal: &mut Journal, first: u64, count: u64) -> JournalView {
    let mut view = journal.opened().unwrap().journals[0];
    for number in first..first + count {
        view.last = journal.store(entry(number)).unwrap().sequence;
    }
    view
}

/// Every entry, and each can be read.
fn whole(journal: &mut Journal, view: &JournalView) -> Vec<Stored> {
    let (entries, lost) = journal.drain(view);
    assert!(lost.is_empty() && entries.last().map(|stored| stored.sequence) == Some(view.last), "{view:?}: {lost:?}");
    entries
}
