//! A file that is only there to be removed: when the disk is full, its room lets the log be written back and the next punches be stored.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::error::{JournalError, file};

/// Free room, in ballasts, that must be there before the ballast is made.
const ROOM_TO_MAKE: u64 = 2;
/// Free room, in ballasts, under which the disk counts as low.
pub(super) const ROOM_LOW: u64 = 8;
/// Its name in the data directory.
pub(super) const NAME: &str = "ballast";

/// The ballast of one data directory.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// Of a directory, with this size in bytes; 0 for none.
    pub(super) fn new(directory: &Path, bytes: u64) -> Self {
        Self { path: directory.join(NAME), bytes }
    }

    /// Makes it if it is missing and there is room; whether it stands.
    pub(super) fn keep(&self) -> bool {
        let whole = fs::metadata(&self.path).is_ok_and(|found| found.len() == self.bytes);
        whole || self.bytes == 0 || (self.free().is_some_and(|free| free >= ROOM_TO_MAKE * self.bytes) && self.make().is_ok())
    }

    /// Gives its room back; whether there was any to give.
    pub(super) fn release(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() > 0) && fs::remove_file(&self.path).is_ok()
    }

    /// Gives its room back if room is short; whether there was any to give.
    pub(super) fn release_if_low(&self) -> bool {
        self.is_low().is_some() && self.release()
    }

    /// Whether room is short, with the free bytes.
    pub(super) fn is_low(&self) -> Option<u64> {
        let free = self.free()?;
        let standing = self.bytes == 0 || self.path.exists();
        (free < ROOM_LOW * self.bytes || !standing).then_some(free)
    }

    fn free(&self) -> Option<u64> {
        let found = statvfs(self.path.parent()?).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn make(&self) -> Result<(), JournalError> {
        let failed = || file("make", &self.path);
        let handle = File::create(&self.path).map_err(failed())?;
        let made = fallocate(&handle, FallocateFlags::empty(), 0, self.bytes);
        if let Err(error) = made {
            fs::remove_file(&self.path).map_err(failed())?;
            return Err(failed()(error.into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_given_back_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(folder.path(), 65_536);
        assert!(!ballast.release());
        assert!(ballast.keep());
        assert_eq!(fs::metadata(folder.path().join("ballast")).unwrap().len(), 65_536);
        assert!(ballast.release());
        assert!(ballast.is_low().is_some(), "a missing ballast is low room");
        assert!(ballast.keep() && ballast.is_low().is_none());
    }
}
