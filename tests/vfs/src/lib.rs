//! A disk below SQLite for tests: it remembers every write and sync, loses power at any of them, and fails when told to.
//!
//! [`Disk::register`] puts a VFS of its own name over SQLite's default one. The files are real and lie in a folder; whoever opens them through
//! that VFS writes to them as ever, and beside that
//! - every write, truncation and sync is recorded ([`Operation`]), with the names that come and go in the folder, whoever changes them, and
//!   with the marks that a test sets when it was promised something;
//! - writes and syncs are counted for each file ([`Counts`]);
//! - a planned [`Fault`] is met: no room, a sync that fails, a disk that only reads, a sync that takes long.
//!
//! [`Replay`] walks along a recording and gives, for a power cut at any place of it, a folder as such a cut may leave it ([`Image`]):
//! - what was written to a file before its last successful sync is there;
//! - of each later write, all is there (1/2), a part (1/4: up to any byte, or any of its sectors), or nothing (1/4), each on its own, so that
//!   later writes can be there without earlier ones; a later truncation is there or not;
//! - a sync that failed takes its writes with it: they may be there or not, and no later sync makes them certain, as Linux does it (Rebello
//!   et al., "Can Applications Recover from fsync Failures?", ATC 2020);
//! - names come and go in the order in which they did, and any file's sync makes all name changes before it certain. That is ext4 and XFS,
//!   whose journal is one; the sync of a folder is not seen here, so its absence is not noticed either.
//!
//! `SQLITE_IOCAP_POWERSAFE_OVERWRITE` can be masked, so that SQLite trusts the disk with nothing beyond this.

mod cut;
mod disk;
mod fault;
mod names;
mod record;
mod shim;
#[cfg(test)]
mod tests;

pub use cut::{Chance, Image, Replay};
pub use disk::{Counts, Disk};
pub use fault::Fault;
pub use record::{FileId, Operation, Recording};
