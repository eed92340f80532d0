//! What a driver has said and the port has not fetched yet.
//!
//! Invariants: never longer than [`OUTPUTS_MAX`]; a line that does nothing but rustle is one fault a second, not one a byte.

use std::collections::VecDeque;

use super::{Fault, Output, READ_BYTES_MAX, Reading};
use crate::domain::time::Mono;

/// Most outputs that wait: two for every byte of one call, which no protocol here reaches.
pub(super) const OUTPUTS_MAX: usize = 2 * READ_BYTES_MAX;
/// Noise within this time of noise already told is the same burst, in milliseconds.
const NOISE_BURST_MS: u64 = 1_000;

/// A bounded queue of outputs.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Output>,
    noise_told: Option<Mono>,
}

impl Outbox {
    pub(super) fn push(&mut self, output: Output) {
        if self.waiting.len() < OUTPUTS_MAX {
            self.waiting.push_back(output);
        }
    }

    pub(super) fn reading(&mut self, reading: Reading) {
        self.push(Output::Reading(reading));
    }

    /// Tells a fault; noise only once a burst.
    pub(super) fn fault(&mut self, now: Mono, fault: Fault) {
        if fault == Fault::Noise {
            if self.noise_told.is_some_and(|told| now.millis_since(told) < NOISE_BURST_MS) {
                return;
            }
            self.noise_told = Some(now);
        }
        self.push(Output::Fault(fault));
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_once_a_burst_and_again_while_it_lasts() {
        let mut outbox = Outbox::default();
        for now in 0..2_500 {
            outbox.fault(Mono(now), Fault::Noise);
        }
        assert_eq!(std::iter::from_fn(|| outbox.pop()).count(), 3);
    }

    #[test]
    fn a_caller_that_never_fetches_costs_a_bounded_amount() {
        let mut outbox = Outbox::default();
        (0..10 * OUTPUTS_MAX).for_each(|_| outbox.fault(Mono(0), Fault::Checksum));
        assert_eq!(outbox.waiting.len(), OUTPUTS_MAX);
    }
}
