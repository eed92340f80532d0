//! The names of a folder, watched: files come, go and change their names by other hands than SQLite's too.

use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::record::{FileId, Operation};

/// What SQLite shares between processes: no power cut leaves anything of it that matters.
const SHARED_MEMORY: &str = "-shm";
/// Room for the changes that are read at once, in bytes.
const CHANGES_BYTES: usize = 4_096;

/// A watched folder.
#[derive(Debug)]
pub(crate) struct Names {
    watch: OwnedFd,
    files: BTreeMap<String, FileId>,
    next: u32,
    /// The old name of a renaming whose new one was not read yet.
    leaving: Option<String>,
}

impl Names {
    /// Of a folder with what is in it.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let changes = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        inotify::add_watch(&watch, folder, changes)?;
        let mut names = Self { watch, files: BTreeMap::new(), next: 0, leaving: None };
        for found in std::fs::read_dir(folder)? {
            let name = found?.file_name().to_string_lossy().into_owned();
            if !name.ends_with(SHARED_MEMORY) {
                let file = names.fresh();
                names.files.insert(name, file);
            }
        }
        Ok(names)
    }

    /// The names at the moment of the last look.
    pub(crate) const fn files(&self) -> &BTreeMap<String, FileId> {
        &self.files
    }

    /// Notes what changed since the last look.
    pub(crate) fn look(&mut self, log: &mut Vec<Operation>) {
        let mut room = [MaybeUninit::uninit(); CHANGES_BYTES];
        let mut seen = Vec::new();
        let mut reader = inotify::Reader::new(&self.watch, &mut room);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                    seen.push((event.events(), name));
                }
                Err(Errno::WOULDBLOCK) => break,
                Err(error) => panic!("the folder cannot be watched: {error}"),
            }
        }
        for (change, name) in seen.into_iter().filter(|(_, name)| !name.ends_with(SHARED_MEMORY)) {
            log.extend(self.change(change, name));
        }
    }

    fn change(&mut self, change: ReadFlags, name: String) -> Option<Operation> {
        assert!(!change.contains(ReadFlags::QUEUE_OVERFLOW), "names changed faster than they were looked at");
        if change.contains(ReadFlags::MOVED_FROM) {
            self.leaving = Some(name);
            return None;
        }
        if change.contains(ReadFlags::DELETE) {
            self.files.remove(&name);
            return Some(Operation::Remove { name });
        }
        let from = if change.contains(ReadFlags::MOVED_TO) { self.leaving.take() } else { None };
        if let Some(from) = from {
            let file = self.files.remove(&from)?;
            self.files.insert(name.clone(), file);
            return Some(Operation::Rename { from, to: name });
        }
        let file = self.fresh();
        self.files.insert(name.clone(), file);
        Some(Operation::Create { name, file })
    }

    const fn fresh(&mut self) -> FileId {
        self.next += 1;
        FileId(self.next)
    }
}
