//! How many punches a second the journal makes durable: one at a time, and when more wait than it can store one by one.

use punchd::clock::Clock;

use crate::disk::Floor;
use crate::fixture::{Journal, UNDER_WAY_MAX, punch};
use crate::run::{Run, per_second};
use crate::stopwatch::now;
use crate::table::Figure;

const ROW: &str = "saturation";
/// Punches a second that a kiosk should take: everyone of a large centre within a second.
const RATE_MIN: f64 = 2_000.0;

/// Both, beside SQLite's own commits.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let folder = run.folder("saturation")?;
    let (clock, count) = (Clock::system(), run.pace.saturation);
    let mut floor = Floor::new(&folder)?;
    let mut journal = Journal::open(&folder.join("data"), &[])?;
    let began = now();
    for number in 0..count {
        journal.ask(number, punch(number, clock.wall()))?;
        journal.stored()?;
    }
    let alone = per_second(count, began);
    let began = now();
    journal.store((0..4 * count).map(|number| punch(number, clock.wall())), |_| ())?;
    let together = per_second(4 * count, began);
    journal.close()?;
    for _ in 0..count {
        floor.measure()?;
    }
    let commits = 1e9 / floor.commit.p50();
    Ok(vec![
        Figure::new(ROW, "punches a second, one under way", alone, "1/s")
            .beside("SQLite's own commits of a row", commits)
            .at_least(RATE_MIN)
            .note("one transaction and one fsync each"),
        Figure::new(ROW, format!("punches a second, {UNDER_WAY_MAX} under way"), together, "1/s")
            .at_least(RATE_MIN)
            .note("those that wait together share a transaction and its fsync; each is answered after it, in order"),
    ])
}
