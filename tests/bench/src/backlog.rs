//! A month's backlog drains to a real office over TLS while people go on tapping.

use crate::fixture::PEOPLE;
use crate::kiosk::{Kiosk, Page};
use crate::office::{Office, Premises};
use crate::run::{Run, float};
use crate::stopwatch::{MS, Spread, now, seconds_since};
use crate::table::Figure;

const ROW: &str = "backlog";
/// Thirty days of a centre of 400 people (reliability targets, 30 days of 1,600).
const PUNCHES: u64 = 48_000;
/// How long that should take at most, in seconds.
const SECONDS_MAX: f64 = 2.0;
/// How much slower taps may be meanwhile.
const RATIO_MAX: f64 = 2.0;
/// Nanoseconds between two taps: a queue before half past eight, several times over.
const TAP_EVERY: u64 = 20_000_000;
/// Taps before there is an office.
const QUIET_TAPS: usize = 200;

/// Drains it several times, each time with a new kiosk.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let folder = run.folder("office")?;
    let office = Premises::new(&run.programs, &folder, PEOPLE)?.serve()?;
    let (mut quiet, mut busy, mut seconds) = (Spread::default(), Spread::default(), Vec::new());
    for drain in 0..run.pace.drains {
        let folder = run.kiosk_folder(PUNCHES)?;
        let mut kiosk = Kiosk::start(&run.programs, &folder)?;
        kiosk.until_usable()?;
        let page = kiosk.page()?;
        quiet.join(&kiosk.taps(&page, QUIET_TAPS, TAP_EVERY, || Ok(()))?);
        let (taps, took) = drained(&mut kiosk, &page, &office, &format!("hall-{drain}"))?;
        busy.join(&taps);
        seconds.push(took);
        kiosk.stop()?;
    }
    let memory = float(office.process().memory_kib("VmRSS")?) * 1_024.0 / 1e6;
    office.stop()?;
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN);
    let each: Vec<String> = seconds.iter().map(|seconds| format!("{seconds:.2}")).collect();
    Ok(vec![
        Figure::new(ROW, format!("{PUNCHES} stored punches sent and acknowledged"), median, "s").at_most(SECONDS_MAX).note(format!(
            "each of {} drains: {} s; office and kiosk on one machine",
            seconds.len(),
            each.join(", ")
        )),
        Figure::new(ROW, "tap to green meanwhile, p99", busy.p99() / MS, "ms")
            .beside("before, at the same pace", quiet.p99() / MS)
            .ratio_at_most(RATIO_MAX)
            .note(format!("{} taps meanwhile, {} before, one each {} ms", busy.count(), quiet.count(), TAP_EVERY / 1_000_000)),
        Figure::new(ROW, "tap to green meanwhile, p50", busy.p50() / MS, "ms").beside("before, at the same pace", quiet.p50() / MS),
        Figure::new(ROW, "the office's memory afterwards (VmRSS)", memory, "MB"),
    ])
}

/// Pairs and taps until the office has everything that was stored before; the taps, and the seconds since the pairing was through.
fn drained(kiosk: &mut Kiosk, page: &Page, office: &Office, terminal: &str) -> anyhow::Result<(Spread, f64)> {
    let before = number(kiosk, "sequence")?;
    let paired = kiosk.ctl(&["pair", &office.url(), &office.code(terminal)?]).output()?;
    anyhow::ensure!(paired.status.success(), "{}", String::from_utf8_lossy(&paired.stderr));
    let began = now();
    let mut taps = Spread::default();
    while number(kiosk, "acknowledged")? < before {
        anyhow::ensure!(seconds_since(began) < 120.0, "the backlog did not drain");
        taps.join(&kiosk.taps(page, 1, TAP_EVERY, || Ok(()))?);
        crate::stopwatch::wait_until(began + taps.count() as u64 * TAP_EVERY);
    }
    Ok((taps, seconds_since(began)))
}

fn number(kiosk: &Kiosk, key: &str) -> anyhow::Result<u64> {
    Ok(kiosk.status()?.get(key).and_then(serde_json::Value::as_u64).unwrap_or_default())
}
