//! Places for bodies that are being read: so much memory at most, and no address takes them all.
//!
//! A body that says it is short is read without a place, so that heartbeats and punches never wait behind long ones; connections bound how
//! many of those there are. A long one takes a share of its address first, then a place.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Most long bodies in memory at once.
const LONG_MAX: usize = 32;
/// Most of them from one address.
const LONG_OF_ADDRESS_MAX: usize = 4;
/// A body of at most so many bytes is short: a hundred and more punches.
const SHORT_BYTES_MAX: u64 = 64 * 1024;

/// The places.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    shares: Mutex<BTreeMap<IpAddr, Weak<Semaphore>>>,
}

/// A place, taken until it is dropped; none for a short body.
#[derive(Debug)]
pub(super) struct Place {
    _held: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
    _share: Option<Arc<Semaphore>>,
}

impl Places {
    /// All of them free.
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(LONG_MAX)), shares: Mutex::new(BTreeMap::new()) }
    }

    /// Waits for a place for a body that says it has at most so many bytes; none says nothing.
    ///
    /// # Errors
    /// When the office is stopping.
    pub(super) async fn take(&self, from: IpAddr, bytes: Option<u64>) -> Result<Place, AcquireError> {
        if bytes.is_some_and(|bytes| bytes <= SHORT_BYTES_MAX) {
            return Ok(Place { _held: None, _share: None });
        }
        let share = self.share(from);
        let own = Arc::clone(&share).acquire_owned().await?;
        let place = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Place { _held: Some((own, place)), _share: Some(share) })
    }

    /// The share of an address; those that nobody uses are forgotten.
    fn share(&self, from: IpAddr) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|_, share| share.strong_count() > 0);
        if let Some(share) = shares.get(&from).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Semaphore::new(LONG_OF_ADDRESS_MAX));
        shares.insert(from, Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[tokio::test(start_paused = true)]
    async fn an_address_takes_its_share_and_leaves_the_rest() {
        let places = Places::new();
        let long = || Some(SHORT_BYTES_MAX + 1).filter(|_| places.all.available_permits().is_multiple_of(2));
        let within = async |from, bytes| tokio::time::timeout(std::time::Duration::from_secs(1), places.take(from, bytes)).await.ok();
        let mut taken = Vec::new();
        for _ in 0..LONG_OF_ADDRESS_MAX {
            taken.push(within(ONE, long()).await.expect("within its share").unwrap());
        }
        assert!(within(ONE, long()).await.is_none(), "one past its share");
        assert!(within(ONE, Some(SHORT_BYTES_MAX)).await.is_some(), "a short one needs no place");
        assert!(within(OTHER, long()).await.is_some(), "another address has its own share");
        taken.pop();
        assert!(within(ONE, long()).await.is_some(), "a place that was given back");
        drop(taken);
        let mut all = Vec::new();
        for address in 0..u8::try_from(LONG_MAX).unwrap() {
            all.push(within(IpAddr::from([10, 0, 1, address]), long()).await.expect("one of all").unwrap());
        }
        assert!(within(OTHER, long()).await.is_none(), "one past all");
        drop(all);
        drop(within(OTHER, long()).await.expect("free again"));
        assert_eq!(places.shares.lock().unwrap().len(), 1, "addresses are forgotten");
    }
}
