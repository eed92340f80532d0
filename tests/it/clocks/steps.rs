//! A clock that is set while people tap, by a hand or by a source: right, wrong, and right again.

use punchd::domain::time::Wall;

use super::super::rig::has;
use super::hall::{Hall, LIN, ZHOU};
use super::machine::Zone;
use super::{DAY_MS, EMPTY_BATTERY, HOUR_MS, MINUTE_MS, MONDAY, ready};

/// A hall whose kiosk was confirmed by the office at half past seven on Monday; the office is away since.
fn confirmed_then_alone(name: &'static str) -> Hall {
    let mut hall = Hall::open(name, "2026-03-02 07:30:00", "both", Zone::Ours);
    hall.boot(0);
    hall.pair();
    hall.trusted();
    hall.drained();
    hall.office.stop();
    hall
}

#[test]
fn a_hand_that_turns_the_clock_back_before_a_checkpoint_makes_nobody_punctual() {
    if !ready("step back") {
        return;
    }
    let mut hall = confirmed_then_alone("08:27 turned back to 08:22");
    hall.at("2026-03-02 08:27:00");
    hall.tap(ZHOU);
    let truth = hall.truth;
    hall.machine.turn(truth, -5 * MINUTE_MS);
    hall.warned();
    hall.tap(LIN);
    assert!(hall.machine.taps[1].doubtful);
    hall.office_starts();
    hall.drained();
    assert_eq!(hall.check().marked, 0);
    let (zhou, lin) = (hall.day(MONDAY, "ZC0102"), hall.day(MONDAY, "ZC0101"));
    assert_eq!((&zhou[0]["outcome"], &lin[0]["outcome"]), (&"late".into(), &"time_suspect".into()), "{lin:#?}");
    hall.kept("clock_step");
}

#[test]
fn a_hand_that_turns_the_clock_forward_over_a_checkpoint_makes_nobody_late() {
    if !ready("step forward") {
        return;
    }
    let mut hall = confirmed_then_alone("08:22 turned forward to 08:27");
    hall.at("2026-03-02 08:22:00");
    let truth = hall.truth;
    hall.machine.turn(truth, 5 * MINUTE_MS);
    hall.warned();
    hall.tap(LIN);
    hall.office_starts();
    hall.drained();
    assert_eq!(hall.check().marked, 0);
    assert_eq!(hall.day(MONDAY, "ZC0101")[0]["outcome"], "on_time");
}

#[test]
fn ntp_that_speaks_in_the_middle_of_a_day_puts_the_mornings_taps_right_too() {
    if !ready("NTP at noon") {
        return;
    }
    let mut hall = Hall::open("seven minutes slow until NTP speaks at noon", "2026-03-02 07:30:00", "kernel", Zone::Ours);
    hall.boot(-7 * MINUTE_MS);
    hall.pair();
    for time in ["08:20:00", "11:52:00"] {
        hall.at(&format!("{MONDAY} {time}"));
        hall.tap(LIN);
    }
    hall.warned();
    hall.at("2026-03-02 12:00:00");
    let truth = hall.truth;
    hall.machine.hear_ntp(truth, 0);
    hall.trusted();
    hall.at("2026-03-02 13:20:00");
    hall.machine_hears_ntp();
    hall.trusted();
    hall.tap(LIN);
    hall.at("2026-03-02 17:03:00");
    assert_eq!(hall.kiosk().status()["clock"]["trust"], "holdover", "the server was not heard for hours");
    hall.tap(LIN);
    hall.drained();
    hall.at("2026-03-03 07:00:00");
    hall.drained();
    assert_eq!(hall.accuses_nobody(MONDAY, "ZC0101"), ["on_time"; 4]);
    assert_eq!(hall.check().marked, 0, "a clock that ran free for a few hours is certain to a second");
}

#[test]
fn a_server_400_days_ahead_is_forgiven_by_a_technician_and_poisons_nothing_afterwards() {
    if !ready("NTP 400 days ahead") {
        return;
    }
    let mut hall = confirmed_then_alone("NTP 400 days ahead, corrected, forgiven");
    hall.machine.stop();
    hall.boot(0);
    for (time, off_ms) in [("08:20:00", 400 * DAY_MS), ("11:52:00", 400 * DAY_MS), ("13:20:00", 0)] {
        hall.at(&format!("{MONDAY} {time}"));
        let truth = hall.truth;
        hall.machine.hear_ntp(truth, off_ms);
        if off_ms > 0 {
            hall.trusted();
        } else {
            hall.warned();
            hall.refuses_to_trust("punchctl clock forgive");
        }
        hall.tap(LIN);
    }
    let forgiven = hall.kiosk().ctl(&["clock", "forgive"]);
    assert!(forgiven.status.success(), "{forgiven:?}");
    hall.trusted();
    let again = hall.kiosk().ctl(&["clock", "forgive"]);
    assert_eq!(again.status.code(), Some(69), "{again:?}");
    hall.kept("maintenance");
    hall.office_starts();
    hall.at("2026-03-02 17:03:00");
    hall.machine_hears_ntp();
    hall.trusted();
    hall.tap(LIN);
    hall.drained();
    hall.at("2026-03-03 07:00:00");
    hall.machine_hears_ntp();
    hall.trusted();
    hall.drained();
    println!("forgiven: {:?}", hall.accuses_nobody(MONDAY, "ZC0101"));
    let counted = hall.check();
    assert_eq!(counted.held.last().unwrap().clock, "trusted");
    assert!(hall.complete_up_to() <= hall.truth.now());
    // A new boot, two days later, is as if nothing had been.
    hall.machine.stop();
    hall.at("2026-03-05 07:50:00");
    hall.boot(0);
    hall.trusted();
    hall.tap(LIN);
    hall.drained();
    assert_eq!(hall.check().held.last().unwrap().clock, "trusted");
    assert_eq!(hall.day("2026-03-05", "ZC0101")[0]["outcome"], "on_time");
}

#[test]
fn an_office_that_is_an_hour_ahead_for_a_while_accuses_nobody_once_it_is_right() {
    if !ready("office an hour ahead") {
        return;
    }
    let mut hall = Hall::open("office an hour ahead from 11:00 to 12:30", "2026-03-02 07:30:00", "office", Zone::Ours);
    hall.boot(0);
    hall.pair();
    hall.trusted();
    for (time, office_off_ms) in [("08:20:00", 0), ("11:52:00", HOUR_MS), ("13:20:00", 0), ("17:03:00", 0)] {
        hall.office_turns(office_off_ms);
        hall.at(&format!("{MONDAY} {time}"));
        hall.drained();
        hall.tap(LIN);
        hall.drained();
    }
    hall.at("2026-03-03 07:00:00");
    hall.drained();
    println!("office ahead: {:?}", hall.accuses_nobody(MONDAY, "ZC0101"));
    hall.check();
    assert!(hall.complete_up_to() <= hall.truth.now());
}

#[test]
fn an_office_400_days_ahead_for_a_while_does_not_take_its_kiosk_for_complete_for_400_days() {
    if !ready("office 400 days ahead") {
        return;
    }
    let mut hall = Hall::open("office 400 days ahead for an hour", "2026-03-02 07:30:00", "office", Zone::Ours);
    hall.boot(0);
    hall.pair();
    hall.trusted();
    hall.at("2026-03-02 08:20:00");
    hall.tap(LIN);
    hall.drained();
    let right: Wall = hall.truth.now();
    hall.office_turns(400 * DAY_MS);
    hall.at("2026-03-02 09:00:00");
    hall.kiosk().until("a certificate of another year is refused", |status| has(status, "office-untrusted"));
    hall.tap(ZHOU);
    // A kiosk that does not know the time believes the office.
    hall.boot_showing(EMPTY_BATTERY);
    hall.drained();
    hall.tap(ZHOU);
    hall.drained();
    let ahead = hall.complete_up_to();
    assert!(ahead > hall.truth.now().plus_millis(300 * DAY_MS), "{ahead:?}: the office knows no better yet");
    hall.office_turns(0);
    hall.at("2026-03-02 09:40:00");
    hall.kiosk().until("the office is right again", |status| status["office"]["reachable"] == true);
    hall.tap(LIN);
    hall.drained();
    let complete = hall.complete_up_to();
    assert!(right < complete && complete <= hall.truth.now(), "{complete:?}");
    hall.at("2026-03-03 07:00:00");
    hall.drained();
    hall.check();
}
