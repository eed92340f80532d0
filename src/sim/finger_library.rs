//! Synthetic fingerprints and the module's store of templates.
//!
//! A finger is a pattern of 512 bytes made from a number; a capture is the pattern with a few bytes changed, another few each time, so that
//! comparing is honest work. Nothing in it is, or looks like, a person's fingerprint.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a template (R305 manual; what PyPI pyfingerprint reads).
pub(crate) const TEMPLATE_BYTES: usize = 512;
/// How many templates the module holds (R30x manuals: 200 to 1,000).
pub(crate) const CAPACITY: u16 = 200;
/// Bytes of a page of the index table: one bit a slot.
pub(crate) const INDEX_BYTES: usize = 32;
/// How many bytes of a capture differ from the finger's pattern.
const CAPTURE_NOISE_BYTES: u64 = 12;
/// Equal bytes, in percent, from which two patterns are of one finger.
const ALIKE_PERCENT: usize = 80;
/// The score of two equal patterns; scores of real modules run to a few hundred.
const SCORE_MAX: usize = 200;

/// A reproducible stream of numbers (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The next so many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()).flatten().take(count).collect()
    }
}

/// The pattern of the finger with that number.
pub(crate) fn pattern(finger: u64) -> Vec<u8> {
    Numbers(finger).bytes(TEMPLATE_BYTES)
}

/// One capture of a pattern.
pub(crate) fn capture(pattern: &[u8], which: u64) -> Vec<u8> {
    let mut captured = pattern.to_vec();
    let mut numbers = Numbers(which);
    for _ in 0..CAPTURE_NOISE_BYTES {
        let place = usize::try_from(numbers.next() % TEMPLATE_BYTES as u64).unwrap_or_default();
        if let Some(byte) = captured.get_mut(place) {
            *byte = byte.wrapping_add(1);
        }
    }
    captured
}

/// How alike two patterns are; `None` when they are of different fingers.
pub(crate) fn score(one: &[u8], other: &[u8]) -> Option<u16> {
    if one.is_empty() || one.len() != other.len() {
        return None;
    }
    let equal = one.iter().zip(other).filter(|(a, b)| a == b).count();
    (equal * 100 >= one.len() * ALIKE_PERCENT).then(|| u16::try_from(equal * SCORE_MAX / one.len()).unwrap_or(u16::MAX))
}

/// The templates that survive a power cut.
#[derive(Debug, Default)]
pub(crate) struct Library {
    slots: BTreeMap<u16, Vec<u8>>,
    /// Slots that the host has ever written or emptied: nothing is put there behind its back.
    of_host: BTreeSet<u16>,
}

impl Library {
    /// The pattern in a slot; an untouched empty slot gets the finger of its number first, as if enrolled before the module was delivered.
    pub(crate) fn delivered(&mut self, slot: u16) -> Option<Vec<u8>> {
        if slot >= CAPACITY {
            return None;
        }
        if !self.of_host.contains(&slot) {
            self.slots.entry(slot).or_insert_with(|| pattern(u64::from(slot)));
        }
        Some(self.slots.get(&slot).cloned().unwrap_or_else(|| pattern(u64::from(slot))))
    }

    /// Puts a template into every free slot; `strangers` numbers the first finger to use.
    pub(crate) fn fill(&mut self, strangers: u64) {
        for slot in 0..CAPACITY {
            self.slots.entry(slot).or_insert_with(|| pattern(strangers + u64::from(slot)));
        }
    }

    /// What a slot holds.
    pub(crate) fn get(&self, slot: u16) -> Option<&Vec<u8>> {
        self.slots.get(&slot)
    }

    /// Writes a slot; `false` when there is no such slot.
    pub(crate) fn put(&mut self, slot: u16, template: Vec<u8>) -> bool {
        let exists = slot < CAPACITY;
        if exists {
            self.of_host.insert(slot);
            self.slots.insert(slot, template);
        }
        exists
    }

    /// Empties `count` slots from `first`; `false` when some do not exist.
    pub(crate) fn remove(&mut self, first: u16, count: u16) -> bool {
        let Some(end) = first.checked_add(count).filter(|end| *end <= CAPACITY) else { return false };
        self.of_host.extend(first..end);
        self.slots.retain(|slot, _| !(first..end).contains(slot));
        true
    }

    /// The first slot from `first`, of `count`, whose template is alike, and how much.
    pub(crate) fn search(&self, sought: &[u8], first: u16, count: u16) -> Option<(u16, u16)> {
        let end = first.saturating_add(count);
        self.slots.range(first..).take_while(|(slot, _)| **slot < end).find_map(|(slot, held)| Some((*slot, score(sought, held)?)))
    }

    /// How many slots are taken.
    pub(crate) fn count(&self) -> u16 {
        u16::try_from(self.slots.len()).unwrap_or(u16::MAX)
    }

    /// One page of the index table: bit *i* of byte *k* is slot 256 × page + 8 *k* + *i*.
    pub(crate) fn index(&self, page: u8) -> [u8; INDEX_BYTES] {
        let first = u16::from(page) << 8;
        let mut table = [0; INDEX_BYTES];
        for slot in self.slots.keys().filter(|slot| *slot >> 8 == u16::from(page)) {
            let place = slot - first;
            if let Some(byte) = table.get_mut(usize::from(place / 8)) {
                *byte |= 1 << (place % 8);
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_captures_of_a_finger_differ_and_are_alike() {
        let finger = pattern(7);
        let (one, other) = (capture(&finger, 1), capture(&finger, 2));
        assert_ne!(one, other);
        assert!(score(&one, &other).unwrap() > 180);
    }

    #[test]
    fn no_two_of_three_hundred_fingers_are_alike() {
        let fingers: Vec<Vec<u8>> = (0..300).map(pattern).collect();
        for (i, one) in fingers.iter().enumerate() {
            assert!(fingers[i + 1..].iter().all(|other| score(one, other).is_none()));
        }
    }

    #[test]
    fn a_finger_of_a_delivered_slot_is_found_there_until_the_host_empties_it() {
        let mut library = Library::default();
        let finger = library.delivered(7).unwrap();
        assert_eq!(library.search(&capture(&finger, 1), 0, CAPACITY).map(|found| found.0), Some(7));
        assert!(library.remove(7, 1));
        let finger = library.delivered(7).unwrap();
        assert_eq!(library.search(&capture(&finger, 2), 0, CAPACITY), None);
    }

    #[test]
    fn a_search_stays_within_its_range() {
        let mut library = Library::default();
        let finger = library.delivered(9).unwrap();
        assert!(library.search(&finger, 0, 9).is_none());
        assert!(library.search(&finger, 9, 1).is_some());
        assert!(library.search(&finger, 10, 190).is_none());
    }

    #[test]
    fn the_index_sets_the_bits_of_slots_0_7_and_9() {
        let mut library = Library::default();
        for slot in [0, 7, 9] {
            assert!(library.put(slot, pattern(1)));
        }
        assert_eq!(library.index(0)[..3], [0x81, 0x02, 0x00]);
        assert_eq!(library.index(1), [0; INDEX_BYTES]);
    }

    #[test]
    fn a_full_library_has_every_slot_and_no_more() {
        let mut library = Library::default();
        library.fill(1_000);
        assert_eq!(library.count(), CAPACITY);
        assert!(!library.put(CAPACITY, pattern(1)));
        assert!(!library.remove(CAPACITY - 1, 2));
    }
}
