//! The record of a disk, as the kernel's `log-writes.rst` lays it down and QEMU's `blklogwrites` writes it: every write in the order in which
//! it was asked for, every flush between them.
//!
//! - One block for the head: `u64` magic, `u64` version, `u64` entries, `u32` sector size; the count of entries is out of date and not used.
//! - Each entry: one sector with `u64` sector, `u64` sectors, `u64` flags, `u64` length of a mark; then the data, if it has any.

use std::path::Path;

const MAGIC: u64 = 0x006A_7366_7773_6872;
const VERSION: u64 = 1;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;

/// What was asked of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Write; `durable` whether its end means that it is on the disk.
    Write { durable: bool },
    /// Forget: zeros are there afterwards.
    Discard,
    /// Nothing but the flush.
    Flush,
}

/// One entry.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    /// Whether everything asked before is on the disk once this is answered.
    pub(super) flush: bool,
    /// Where on the disk, in bytes.
    pub(super) at: usize,
    /// How much, in bytes.
    pub(super) bytes: usize,
    /// Where its data lie in the log.
    data: usize,
    /// Where the entry ends in the log.
    pub(super) end: u64,
}

/// A whole log.
#[derive(Debug)]
pub(super) struct Log {
    bytes: Vec<u8>,
    pub(super) asked: Vec<Asked>,
}

impl Log {
    /// A log in which nothing stands.
    pub(super) const fn none() -> Self {
        Self { bytes: Vec::new(), asked: Vec::new() }
    }

    /// Reads a log to the end of its file.
    pub(super) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        assert_eq!((number(&bytes, 0), number(&bytes, 8)), (MAGIC, VERSION), "no log of writes");
        let sector = usize::try_from(u32::from_le_bytes(bytes[24..28].try_into().unwrap())).unwrap();
        let mut asked = Vec::new();
        let mut at = sector;
        while at + sector <= bytes.len() {
            let [place, sectors, flags, _] = [0, 8, 16, 24].map(|field| number(&bytes, at + field));
            let (place, length) = (usize::try_from(place).unwrap() * sector, usize::try_from(sectors).unwrap() * sector);
            assert_eq!(flags & MARK, 0, "nobody makes marks here");
            let data = at + sector;
            let kind = match (length, flags & DISCARD) {
                (0, _) => Kind::Flush,
                (_, 0) => Kind::Write { durable: flags & FUA != 0 },
                _ => Kind::Discard,
            };
            at = if matches!(kind, Kind::Write { .. }) { data + length } else { data };
            if at > bytes.len() {
                break;
            }
            let end = u64::try_from(at).unwrap();
            asked.push(Asked { kind, flush: flags & FLUSH != 0, at: place, bytes: length, data, end });
        }
        Self { bytes, asked }
    }

    /// What a write writes.
    pub(super) fn data(&self, asked: &Asked) -> &[u8] {
        &self.bytes[asked.data..asked.data + asked.bytes]
    }

    /// How many flushes were asked for.
    pub(super) fn flushes(&self) -> usize {
        self.asked.iter().filter(|asked| asked.flush).count()
    }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}
