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
    let mut lives: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for frame in frames.skip(usize::try_from(read).unwrap_or_default()) {
        lives.entry(salts(frame)).or_default().push(frame);
    }
    let forgotten = lives.values().flat_map(|frames| durable(frames)).any(|frame| salvage::entries_in(frame, journal).any(|at| at > tail));
    if forgotten { Err(damaged(path, format!("the log holds entries after {tail} behind a damaged frame"))) } else { Ok(()) }
}

/// What was durable for certain: everything up to the last commit that more was written behind.
fn durable<'a>(frames: &'a [&'a [u8]]) -> impl Iterator<Item = &'a [u8]> {
    let before_last = frames.split_last().map_or(frames, |(_, before)| before);
    let count = before_last.iter().rposition(|frame| is_commit(frame)).map_or(0, |last| last + 1);
    frames.iter().take(count).copied()
}

/// A frame names the life of the log that it belongs to.
fn salts(frame: &[u8]) -> &[u8] {
    frame.get(8..16).unwrap_or_default()
}

/// A frame that ends a transaction names the size of the database after it.
fn is_commit(frame: &[u8]) -> bool {
    frame.get(4..8).is_some_and(|size| size.iter().any(|byte| *byte != 0))
}
