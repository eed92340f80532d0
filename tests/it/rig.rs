//! Real programs in temporary folders: kiosks with simulated readers, an office, and clients of the page and of the technician's socket.

pub(crate) mod journal;
mod kiosk;
mod office;
mod page;
mod place;
mod program;
mod tally;

use std::time::Duration;

use punchd::clock::Clock;
use serde_json::Value;

pub(crate) use self::kiosk::{Kiosk, punchd};
pub(crate) use self::office::{Office, settings};
pub(crate) use self::page::{Events, confirmation};
pub(crate) use self::place::Place;
pub(crate) use self::tally::{EntryPlace, Held, Tally, badge};

/// Longest wait for anything that has no limit of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A badge of the published frames.
pub(crate) const BADGE: [u8; 5] = [0x67, 0x00, 0x3B, 0x51, 0xC6];
/// Another one.
pub(crate) const OTHER_BADGE: [u8; 5] = [0x67, 0x00, 0x3B, 0xA8, 0x6C];

/// Whether a condition is in a status.
pub(crate) fn has(status: &Value, code: &str) -> bool {
    condition(status, code).is_some()
}

pub(crate) fn condition<'a>(status: &'a Value, code: &str) -> Option<&'a Value> {
    status["conditions"].as_array().unwrap().iter().find(|condition| condition["code"] == code)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for something with a limit.
pub(crate) fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    until_or(limit, look).unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
}

/// The same; none where the time was up.
pub(crate) fn until_or<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let clock = Clock::system();
    let end = clock.mono().plus_millis(u64::try_from(limit.as_millis()).unwrap());
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if clock.mono() >= end {
            return None;
        }
        std::thread::park_timeout(LOOK);
    }
}
