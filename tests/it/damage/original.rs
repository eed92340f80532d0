//! Data directories as a kiosk leaves them, whole: stopped in order, or with a log that was not written back.

use punchd::domain::id::JournalId;
use punchd::wire::entry::Stored;

use super::files::{self, Files};
use super::journal::{Journal, punch, sync};
use crate::rig::{PATIENCE, until};

/// Of so many entries one is a trusted moment.
const SYNC_EVERY: u32 = 20;

/// A data directory and every entry in it.
#[derive(Debug, Clone)]
pub(super) struct Original {
    pub(super) files: Files,
    pub(super) entries: Vec<Stored>,
}

impl Original {
    /// So many punches, stopped in order.
    pub(super) fn stopped(punches: u32) -> Self {
        let folder = files::folder();
        let entries = written(&mut Some(Journal::start(folder.path())), punches, 0);
        Self { files: files::read(folder.path()), entries }
    }

    /// So many punches stopped in order, then so many more, and then the machine was gone.
    pub(super) fn cut_off(punches: u32, more: u32) -> Self {
        let folder = files::folder();
        written(&mut Some(Journal::start(folder.path())), punches, 0);
        let mut running = Some(Journal::start(folder.path()));
        let journal = running.as_mut().unwrap();
        let view = journal.opened().unwrap()[0];
        for number in 0..more {
            journal.store(draft(punches + number)).unwrap();
        }
        // What is known beside the journal follows as soon as nobody taps.
        let seen = format!("\"seen\":{{\"sequence\":{}", view.last.0 + u64::from(more));
        until("the end is known beside the journal", PATIENCE, || {
            files::hold(&state(files::read(folder.path())), seen.as_bytes()).then_some(())
        });
        let left = files::read(folder.path());
        let journal = running.as_mut().unwrap();
        let view = punchd::machine::uplink::JournalView { last: punchd::domain::id::Sequence(view.last.0 + u64::from(more)), ..view };
        let entries = journal.drain(&view).0;
        running.take().unwrap().stop();
        Self { files: left, entries }
    }

    pub(super) fn journal(&self) -> JournalId {
        self.entries[0].journal
    }
}

fn state(files: Files) -> Files {
    files.into_iter().filter(|(name, _)| name.starts_with("state.db")).collect()
}

fn draft(number: u32) -> punchd::wire::entry::Draft {
    if number.is_multiple_of(SYNC_EVERY) { sync(number) } else { punch(number) }
}

fn written(running: &mut Option<Journal>, punches: u32, first: u32) -> Vec<Stored> {
    let mut journal = running.take().unwrap();
    let mut view = journal.opened().unwrap()[0];
    for number in first..first + punches {
        view.last = journal.store(draft(number)).unwrap().sequence;
    }
    let entries = journal.drain(&view).0;
    journal.stop();
    entries
}
