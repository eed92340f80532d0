//! Slow lines: what a fresh punch waits for behind a backlog, a line too slow for a whole batch, and one that loses three packets of ten.

use std::time::Duration;

use punchd::clock::Clock;
use punchd::domain::time::WorkDate;
use punchd::office::store::{Database, FeedItem, PunchQuery, SiteId, Store};
use punchd::supervise::Supervisor;

use super::super::rig::{Kiosk, Office, Place, Tally, punchd, until};
use super::backlog;
use super::proxy::{Proxy, Way};
use super::stand::{Stand, mark};

mod lossy;

/// 400 kbit/s, a poor line of a small town, in bytes a second.
const POOR_LINE: usize = 50_000;
/// A backlog of some thousand entries, four days of a centre of two hundred people.
const BACKLOG: u32 = 3_000;
/// 100 kbit/s, a mobile connection at the edge of its net, in bytes a second; a whole batch takes longer there than anyone may be silent.
const WORST_LINE: usize = 12_000;
/// A little more than a whole batch.
const LITTLE: u32 = 530;
/// How long a backlog has on a slow line.
const DRAIN_LIMIT: Duration = Duration::from_secs(110);

#[test]
fn a_fresh_punch_reaches_the_office_early_while_a_backlog_goes_over_a_slow_line() {
    let mut office = Office::start();
    let place = Place::new();
    let built = backlog::store(&place, 0, BACKLOG);
    let mut stand = Stand::new(place, Proxy::to(office.address), 1);
    stand.line.switch(Way::Slow(POOR_LINE));
    let clock = Clock::system();
    let begun = clock.mono();
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    let mut taps = Vec::new();
    for acknowledged in [1, u64::from(BACKLOG) / 4, u64::from(BACKLOG) / 2] {
        stand.kiosk.within("the backlog is under way", DRAIN_LIMIT, |status| status["acknowledged"].as_u64() >= Some(acknowledged));
        let green_ms = stand.tap();
        taps.push((stand.latest(), clock.wall(), green_ms));
    }
    let early = mark(&office, &stand.terminal).unwrap();
    assert!(early < u64::from(BACKLOG), "the line is not slow: {early}");
    stand.kiosk.until_drained(DRAIN_LIMIT);
    println!("{BACKLOG} entries over {POOR_LINE} bytes a second in {} ms", clock.mono().millis_since(begun));
    office.check_verified();
    let mut tally = Tally { held: office.punches(), ..built };
    tally.fed.append(&mut stand.tally.fed);
    tally.confirmed.append(&mut stand.tally.confirmed);
    tally.check("a fresh punch before a backlog");
    office.stop();
    let arrived = arrivals(&office);
    for (place, tapped, green_ms) in taps {
        let fresh = arrived.iter().find(|item| (item.punch.key.journal.to_string(), item.punch.key.sequence.0) == place).unwrap();
        let ahead = arrived.iter().filter(|item| item.received_at < fresh.received_at).count();
        let behind = arrived.iter().filter(|item| item.received_at > fresh.received_at && item.punch.key.sequence.0 < place.1).count();
        let took_ms = fresh.received_at.millis_since(tapped);
        println!(
            "green after {green_ms} ms, at the office after {took_ms} ms: {ahead} entries came before it, {behind} older ones after it"
        );
        assert!(behind > 0, "the fresh punch came behind the whole backlog");
    }
}

#[test]
fn a_line_too_slow_for_a_whole_batch_drains_all_the_same() {
    let office = Office::start();
    let place = Place::new();
    let built = backlog::store(&place, 0, LITTLE);
    let stand = Stand::new(place, Proxy::to(office.address), 1);
    stand.line.switch(Way::Slow(WORST_LINE));
    let begun = Clock::system().mono();
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    stand.kiosk.until_drained(DRAIN_LIMIT);
    println!("{LITTLE} entries over {WORST_LINE} bytes a second in {} ms", Clock::system().mono().millis_since(begun));
    office.check_verified();
    Tally { held: office.punches(), ..built }.check("a line too slow for a whole batch");
}

/// Every punch in the order in which the office received it; it must not run.
fn arrivals(office: &Office) -> Vec<FeedItem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut items = runtime.block_on(async {
        let store = Store::open_to_read(&Database::Sqlite(office.data().join("office.db")), &Supervisor::new().0).unwrap();
        let day = |year| WorkDate::from_ymd_opt(year, 1, 1).unwrap();
        let items = store.punches(SiteId::FIRST, PunchQuery { first: day(1970), last: day(9000), staff_no: None }).await.unwrap();
        store.close().await;
        items
    });
    items.sort_by_key(|item| item.received_at);
    items
}
