//! The disk: what happened to it, and what shall go wrong.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::fault::{Fault, Kind};
use crate::names::Names;
use crate::record::{FileId, Operation, Recording};
use crate::shim;

/// How many disks there were, for a name of its own for each.
static DISKS: AtomicU64 = AtomicU64::new(0);

/// How often a file was written to and synced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Writes.
    pub writes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Syncs, those that failed included.
    pub syncs: u64,
}

/// One folder as a disk below SQLite. Once it is dropped its VFS still works, but nothing is remembered any more.
#[derive(Debug)]
pub struct Disk {
    surface: Arc<Surface>,
}

/// What the VFS sees of a disk.
#[derive(Debug)]
pub(crate) struct Surface {
    name: String,
    powersafe_overwrite: bool,
    /// None once the disk was dropped.
    state: Mutex<Option<State>>,
    mended: Condvar,
}

#[derive(Debug)]
struct State {
    names: Names,
    recording: Recording,
    counts: BTreeMap<String, Counts>,
    opened: BTreeMap<FileId, String>,
    faults: Vec<Fault>,
    writes: u64,
    syncs: u64,
    struck: u64,
}

impl Disk {
    /// Registers a VFS over this folder, whose contents count as durable. It is there until the process ends.
    ///
    /// With `powersafe_overwrite`, SQLite is told what the system tells it: that a write leaves the bytes beside it alone.
    pub fn register(folder: &Path, powersafe_overwrite: bool) -> io::Result<Self> {
        let names = Names::of(folder)?;
        let mut recording = Recording { names: names.files().clone(), ..Recording::default() };
        for (name, file) in names.files() {
            if folder.join(name).is_file() {
                recording.contents.insert(*file, std::fs::read(folder.join(name))?);
            }
        }
        let state = State {
            names,
            recording,
            counts: BTreeMap::new(),
            opened: BTreeMap::new(),
            faults: Vec::new(),
            writes: 0,
            syncs: 0,
            struck: 0,
        };
        let name = format!("disk-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        let surface = Surface { name, powersafe_overwrite, state: Mutex::new(Some(state)), mended: Condvar::new() };
        let disk = Self { surface: Arc::new(surface) };
        shim::register(Arc::clone(&disk.surface))?;
        Ok(disk)
    }

    /// The VFS's name.
    pub fn name(&self) -> &str {
        self.surface.name()
    }

    /// Notes that the test was promised something.
    pub fn mark(&self, number: usize) {
        self.with(|state| {
            state.look();
            state.recording.log.push(Operation::Mark(number));
        });
    }

    /// Everything up to now.
    pub fn recording(&self) -> Recording {
        self.with(|state| {
            state.look();
            state.recording.clone()
        })
    }

    /// How often each file was written to and synced, by the name under which it was opened.
    pub fn counts(&self) -> BTreeMap<String, Counts> {
        self.with(|state| state.counts.clone())
    }

    /// The counts of all files whose name this holds of.
    pub fn total(&self, holds: impl Fn(&str) -> bool) -> Counts {
        let counted = self.counts().into_iter().filter(|(name, _)| holds(name)).map(|(_, counts)| counts);
        counted.fold(Counts::default(), |sum, counts| Counts {
            writes: sum.writes + counts.writes,
            bytes: sum.bytes + counts.bytes,
            syncs: sum.syncs + counts.syncs,
        })
    }

    /// Plans a fault in place of all others; writes and syncs are counted from 1 again.
    pub fn plan(&self, fault: Fault) {
        self.with(|state| {
            state.faults = vec![fault];
            (state.writes, state.syncs, state.struck) = (0, 0, 0);
        });
    }

    /// Ends every fault, a stall under way too.
    pub fn mend(&self) {
        self.with(|state| state.faults.clear());
        self.surface.mended.notify_all();
    }

    /// How often a fault struck since it was planned.
    pub fn struck(&self) -> u64 {
        self.with(|state| state.struck)
    }

    fn with<T: Default>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        self.surface.state().as_mut().map(act).unwrap_or_default()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.surface.state().take();
        self.surface.mended.notify_all();
    }
}

impl Surface {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn is_powersafe(&self) -> bool {
        self.powersafe_overwrite
    }

    /// A file of the folder that is opened under this path.
    pub(crate) fn opened(&self, path: &Path) -> Option<FileId> {
        let mut state = self.state();
        let state = state.as_mut()?;
        state.look();
        let name = path.file_name()?.to_string_lossy().into_owned();
        let file = *state.names.files().get(&name)?;
        state.opened.insert(file, name);
        Some(file)
    }

    /// Whether nothing can be changed at present.
    pub(crate) fn is_read_only(&self) -> bool {
        self.state().as_mut().is_some_and(|state| state.strikes(|kind| kind == Kind::ReadOnly, 0).is_some())
    }

    /// Whether the next write finds no room.
    pub(crate) fn is_full(&self) -> bool {
        self.state().as_mut().is_some_and(|state| {
            state.writes += 1;
            state.strikes(|kind| kind == Kind::Full, state.writes).is_some()
        })
    }

    pub(crate) fn wrote(&self, file: FileId, offset: u64, bytes: Vec<u8>) {
        let length = bytes.len() as u64;
        self.note(file, Operation::Write { file, offset, bytes }, Counts { writes: 1, bytes: length, syncs: 0 });
    }

    pub(crate) fn truncated(&self, file: FileId, length: u64) {
        self.note(file, Operation::Truncate { file, length }, Counts::default());
    }

    /// Whether the next sync fails; a stall is waited for here.
    pub(crate) fn sync_fails(&self) -> bool {
        let mut held = self.state();
        let Some(state) = held.as_mut() else { return false };
        state.syncs += 1;
        let number = state.syncs;
        if let Some(Kind::Stall(length)) = state.strikes(|kind| matches!(kind, Kind::Stall(_)), number) {
            let stalled = |held: &mut Option<State>| held.as_ref().is_some_and(|state| !state.faults.is_empty());
            held = self.mended.wait_timeout_while(held, length, stalled).unwrap_or_else(PoisonError::into_inner).0;
        }
        let fails = |kind| matches!(kind, Kind::SyncFails | Kind::ReadOnly);
        held.as_mut().is_some_and(|state| state.strikes(fails, number).is_some())
    }

    pub(crate) fn synced(&self, file: FileId, failed: bool) {
        let operation = if failed { Operation::FailedSync { file } } else { Operation::Sync { file } };
        self.note(file, operation, Counts { writes: 0, bytes: 0, syncs: 1 });
    }

    fn note(&self, file: FileId, operation: Operation, more: Counts) {
        let mut state = self.state();
        let Some(state) = state.as_mut() else { return };
        state.look();
        state.recording.log.push(operation);
        let name = state.opened.get(&file).cloned().unwrap_or_default();
        let counts = state.counts.entry(name).or_default();
        counts.writes += more.writes;
        counts.bytes += more.bytes;
        counts.syncs += more.syncs;
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn look(&mut self) {
        self.names.look(&mut self.recording.log);
    }

    /// The planned fault of such a kind, if it strikes now.
    fn strikes(&mut self, fits: impl Fn(Kind) -> bool, number: u64) -> Option<Kind> {
        let fault = self.faults.iter().find(|fault| fits(fault.kind) && fault.strikes(number))?;
        self.struck += 1;
        Some(fault.kind)
    }
}
