//! Weeks: a quartz that drifts without an office, nights of suspend, boots that each begin at another time, and other time zones.

use super::hall::{Hall, LIN};
use super::machine::Zone;
use super::{BUILD_DATE, DAY_MS, EMPTY_BATTERY, FOUR, HOUR_MS, MONDAY, ready};

/// How many days the office is away.
const AWAY_DAYS: i64 = 21;
/// How far the quartz drifts in a day, in milliseconds.
const DRIFT_MS: i64 = 2_000;

#[test]
fn a_clock_that_drifts_two_seconds_a_day_for_three_weeks_without_an_office_accuses_nobody() {
    if !ready("drift") {
        return;
    }
    let mut hall = Hall::open("2 s a day for three weeks offline", "2026-03-01 16:00:00", "both", Zone::Ours);
    hall.boot(0);
    hall.pair();
    hall.trusted();
    hall.drained();
    hall.office.stop();
    for day in 1..=AWAY_DAYS {
        // Wall and uptime come of the same quartz.
        hall.machine.drift(day * DRIFT_MS);
        let date = format!("2026-03-{:02}", day + 1);
        if [1, 10, AWAY_DAYS - 5].contains(&day) {
            hall.four_taps(&date);
        } else {
            hall.at(&format!("{date} 08:20:00"));
            hall.tap(LIN);
        }
    }
    hall.warned();
    hall.office_starts();
    hall.drained();
    hall.at("2026-03-23 07:00:00");
    hall.drained();
    for date in [MONDAY, "2026-03-11", "2026-03-17"] {
        println!("{date}: {:?}", hall.accuses_nobody(date, "ZC0101"));
    }
    let counted = hall.check();
    assert!(counted.worst_ms < AWAY_DAYS.unsigned_abs() * DRIFT_MS.unsigned_abs(), "no more than the drift of the whole time");
}

#[test]
fn a_night_of_suspend_keeps_wall_and_uptime_together() {
    if !ready("suspend") {
        return;
    }
    let mut hall = Hall::open("suspended for a night, no battery", "2026-03-02 07:30:00", "both", Zone::Ours);
    hall.boot_showing(EMPTY_BATTERY);
    hall.pair();
    hall.drained();
    hall.four_taps(MONDAY);
    // All that the programs see of suspend: uptime and wall went on together while nothing ran.
    hall.four_taps("2026-03-03");
    hall.drained();
    hall.at("2026-03-04 07:00:00");
    hall.drained();
    for date in [MONDAY, "2026-03-03"] {
        assert_eq!(hall.accuses_nobody(date, "ZC0101"), ["on_time"; 4]);
    }
    assert_eq!(hall.check().marked, 0);
}

#[test]
fn a_clock_that_begins_anywhere_at_each_boot_keeps_the_order_and_accuses_nobody() {
    if !ready("boots") {
        return;
    }
    let mut hall = Hall::open("another time at each boot", "2026-03-01 16:00:00", "both", Zone::Ours);
    hall.boot(0);
    hall.pair();
    hall.trusted();
    hall.drained();
    hall.machine.stop();
    hall.office.stop();
    let shown = [EMPTY_BATTERY, "2027-04-07T00:20:00Z", BUILD_DATE, "2026-03-01T23:03:00Z"];
    for (time, shown) in FOUR.into_iter().zip(shown) {
        hall.at(&format!("{MONDAY} {time}"));
        hall.boot_showing(shown);
        hall.tap(LIN);
        hall.machine.stop();
    }
    hall.office_starts();
    hall.at("2026-03-03 07:00:00");
    hall.boot(DAY_MS);
    hall.drained();
    hall.machine.stop();
    hall.at("2026-03-03 08:20:00");
    hall.boot(-HOUR_MS);
    hall.drained();
    hall.tap(LIN);
    hall.drained();
    println!("another time at each boot: {:?}", hall.accuses_nobody(MONDAY, "ZC0101"));
    let counted = hall.check();
    assert_eq!(counted.held.last().unwrap().clock, "estimated");
    assert_eq!(counted.marked, FOUR.len());
}

#[test]
fn a_machine_in_another_time_zone_or_in_none_files_punches_on_the_sites_day() {
    if !ready("time zones") {
        return;
    }
    for (name, zone) in [("TZ=America/New_York", Zone::Named("America/New_York")), ("no TZ and no /etc/localtime", Zone::None)] {
        let mut hall = Hall::open(name, "2026-03-02 07:30:00", "both", zone);
        hall.boot(0);
        hall.pair();
        hall.trusted();
        hall.four_taps(MONDAY);
        hall.drained();
        hall.at("2026-03-03 07:00:00");
        hall.drained();
        assert_eq!(hall.accuses_nobody(MONDAY, "ZC0101"), ["on_time"; 4], "{name}");
        assert_eq!(hall.check().marked, 0, "{name}");
    }
}
