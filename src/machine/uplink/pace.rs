//! How many entries a batch carries: fewer where a batch takes long or does not get through, more again where it is quick.
//!
//! Invariant: never fewer than [`ENTRIES_MIN`] nor more than the most that was asked for. So a fresh punch waits for seconds behind a backlog
//! on a slow line (law 5), and what is too long for a line or for something between here and the office gets through in parts.

/// A batch that takes longer than this is followed by one half as long, in milliseconds: a fresh punch may wait for two of them.
const LONG_MS: u64 = 5_000;
/// A batch that takes less than this is followed by one twice as long, in milliseconds; doubled, it is still not long.
const SHORT_MS: u64 = 2_000;
/// The fewest entries: about 7 kB, where what is sent around them begins to weigh as much.
const ENTRIES_MIN: usize = 16;

/// The length of one uplink's batches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    most: usize,
    entries: usize,
}

impl Pace {
    /// Begins with the longest.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, entries: most }
    }

    /// Most entries of the next batch.
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    /// A batch got through in so many milliseconds.
    pub(super) fn took(&mut self, millis: u64) {
        if millis > LONG_MS {
            self.shorten();
        } else if millis < SHORT_MS {
            self.entries = self.entries.saturating_mul(2).min(self.most);
        }
    }

    /// A batch did not get through.
    pub(super) fn shorten(&mut self) {
        self.entries = (self.entries / 2).max(ENTRIES_MIN.min(self.most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_line_gets_shorter_batches_and_a_quick_one_longer_ones_within_their_bounds() {
        let mut pace = Pace::new(512);
        let mut after = |millis: u64| {
            pace.took(millis);
            pace.entries()
        };
        assert_eq!([5_001, 60_000, 5_000, 2_000, 1_999].map(&mut after), [256, 128, 128, 128, 256]);
        assert_eq!([0, 0, 0].map(&mut after), [512, 512, 512]);
        assert_eq!([9_000; 7].map(after), [256, 128, 64, 32, 16, 16, 16]);
    }

    #[test]
    fn batches_that_are_short_anyway_stay_so() {
        let mut pace = Pace::new(4);
        pace.shorten();
        assert_eq!(pace.entries(), 4);
        pace.took(0);
        assert_eq!(pace.entries(), 4);
    }
}
