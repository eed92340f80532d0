//! Moments in nanoseconds of the machine's monotonic clock, and how measured times spread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of a millisecond.
pub(crate) const MS: f64 = 1e6;
/// Nanoseconds of a microsecond.
pub(crate) const US: f64 = 1e3;

/// A moment in nanoseconds.
pub(crate) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or_default()
}

/// Nanoseconds that this thread has spent on a processor, whatever else the machine had to do meanwhile.
pub(crate) fn on_processor() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or_default()
}

/// Seconds since a moment.
pub(crate) fn seconds_since(moment: u64) -> f64 {
    Duration::from_nanos(now().saturating_sub(moment)).as_secs_f64()
}

/// Waits until a moment; at once if it is past.
pub(crate) fn wait_until(moment: u64) {
    loop {
        let left = moment.saturating_sub(now());
        if left == 0 {
            return;
        }
        std::thread::park_timeout(Duration::from_nanos(left));
    }
}

/// What a piece of work gave, and how many nanoseconds it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let began = now();
    let value = work();
    (value, now().saturating_sub(began))
}

/// Measured times in nanoseconds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Spread(Vec<u64>);

impl Spread {
    /// One more.
    pub(crate) fn add(&mut self, nanos: u64) {
        self.0.push(nanos);
    }

    /// Those of another run of the same.
    pub(crate) fn join(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// How many.
    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Half took less.
    pub(crate) fn p50(&self) -> f64 {
        self.at(1, 2)
    }

    /// All but one of a hundred took less.
    pub(crate) fn p99(&self) -> f64 {
        self.at(99, 100)
    }

    /// The longest.
    pub(crate) fn longest(&self) -> f64 {
        self.at(1, 1)
    }

    fn at(&self, part: usize, of: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * part / of).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(f64::NAN, |nanos| Duration::from_nanos(*nanos).as_secs_f64() * 1e9)
    }
}
