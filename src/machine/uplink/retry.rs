//! When to try again: exponential back-off with full jitter, so that two hundred kiosks do not come back in the same second.
//!
//! Invariant: a delay is never shorter than the least and never longer than the greatest, and the same seed gives the same delays.

/// The delays of one uplink.
#[derive(Debug, Clone)]
pub(super) struct Retry {
    least_ms: u64,
    greatest_ms: u64,
    attempts: u32,
    state: u64,
}

impl Retry {
    pub(super) fn new(seed: u64, least_ms: u64, greatest_ms: u64) -> Self {
        Self { least_ms, greatest_ms: greatest_ms.max(least_ms), attempts: 0, state: seed }
    }

    /// It went through: the next failure begins with the least delay.
    pub(super) const fn reset(&mut self) {
        self.attempts = 0;
    }

    /// How long to wait after one more failure, in milliseconds.
    pub(super) fn delay_ms(&mut self) -> u64 {
        self.attempts = self.attempts.saturating_add(1);
        let doubled = self.least_ms.saturating_mul(1_u64.checked_shl(self.attempts).unwrap_or(u64::MAX));
        self.between(self.least_ms, doubled.min(self.greatest_ms))
    }

    /// How long to wait where only a person can help, in milliseconds.
    pub(super) fn slow_delay_ms(&mut self) -> u64 {
        self.between((self.greatest_ms / 2).max(self.least_ms), self.greatest_ms)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.random() % (high.saturating_sub(low) + 1)
    }

    /// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): spreads retries, protects nothing.
    const fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_greatest_and_begin_again_after_success() {
        let mut retry = Retry::new(7, 1_000, 300_000);
        let mut ceiling = 1_000;
        for _ in 0..200 {
            ceiling = (ceiling * 2).min(300_000);
            let delay = retry.delay_ms();
            assert!((1_000..=ceiling).contains(&delay), "{delay} of {ceiling}");
        }
        retry.reset();
        assert!((1_000..=2_000).contains(&retry.delay_ms()));
        assert!((150_000..=300_000).contains(&retry.slow_delay_ms()));
    }

    #[test]
    fn delays_are_spread_over_their_whole_range() {
        let mut retry = Retry::new(1, 1_000, 300_000);
        let delays: Vec<u64> = (0..100).map(|_| retry.delay_ms()).skip(10).collect();
        assert!(delays.iter().any(|delay| *delay < 100_000) && delays.iter().any(|delay| *delay > 200_000));
    }
}
