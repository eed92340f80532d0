//! A CSV of punches: every row that is given has its line and its place in the text, and what stands there.

use punchd::config::columns::{read, text_of};
use punchd::config::problem::Problems;
use punchd::domain::time::{UtcOffset, Wall};

use super::text::cell;

/// The bytes are the file.
pub fn holds(bytes: &[u8]) {
    let text = text_of(bytes);
    let mut problems = Problems::of("punches.csv", &text);
    let rows = read(&text, &["person", "at"], &mut problems);
    let lines = text.split('\n').count() as u64;
    assert!(rows.len() as u64 <= lines && problems.problems.len() as u64 <= lines + 2);
    let mut before = 1;
    for row in &rows {
        assert_eq!(row.values.len(), 2);
        assert!(row.line > before && row.line <= lines, "line {} of {lines} after {before}", row.line);
        assert!(text.get(row.place.clone()).is_some(), "{:?} is no place in {} bytes", row.place, text.len());
        before = row.line;
        if let Some(at) = Wall::parse_rfc3339(&row.values[1]) {
            UtcOffset::china().civil(at);
        }
    }
    for problem in &problems.problems {
        assert!(problem.place.as_ref().is_none_or(|place| text.get(place.clone()).is_some()), "{problem:?}");
    }
    drop(problems.to_string());
    if problems.problems.is_empty() {
        let lines: Vec<String> = rows.iter().map(|row| format!("{},{}\n", cell(&row.values[0]), cell(&row.values[1]))).collect();
        let written = format!("person,at\n{}", lines.concat());
        let mut none = Problems::of("again.csv", &written);
        let again: Vec<_> = read(&written, &["person", "at"], &mut none).into_iter().map(|row| row.values).collect();
        assert_eq!(again, rows.into_iter().map(|row| row.values).collect::<Vec<_>>(), "what is written reads the same");
    }
}
