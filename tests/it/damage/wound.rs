//! One damage to one file.

use super::files::Files;
use crate::world::random::Random;

/// SQLite's page, and a file system's block.
pub(super) const PAGE: usize = 4_096;

/// What is done to a file.
#[derive(Debug, Clone)]
pub(super) enum Wound {
    /// One bit is another.
    Bit { at: usize, bit: u8 },
    /// One byte is another.
    Byte { at: usize, to: u8 },
    /// Everything from here on is gone.
    Cut { at: usize },
    /// So many bytes from here on are zero.
    Zero { at: usize, length: usize },
    /// So many bytes from here on are noise.
    Noise { at: usize, length: usize, seed: u64 },
    /// Two pages stand in each other's place.
    Exchange { one: usize, other: usize },
    /// One page was written over another.
    Misplace { from: usize, to: usize },
    /// The file is gone.
    Gone,
    /// Something else is in its place.
    Replaced(Vec<u8>),
}

impl Wound {
    /// Does it; whether anything is other than before.
    pub(super) fn inflict(&self, files: &mut Files, name: &str) -> bool {
        let before = files.get(name).cloned();
        match self {
            Self::Gone => drop(files.remove(name)),
            Self::Replaced(bytes) => drop(files.insert(name.to_owned(), bytes.clone())),
            Self::Bit { .. }
            | Self::Byte { .. }
            | Self::Cut { .. }
            | Self::Zero { .. }
            | Self::Noise { .. }
            | Self::Exchange { .. }
            | Self::Misplace { .. } => self.change(files.get_mut(name).expect("the file is there")),
        }
        files.get(name) != before.as_ref()
    }

    fn change(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Bit { at, bit } => bytes[*at] ^= 1 << bit,
            Self::Byte { at, to } => bytes[*at] = *to,
            Self::Cut { at } => bytes.truncate(*at),
            Self::Zero { at, length } => part(bytes, *at, *length).fill(0),
            Self::Noise { at, length, seed } => {
                let mut random = Random::new(*seed);
                part(bytes, *at, *length).fill_with(|| byte(&mut random));
            }
            Self::Exchange { one, other } => {
                let (low, high) = (one.min(other) * PAGE, one.max(other) * PAGE);
                let (left, right) = bytes.split_at_mut(high);
                left[low..low + PAGE].swap_with_slice(&mut right[..PAGE]);
            }
            Self::Misplace { from, to } => bytes.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE),
            Self::Gone | Self::Replaced(_) => {}
        }
    }
}

fn part(bytes: &mut [u8], at: usize, length: usize) -> &mut [u8] {
    let end = (at + length).min(bytes.len());
    &mut bytes[at..end]
}

/// Damages all over a file of whole pages behind a head that is no page of its own.
pub(super) fn everywhere(random: &mut Random, length: usize, (bits, bytes): (usize, usize)) -> Vec<Wound> {
    let mut wounds = Vec::new();
    for at in (0..length).step_by(PAGE) {
        let room = PAGE.min(length - at);
        wounds.extend((0..bits).map(|_| Wound::Bit { at: at + below(random, room), bit: byte(random) % 8 }));
        wounds.extend((0..bytes).map(|_| Wound::Byte { at: at + below(random, room), to: byte(random) }));
        wounds.push(Wound::Zero { at, length: room });
        wounds.push(Wound::Noise { at, length: room, seed: random.number() });
        wounds.push(Wound::Noise { at: at + below(random, room), length: 512, seed: random.number() });
        wounds.extend([at, at + below(random, room)].map(|at| Wound::Cut { at }));
    }
    wounds
}

/// Pages that stand in the wrong place.
pub(super) fn misplaced(random: &mut Random, pages: usize, count: usize) -> Vec<Wound> {
    let mut wounds = Vec::new();
    for _ in 0..count {
        let (one, other) = (below(random, pages), below(random, pages));
        if one != other {
            wounds.push(Wound::Exchange { one, other });
            wounds.push(Wound::Misplace { from: one, to: other });
        }
    }
    wounds
}

/// A place in something of that length.
pub(super) fn below(random: &mut Random, length: usize) -> usize {
    usize::try_from(random.number() % u64::try_from(length).unwrap()).unwrap()
}

pub(super) fn byte(random: &mut Random) -> u8 {
    random.bytes()[0]
}
