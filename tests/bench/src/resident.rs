//! What a kiosk needs: memory after a long day, processor time and wake-ups while nobody taps, bytes written for a punch.

use std::time::Duration;

use crate::kiosk::Kiosk;
use crate::process::Process;
use crate::run::{Run, float};
use crate::stopwatch::{MS, now, wait_until};
use crate::table::Figure;
use crate::tap::MANY;

const ROW: &str = "resident";
/// Taps before memory is looked at.
const TAPS: usize = 10_000;
/// Nanoseconds between two of them: the badges come again after more than the second for which one counts as held.
const TAP_EVERY: u64 = 1_000_000;
/// Punches of a month in a centre of 200 people: 22 workdays of 800.
const PUNCHES_A_MONTH: f64 = 17_600.0;
/// What a kiosk should need at most.
const RESIDENT_MB_MAX: f64 = 8.0;
const IDLE_PERCENT_MAX: f64 = 0.1;
const WAKES_MAX: f64 = 3.0;
const START_MS_MAX: f64 = 1_000.0;

/// All of it.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let folder = run.kiosk_folder(0)?;
    let mut kiosk = Kiosk::start(&run.programs, &folder)?;
    kiosk.until_usable()?;
    let page = kiosk.page()?;
    let process = kiosk.process();
    let begun = process.memory_kib("VmRSS")?;
    let before = process.written_bytes()?;
    let spread = kiosk.taps(&page, TAPS, TAP_EVERY, || Ok(()))?;
    let written = float(process.written_bytes()? - before) / float(TAPS as u64);
    let mut figures = memory(&process, begun)?;
    figures.push(Figure::new(ROW, "bytes written to the disk for a punch", written, "B").note(format!(
        "{:.1} MB a month of 200 people; {TAPS} taps, each its own transaction, the log written back among them",
        written * PUNCHES_A_MONTH / 1e6
    )));
    let rate = Figure::new(ROW, "taps a second of one reader, each after the answer to the last", 1e9 / spread.p50(), "1/s");
    figures.push(rate.note(format!("at most {} a second were presented", 1_000_000_000 / TAP_EVERY)));
    figures.extend(idle(&process, run.pace.idle_seconds, "with the page open")?);
    drop(page);
    kiosk.stop()?;
    figures.extend(start(run)?);
    Ok(figures)
}

fn memory(process: &Process, begun: u64) -> anyhow::Result<Vec<Figure>> {
    let kib = |name: &str| process.memory_kib(name);
    let megabytes = |kib: u64| float(kib) * 1_024.0 / 1e6;
    let (resident, anonymous) = (kib("VmRSS")?, kib("RssAnon")?);
    let threads = process.activity()?.threads;
    Ok(vec![
        Figure::new(ROW, format!("memory after {TAPS} taps, page open (VmRSS)"), megabytes(resident), "MB")
            .at_most(RESIDENT_MB_MAX)
            .note(format!("{threads} threads; {:.2} MB before the first tap", megabytes(begun))),
        Figure::new(ROW, "of it anonymous (RssAnon)", megabytes(anonymous), "MB"),
        Figure::new(ROW, "its proportional share (PSS)", megabytes(process.proportional_kib()?), "MB"),
    ])
}

fn idle(process: &Process, seconds: u64, how: &str) -> anyhow::Result<Vec<Figure>> {
    wait_until(now() + u64::try_from(Duration::from_secs(5).as_nanos())?); // Until the last result has left the screen and upkeep rests.
    let before = process.activity()?;
    let began = now();
    wait_until(began + seconds * 1_000_000_000);
    let (after, lasted) = (process.activity()?, float(now() - began));
    let percent = float(after.processor_ns - before.processor_ns) / lasted * 100.0;
    let wakes = float(after.wakes - before.wakes) / (lasted / 1e9);
    Ok(vec![
        Figure::new(ROW, format!("processor while idle, {how}"), percent, "% of a core")
            .at_most(IDLE_PERCENT_MAX)
            .note(format!("one badge reader, {seconds} s")),
        Figure::new(ROW, format!("wake-ups while idle, {how}"), wakes, "1/s").at_most(WAKES_MAX),
    ])
}

fn start(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let folder = run.kiosk_folder(MANY)?;
    let kiosk = Kiosk::start(&run.programs, &folder)?;
    let usable = kiosk.until_usable()?;
    let ready = kiosk.ready_after();
    kiosk.stop()?;
    Ok(vec![
        Figure::new(ROW, "start to ready line, 1,000,000 punches stored", float(ready) / MS, "ms").at_most(START_MS_MAX),
        Figure::new(ROW, "start to first tap possible, 1,000,000 punches stored", float(usable) / MS, "ms").at_most(START_MS_MAX),
    ])
}
