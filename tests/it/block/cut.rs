//! What is on a disk after a power cut: everything up to the last flush that was answered, what the disk was made to write through, and of the
//! writes behind that flush whatever chance leaves: kept, torn or dropped.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::super::world::random::Random;
use super::log::{Asked, Kind, Log};

/// Pieces in which a disk may tear a write, in bytes: a sector of an old disk, and of one of today.
pub(super) const TEARS: [usize; 2] = [512, 4096];
/// Of ten thousand writes behind the last flush, so many are kept whole and so many more are torn; the rest is dropped.
const KEPT: u64 = 5_000;
const TORN: u64 = 2_500;
/// Pieces in which an image is written to its file, in bytes; those of zeros are left out.
const PIECE: usize = 65_536;

/// A moment at which the power goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// The last entry of the log that was asked for before.
    pub(super) last: usize,
    /// Where that entry ends in the log: what was acknowledged by then is owed.
    pub(super) end: u64,
    /// Pieces in which writes are torn.
    pub(super) tear: usize,
}

/// Moments spread by chance, the earliest first: half of them over the whole log, half right after a confirmation (each the length that the log
/// had then), when there is the least on the disk for the most that was promised.
pub(super) fn moments(log: &Log, confirmed: &[u64], count: usize, random: &mut Random) -> Vec<Cut> {
    let anywhere = (0..log.asked.len()).collect::<Vec<_>>();
    let asked_by = |logged: u64| log.asked.partition_point(|asked| asked.end <= logged).saturating_sub(1);
    let moment = |n: usize| if n.is_multiple_of(2) { random.pick(&anywhere) } else { asked_by(random.pick(confirmed)) };
    let mut last: Vec<usize> = (0..count).map(moment).collect();
    last.sort_unstable();
    let tears = TEARS.into_iter().cycle();
    last.into_iter().zip(tears).map(|(last, tear)| Cut { last, end: log.asked[last].end, tear }).collect()
}

/// The disk as it was before the log began, brought forward from cut to cut.
pub(super) struct Past<'log> {
    log: &'log Log,
    durable: Vec<u8>,
    /// How many entries are in it.
    applied: usize,
}

impl<'log> Past<'log> {
    pub(super) fn new(base: &Path, log: &'log Log) -> Self {
        Self { log, durable: std::fs::read(base).unwrap(), applied: 0 }
    }

    /// Writes the image of a cut to a new file; no earlier cut may follow.
    pub(super) fn cut(&mut self, cut: Cut, random: &mut Random, image: &Path) {
        let flushed = self.log.asked[..=cut.last].iter().rposition(|asked| asked.flush).unwrap_or(0);
        assert!(self.applied <= flushed, "cuts come in order");
        for asked in &self.log.asked[self.applied..flushed] {
            write(&mut self.durable, self.log, asked, asked.bytes, |_| true);
        }
        self.applied = flushed;
        let mut disk = self.durable.clone();
        for asked in &self.log.asked[flushed..=cut.last] {
            if asked.kind == (Kind::Write { durable: true }) {
                write(&mut disk, self.log, asked, asked.bytes, |_| true);
                continue;
            }
            let chance = random.number() % 10_000;
            if chance < KEPT {
                write(&mut disk, self.log, asked, asked.bytes, |_| true);
            } else if chance < KEPT + TORN {
                write(&mut disk, self.log, asked, cut.tear, |_| random.chance(5_000));
            }
        }
        keep(&disk, image);
    }
}

/// Writes those pieces of a write that `is_kept` lets through.
fn write(disk: &mut [u8], log: &Log, asked: &Asked, piece: usize, mut is_kept: impl FnMut(usize) -> bool) {
    match asked.kind {
        Kind::Flush => {}
        Kind::Discard => disk[asked.at..asked.at + asked.bytes].fill(0),
        Kind::Write { .. } => {
            for (n, data) in log.data(asked).chunks(piece).enumerate().filter(|(n, _)| is_kept(*n)) {
                let at = asked.at + n * piece;
                disk[at..at + data.len()].copy_from_slice(data);
            }
        }
    }
}

fn keep(disk: &[u8], image: &Path) {
    let file = File::create_new(image).unwrap();
    file.set_len(u64::try_from(disk.len()).unwrap()).unwrap();
    let zeros = vec![0; PIECE];
    for (n, piece) in disk.chunks(PIECE).enumerate() {
        if piece != &zeros[..piece.len()] {
            file.write_all_at(piece, u64::try_from(n * PIECE).unwrap()).unwrap();
        }
    }
}
