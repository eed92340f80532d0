//! Power cuts: what a folder may look like when a recording breaks off.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::record::{FileId, Operation, Recording};

/// What a disk writes whole or not at all, at the least, in bytes.
const SECTOR_BYTES: usize = 512;

/// Chance from a seed: the same seed, the same course (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below another one, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % (limit as u64)).unwrap_or(0)
    }
}

/// A folder after a cut: every name with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(pub BTreeMap<String, Vec<u8>>);

impl Image {
    /// Writes it into an empty folder. Nothing is synced.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        self.0.iter().try_for_each(|(name, content)| std::fs::write(folder.join(name), content))
    }
}

/// A walk along a recording.
#[derive(Debug)]
pub struct Replay<'a> {
    log: &'a [Operation],
    at: usize,
    names: BTreeMap<String, FileId>,
    /// Name changes that no sync made certain yet.
    renamed: Vec<&'a Operation>,
    files: BTreeMap<FileId, Contents<'a>>,
}

/// A file: what is certain of it, and what came later.
#[derive(Debug, Default)]
struct Contents<'a> {
    certain: Vec<u8>,
    later: Vec<Change<'a>>,
}

#[derive(Debug)]
struct Change<'a> {
    operation: &'a Operation,
    standing: Standing,
}

/// What is known of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The next sync makes it certain.
    Waiting,
    /// Its sync failed.
    Doubtful,
    /// It was synced, but something doubtful stands before it.
    Certain,
}

impl<'a> Replay<'a> {
    /// At the beginning of a recording.
    pub fn new(recording: &'a Recording) -> Self {
        let contents = |content: &Vec<u8>| Contents { certain: content.clone(), later: Vec::new() };
        let files = recording.contents.iter().map(|(file, content)| (*file, contents(content))).collect();
        Self { log: &recording.log, at: 0, names: recording.names.clone(), renamed: Vec::new(), files }
    }

    /// Goes on to a place behind so many operations, never back.
    pub fn advance_to(&mut self, place: usize) {
        while let Some(operation) = self.log.get(self.at).filter(|_| self.at < place) {
            self.step(operation);
            self.at += 1;
        }
    }

    /// The folder after a power cut here.
    pub fn cut(&self, chance: &mut Chance) -> Image {
        let mut names = self.names.clone();
        let kept = chance.below(self.renamed.len() + 1);
        for change in self.renamed.iter().take(kept) {
            rename(&mut names, change);
        }
        let content = |file: &FileId, chance: &mut Chance| self.files.get(file).map(|file| file.cut(chance)).unwrap_or_default();
        Image(names.into_iter().map(|(name, file)| (name, content(&file, chance))).collect())
    }

    fn step(&mut self, operation: &'a Operation) {
        match operation {
            Operation::Create { .. } | Operation::Rename { .. } | Operation::Remove { .. } => self.renamed.push(operation),
            Operation::Write { file, .. } | Operation::Truncate { file, .. } => {
                self.files.entry(*file).or_default().later.push(Change { operation, standing: Standing::Waiting });
            }
            Operation::Sync { file } => {
                for change in self.renamed.drain(..) {
                    rename(&mut self.names, change);
                }
                self.files.entry(*file).or_default().sync();
            }
            Operation::FailedSync { file } => self.files.entry(*file).or_default().fail(),
            Operation::Mark(_) => {}
        }
    }
}

impl Contents<'_> {
    fn sync(&mut self) {
        for change in self.later.iter_mut().filter(|change| change.standing == Standing::Waiting) {
            change.standing = Standing::Certain;
        }
        let certain = self.later.iter().take_while(|change| change.standing == Standing::Certain).count();
        for change in self.later.drain(..certain) {
            apply(&mut self.certain, change.operation);
        }
    }

    fn fail(&mut self) {
        for change in self.later.iter_mut().filter(|change| change.standing == Standing::Waiting) {
            change.standing = Standing::Doubtful;
        }
    }

    fn cut(&self, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.certain.clone();
        for change in &self.later {
            if change.standing == Standing::Certain {
                apply(&mut content, change.operation);
            } else {
                apply_by_chance(&mut content, change.operation, chance);
            }
        }
        content
    }
}

fn rename(names: &mut BTreeMap<String, FileId>, change: &Operation) {
    match change {
        Operation::Create { name, file } => drop(names.insert(name.clone(), *file)),
        Operation::Rename { from, to } => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Operation::Remove { name } => drop(names.remove(name)),
        Operation::Write { .. }
        | Operation::Truncate { .. }
        | Operation::Sync { .. }
        | Operation::FailedSync { .. }
        | Operation::Mark(_) => {}
    }
}

fn apply(content: &mut Vec<u8>, change: &Operation) {
    match change {
        Operation::Write { offset, bytes, .. } => put(content, at(*offset), bytes),
        Operation::Truncate { length, .. } => content.truncate(at(*length)),
        Operation::Create { .. }
        | Operation::Rename { .. }
        | Operation::Remove { .. }
        | Operation::Sync { .. }
        | Operation::FailedSync { .. }
        | Operation::Mark(_) => {}
    }
}

/// All of it (1/2), a part of it (1/4) or nothing (1/4).
fn apply_by_chance(content: &mut Vec<u8>, change: &Operation, chance: &mut Chance) {
    let (whole, torn) = (chance.below(2) == 0, chance.below(2) == 0);
    if whole {
        apply(content, change);
    } else if let Operation::Write { offset, bytes, .. } = change
        && torn
    {
        for part in torn_parts(at(*offset), bytes.len(), chance) {
            let piece = bytes.get(part.clone()).unwrap_or_default();
            put(content, at(*offset) + part.start, piece);
        }
    }
}

/// Which parts of a torn write arrive: what comes before some byte, or some of its sectors.
fn torn_parts(offset: usize, length: usize, chance: &mut Chance) -> Vec<Range<usize>> {
    if chance.below(2) == 0 {
        return std::iter::once(0..chance.below(length + 1)).collect();
    }
    let mut parts = Vec::new();
    let mut start = 0;
    while start < length {
        let end = (start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES).min(length);
        if chance.below(2) == 0 {
            parts.push(start..end);
        }
        start = end;
    }
    parts
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end && !bytes.is_empty() {
        content.resize(end, 0);
    }
    if let Some(room) = content.get_mut(offset..end) {
        room.copy_from_slice(bytes);
    }
}

fn at(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileId = FileId(1);

    fn write(offset: u64, byte: u8) -> Operation {
        Operation::Write { file: FILE, offset, bytes: vec![byte; 2_000] }
    }

    fn create(name: &str) -> Operation {
        Operation::Create { name: name.to_owned(), file: FILE }
    }

    /// Every folder that so many cuts at the end of these operations leave.
    fn cuts(log: Vec<Operation>) -> Vec<BTreeMap<String, Vec<u8>>> {
        let recording = Recording { log, ..Recording::default() };
        let mut replay = Replay::new(&recording);
        replay.advance_to(recording.log.len());
        (0..1_000).map(|seed| replay.cut(&mut Chance::new(seed)).0).collect()
    }

    #[test]
    fn what_was_synced_is_there_and_what_was_not_may_be_whole_torn_or_gone() {
        let after = cuts(vec![create("a"), write(0, 1), Operation::Sync { file: FILE }, write(2_000, 2)]);
        let (mut whole, mut gone) = (0, 0);
        for content in after.iter().map(|folder| &folder["a"]) {
            assert_eq!(content[..2_000], [1; 2_000]);
            whole += u32::from(content[2_000..] == [2; 2_000]);
            gone += u32::from(content.len() == 2_000);
        }
        assert!((400..600).contains(&whole) && (200..300).contains(&gone), "{whole} whole, {gone} gone of 1,000");
    }

    #[test]
    fn a_later_write_can_be_there_without_an_earlier_one() {
        let after = cuts(vec![create("a"), Operation::Sync { file: FILE }, write(0, 1), write(2_000, 2)]);
        assert!(after.iter().any(|folder| folder["a"].get(..4_000) == Some([[0; 2_000], [2; 2_000]].concat().as_slice())));
    }

    #[test]
    fn no_later_sync_makes_certain_what_an_earlier_one_failed_to() {
        let after =
            cuts(vec![create("a"), write(0, 1), Operation::FailedSync { file: FILE }, write(2_000, 2), Operation::Sync { file: FILE }]);
        assert!(after.iter().all(|folder| folder["a"][2_000..] == [2; 2_000]), "what came after the failure is certain");
        assert!(after.iter().any(|folder| folder["a"][..2_000] == [0; 2_000]), "what came before it may be missing");
    }

    #[test]
    fn names_change_in_order_and_a_sync_makes_them_certain() {
        let moved = Operation::Rename { from: "a".to_owned(), to: "b".to_owned() };
        let after = cuts(vec![create("a"), Operation::Sync { file: FILE }, moved, Operation::Remove { name: "b".to_owned() }]);
        let names: std::collections::BTreeSet<Vec<&String>> = after.iter().map(|folder| folder.keys().collect()).collect();
        assert_eq!(names.len(), 3, "before, renamed, removed: {names:?}");
    }
}
