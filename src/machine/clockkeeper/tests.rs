//! A kiosk's clock under good, bad and contradicting witnesses.

use proptest::prelude::*;

use super::verdict::OFFSET_MAX_MS;
use super::*;
use crate::domain::estimate::Quality;
use crate::domain::id::{BootId, EntryHash, JournalId, Sequence};

const NOW: i64 = 1_795_000_000_000;
const DAY_MS: u64 = 24 * 3_600_000;

#[test]
fn a_clock_that_nobody_confirmed_is_unset_and_leaves_no_trace() {
    let mut keeper = keeper(Source::Both, None);
    let ahead = keeper.read(raw(1_000, NOW + 400 * 86_400_000, None));
    assert_eq!(ahead.trust, Trust::Unset);
    assert_eq!((keeper.floor(), keeper.poll_action()), (None, None));
    assert_eq!(keeper.condition().map(|condition| condition.code), Some(Code::ClockUntrusted));

    let set_right = keeper.read(raw(2_000, NOW, Some(100)));
    assert_eq!((set_right.trust, set_right.uncertainty_ms), (Trust::Synced, 100));
    assert_eq!((keeper.floor(), keeper.condition()), (Some(Wall(NOW - 100)), None));
}

#[test]
fn a_kernel_that_is_synchronised_is_trusted_and_recorded_once() {
    let mut keeper = keeper(Source::Both, None);
    let reading = keeper.read(raw(1_000, NOW, Some(20)));
    let sync = Body::Sync { wall: Wall(NOW), uncertainty_ms: 20, source: TimeSource::Kernel };
    assert_eq!(drain(&mut keeper), [Action::KeepFloor { wall: Wall(NOW - 20) }, Action::Record { clock: reading, body: sync }]);
    keeper.read(raw(2_000, NOW + 1_000, Some(20)));
    assert_eq!(drain(&mut keeper), []);
}

#[test]
fn true_time_is_recorded_again_when_it_moved_by_half_a_second_or_after_a_day() {
    let mut keeper = keeper(Source::Both, None);
    keeper.read(raw(0, NOW, Some(20)));
    drain(&mut keeper);
    keeper.read(raw(1_000, NOW + 1_499, Some(20)));
    assert_eq!(syncs(&mut keeper), []);
    keeper.read(raw(2_000, NOW + 2_500, Some(20)));
    assert_eq!(syncs(&mut keeper), [Wall(NOW + 2_500)]);
    keeper.read(raw(2_000 + DAY_MS, NOW + 2_500 + 86_400_000, Some(20)));
    assert_eq!(syncs(&mut keeper), [Wall(NOW + 2_500 + 86_400_000)]);
}

#[test]
fn the_configured_source_decides_whose_word_is_taken() {
    let mut office_only = keeper(Source::Office, None);
    assert_eq!(office_only.read(raw(1_000, NOW, Some(20))).trust, Trust::Unset);
    let mut kernel_only = keeper(Source::Kernel, None);
    kernel_only.handle(raw(2_000, NOW + 1_000, None), Event::Exchange(exchange(2_000, 40, NOW + 1_000)));
    assert_eq!(kernel_only.read(raw(2_000, NOW + 1_000, None)).trust, Trust::Unset);
    assert_eq!(kernel_only.office_offset_ms(), Some(-20));
}

#[test]
fn an_exchange_vouches_for_a_day_and_then_the_clock_runs_free() {
    let mut keeper = keeper(Source::Both, None);
    keeper.handle(raw(10_000, NOW, None), Event::Exchange(exchange(10_000, 40, NOW - 520)));
    assert_eq!(keeper.office_offset_ms(), Some(500));
    let reading = keeper.read(raw(10_000, NOW, None));
    assert_eq!((reading.trust, reading.uncertainty_ms), (Trust::Synced, 520));
    let late = keeper.read(raw(10_000 + DAY_MS - 1, NOW + 86_399_999, None));
    assert_eq!((late.trust, late.uncertainty_ms), (Trust::Synced, 520 + 4_320));
    let later = keeper.read(raw(10_000 + 2 * DAY_MS, NOW + 2 * 86_400_000, None));
    assert_eq!(later.trust, Trust::Holdover);
    assert!(keeper.condition().is_some_and(|condition| condition.detail.contains("running free")));
}

#[test]
fn a_clock_400_days_off_learns_true_time_from_the_office_and_keeps_it_for_this_boots_readings() {
    for off in [-400, 400] {
        let mut keeper = keeper(Source::Both, None);
        let wrong = NOW + off * 86_400_000;
        let early = keeper.read(raw(5_000, wrong, None));
        keeper.handle(raw(10_000, wrong + 5_000, None), Event::Exchange(exchange(10_000, 40, NOW)));
        let Some(Action::Record { clock, body: Body::Sync { wall, uncertainty_ms, source } }) = keeper.poll_action() else {
            panic!("a sync entry")
        };
        assert_eq!((clock.trust, clock.mono, source), (Trust::Suspect, Mono(10_000), TimeSource::Office));
        assert_eq!((wall, uncertainty_ms), (Wall(NOW + 20), 20));
        assert_eq!(keeper.floor(), None, "an untrusted clock raises nothing");
        assert_eq!(best_time(&early, keeper.moments()), BestTime { at: Wall(NOW - 4_980), quality: Quality::Estimated });
        assert_eq!(keeper.best_now(raw(11_000, wrong + 6_000, None)), BestTime { at: Wall(NOW + 1_020), quality: Quality::Estimated });
        assert!(matches!(keeper.doubt(), Some(Doubt::Wrong { .. })));
    }
}

#[test]
fn an_office_that_does_not_know_the_time_itself_vouches_for_nothing() {
    let mut keeper = keeper(Source::Both, None);
    keeper.handle(raw(1_000, NOW, None), Event::Exchange(Exchange { office_trusted: false, ..exchange(1_000, 40, NOW) }));
    assert_eq!(keeper.read(raw(1_000, NOW, None)).trust, Trust::Unset);
    keeper.handle(raw(9_000, NOW, None), Event::Exchange(exchange(9_000, 2 * HALF_TRIP_MAX_MS + 1, NOW)));
    assert_eq!(keeper.read(raw(9_000, NOW, None)).trust, Trust::Suspect, "too slow a trip says nothing; the clock stood still meanwhile");
}

#[test]
fn a_kernel_and_an_office_that_differ_are_both_disbelieved_until_they_agree() {
    let mut keeper = keeper(Source::Both, None);
    keeper.handle(raw(1_000, NOW, Some(100)), Event::Exchange(exchange(1_000, 40, NOW + 5_000)));
    let reading = keeper.read(raw(1_000, NOW, Some(100)));
    assert_eq!(reading.trust, Trust::Suspect);
    assert_eq!((syncs(&mut keeper), keeper.floor()), (vec![], None));
    assert!(keeper.condition().is_some_and(|condition| condition.detail.contains("one of the two is wrong")));
    keeper.handle(raw(2_000, NOW + 1_000, Some(100)), Event::Exchange(exchange(2_000, 40, NOW + 1_000)));
    assert_eq!(keeper.read(raw(2_000, NOW + 1_000, Some(100))).trust, Trust::Synced);
}

#[test]
fn a_clock_set_by_hand_is_recorded_and_no_longer_trusted() {
    let mut keeper = keeper(Source::Both, None);
    keeper.read(raw(1_000, NOW, Some(20)));
    drain(&mut keeper);
    let reading = keeper.read(raw(2_000, NOW + 601_000, None));
    assert_eq!(reading.trust, Trust::Suspect);
    assert_eq!(drain(&mut keeper), [Action::Record { clock: reading, body: Body::ClockStep { step_ms: 600_000 } }]);
    assert_eq!(keeper.doubt(), Some(Doubt::Stepped { by_ms: 600_000 }));
}

#[test]
fn a_clock_that_jumps_to_and_fro_is_summed_up_once_a_minute() {
    let mut keeper = keeper(Source::Both, None);
    keeper.read(raw(0, NOW, None));
    for second in 1..=59 {
        let by = if second % 2 == 1 { 5_000 } else { 0 };
        keeper.read(raw(second * 1_000, NOW + i64::try_from(second).unwrap() * 1_000 + by, None));
    }
    keeper.read(raw(61_000, NOW + 61_000, None));
    let step = |action| if let Action::Record { body: Body::ClockStep { step_ms }, .. } = action { Some(step_ms) } else { None };
    let steps: Vec<i64> = drain(&mut keeper).into_iter().filter_map(step).collect();
    assert_eq!(steps, [5_000, -5_000]);
}

#[test]
fn slewing_is_no_step() {
    let mut keeper = keeper(Source::Both, None);
    keeper.read(raw(0, NOW, Some(20)));
    keeper.read(raw(3_600_000, NOW + 3_600_000 + 1_800, Some(20)));
    assert_eq!(drain(&mut keeper).iter().filter(|action| matches!(action, Action::Record { body: Body::ClockStep { .. }, .. })).count(), 0);
}

#[test]
fn a_boot_at_systemds_build_date_lies_behind_the_floor_and_is_suspect() {
    let mut keeper = keeper(Source::Both, Some(NOW));
    let reading = keeper.read(raw(8_000, NOW - 200 * 86_400_000, None));
    assert_eq!(reading.trust, Trust::Suspect);
    assert!(matches!(keeper.doubt(), Some(Doubt::Behind { .. })));
}

#[test]
fn a_clock_behind_the_journals_last_trusted_time_is_suspect_and_its_untrusted_times_say_nothing() {
    let mut keeper = keeper(Source::Both, None);
    let ahead = entry(2, Trust::Unset, NOW + 400 * 86_400_000, punchless());
    let trusted = entry(2, Trust::Synced, NOW, punchless());
    keeper.handle(raw(1_000, NOW + 60_000, None), Event::Journal(&[ahead, trusted]));
    assert_eq!(keeper.read(raw(1_000, NOW + 60_000, None)).trust, Trust::Unset);
    assert_eq!(keeper.read(raw(1_500, NOW - 60_000, None)).trust, Trust::Suspect);
}

#[test]
fn a_daemon_that_starts_again_in_the_same_boot_remembers_what_the_journal_knows() {
    let sync = Body::Sync { wall: Wall(NOW), uncertainty_ms: 20, source: TimeSource::Office };
    let mut wrong_clock = starting(Source::Both, None);
    let wrong = NOW + 400 * 86_400_000;
    wrong_clock.handle(raw(70_000, wrong + 60_000, None), Event::Journal(&[entry(1, Trust::Suspect, wrong, sync)]));
    assert_eq!(wrong_clock.best_now(raw(70_000, wrong + 60_000, None)), BestTime { at: Wall(NOW + 60_000), quality: Quality::Estimated });
    assert_eq!(syncs(&mut wrong_clock), [], "it is known already");

    let mut trusted = keeper(Source::Both, None);
    trusted.handle(raw(70_000, NOW + 60_000, None), Event::Journal(&[entry(1, Trust::Synced, NOW, punchless())]));
    assert_eq!(trusted.read(raw(70_000, NOW + 60_000, None)).trust, Trust::Holdover);
}

#[test]
fn a_daemon_that_starts_again_in_the_same_boot_does_not_record_the_same_moment_again() {
    let sync = Body::Sync { wall: Wall(NOW), uncertainty_ms: 20, source: TimeSource::Kernel };
    let mut keeper = starting(Source::Both, None);
    keeper.read(raw(60_000, NOW + 50_000, Some(20)));
    assert_eq!(syncs(&mut keeper), [], "the journal may know");
    keeper.handle(raw(70_000, NOW + 60_000, Some(20)), Event::Journal(&[entry(1, Trust::Synced, NOW, sync)]));
    assert_eq!(syncs(&mut keeper), []);
    assert_eq!(keeper.moments().len(), 1);
}

#[test]
fn a_floor_raised_by_a_wrong_server_is_taken_back_by_a_technician_and_stays_back() {
    let wrong = NOW + 400 * 86_400_000;
    let mut keeper = keeper(Source::Both, None);
    assert_eq!(keeper.read(raw(1_000, wrong, Some(20))).trust, Trust::Synced);
    drain(&mut keeper);
    assert_eq!(keeper.forgive(raw(2_000, wrong + 1_000, Some(20))), None, "nothing is to be forgiven");
    assert_eq!(keeper.read(raw(60_000, NOW, Some(20))).trust, Trust::Suspect);
    assert!(keeper.condition().is_some_and(|condition| condition.detail.contains("punchctl clock forgive")));
    assert_eq!(keeper.forgive(raw(61_000, NOW + 1_000, None)), None, "nobody vouches for the clock now");
    assert_eq!(keeper.forgive(raw(62_000, NOW + 2_000, Some(20))), Some(400 * DAY_MS + 1_000 - 2_000));
    assert_eq!((keeper.read(raw(63_000, NOW + 3_000, Some(20))).trust, keeper.condition()), (Trust::Synced, None));
    let actions = drain(&mut keeper);
    assert!(actions.contains(&Action::KeepFloor { wall: Wall(NOW + 2_000 - 20) }), "{actions:?}");
    assert!(
        actions.iter().any(|action| matches!(action, Action::Record { body: Body::Sync { wall: Wall(at), .. }, .. } if *at < NOW + 9_000))
    );

    let sync =
        |boot, wall| entry(boot, Trust::Synced, wall, Body::Sync { wall: Wall(wall), uncertainty_ms: 20, source: TimeSource::Kernel });
    let mut again = starting(Source::Both, Some(NOW + 4_000));
    again.handle(raw(90_000, NOW + 30_000, Some(20)), Event::Journal(&[sync(1, wrong), sync(1, NOW + 2_000)]));
    assert_eq!(again.read(raw(91_000, NOW + 31_000, Some(20))).trust, Trust::Synced, "the journal does not raise it again");
}

#[test]
fn an_afternoon_at_a_wrong_clock_is_certain_while_the_office_is_heard_all_day() {
    let mut keeper = keeper(Source::Both, None);
    let hour_slow = |ms: u64| raw(ms, NOW + i64::try_from(ms).unwrap() - 3_600_000, None);
    let mut taps = Vec::new();
    for ms in (10_000..36_000_000).step_by(300_000) {
        keeper.handle(hour_slow(ms), Event::Exchange(exchange(ms, 40, NOW + i64::try_from(ms).unwrap() - 20)));
        taps.push(keeper.read(hour_slow(ms + 1_000)));
    }
    let recorded = syncs(&mut keeper).len();
    assert!((3..6).contains(&recorded), "{recorded} in ten hours");
    assert!(taps.iter().all(|tap| best_time(tap, keeper.moments()).quality == Quality::Estimated));
}

/// One step of a played life: how long it lasts, how the clock is treated, which witness speaks.
type Step = (u64, Option<i64>, bool, Option<u64>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let set = prop::option::weighted(0.2, prop_oneof![-40_000_000_000_i64..40_000_000_000, -3_000_i64..3_000]);
    let step = (0_u64..20_000_000, set, prop::bool::weighted(0.3), prop::option::weighted(0.3, 0_u64..3_000));
    prop::collection::vec(step, 1..60)
}

proptest! {
    /// Witnesses are honest, the quartz drifts within its bound, and the clock is set to anything at any time.
    #[test]
    fn with_honest_witnesses_trust_is_never_misplaced_and_the_floor_never_lies_ahead(steps in steps(), ppm in -50_i64..=50, start in -40_000_000_000_i64..40_000_000_000) {
        let mut keeper = keeper(Source::Both, None);
        let (mut mono, mut off) = (1_000_000_u64, start);
        let mut kept = Wall(i64::MIN);
        for (wait, set, ntp, exchange_ms) in steps {
            mono += wait;
            off = if ntp { 0 } else { set.map_or(off, |by| off + by) };
            let true_at = |mono: u64| NOW + i64::try_from(mono).unwrap() + i64::try_from(mono).unwrap() * ppm / 1_000_000;
            // NTP steers wall and monotonic rate alike; what is left of the drift stays in `off`.
            let now = raw(mono, true_at(mono) + off, ntp.then_some(50));
            if let Some(round) = exchange_ms {
                keeper.handle(now, Event::Exchange(exchange(mono, round, true_at(mono) - i64::try_from(round / 3).unwrap())));
            }
            let reading = keeper.read(now);
            if reading.trust == Trust::Synced {
                prop_assert!(off.unsigned_abs() <= reading.uncertainty_ms + 2, "off by {off} ± {}", reading.uncertainty_ms);
            }
            for action in drain(&mut keeper) {
                match action {
                    Action::KeepFloor { wall } => {
                        prop_assert!(wall.0 <= true_at(mono) + 2 && wall > kept);
                        kept = wall;
                    }
                    Action::Record { clock, body: Body::Sync { wall, uncertainty_ms, .. } } => {
                        prop_assert_eq!(clock.mono, Mono(mono));
                        prop_assert!(wall.0.abs_diff(true_at(mono)) <= uncertainty_ms + 2);
                    }
                    Action::Record { .. } => {}
                }
            }
            prop_assert!(keeper.floor().is_none_or(|floor| floor.0 <= true_at(mono) + 2));
            prop_assert!(keeper.moments().len() <= MOMENTS_MAX);
        }
    }

    /// Witnesses say anything whatever.
    #[test]
    fn whatever_is_claimed_trusted_time_never_goes_back_and_nothing_breaks(claims in prop::collection::vec(any::<(u64, i64, Option<u64>, Option<(u64, i64)>)>(), 1..40), office_only: bool) {
        let mut keeper = keeper(if office_only { Source::Office } else { Source::Both }, None);
        let mut mono = 0_u64;
        for (wait, wall, kernel, office) in claims {
            mono = mono.saturating_add(wait % (3 * DAY_MS));
            let now = raw(mono, wall, kernel.map(|error| error % 2_000));
            if let Some((round, office_wall)) = office {
                let exchange = Exchange { sent: Mono(mono.saturating_sub(round % 4_000)), received: Mono(mono), office_wall: Wall(office_wall), office_trusted: true };
                keeper.handle(now, Event::Exchange(exchange));
            }
            let before = keeper.floor();
            let reading = keeper.read(now);
            prop_assert!(keeper.floor() >= before);
            if keeper.floor() > before {
                prop_assert_eq!(reading.trust, Trust::Synced);
            }
            if let (Trust::Synced, Some(floor)) = (reading.trust, before) {
                prop_assert!(reading.wall.0 >= floor.0.saturating_sub_unsigned(2 * OFFSET_MAX_MS));
            }
            drain(&mut keeper);
        }
    }
}

/// One whose journal is new.
fn keeper(source: Source, floor: Option<i64>) -> ClockKeeper {
    let mut keeper = starting(source, floor);
    keeper.journal_known = true;
    keeper
}

fn starting(source: Source, floor: Option<i64>) -> ClockKeeper {
    ClockKeeper::new(Settings { source, ..Settings::default() }, floor.map(Wall))
}

fn raw(mono: u64, wall: i64, kernel: Option<u64>) -> RawClock {
    RawClock { wall: Wall(wall), mono: Mono(mono), boot: BootId([1; 16]), kernel }
}

fn exchange(received: u64, round_ms: u64, office_wall: i64) -> Exchange {
    Exchange { sent: Mono(received - round_ms), received: Mono(received), office_wall: Wall(office_wall), office_trusted: true }
}

fn punchless() -> Body {
    Body::Boot { version: "1.0.0".to_owned() }
}

fn entry(boot: u8, trust: Trust, wall: i64, body: Body) -> Entry {
    let clock = ClockReading { wall: Wall(wall), mono: Mono(10_000), boot: BootId([boot; 16]), trust, uncertainty_ms: 20 };
    Entry { journal: JournalId([7; 16]), sequence: Sequence(1), previous: EntryHash::NONE, clock, body, origin: None }
}

fn drain(keeper: &mut ClockKeeper) -> Vec<Action> {
    std::iter::from_fn(|| keeper.poll_action()).collect()
}

fn syncs(keeper: &mut ClockKeeper) -> Vec<Wall> {
    let sync = |action| if let Action::Record { body: Body::Sync { wall, .. }, .. } = action { Some(wall) } else { None };
    drain(keeper).into_iter().filter_map(sync).collect()
}

mod lives;
