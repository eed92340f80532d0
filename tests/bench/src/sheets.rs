//! How long an office waits for a day of everyone and for a month, and how the day's board grows with what the store holds.

use anyhow::Context as _;
use punchd::clock::Clock;
use punchd::domain::estimate::Quality;
use punchd::domain::fact::DayFacts;
use punchd::domain::judge::DayPunch;
use punchd::domain::judge::{DayInput, judge};
use punchd::domain::person::{PostClass, Standing};
use punchd::domain::time::{Wall, WorkDate, dates};
use punchd::office::day::{Basis, day_sheet};
use punchd::office::store::{PunchQuery, SiteId, Store};
use punchd::wire::batch::BATCH_ENTRIES_MAX;

use crate::curve::Curve;
use crate::fixture::{PEOPLE, PUNCH_EVERY_MS};
use crate::intake::arrival;
use crate::office::{Premises, Registered};
use crate::run::{Run, float};
use crate::stopwatch::{MS, Spread, now, timed};
use crate::table::Figure;

const ROW: &str = "sheets";
/// People of a large centre, and how many punches they make in a month of 22 workdays.
const STAFF: u64 = 500;
const MONTH_PUNCHES: u64 = STAFF * 4 * 22;
/// What an office should wait at most for a month of one person, in milliseconds, and of everyone, in seconds.
const PERSON_MONTH_MS_MAX: f64 = 10.0;
const MONTH_SECONDS_MAX: f64 = 5.0;
const DAY_MS: i64 = 24 * 3_600_000;

/// A month of five hundred people.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let folder = run.folder("sheets")?;
    let premises = Premises::new(&run.programs, &folder, STAFF)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = premises.store().await?;
        let end = Clock::system().wall();
        fill(&store, 1, MONTH_PUNCHES, end, 30 * DAY_MS / i64::try_from(MONTH_PUNCHES)?).await?;
        let month = month(&store, end).await?;
        let person = person_month(&store, end).await?;
        store.close().await;
        Ok(vec![
            Figure::new(ROW, format!("a month of {STAFF} people, day by day"), month, "s")
                .at_most(MONTH_SECONDS_MAX)
                .note(format!("{MONTH_PUNCHES} punches, read from the store and judged")),
            Figure::new(ROW, "a month of one person", person, "ms").at_most(PERSON_MONTH_MS_MAX).note("read from the store and judged"),
        ])
    })
}

/// The board of the newest day with ever more punches before it.
pub(crate) fn growth(run: &mut Run, sizes: &[u64]) -> anyhow::Result<Curve> {
    let folder = run.folder("board")?;
    let premises = Premises::new(&run.programs, &folder, PEOPLE)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut curve = Curve::new("office: the board of a day of 200 people, ms");
    runtime.block_on(async {
        let store = premises.store().await?;
        let end = Clock::system().wall();
        let mut held = 0;
        for (size, number) in sizes.iter().copied().filter(|size| *size <= run.pace.whole_punches_max).zip(1..) {
            // What is older is added; the newest day is the same at every size.
            let newest = end.plus_millis(-i64::try_from(held)? * PUNCH_EVERY_MS);
            fill(&store, number, size - held, newest, PUNCH_EVERY_MS).await?;
            held = size;
            let (site, mut spread) = (store.site(SiteId::FIRST).await?.context("no site")?, Spread::default());
            let (date, _) = site.utc_offset.civil(end);
            for _ in 0..20 {
                let began = now();
                day_sheet(&store, SiteId::FIRST, date, end).await?;
                spread.add(now() - began);
            }
            curve.add(size, spread.p50() / MS);
        }
        store.close().await;
        Ok(curve)
    })
}

/// Gives the store so many punches of a new terminal, the newest at a moment.
async fn fill(store: &Store, number: u8, count: u64, newest: Wall, every_ms: i64) -> anyhow::Result<()> {
    let mut terminal = Registered::new(store, number).await?;
    terminal.punches(count, newest.plus_millis(-i64::try_from(count)? * every_ms), every_ms)?;
    for entries in terminal.entries.chunks(BATCH_ENTRIES_MAX) {
        store.ingest(arrival(&terminal, entries.to_vec())?).await?;
    }
    Ok(())
}

fn span(store_offset: punchd::domain::time::UtcOffset, end: Wall) -> (WorkDate, WorkDate) {
    (store_offset.civil(end.plus_millis(-30 * DAY_MS)).0, store_offset.civil(end).0)
}

/// Seconds for the sheets of all days of a month.
async fn month(store: &Store, end: Wall) -> anyhow::Result<f64> {
    let site = store.site(SiteId::FIRST).await?.context("no site")?;
    let (first, last) = span(site.utc_offset, end);
    let began = now();
    for date in dates(first, last) {
        day_sheet(store, SiteId::FIRST, date, end).await?;
    }
    Ok(crate::stopwatch::seconds_since(began))
}

/// Milliseconds for one person's month, the half of a hundred people.
async fn person_month(store: &Store, end: Wall) -> anyhow::Result<f64> {
    let basis = Basis::load(store, SiteId::FIRST).await?;
    let offset = basis.site.utc_offset;
    let (first, last) = span(offset, end);
    let mut spread = Spread::default();
    for staff_no in basis.roster.people.keys().take(100) {
        let began = now();
        let punches = store.punches(SiteId::FIRST, PunchQuery { first, last, staff_no: Some(staff_no.clone()) }).await?;
        let (judged, _) = timed(|| {
            dates(first, last)
                .filter_map(|date| {
                    let (rules, day) = (basis.rules.on(date)?, basis.calendar.day(date));
                    let of_day: Vec<DayPunch> = punches
                        .iter()
                        .filter(|item| item.day == date)
                        .map(|item| DayPunch {
                            time: offset.civil(item.punch.best.at).1,
                            quality: Quality::Trusted,
                            key: item.punch.key.clone(),
                        })
                        .collect();
                    let (standing, post_class) = (Standing::OnPost, PostClass::Window);
                    let input = DayInput {
                        date,
                        rules,
                        day: &day,
                        standing,
                        post_class,
                        punches: &of_day,
                        facts: DayFacts::NONE,
                        adrift: &[],
                        complete_through: Some(end),
                        as_of: end,
                    };
                    Some(judge(&input).checkpoints.len())
                })
                .sum::<usize>()
        });
        anyhow::ensure!(judged > 0 && float(punches.len() as u64) > 0.0, "nothing was judged");
        spread.add(now() - began);
    }
    Ok(spread.p50() / MS)
}
