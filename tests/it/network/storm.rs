//! A backlog of weeks that goes to the office through every fault in turn, while the office itself is killed and stopped.

use std::time::Duration;

use super::super::rig::{Office, PATIENCE, Place, Tally, until};
use super::backlog;
use super::proxy::{Proxy, Way};
use super::stand::{Stand, mark};

/// Punches of some weeks, which need dozens of batches once these are short.
const BACKLOG: u32 = 4_000;
/// A line on which the backlog outlasts every fault, in bytes a second.
const BUSY_LINE: usize = 200_000;
/// How long the rest has to reach the office.
const DRAIN_LIMIT: Duration = Duration::from_mins(1);
/// How long a fault lasts at least.
const FAULT: Duration = Duration::from_millis(500);

#[test]
fn a_backlog_reaches_the_office_through_every_fault_once() {
    let mut office = Office::start();
    let place = Place::new();
    let built = backlog::store(&place, 0, BACKLOG);
    let mut stand = Stand::new(place, Proxy::to(office.address), 1);
    stand.line.switch(Way::Slow(BUSY_LINE));
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    let faults = [
        Way::LoseReply,
        Way::CutRequest(20_000),
        Way::Silent,
        Way::ResetReply(450),
        Way::HangUp,
        Way::CutReply(2_000),
        Way::Refuse,
        Way::Late(Duration::from_millis(300)),
    ];
    let mut under_way = 0;
    for (round, fault) in faults.into_iter().enumerate() {
        under_way += usize::from(let_some_through(&stand, &office));
        let accepted = stand.line.accepted();
        let before = mark(&office, &stand.terminal);
        stand.line.switch(fault);
        stand.sync();
        stand.tap();
        if fault == Way::LoseReply {
            until("the office took what the kiosk does not know of", PATIENCE, || {
                (mark(&office, &stand.terminal) > before.max(stand.kiosk.status()["acknowledged"].as_u64())).then_some(())
            });
        } else if matches!(fault, Way::Silent | Way::Refuse | Way::Late(_)) {
            std::thread::park_timeout(FAULT);
        } else {
            until("it was tried", PATIENCE, || (stand.line.accepted() > accepted).then_some(()));
        }
        stand.line.switch(Way::Slow(BUSY_LINE));
        stand.line.hang_up();
        stand.sync();
        match round % 3 {
            0 => office.kill(),
            1 => office.stop(),
            _ => {}
        }
        stand.tap();
        if !office.is_running() {
            office.start_again();
        }
    }
    assert!(under_way >= faults.len() / 2, "only {under_way} faults met a backlog under way");
    stand.line.switch(Way::Pass);
    let status = stand.drain(DRAIN_LIMIT);
    stand.check_log(&[]);
    office.check_verified();
    let mut tally = Tally { held: office.punches(), ..built };
    tally.fed.append(&mut stand.tally.fed);
    tally.confirmed.append(&mut stand.tally.confirmed);
    assert_eq!(tally.held.len(), tally.fed.len());
    tally.check(&format!("{} faults and {} entries, {under_way} faults under way", faults.len(), status["sequence"]));
}

/// Waits until something got through, or everything has; whether a backlog is left.
fn let_some_through(stand: &Stand, office: &Office) -> bool {
    let before = mark(office, &stand.terminal);
    until("the backlog goes on", DRAIN_LIMIT, || {
        let status = stand.kiosk.status();
        if status["office"]["reachable"] == false {
            stand.sync();
        }
        let left = status["backlog"].as_u64().unwrap();
        (left == 0 || mark(office, &stand.terminal) > before).then_some(left > 0)
    })
}
