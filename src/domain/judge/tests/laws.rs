//! The laws of judging, on random days.

use proptest::prelude::*;

use super::super::super::leave::LeaveKind;
use super::*;

/// Seconds of the day, most of them near the checkpoints.
fn any_second() -> impl Strategy<Value = u32> {
    prop_oneof![
        2 => 0..86_400_u32,
        3 => 21_000..35_000_u32,
        6 => 38_000..53_000_u32,
        3 => 56_000..70_000_u32,
        1 => prop::sample::select(vec![30_359, 30_360, 42_599, 42_600, 48_359, 48_360, 61_199, 61_200]),
    ]
}

fn any_quality() -> impl Strategy<Value = Quality> {
    prop_oneof![6 => Just(Quality::Trusted), 1 => Just(Quality::Estimated), 1 => Just(Quality::Suspect)]
}

fn any_punches() -> impl Strategy<Value = Vec<DayPunch>> {
    prop::collection::vec((any_second(), any_quality()), 0..10).prop_map(|punches| {
        let made = |(sequence, (second, quality))| DayPunch { quality, ..punch(ClockTime(second), sequence) };
        (1..).zip(punches).map(made).collect()
    })
}

fn any_excuse() -> impl Strategy<Value = Excuse> {
    let cause = prop_oneof![Just(Cause::Errand), Just(Cause::Leave(LeaveKind::Sick)), Just(Cause::Leave(LeaveKind::Annual))];
    let state = prop_oneof![4 => Just(RequestState::Approved), 1 => Just(RequestState::Pending)];
    (cause, state, 28_000..62_000_u32, 600..30_000_u32).prop_map(|(cause, state, from, length)| Excuse {
        span: Span { from: ClockTime(from), to: ClockTime(from + length).min(ClockTime::MIDNIGHT) },
        cause,
        state,
        entered: entered(0),
    })
}

/// A day with punches, perhaps excuses, judged at any time with any completeness.
fn any_day() -> impl Strategy<Value = Day> {
    let excuses = prop::collection::vec(any_excuse(), 0..3);
    let horizon = (prop::option::of(0..100_000_i64), 0..100_000_i64);
    (any_punches(), excuses, horizon).prop_map(|(punches, excuses, (complete, as_of))| {
        let moment = |seconds: i64| at("00:00").plus_millis(seconds * 1000);
        let facts = DayFacts { excuses, ..DayFacts::default() };
        Day { punches, facts, complete_through: complete.map(moment), as_of: moment(as_of), ..Day::with("") }
    })
}

/// Everything of a judgement that does not name a punch.
fn outcomes(day: &Day) -> Vec<String> {
    let judged = day.judged();
    let of_one = |one: &CheckpointResult<'_>| format!("{} {} {}", shown(one), one.severe, one.provisional);
    let halves = judged.half_days.iter().map(|half| format!("{half:?}"));
    judged.checkpoints.iter().map(of_one).chain(halves).collect()
}

fn violations(day: &Day) -> usize {
    let violates = |outcome| match outcome {
        Outcome::Late(_) | Outcome::EarlyLeave(_) | Outcome::Missing | Outcome::TimeSuspect | Outcome::NotYetDue | Outcome::PendingData => {
            true
        }
        Outcome::OnTime | Outcome::Excused | Outcome::NotRequired | Outcome::CalendarUnknown => false,
    };
    day.judged().checkpoints.iter().filter(|one| violates(one.outcome)).count()
}

fn shifted(day: &Day, minutes: u32) -> Day {
    let later = |time: &mut ClockTime| time.0 += minutes * 60;
    let mut day = day.clone();
    for checkpoint in &mut day.rules.checkpoints {
        let Checkpoint { due, opens, closes, home_from, home_to, work_at, .. } = checkpoint;
        [due, opens, closes, home_from, home_to, work_at].into_iter().for_each(later);
        checkpoint.post_by.iter_mut().for_each(later);
    }
    day.punches.iter_mut().for_each(|punch| later(&mut punch.time));
    let by = i64::from(minutes) * 60_000;
    day.as_of = day.as_of.plus_millis(by);
    day.complete_through = day.complete_through.map(|complete| complete.plus_millis(by));
    day
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_order_of_arrival_does_not_matter(day in any_day(), seed in any::<u64>()) {
        let mut mixed = day.clone();
        let length = mixed.punches.len().max(1);
        mixed.punches.rotate_left(usize::try_from(seed % 64).unwrap() % length);
        if seed % 2 == 0 {
            mixed.punches.reverse();
            mixed.facts.excuses.reverse();
        }
        prop_assert_eq!(day.judged(), mixed.judged());
    }

    #[test]
    fn a_punch_added_never_adds_a_violation(day in any_day(), second in any_second(), quality in any_quality()) {
        let mut more = day.clone();
        more.punches.push(DayPunch { quality, ..punch(ClockTime(second), 99) });
        prop_assert!(violations(&more) <= violations(&day), "{:?} then {:?}", day.results(), more.results());
    }

    #[test]
    fn an_exact_copy_of_a_punch_changes_no_outcome(day in any_day(), which in any::<prop::sample::Index>()) {
        prop_assume!(!day.punches.is_empty());
        let mut more = day.clone();
        let copy = which.get(&day.punches).clone();
        more.punches.push(DayPunch { key: punch(copy.time, 99).key, ..copy });
        prop_assert_eq!(outcomes(&day), outcomes(&more));
    }

    #[test]
    fn every_punch_counts_once_or_is_surplus(day in any_day()) {
        let judged = day.judged();
        let counted = judged.checkpoints.iter().filter_map(|one| match one.evidence {
            Some(Evidence::Punch(punch)) => Some(&punch.key),
            Some(Evidence::Stated(_)) | None => None,
        });
        let mut keys: Vec<_> = counted.chain(judged.surplus.iter().map(|punch| &punch.key)).collect();
        keys.sort();
        let mut all: Vec<_> = day.punches.iter().map(|punch| &punch.key).collect();
        all.sort();
        prop_assert_eq!(keys, all);
    }

    #[test]
    fn what_counts_keeps_time_order_and_the_minimum_gap(day in any_day()) {
        let judged = day.judged();
        let counted: Vec<_> = judged.checkpoints.iter().filter_map(|one| one.evidence.map(|evidence| evidence.time())).collect();
        prop_assert!(counted.windows(2).all(|pair| pair[1].0 >= pair[0].0 + 300), "{counted:?}");
        for one in &judged.checkpoints {
            prop_assert!(one.evidence.is_none_or(|evidence| one.window.contains(evidence.time())));
        }
    }

    #[test]
    fn nothing_depends_on_the_terminal(day in any_day(), terminals in prop::collection::vec(0..4_u8, 10)) {
        let mut elsewhere = day.clone();
        for (punch, terminal) in elsewhere.punches.iter_mut().zip(terminals) {
            punch.key.terminal = format!("east-{terminal}").parse().unwrap();
            punch.key.journal = JournalId([terminal; 16]);
        }
        prop_assert_eq!(outcomes(&day), outcomes(&elsewhere));
    }

    #[test]
    fn shifting_day_and_rules_shifts_the_result(day in any_day(), minutes in 0..90_u32) {
        let day = Day { facts: DayFacts::default(), ..day };
        let later = shifted(&day, minutes);
        let seen = |day: &Day, back: u32| {
            let back = |time: ClockTime| ClockTime(time.0 - back * 60);
            let judged = day.judged();
            let of_one = |one: &CheckpointResult<'_>| {
                (back(one.due), one.evidence.map(|evidence| back(evidence.time())), one.outcome, one.severe, one.provisional)
            };
            judged.checkpoints.iter().map(of_one).collect::<Vec<_>>()
        };
        prop_assert_eq!(seen(&day, 0), seen(&later, minutes));
    }

    #[test]
    fn a_doubtful_time_makes_nobody_late(day in any_day()) {
        for one in &day.judged().checkpoints {
            let doubtful = one.evidence.is_some_and(|evidence| evidence.is_doubtful());
            prop_assert!(!(doubtful && matches!(one.outcome, Outcome::Late(_) | Outcome::EarlyLeave(_))), "{one:?}");
        }
    }

    #[test]
    fn every_half_day_is_in_one_column_and_never_absent_by_itself(day in any_day()) {
        let judged = day.judged();
        prop_assert_eq!(judged.half_days.len(), 2);
        prop_assert!(judged.half_days.iter().all(|half| half.column != Column::Absent && half.column != Column::NotRequired));
    }
}
