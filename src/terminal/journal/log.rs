//! The write-ahead log as bytes: whether it holds entries that SQLite no longer reads because a frame before them is damaged.
//!
//! SQLite takes a log up to its first bad frame and forgets the rest, as it must after a power cut in the middle of a write. But a transaction
//! that another one followed was durable before: if it lies behind a bad frame, the log is damaged, and its entries would be written over.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;

use super::directory::log_of;
use super::error::{JournalError, damaged, file, sqlite};
use super::salvage;
use crate::domain::id::{JournalId, Sequence};
use crate::sys;

/// The log's header, a frame's header and its page, in bytes (SQLite's file format, §4.1).
const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const PAGE_BYTES: usize = 4_096;
/// How a log begins, by the byte order of its checksums (the same, §4.2).
const MAGIC_LITTLE_ENDIAN: u32 = 0x377F_0682;
const MAGIC_BIG_ENDIAN: u32 = 0x377F_0683;
/// Longest log that is looked at, in bytes: beyond it something else is wrong.
const LOG_READ_MAX: u64 = 256 * 1024 * 1024;

/// Before SQLite opens a database: an empty one has no log, so SQLite would remove what lies beside it.
pub(super) fn check_beside_empty(path: &Path) -> Result<(), JournalError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let emptied = length(path) == 0 && length(&log_of(path)) > u64::try_from(HEADER_BYTES).unwrap_or_default();
    if emptied { Err(damaged(path, "is empty beside a log that is not")) } else { Ok(()) }
}

/// After SQLite read the log: nothing that was durable lies beyond its end.
pub(super) fn check_end(connection: &Connection, path: &Path, journal: JournalId, tail: Sequence) -> Result<(), JournalError> {
    let log = log_of(path);
    let bytes = match sys::read_limited(&log, LOG_READ_MAX) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        read => read.map_err(file("read", &log))?,
    };
    let read: i64 =
        connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1)).map_err(sqlite("look at the log of", path))?;
    let frames = bytes.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(FRAME_HEADER_BYTES + PAGE_BYTES);
    let current = current_life(&bytes);
    let mut lives: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for frame in frames.skip(usize::try_from(read).unwrap_or_default()) {
        if current.is_none_or(|current| current == salts(frame)) {
            lives.entry(salts(frame)).or_default().push(frame);
        }
    }
    let forgotten = lives
        .values()
        .flat_map(|frames| durable(frames, journal, tail))
        .any(|frame| salvage::entries_in(frame, journal).any(|at| at > tail));
    if forgotten { Err(damaged(path, format!("the log holds entries after {tail} behind a damaged frame"))) } else { Ok(()) }
}

/// The salts that a log's header names, if the header is whole. What lies behind from an earlier life of the log was written back before the
/// log began again; a power cut can leave the page of a new frame behind the header of such an old one.
fn current_life(bytes: &[u8]) -> Option<&[u8]> {
    let (header, sum) = bytes.get(..HEADER_BYTES)?.split_at(HEADER_BYTES - 8);
    let word = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes);
    let big_endian = match word(header.get(..4)?)? {
        MAGIC_LITTLE_ENDIAN => false,
        MAGIC_BIG_ENDIAN => true,
        _ => return None,
    };
    let mut sums = (0_u32, 0_u32);
    for pair in header.chunks_exact(8) {
        let (first, second) = pair.split_at(4);
        let value = |bytes| word(bytes).map(|value| if big_endian { value } else { value.swap_bytes() });
        sums.0 = sums.0.wrapping_add(value(first)?).wrapping_add(sums.1);
        sums.1 = sums.1.wrapping_add(value(second)?).wrapping_add(sums.0);
    }
    let (first, second) = sum.split_at(4);
    let whole = word(first)? == sums.0 && word(second)? == sums.1;
    header.get(16..24).filter(|_| whole)
}

/// What was durable for certain: everything up to the last commit that more was written behind.
fn durable<'a>(frames: &'a [&'a [u8]], journal: JournalId, tail: Sequence) -> impl Iterator<Item = &'a [u8]> {
    let mut before_last = frames;
    while let Some((last, before)) = before_last.split_last() {
        before_last = before;
        if !before.last().is_some_and(|first| is_copy(last, first, journal, tail)) {
            break;
        }
    }
    let count = before_last.iter().rposition(|frame| is_commit(frame)).map_or(0, |last| last + 1);
    frames.iter().take(count).copied()
}

/// On a disk whose writes may spoil their neighbours SQLite repeats a commit's last frame up to the end of a sector; what a power cut leaves of
/// such a copy adds nothing to the first, unless the first itself was lost and holds nothing new.
fn is_copy(frame: &[u8], first: &[u8], journal: JournalId, tail: Sequence) -> bool {
    let newest = |frame| salvage::entries_in(frame, journal).max();
    is_commit(frame) && is_commit(first) && page(frame) == page(first) && (newest(frame) <= newest(first) || newest(first) <= Some(tail))
}

/// A frame names the page that it holds.
fn page(frame: &[u8]) -> &[u8] {
    frame.get(..4).unwrap_or_default()
}

/// A frame names the life of the log that it belongs to.
fn salts(frame: &[u8]) -> &[u8] {
    frame.get(8..16).unwrap_or_default()
}

/// A frame that ends a transaction names the size of the database after it.
fn is_commit(frame: &[u8]) -> bool {
    frame.get(4..8).is_some_and(|size| size.iter().any(|byte| *byte != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_life_of_a_log_is_known_from_a_whole_header_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE some (thing)").unwrap();
        let mut bytes = std::fs::read(log_of(&path)).unwrap();
        let first_frame = &bytes[HEADER_BYTES..];
        assert_eq!(current_life(&bytes), Some(salts(first_frame)));
        assert_eq!(current_life(&bytes[..HEADER_BYTES - 1]), None);
        bytes[17] ^= 1;
        assert_eq!(current_life(&bytes), None);
    }
}
