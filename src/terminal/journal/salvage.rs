//! What can still be read from a damaged journal.
//!
//! The bare bytes of the database and its log are searched for entries, without trusting any tree of SQLite: an entry's text names its
//! journal and its place, and its hash stands right behind it. So one bad bit costs one entry at most, and a bad page only what stood in it.
//! The search goes in slices, so that a tap never waits for it. An entry whose stored hash is bad is still believed when the entry after it
//! carries the hash of its text.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::directory::log_of;
use super::file::{ENTRY_LOCAL_MAX, Place};
use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::wire::batch::{Lost, LostReason};
use crate::wire::canonical;
use crate::wire::entry::{Entry, Stored};

/// Bytes searched in one slice.
const SLICE_BYTES: usize = 1024 * 1024;
/// Bytes read beyond a slice, so that an entry that begins in it is read whole.
const OVERLAP_BYTES: usize = ENTRY_LOCAL_MAX + HASH_BYTES;
const HASH_BYTES: usize = 32;
/// A sector that cannot be read costs so many bytes.
const SECTOR_BYTES: usize = 4_096;
/// Most entries whose places are held at a time (about 50 MB).
const FOUND_MAX: usize = 1_000_000;

/// A damaged journal being searched, or searched through.
#[derive(Debug)]
pub(super) struct Salvage {
    journal: JournalId,
    sources: Vec<PathBuf>,
    from: Sequence,
    source: usize,
    offset: u64,
    found: BTreeMap<Sequence, Spot>,
    /// Places beyond this one were let go for want of room.
    ceiling: Option<Sequence>,
}

/// Where an entry stands in the files.
#[derive(Debug, Clone, Copy)]
struct Spot {
    source: usize,
    offset: u64,
    length: usize,
    /// Whether the stored hash is that of the text.
    proven: bool,
}

/// What of a range can be read.
#[derive(Debug, Default)]
pub(super) struct Readable {
    /// Contiguous, oldest first.
    pub(super) entries: Vec<Stored>,
    /// What is missing before them.
    pub(super) lost: Vec<Lost>,
}

impl Salvage {
    /// Of the files that were set aside under one journal's id, for entries from a place on.
    pub(super) fn new(journal: JournalId, files: &[PathBuf], from: Sequence) -> Self {
        let sources = files.iter().flat_map(|path| [path.clone(), log_of(path)]).filter(|path| path.exists()).collect();
        Self { journal, sources, from, source: 0, offset: 0, found: BTreeMap::new(), ceiling: None }
    }

    /// The same files, to be searched anew from another place without disturbing this search.
    pub(super) fn anew(&self, from: Sequence) -> Self {
        Self { journal: self.journal, sources: self.sources.clone(), from, source: 0, offset: 0, found: BTreeMap::new(), ceiling: None }
    }

    /// The files that are searched.
    pub(super) fn sources(&self) -> &[PathBuf] {
        &self.sources
    }

    /// The first entry that was found.
    pub(super) fn first(&self) -> Option<Sequence> {
        self.found.first_key_value().map(|(sequence, _)| *sequence)
    }

    /// The first entry whose stored hash is not that of its text.
    pub(super) fn unproven(&self) -> Option<Sequence> {
        self.found.iter().find(|(_, spot)| !spot.proven).map(|(sequence, _)| *sequence)
    }

    /// Whether everything was searched.
    pub(super) fn is_done(&self) -> bool {
        self.source >= self.sources.len()
    }

    /// Whether a read from this place can be answered; if not, the search begins again for it.
    pub(super) fn covers(&mut self, from: Sequence) -> bool {
        let within = from >= self.from && self.ceiling.is_none_or(|ceiling| from <= ceiling);
        if !within {
            (self.from, self.source, self.offset, self.ceiling) = (from, 0, 0, None);
            self.found.clear();
        }
        within && self.is_done()
    }

    /// Searches one slice.
    pub(super) fn slice(&mut self) {
        let Some(path) = self.sources.get(self.source) else { return };
        let bytes = File::open(path).map(|file| read_around_bad_sectors(&file, self.offset)).unwrap_or_default();
        self.search(&bytes);
        if bytes.len() < SLICE_BYTES {
            (self.source, self.offset) = (self.source + 1, 0);
        } else {
            self.offset += u64::try_from(SLICE_BYTES).unwrap_or(u64::MAX);
        }
    }

    /// The last entry found, if its text is proven.
    pub(super) fn last(&self) -> Option<Place> {
        let (sequence, _) = self.found.iter().rev().find(|(_, spot)| spot.proven)?;
        self.read(*sequence).map(|stored| Place { sequence: stored.sequence, hash: stored.hash })
    }

    /// What can be read of `from..=last.sequence`, at most `limit` entries; a hole at its beginning comes with it.
    pub(super) fn readable(&self, from: Sequence, limit: usize, last: Place) -> Readable {
        let mut readable = Readable::default();
        let mut next = from;
        if self.read(from).is_none() {
            let after = self.found.range(from..).map(|(sequence, _)| *sequence).find_map(|sequence| self.read(sequence));
            let after = after.filter(|stored| stored.sequence <= last.sequence);
            let to = after.as_ref().map_or(last.sequence, |stored| Sequence(stored.sequence.0 - 1));
            let known = Some(last.hash).filter(|hash| *hash != EntryHash::NONE);
            let head_after = after.as_ref().map_or(known, |stored| previous_of(&stored.text));
            if from <= to {
                readable.lost.push(Lost { from, to, reason: LostReason::Unreadable, head_after });
            }
            next = to.next();
        }
        while readable.entries.len() < limit && next <= last.sequence {
            let Some(stored) = self.read(next) else { break };
            next = stored.sequence.next();
            readable.entries.push(stored);
        }
        readable
    }

    fn search(&mut self, bytes: &[u8]) {
        let pattern = format!("{{\"journal\":\"{}\",", self.journal);
        for start in occurrences(bytes, pattern.as_bytes()).take_while(|start| *start < SLICE_BYTES) {
            let Some((entry, length, proven)) = bytes.get(start..).and_then(entry_at) else { continue };
            if entry.journal != self.journal || entry.sequence < self.from || entry.sequence == Sequence::ZERO {
                continue;
            }
            let offset = self.offset + u64::try_from(start).unwrap_or(u64::MAX);
            let spot = Spot { source: self.source, offset, length, proven };
            let known = self.found.entry(entry.sequence).or_insert(spot);
            if proven && !known.proven {
                *known = spot;
            }
            if self.found.len() > FOUND_MAX {
                self.found.pop_last();
                self.ceiling = self.found.last_key_value().map(|(sequence, _)| *sequence);
            }
        }
    }

    /// One entry, proven by its own hash or by the entry after it.
    fn read(&self, sequence: Sequence) -> Option<Stored> {
        let spot = self.found.get(&sequence)?;
        let text = self.text(spot)?;
        let hash = canonical::entry_hash(&text);
        let vouched = spot.proven || {
            let after = self.found.get(&sequence.next()).filter(|after| after.proven)?;
            previous_of(&self.text(after)?)? == hash
        };
        vouched.then_some(Stored { journal: self.journal, sequence, text, hash })
    }

    fn text(&self, spot: &Spot) -> Option<String> {
        let mut bytes = vec![0; spot.length];
        File::open(self.sources.get(spot.source)?).ok()?.read_exact_at(&mut bytes, spot.offset).ok()?;
        String::from_utf8(bytes).ok()
    }
}

/// The places of the proven entries of a journal in some bytes.
pub(super) fn entries_in(bytes: &[u8], journal: JournalId) -> impl Iterator<Item = Sequence> {
    let pattern = format!("{{\"journal\":\"{journal}\",");
    let starts: Vec<usize> = occurrences(bytes, pattern.as_bytes()).collect();
    let found = starts.into_iter().filter_map(|start| bytes.get(start..).and_then(entry_at));
    found.filter(move |(entry, _, proven)| *proven && entry.journal == journal).map(|(entry, _, _)| entry.sequence)
}

/// The entry that begins these bytes, the length of its text, and whether its hash follows.
fn entry_at(bytes: &[u8]) -> Option<(Entry, usize, bool)> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Entry>();
    let entry = values.next()?.ok()?;
    let length = values.byte_offset();
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    let stored = bytes.get(length..length + HASH_BYTES);
    Some((entry, length, stored == Some(canonical::entry_hash(text).0.as_slice())))
}

/// The hash that an entry carries of the one before.
fn previous_of(text: &str) -> Option<EntryHash> {
    canonical::open(text).ok().map(|entry| entry.previous)
}

fn occurrences<'a>(bytes: &'a [u8], pattern: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = pattern.first().copied().unwrap_or_default();
    bytes
        .iter()
        .enumerate()
        .filter(move |(_, byte)| **byte == first)
        .map(|(at, _)| at)
        .filter(move |at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(pattern)))
}

/// A slice and its overlap; a sector that cannot be read counts as zeros.
fn read_around_bad_sectors(file: &File, offset: u64) -> Vec<u8> {
    let length = file.metadata().map(|found| found.len()).unwrap_or_default().saturating_sub(offset);
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(SLICE_BYTES + OVERLAP_BYTES);
    let mut bytes = vec![0; length];
    let mut at = offset;
    for sector in bytes.chunks_mut(SECTOR_BYTES) {
        if let Err(error) = read_sector(file, sector, at) {
            tracing::warn!(offset = at, %error, "a sector of a damaged journal cannot be read");
        }
        at += u64::try_from(sector.len()).unwrap_or_default();
    }
    bytes
}

fn read_sector(file: &File, sector: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(sector, at)
}
