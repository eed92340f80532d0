//! What the office gives a terminal to know: what is accepted is the same after writing, and any question to it has an answer.

use punchd::domain::time::WorkDate;
use punchd::wire::bundle::{Bundle, Elsewhere};

use super::json;

/// The bytes are a bundle, or the punches made elsewhere.
pub fn holds(bytes: &[u8]) {
    json::read::<Elsewhere>(bytes);
    let Some(bundle) = json::read::<Bundle>(bytes) else { return };
    let date = WorkDate::from_ymd_opt(2026, 11, 23).unwrap();
    let card = "em4100:67003B51C6".parse().unwrap();
    bundle.roster.find(&bundle.terminal, &"badge".parse().unwrap(), &card, date);
    for date in [date, WorkDate::MIN, WorkDate::MAX] {
        assert_eq!(bundle.rules.on(date).is_none(), bundle.rules.versions.is_empty());
        bundle.calendar.day(date);
    }
}
