//! A calendar: what is accepted reads the same when it is written again, and importing it twice changes nothing.

use punchd::config::calendar::{doubts, read, write};
use punchd::domain::calendar::Calendar;
use punchd::office::plan::calendar;

use super::text;

/// The bytes are the file, in either of its forms.
pub fn holds(bytes: &[u8]) {
    if let Ok(written) = std::str::from_utf8(bytes) {
        text::read(written, |text| read("calendar.csv", text));
    }
    let Ok(days) = calendar::read("calendar", bytes) else { return };
    assert_eq!(read("again.csv", &write(&days)).as_ref(), Ok(&days), "what is written reads the same");
    assert!(doubts(&days).len() <= days.announced.len());
    let (_, facts, held) = calendar::plan(&days, &Calendar::default());
    assert!(facts.len() <= days.announced.len());
    let (again, facts, same) = calendar::plan(&days, &held);
    assert!(again.changed.is_empty() && facts.is_empty() && same == held, "a second import changes nothing");
}
