//! Exactly once, counted: what was presented, what a page confirmed and what the office holds, each presentation with a credential of its own.

use std::collections::BTreeSet;

/// A journal and a place in it.
pub(crate) type EntryPlace = (String, u64);

/// A punch at the office.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Where it stands.
    pub(crate) place: EntryPlace,
    /// What was read.
    pub(crate) credential: String,
}

/// A badge of its own for each number, and how it is shown.
pub(crate) fn badge(number: u32) -> ([u8; 5], String) {
    let [first, second, third, fourth] = number.to_be_bytes();
    ([0xC0, first, second, third, fourth], format!("em4100:C0{number:08X}"))
}

/// The three counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Every credential that was presented, once each.
    pub(crate) fed: BTreeSet<String>,
    /// Every entry that a page confirmed.
    pub(crate) confirmed: Vec<EntryPlace>,
    /// Every punch that the office holds.
    pub(crate) held: Vec<Held>,
}

impl Tally {
    /// Confirmed ⊆ held ⊆ presented, each at most once.
    pub(crate) fn check(&self, what: &str) {
        println!("{what}: {} presented, {} confirmed, {} held", self.fed.len(), self.confirmed.len(), self.held.len());
        let places: BTreeSet<_> = self.held.iter().map(|punch| &punch.place).collect();
        assert_eq!(places.len(), self.held.len(), "{what}: the office holds an entry twice");
        let shown: BTreeSet<_> = self.confirmed.iter().collect();
        assert_eq!(shown.len(), self.confirmed.len(), "{what}: the page confirmed an entry twice");
        let lost: Vec<_> = shown.difference(&places).collect();
        assert!(lost.is_empty(), "{what}: confirmed, and not at the office: {lost:?}");
        let mut seen = BTreeSet::new();
        for punch in &self.held {
            assert!(self.fed.contains(&punch.credential), "{what}: {} was never presented", punch.credential);
            assert!(seen.insert(&punch.credential), "{what}: {} was presented once and is held twice", punch.credential);
        }
    }
}
