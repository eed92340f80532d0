//! What goes wrong in a hall in a month, and when.

use super::super::world::random::Random;

/// One kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// A reader's cable is out for some taps.
    Unplugged,
    /// A reader's plug bounces.
    Bouncing,
    /// Bytes that mean nothing.
    Noise,
    /// A frame of which half is missing.
    HalfFrame,
    /// A frame with a wrong checksum.
    SpoiltFrame,
    /// A badge that nobody knows.
    Stranger,
    /// The office is gone for hours.
    OfficeGone,
    /// The office is gone until the next day or the one after.
    OfficeGoneForDays,
    /// The network takes connections and never answers.
    Hang,
    /// The office is stopped and started.
    OfficeRestarted,
    /// The office's machine is lost and last night's backup put in its place.
    OfficeRestored,
    /// The kiosk is stopped in order and started.
    KioskRestarted,
    /// The kiosk ends without order, just after somebody tapped.
    KioskFallen,
    /// The kiosk's disk is full for some minutes.
    DiskFull,
    /// The roster is imported again, with somebody new.
    Roster,
}

/// Each kind, and on how many of 10,000 days it comes.
const KINDS: [(Trouble, u64); 15] = [
    (Trouble::Unplugged, 6_000),
    (Trouble::Bouncing, 4_000),
    (Trouble::Noise, 9_000),
    (Trouble::HalfFrame, 9_000),
    (Trouble::SpoiltFrame, 9_000),
    (Trouble::Stranger, 10_000),
    (Trouble::OfficeGone, 5_000),
    (Trouble::OfficeGoneForDays, 1_500),
    (Trouble::Hang, 3_000),
    (Trouble::OfficeRestarted, 4_000),
    (Trouble::OfficeRestored, 2_000),
    (Trouble::KioskRestarted, 4_000),
    (Trouble::KioskFallen, 4_000),
    (Trouble::DiskFull, 2_500),
    (Trouble::Roster, 5_000),
];

/// The troubles of a day, each before so many of its taps, earliest first; on the first day one of each kind.
pub(super) fn of_day(random: &mut Random, first: bool, taps: u64) -> Vec<(u64, Trouble)> {
    let comes =
        |random: &mut Random, (kind, days): (Trouble, u64)| (first || random.chance(days)).then(|| (random.between(1, taps - 1), kind));
    let mut troubles: Vec<_> = KINDS.into_iter().filter_map(|kind| comes(random, kind)).collect();
    troubles.sort_unstable();
    troubles
}
