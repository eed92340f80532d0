//! How often something may be asked: a bucket for each asker that fills with time. A bounded number of askers is remembered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::time::Mono;

/// Most askers that are remembered; beyond, all new ones share one bucket.
const ASKERS_MAX: usize = 20_000;

/// A rate: so many at once, and one more each so many milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many at once.
    pub burst: u64,
    /// How long until one more is allowed, in milliseconds.
    pub every_ms: u64,
}

/// The buckets of one rate.
#[derive(Debug)]
pub struct Budget<K> {
    rate: Rate,
    buckets: Mutex<BTreeMap<Option<K>, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    since: Mono,
}

impl<K: Ord> Budget<K> {
    /// Full buckets.
    pub const fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(BTreeMap::new()) }
    }

    /// Takes one, or says after how many milliseconds there will be one.
    ///
    /// # Errors
    /// The milliseconds to wait.
    pub fn take(&self, asker: K, now: Mono) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_after = self.rate.burst.saturating_mul(self.rate.every_ms);
        if buckets.len() >= ASKERS_MAX {
            buckets.retain(|_, bucket| now.millis_since(bucket.since) < full_after);
        }
        let asker = Some(asker);
        let key = if buckets.len() < ASKERS_MAX || buckets.contains_key(&asker) { asker } else { None };
        let bucket = buckets.entry(key).or_insert(Bucket { left: self.rate.burst, since: now });
        let earned = now.millis_since(bucket.since) / self.rate.every_ms.max(1);
        if earned > 0 {
            bucket.left = bucket.left.saturating_add(earned).min(self.rate.burst);
            bucket.since = bucket.since.plus_millis(earned * self.rate.every_ms);
        }
        if bucket.left == 0 {
            return Err(self.rate.every_ms.saturating_sub(now.millis_since(bucket.since)).max(1));
        }
        bucket.left -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 2, every_ms: 1_000 };

    #[test]
    fn a_burst_is_allowed_then_one_by_one() {
        let budget = Budget::new(RATE);
        assert_eq!([0, 0, 0].map(|at| budget.take("a", Mono(at))), [Ok(()), Ok(()), Err(1_000)]);
        assert_eq!(budget.take("b", Mono(0)), Ok(()));
        assert_eq!(budget.take("a", Mono(999)), Err(1));
        assert_eq!([1_000, 1_000].map(|at| budget.take("a", Mono(at))), [Ok(()), Err(1_000)]);
        assert_eq!([60_000, 60_000, 60_000].map(|at| budget.take("a", Mono(at)).is_ok()), [true, true, false]);
    }

    #[test]
    fn a_flood_of_askers_takes_no_more_memory_and_shares_a_bucket() {
        let budget = Budget::new(RATE);
        for asker in 0..ASKERS_MAX {
            assert!(budget.take(asker, Mono(0)).is_ok());
        }
        let newcomers = [1, 2, 3].map(|extra| budget.take(ASKERS_MAX + extra, Mono(1)).is_ok());
        assert_eq!(newcomers, [true, true, false]);
        assert!(budget.take(7, Mono(1)).is_ok());
        assert!(budget.buckets.lock().unwrap().len() <= ASKERS_MAX + 1);
    }
}
