//! The search against a model that tries every assignment, written apart from it: no cost packed, no table, only the order of §4 as a tuple.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::super::search::{Cost, Question};
use super::super::slot::{Limits, Punctuality, Slot, Stake};
use super::*;

/// Violations, heavy violations, away from home, missing, minutes.
type Weight = (u32, u32, u32, u32, u32);

#[derive(Debug, Clone)]
struct World {
    slots: Vec<Slot>,
    moments: Vec<ClockTime>,
    limits: Limits,
}

impl World {
    fn weight(&self, picks: &[Option<usize>]) -> Weight {
        let mut weight = (0, 0, 0, 0, 0);
        for (slot, pick) in self.slots.iter().zip(picks) {
            let Some(pick) = pick else {
                weight = (weight.0 + 1, weight.1 + 1, weight.2, weight.3 + 1, weight.4);
                continue;
            };
            let time = self.moments[*pick];
            weight.2 += u32::from(time < slot.home.from || time >= slot.home.to);
            let (violation, heavy, minutes) = match slot.punctuality(time, self.limits.grace) {
                Punctuality::OnTime => (0, 0, 0),
                Punctuality::Late(minutes) => (1, 1, minutes),
                Punctuality::Early(minutes) => (1, u32::from(minutes > self.limits.light_early_leave), minutes),
            };
            weight = (weight.0 + violation, weight.1 + heavy, weight.2, weight.3, weight.4 + minutes);
        }
        weight
    }

    /// In takes the earliest, out the latest, and something before nothing.
    fn tie(&self, a: &[Option<usize>], b: &[Option<usize>]) -> Ordering {
        let by_slot = self.slots.iter().zip(a.iter().zip(b)).map(|(slot, (a, b))| match (a, b, slot.direction) {
            (None, None, _) => Ordering::Equal,
            (Some(_), None, _) => Ordering::Less,
            (None, Some(_), _) => Ordering::Greater,
            (Some(a), Some(b), Direction::In) => a.cmp(b),
            (Some(a), Some(b), Direction::Out) => b.cmp(a),
        });
        by_slot.fold(Ordering::Equal, Ordering::then)
    }

    /// Every assignment that keeps the order, the windows and the gap.
    fn every(&self) -> Vec<Vec<Option<usize>>> {
        let mut all = vec![Vec::new()];
        for slot in &self.slots {
            let longer = |picks: &Vec<Option<usize>>| {
                let last = picks.iter().flatten().max().map(|pick: &usize| self.moments[*pick]);
                let fits = |pick: &usize| {
                    let time = self.moments[*pick];
                    slot.window.from <= time && time < slot.window.to && last.is_none_or(|last| time.0 >= last.0 + self.limits.gap_seconds)
                };
                let choices = std::iter::once(None).chain((0..self.moments.len()).filter(fits).map(Some));
                choices.map(|choice| [picks.clone(), vec![choice]].concat()).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        all
    }

    fn best_of_all(&self) -> Vec<Option<usize>> {
        let order = |a: &Vec<Option<usize>>, b: &Vec<Option<usize>>| self.weight(a).cmp(&self.weight(b)).then_with(|| self.tie(a, b));
        self.every().into_iter().min_by(order).unwrap()
    }

    fn found(&self) -> Vec<Option<usize>> {
        let question = Question { slots: &self.slots, moments: &self.moments, limits: self.limits, barred: None };
        question.solve().unwrap().picks[..self.slots.len()].to_vec()
    }
}

fn minute(minutes: u32) -> ClockTime {
    ClockTime(minutes * 60)
}

/// Slots anywhere within three hours, so that windows overlap in every way.
fn any_slot() -> impl Strategy<Value = Slot> {
    (any::<bool>(), 0..120_u32, 1..60_u32, 0..60_u32, 0..60_u32, 1..40_u32).prop_map(|(coming, opens, length, due, home, home_length)| {
        Slot {
            direction: if coming { Direction::In } else { Direction::Out },
            due: minute(opens + due.min(length)),
            work_at: minute(opens + due),
            window: Span { from: minute(opens), to: minute(opens + length) },
            home: Span { from: minute(opens + home), to: minute(opens + home + home_length) },
            stake: Stake::Required,
        }
    })
}

fn any_world() -> impl Strategy<Value = World> {
    let moments = prop::collection::btree_set((0..180_u32, prop_oneof![Just(0_u32), Just(1), Just(59)]), 0..7);
    let limits = (0..3_u32, 0..12_u32, 0..15_u32);
    (prop::collection::vec(any_slot(), 1..5), moments, limits).prop_map(|(slots, moments, (grace, gap, light_early_leave))| World {
        slots,
        moments: moments.into_iter().map(|(minutes, seconds)| ClockTime(minutes * 60 + seconds)).collect(),
        limits: Limits { grace, gap_seconds: (gap * 60).max(1), light_early_leave },
    })
}

/// Days of the default rules with most punches over lunch, where windows overlap.
fn any_day() -> impl Strategy<Value = World> {
    let clock = prop_oneof![6 * 60..9 * 60 + 30_u32, 640..870_u32, 11 * 60 + 35..12 * 60 + 50_u32, 16 * 60..24 * 60_u32];
    prop::collection::btree_set((clock, 0..60_u32), 0..8).prop_map(|moments| {
        let rules = default_rules();
        World {
            slots: rules.checkpoints.iter().map(Slot::of).collect(),
            moments: moments.into_iter().map(|(minutes, seconds)| ClockTime(minutes * 60 + seconds)).collect(),
            limits: Limits::of(&rules),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_search_finds_what_trying_everything_finds(world in any_world()) {
        prop_assert_eq!(world.found(), world.best_of_all());
    }

    #[test]
    fn the_search_finds_the_best_reading_of_a_day(world in any_day()) {
        prop_assert_eq!(world.found(), world.best_of_all());
    }
}

#[test]
fn eight_checkpoints_and_a_hundred_punches_are_searched_exactly_and_at_once() {
    let slots: Vec<_> = (0..8)
        .map(|place| Slot {
            direction: if place % 2 == 0 { Direction::In } else { Direction::Out },
            due: minute(60 + place * 60),
            work_at: minute(60 + place * 60),
            window: Span { from: minute(place * 60), to: minute(150 + place * 60) },
            home: Span { from: minute(30 + place * 60), to: minute(90 + place * 60) },
            stake: Stake::Required,
        })
        .collect();
    let moments: Vec<_> = (0..100).map(|place| minute(place * 6)).collect();
    let limits = Limits { grace: 0, gap_seconds: 300, light_early_leave: 10 };
    let solution = Question { slots: &slots, moments: &moments, limits, barred: None }.solve().unwrap();
    assert_eq!(solution.cost, Cost::NONE);
    assert!(solution.picks.iter().all(Option::is_some));
}
