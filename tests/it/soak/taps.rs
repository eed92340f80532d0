//! The taps of the soak: each is told apart by badge, round and how often it was tried, so that exactly once can be counted over a month.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rig::{EntryPlace, Held, Tally};

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Taps {
    tally: Tally,
    tried: BTreeMap<String, u32>,
    /// Asked to sign on paper.
    pub(super) refused: u64,
    /// Tapped when nobody could look at the page any more.
    pub(super) unwatched: u64,
}

impl Taps {
    /// A badge was held to a reader in a round.
    pub(super) fn presented(&mut self, badge_and_round: &str) {
        let name = numbered(&mut self.tried, badge_and_round);
        assert!(self.tally.fed.insert(name));
    }

    /// The page confirmed an entry.
    pub(super) fn confirmed(&mut self, place: EntryPlace) {
        self.tally.confirmed.push(place);
    }

    /// How many were presented, and how many confirmed.
    pub(super) fn counts(&self) -> (u64, u64) {
        (u64::try_from(self.tally.fed.len()).unwrap(), u64::try_from(self.tally.confirmed.len()).unwrap())
    }

    /// The office holds these: prints what that comes to, and holds it to the law.
    pub(super) fn check(mut self, held: Vec<Held>, holes: usize, faults: u64) {
        let mut seen = BTreeMap::new();
        let name = |punch: Held| Held { credential: numbered(&mut seen, &punch.credential), ..punch };
        self.tally.held = held.into_iter().map(name).collect();
        let places: BTreeSet<_> = self.tally.held.iter().map(|punch| &punch.place).collect();
        let lost = self.tally.confirmed.iter().filter(|place| !places.contains(place)).count();
        let strange = self.tally.held.iter().filter(|punch| !self.tally.fed.contains(&punch.credential)).count();
        let doubled = strange + self.tally.held.len() - places.len();
        let (presented, confirmed) = self.counts();
        println!(
            "presented {presented}, confirmed {confirmed}, refused {}, unwatched {}, at office {}, lost {lost}, doubled {doubled}, \
             holes {holes}, faults {faults}",
            self.refused,
            self.unwatched,
            self.tally.held.len()
        );
        assert!(confirmed + self.refused + self.unwatched >= presented, "somebody was told nothing");
        self.tally.check("the soak");
    }
}

/// The name with how often it came.
fn numbered(times: &mut BTreeMap<String, u32>, name: &str) -> String {
    let time = times.entry(name.to_owned()).or_default();
    *time += 1;
    format!("{name} {time}")
}
