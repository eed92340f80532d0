//! How a kiosk and an office grow: the same figures with a thousand, ten thousand, a hundred thousand and a million punches.

use std::process::Stdio;

use serde_json::Value;

use crate::curve::Curve;
use crate::kiosk::Kiosk;
use crate::run::{Run, float};
use crate::sheets;
use crate::stopwatch::{MS, timed};

/// How many punches a point of the curve has.
const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// All curves.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Curve>> {
    let names = [
        "tap to green p50, ms",
        "tap to green p99, ms",
        "start to ready line, ms",
        "start to first tap possible, ms",
        "memory, MB",
        "punchctl punches: first line, ms",
        "punchctl punches: all, s",
    ];
    let mut curves: Vec<Curve> = names.into_iter().map(Curve::new).collect();
    for punches in SIZES {
        for (curve, value) in curves.iter_mut().zip(kiosk(run, punches)?) {
            if value.is_finite() {
                curve.add(punches, value);
            }
        }
    }
    curves.push(sheets::growth(run, &SIZES)?);
    Ok(curves)
}

fn kiosk(run: &mut Run, punches: u64) -> anyhow::Result<[f64; 7]> {
    let folder = run.kiosk_folder(punches)?;
    let mut kiosk = Kiosk::start(&run.programs, &folder)?;
    let usable = kiosk.until_usable()?;
    let ready = kiosk.ready_after();
    let page = kiosk.page()?;
    let spread = kiosk.taps(&page, run.pace.taps / 2, run.pace.tap_every.min(100_000_000), || Ok(()))?;
    let memory = float(kiosk.process().memory_kib("VmRSS")?) * 1_024.0 / 1e6;
    let (first, all) = listing(&kiosk, punches <= run.pace.whole_punches_max)?;
    kiosk.stop()?;
    Ok([spread.p50() / MS, spread.p99() / MS, float(ready) / MS, float(usable) / MS, memory, first / MS, all / 1e9])
}

/// Nanoseconds to the first line of `punchctl punches`, and to its last where that is wanted.
fn listing(kiosk: &Kiosk, whole: bool) -> anyhow::Result<(f64, f64)> {
    let head = || -> anyhow::Result<Value> {
        let mut child = kiosk.ctl(&["punches", "--json"]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line)?;
        }
        child.kill().ok();
        child.wait()?;
        Ok(serde_json::from_str(&line).unwrap_or_default())
    };
    let (entry, first) = timed(head);
    anyhow::ensure!(entry?.is_object(), "punchctl punches told nothing");
    if !whole {
        return Ok((float(first), f64::NAN));
    }
    let (status, all) = timed(|| kiosk.ctl(&["punches", "--json"]).stdout(Stdio::null()).status());
    anyhow::ensure!(status?.success(), "punchctl punches failed");
    Ok((float(first), float(all)))
}
