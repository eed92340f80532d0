//! The proof at the end of the day: what was held to the readers, what the kiosk confirmed and what the office has are the same.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::id::{JournalId, Sequence};

/// An entry's place: which journal, and where in it.
pub(super) type Place = (JournalId, Sequence);

/// An entry at the office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Where it stands.
    pub(super) place: Place,
    /// Whether it records something that was presented, and not the kiosk's own fact.
    pub(super) presented: bool,
}

/// What the office's verification said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verified {
    /// Entries that never came: declared lost, or still missing between others.
    pub(super) holes: u64,
    /// Copies in quarantine.
    pub(super) quarantined: u64,
    /// What is wrong with chain or signatures, in words.
    pub(super) faults: Vec<String>,
}

/// The numbers, and whether they fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Proof {
    /// Presentations that were fed to the readers.
    pub(super) fed: usize,
    /// Events with a sequence that the kiosk's page showed.
    pub(super) confirmed: usize,
    /// Entries of presentations at the office.
    pub(super) at_office: usize,
    /// The kiosk's own entries there: starts, trusted moments, settings.
    pub(super) own: usize,
    /// Confirmed to staff, and not at the office.
    pub(super) missing: usize,
    /// Entries that never came.
    pub(super) holes: u64,
    /// Shown twice, held twice, or in quarantine.
    pub(super) doubled: u64,
    /// Whether chain and signatures hold.
    pub(super) verified: bool,
    /// What does not, in words.
    pub(super) faults: Vec<String>,
    /// Whether everything fits.
    pub(super) good: bool,
}

/// Compares.
pub(super) fn prove(fed: usize, confirmed: &[Place], held: &[Held], verified: Verified) -> Proof {
    let shown: BTreeSet<Place> = confirmed.iter().copied().collect();
    let presented: BTreeSet<Place> = held.iter().filter(|held| held.presented).map(|held| held.place).collect();
    let all: BTreeSet<Place> = held.iter().map(|held| held.place).collect();
    let twice = (confirmed.len() - shown.len()) + (held.len() - all.len());
    let doubled = u64::try_from(twice).unwrap_or(u64::MAX).saturating_add(verified.quarantined);
    let missing = shown.difference(&presented).count();
    let chain = verified.faults.is_empty();
    let counts = fed == shown.len() && fed == presented.len();
    Proof {
        fed,
        confirmed: shown.len(),
        at_office: presented.len(),
        own: all.len() - presented.len(),
        missing,
        holes: verified.holes,
        doubled,
        verified: chain,
        faults: verified.faults,
        good: counts && missing == 0 && verified.holes == 0 && doubled == 0 && chain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNAL: JournalId = JournalId([7; 16]);

    fn place(sequence: u64) -> Place {
        (JOURNAL, Sequence(sequence))
    }

    fn held(presented: &[u64], own: &[u64]) -> Vec<Held> {
        let of = |presented| move |sequence: &u64| Held { place: place(*sequence), presented };
        presented.iter().map(of(true)).chain(own.iter().map(of(false))).collect()
    }

    #[test]
    fn what_fits_is_good() {
        let proof = prove(2, &[place(3), place(4)], &held(&[3, 4], &[1, 2]), Verified::default());
        assert!(proof.good && proof.own == 2 && proof.missing == 0);
    }

    #[test]
    fn whatever_does_not_fit_fails_the_proof() {
        let (shown, there) = ([place(3), place(4)], held(&[3, 4], &[1, 2]));
        let bad = [
            prove(3, &shown, &there, Verified::default()),
            prove(2, &[place(3)], &there, Verified::default()),
            prove(2, &[place(3), place(3), place(4)], &there, Verified::default()),
            prove(2, &shown, &held(&[3, 5], &[1, 2]), Verified::default()),
            prove(2, &shown, &held(&[3, 4, 4], &[1, 2]), Verified::default()),
            prove(2, &shown, &held(&[3], &[1, 2, 4]), Verified::default()),
            prove(2, &shown, &there, Verified { holes: 1, ..Verified::default() }),
            prove(2, &shown, &there, Verified { quarantined: 1, ..Verified::default() }),
            prove(2, &shown, &there, Verified { faults: vec!["chain".to_owned()], ..Verified::default() }),
        ];
        for (number, proof) in bad.iter().enumerate() {
            assert!(!proof.good, "{number}: {proof:?}");
        }
    }
}
