//! The clock matrix: real programs over real TLS, whose wall clock, uptime and boot are the script's. In every row no punch is lost or doubled,
//! the order is that of the taps, each best-known time at the office is true to a second or marked, and nobody is accused because of a clock.

mod hall;
mod machine;
mod steps;
mod weeks;
mod wrong;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// When the taps of an ordinary day are, all in time.
const FOUR: [&str; 4] = ["08:20:00", "11:52:00", "13:20:00", "17:03:00"];
/// A Monday.
const MONDAY: &str = "2026-03-02";
/// What systemd shows where the battery is empty: the day it was built.
const BUILD_DATE: &str = "2025-04-18T18:13:20Z";
const EMPTY_BATTERY: &str = "1970-01-01T00:00:08Z";

/// Whether the rows can run here; says loudly what is missing.
fn ready(row: &str) -> bool {
    let missing = machine::missing();
    if let Some(missing) = &missing {
        println!("SKIPPED {row}: it needs {missing}");
    }
    missing.is_none()
}
