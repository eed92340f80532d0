//! One presentation is one reading, however often a reader repeats it while the badge is held there.
//!
//! Invariants: silence since the *last* sighting ends a presentation, so a badge held for an hour is one; another credential or another
//! reader never hides one; a presentation whose append failed is open again at once; memory is bounded.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::credential::Credential;
use crate::domain::id::ReaderName;
use crate::domain::time::Mono;
use crate::reader::Reading;
use crate::reader::protocol::HOLD_MS;

/// Most credentials that are held on one reader at once; beyond it the one seen longest ago is forgotten, and is at worst journalled again.
const HELD_MAX: usize = 16;

/// What is held on the readers just now.
#[derive(Debug, Default)]
pub struct Gate {
    readers: BTreeMap<ReaderName, Held>,
}

/// What is held on one reader, the latest sighting last.
#[derive(Debug)]
struct Held {
    hold_ms: u64,
    seen: VecDeque<(Credential, Mono)>,
}

impl Gate {
    /// A gate for readers and the silence that ends a presentation at each, in milliseconds; 0 for one that sends once.
    pub fn new(readers: impl IntoIterator<Item = (ReaderName, u64)>) -> Self {
        Self { readers: readers.into_iter().map(|(reader, hold_ms)| (reader, Held::new(hold_ms))).collect() }
    }

    /// Whether a reading begins a presentation; `now` is when its last byte came. A failed attempt always does: its driver waits for the
    /// finger to lift.
    pub fn admit(&mut self, now: Mono, reader: &ReaderName, reading: &Reading) -> bool {
        match reading {
            Reading::NoMatch | Reading::NotRead => true,
            Reading::Credential(credential) => self.held(reader).is_new(now, credential),
        }
    }

    /// Its append failed: the next frame of the same credential tries again.
    pub fn failed(&mut self, reader: &ReaderName, credential: &Credential) {
        self.held(reader).forget(credential);
    }

    fn held(&mut self, reader: &ReaderName) -> &mut Held {
        self.readers.entry(reader.clone()).or_insert_with(|| Held::new(HOLD_MS))
    }
}

impl Held {
    const fn new(hold_ms: u64) -> Self {
        Self { hold_ms, seen: VecDeque::new() }
    }

    fn is_new(&mut self, now: Mono, credential: &Credential) -> bool {
        let hold_ms = self.hold_ms;
        self.seen.retain(|(_, last)| now.millis_since(*last) < hold_ms);
        let held = self.forget(credential);
        if hold_ms > 0 {
            self.seen.push_back((credential.clone(), now));
        }
        if self.seen.len() > HELD_MAX {
            self.seen.pop_front();
        }
        !held
    }

    fn forget(&mut self, credential: &Credential) -> bool {
        let before = self.seen.len();
        self.seen.retain(|(held, _)| held != credential);
        self.seen.len() < before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(name: &str) -> ReaderName {
        name.parse().unwrap()
    }

    fn badge(text: &str) -> Reading {
        Reading::Credential(text.parse().unwrap())
    }

    fn gate(hold_ms: u64) -> Gate {
        Gate::new([(reader("badge"), hold_ms)])
    }

    fn card(number: u8) -> Reading {
        badge(&format!("em4100:67003B51{number:02X}"))
    }

    #[test]
    fn a_badge_held_for_an_hour_is_one_presentation() {
        let mut gate = gate(1_000);
        let admitted = (0..3_600_000).step_by(65).filter(|at| gate.admit(Mono(*at), &reader("badge"), &card(0xC6))).count();
        assert_eq!(admitted, 1);
    }

    #[test]
    fn silence_ends_it_counted_from_the_last_sighting() {
        let mut gate = gate(1_000);
        let admitted = [0, 999, 1_998, 2_998, 3_997].map(|at| gate.admit(Mono(at), &reader("badge"), &card(0xC6)));
        assert_eq!(admitted, [true, false, false, true, false]);
    }

    #[test]
    fn two_deliberate_taps_are_two_presentations() {
        let mut gate = gate(1_000);
        let taps = [0, 65, 130, 5_000, 5_065].map(|at| gate.admit(Mono(at), &reader("badge"), &card(0xC6)));
        assert_eq!(taps, [true, false, false, true, false]);
    }

    #[test]
    fn neither_another_badge_nor_another_reader_is_hidden() {
        let mut gate = Gate::new([(reader("badge"), 1_000), (reader("desk"), 1_000)]);
        assert!(gate.admit(Mono(0), &reader("badge"), &card(0xC6)));
        assert!(gate.admit(Mono(10), &reader("badge"), &card(0xC7)));
        assert!(gate.admit(Mono(20), &reader("desk"), &card(0xC6)));
        assert!(!gate.admit(Mono(30), &reader("badge"), &card(0xC6)));
    }

    #[test]
    fn a_reader_that_sends_once_hides_nothing() {
        let mut gate = gate(0);
        assert!((0..5).all(|at| gate.admit(Mono(at), &reader("badge"), &card(0xC6))));
    }

    #[test]
    fn every_failed_attempt_passes() {
        let mut gate = gate(1_000);
        assert!([Reading::NoMatch, Reading::NoMatch, Reading::NotRead].iter().all(|reading| gate.admit(
            Mono(0),
            &reader("badge"),
            reading
        )));
    }

    #[test]
    fn a_failed_append_opens_it_again_for_that_badge_alone() {
        let mut gate = gate(1_000);
        let name = reader("badge");
        assert!(gate.admit(Mono(0), &name, &card(0xC6)) && gate.admit(Mono(0), &name, &card(0xC7)));
        gate.failed(&name, &"em4100:67003B51C6".parse().unwrap());
        assert!(gate.admit(Mono(65), &name, &card(0xC6)));
        assert!(!gate.admit(Mono(65), &name, &card(0xC7)));
    }

    #[test]
    fn a_crowd_of_badges_costs_a_bounded_amount() {
        let mut gate = gate(1_000);
        assert!((0..=255).all(|number| gate.admit(Mono(0), &reader("badge"), &card(number))));
        assert_eq!(gate.readers.values().map(|held| held.seen.len()).max(), Some(HELD_MAX));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_naive_model(sightings in prop::collection::vec((0_u64..1_500, 0_u8..4, any::<bool>()), 0..60)) {
            let mut gate = gate(1_000);
            let mut last_seen: [Option<u64>; 4] = [None; 4];
            let mut now = 0;
            for (pause, number, fails) in sightings {
                now += pause;
                let expected = last_seen[usize::from(number)].is_none_or(|last| now - last >= 1_000);
                prop_assert_eq!(gate.admit(Mono(now), &reader("badge"), &card(number)), expected);
                last_seen[usize::from(number)] = Some(now);
                if fails && let Reading::Credential(credential) = card(number) {
                    gate.failed(&reader("badge"), &credential);
                    last_seen[usize::from(number)] = None;
                }
            }
        }
    }
}
