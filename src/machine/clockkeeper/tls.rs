//! At which moment a certificate is verified.

use crate::domain::time::{Trust, Wall};

/// The moment at which the office's certificate chain, valid from one moment to another, is verified (law 6).
///
/// While the clock is `synced`, that is now: an expired chain is refused. Otherwise it is the best guess (the clock, at least the floor) clamped
/// into the chain's validity, because a kiosk that woke in 1970 or runs ahead must still reach the office to learn the time; chain, name and key
/// are checked all the same. The floor alone never refuses a chain, so that a floor raised by a wrong source cannot lock a kiosk out for good.
pub fn tls_moment(wall: Wall, trust: Trust, floor: Option<Wall>, not_before: Wall, not_after: Wall) -> Wall {
    match trust {
        Trust::Synced => wall,
        Trust::Holdover | Trust::Suspect | Trust::Unset => floor.map_or(wall, |floor| wall.max(floor)).max(not_before).min(not_after),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_synced_clock_enforces_expiry() {
        assert_eq!(tls_moment(Wall(500), Trust::Synced, None, Wall(100), Wall(200)), Wall(500));
        assert_eq!(tls_moment(Wall(50), Trust::Synced, Some(Wall(70)), Wall(100), Wall(200)), Wall(50));
    }

    #[test]
    fn a_clock_in_1970_or_400_days_ahead_does_not_keep_a_kiosk_from_its_office() {
        for trust in [Trust::Holdover, Trust::Suspect, Trust::Unset] {
            assert_eq!(tls_moment(Wall(0), trust, None, Wall(100), Wall(200)), Wall(100));
            assert_eq!(tls_moment(Wall(0), trust, Some(Wall(150)), Wall(100), Wall(200)), Wall(150));
            assert_eq!(tls_moment(Wall(400), trust, None, Wall(100), Wall(200)), Wall(200));
            assert_eq!(tls_moment(Wall(160), trust, Some(Wall(150)), Wall(100), Wall(200)), Wall(160));
        }
    }

    proptest! {
        #[test]
        fn an_untrusted_clock_verifies_within_the_chains_validity(wall: i64, floor: Option<i64>, from: i64, to: i64) {
            let (from, to) = (Wall(from.min(to)), Wall(from.max(to)));
            let moment = tls_moment(Wall(wall), Trust::Suspect, floor.map(Wall), from, to);
            prop_assert!(from <= moment && moment <= to);
        }
    }
}
