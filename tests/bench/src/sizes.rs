//! How large the four programs are, as they are released.

use crate::run::{Run, float};
use crate::table::Figure;

const ROW: &str = "sizes";
const PROGRAMS: [&str; 4] = ["punchd", "punchctl", "punch-office", "punch-sim"];
/// What a program should be at most, in megabytes.
const MEGABYTES_MAX: f64 = 5.0;

/// Each program's file.
pub(crate) fn measure(run: &mut Run) -> anyhow::Result<Vec<Figure>> {
    let Some(release) = &run.release else { return Ok(Vec::new()) };
    let size = |name: &&str| {
        let bytes = std::fs::metadata(release.join(name))?.len();
        Ok(Figure::new(ROW, *name, float(bytes) / 1e6, "MB").at_most(MEGABYTES_MAX))
    };
    PROGRAMS.iter().map(size).collect()
}
