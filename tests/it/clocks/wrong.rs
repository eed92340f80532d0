//! A clock that is wrong from the start of a boot and stays so: with no battery, with a battery that lies, and wrong while it is paired.

use super::super::rig::{PATIENCE, until};
use super::hall::{CERTAIN_MS, Hall, LIN, ZHOU};
use super::machine::Zone;
use super::{BUILD_DATE, DAY_MS, EMPTY_BATTERY, FOUR, HOUR_MS, MONDAY, ready};

/// What the clock shows at a boot.
#[derive(Debug, Clone, Copy)]
enum Shows {
    This(&'static str),
    Off(i64),
}

/// What happens after a day without an office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The office is back in the same boot.
    Office,
    /// Power is cut before anybody said what time it was.
    PowerCut,
}

#[test]
fn a_clock_at_1970_loses_nothing_and_accuses_nobody() {
    both("1970", Shows::This(EMPTY_BATTERY));
}

#[test]
fn a_clock_at_the_day_systemd_was_built_loses_nothing_and_accuses_nobody() {
    both("build date", Shows::This(BUILD_DATE));
}

#[test]
fn a_clock_an_hour_slow_loses_nothing_and_accuses_nobody() {
    both("-1 h", Shows::Off(-HOUR_MS));
}

#[test]
fn a_clock_a_day_fast_loses_nothing_and_accuses_nobody() {
    both("+1 day", Shows::Off(DAY_MS));
}

#[test]
fn a_clock_400_days_fast_loses_nothing_accuses_nobody_and_poisons_nothing_afterwards() {
    both("+400 days", Shows::Off(400 * DAY_MS));
}

#[test]
fn a_kiosk_paired_at_a_wrong_clock_is_paired_and_its_times_are_right() {
    if !ready("paired at a wrong clock") {
        return;
    }
    for (name, shows) in [("paired at 1970", Shows::This(EMPTY_BATTERY)), ("paired 400 days ahead", Shows::Off(400 * DAY_MS))] {
        let mut hall = Hall::open(name, "2026-03-02 07:30:00", "both", Zone::Ours);
        boot(&mut hall, shows);
        hall.tap(ZHOU);
        hall.warned();
        hall.pair();
        hall.drained();
        hall.four_taps(MONDAY);
        hall.drained();
        hall.warned();
        hall.at("2026-03-03 07:00:00");
        hall.drained();
        assert_eq!(hall.accuses_nobody(MONDAY, "ZC0101"), ["on_time"; 4], "{name}");
        assert_eq!(hall.check().marked, 0, "{name}");
    }
}

fn both(name: &'static str, shows: Shows) {
    if ready(name) {
        alone_for_a_day(name, shows, Then::Office);
        alone_for_a_day(name, shows, Then::PowerCut);
    }
}

fn boot(hall: &mut Hall, shows: Shows) {
    match shows {
        Shows::This(shown) => hall.boot_showing(shown),
        Shows::Off(off_ms) => hall.boot(off_ms),
    }
}

/// Paired on Sunday with a good clock. On Monday the clock is wrong and the office away; on Tuesday it is as it should be.
fn alone_for_a_day(name: &'static str, shows: Shows, then: Then) {
    let mut hall = Hall::open(name, "2026-03-01 16:00:00", "both", Zone::Ours);
    hall.boot(0);
    hall.pair();
    hall.trusted();
    hall.tap(ZHOU);
    hall.drained();
    hall.machine.stop();
    hall.office.stop();
    hall.at("2026-03-02 07:30:00");
    boot(&mut hall, shows);
    hall.warned();
    hall.four_taps(MONDAY);
    hall.office_starts();
    if then == Then::PowerCut {
        hall.machine.stop();
        hall.at("2026-03-03 07:00:00");
        hall.boot(0);
        hall.trusted();
    }
    hall.drained();
    hall.at("2026-03-03 08:20:00");
    hall.tap(LIN);
    hall.drained();
    println!("{name}, then {then:?}: Monday is {:?}", hall.accuses_nobody(MONDAY, "ZC0101"));
    let counted = hall.check();
    let today = &hall.day("2026-03-03", "ZC0101")[0];
    assert_eq!((&today["outcome"], counted.held.last().unwrap().clock == "suspect"), (&"on_time".into(), false), "{name}: {today:#}");
    match then {
        Then::Office => assert!(counted.worst_ms <= CERTAIN_MS, "{name}: counted from the exchange at the day's end"),
        Then::PowerCut => assert_eq!(counted.marked, FOUR.len(), "{name}: what nobody can know is marked, and nothing else"),
    }
    assert!(hall.complete_up_to() <= hall.truth.now(), "{name}: nothing is complete before it happened");
    if then == Then::PowerCut {
        hall.at("2026-03-03 09:40:00");
        until("who did not come is missed", PATIENCE, || (hall.day("2026-03-03", "ZC0102")[0]["outcome"] == "missing").then_some(()));
    }
}
