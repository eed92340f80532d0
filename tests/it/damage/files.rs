//! The files of a data directory as bytes, to be changed and laid down again.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

/// Names and contents.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Memory where there is some, since thousands of directories are laid down.
pub(super) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Everything in a folder.
pub(super) fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file()) {
        files.insert(entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
    }
    files
}

/// Lays them down.
pub(super) fn write(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The name that ends so.
pub(super) fn named(files: &Files, end: &str) -> String {
    files.keys().find(|name| name.starts_with("journal-") && name.ends_with(end)).unwrap().clone()
}

/// Whether these bytes stand in one of the files.
pub(super) fn hold(files: &Files, wanted: &[u8]) -> bool {
    let first = wanted[0];
    files.values().any(|bytes| {
        let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first).map(|(at, _)| at);
        starts.into_iter().any(|at| bytes[at..].starts_with(wanted))
    })
}
