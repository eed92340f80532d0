//! What a disk can be told to do wrong.

use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;
use std::time::Duration;

/// Something that goes wrong at certain writes or syncs, counted over all files from 1 since it was planned.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(crate) kind: Kind,
    first: u64,
    last: u64,
    while_there: Option<PathBuf>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A write finds no room.
    Full,
    /// A sync fails, and what became of the writes before it is not known.
    SyncFails,
    /// Nothing can be written, made, cut or removed.
    ReadOnly,
    /// A sync takes so long.
    Stall(Duration),
}

impl Fault {
    /// These writes find no room.
    pub fn full(writes: impl RangeBounds<u64>) -> Self {
        Self::new(Kind::Full, &writes)
    }

    /// These syncs fail.
    pub fn sync_fails(syncs: impl RangeBounds<u64>) -> Self {
        Self::new(Kind::SyncFails, &syncs)
    }

    /// Nothing can be changed, as on a file system that was remounted after an error.
    pub fn read_only() -> Self {
        Self::new(Kind::ReadOnly, &(..))
    }

    /// One sync takes so long, unless [`Disk::mend`](crate::Disk::mend) ends it.
    pub fn stall(sync: u64, length: Duration) -> Self {
        Self::new(Kind::Stall(length), &(sync..=sync))
    }

    /// Only as long as there is such a file: a disk whose room is taken up by it.
    #[must_use]
    pub fn while_there(self, path: PathBuf) -> Self {
        Self { while_there: Some(path), ..self }
    }

    fn new(kind: Kind, range: &impl RangeBounds<u64>) -> Self {
        let first = match range.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => *before + 1,
            Bound::Unbounded => 0,
        };
        let last = match range.end_bound() {
            Bound::Included(last) => *last,
            Bound::Excluded(after) => *after - 1,
            Bound::Unbounded => u64::MAX,
        };
        Self { kind, first, last, while_there: None }
    }

    /// Whether it strikes the write or sync of this number.
    pub(crate) fn strikes(&self, number: u64) -> bool {
        (self.first..=self.last).contains(&number) && self.while_there.as_ref().is_none_or(|path| path.exists())
    }
}
