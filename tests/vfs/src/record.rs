//! What a disk remembers.

use std::collections::BTreeMap;

/// A file, whatever its name is by now. It is never used again for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub(crate) u32);

/// One thing that happened, in the order of happening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A file got its first name.
    Create {
        /// The name in the folder.
        name: String,
        /// The new file.
        file: FileId,
    },
    /// A name changed; what had the new name before is gone.
    Rename {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A name was removed.
    Remove {
        /// The name.
        name: String,
    },
    /// Bytes were written.
    Write {
        /// Where to.
        file: FileId,
        /// From which byte on.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut to a length.
    Truncate {
        /// Which.
        file: FileId,
        /// Its length in bytes since.
        length: u64,
    },
    /// What was written to the file before is durable.
    Sync {
        /// Which.
        file: FileId,
    },
    /// The file should have become durable, and it is not known what became of it.
    FailedSync {
        /// Which.
        file: FileId,
    },
    /// The test was promised something: its own number.
    Mark(usize),
}

/// A folder at the beginning, and everything since.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The names at the beginning.
    pub(crate) names: BTreeMap<String, FileId>,
    /// The contents at the beginning, all of them durable.
    pub(crate) contents: BTreeMap<FileId, Vec<u8>>,
    /// What happened since.
    pub(crate) log: Vec<Operation>,
}

impl Recording {
    /// What happened, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.log
    }
}
