//! What holds for every reader of a text that answers with settings or with all that is wrong in it.

use punchd::config::problem::Problems;

/// Most bytes of a text that one problem may be shown with, beside what it quotes of the file.
const SHOWN_BYTES_EACH: usize = 4_096;
/// Most problems that are shown.
const SHOWN_MAX: usize = 50;

/// Reads a text twice and with a comment behind it, and gives what was accepted: it is the same each time. Every problem that is told instead
/// has its place in the text, in order, and there are no more of them than there are bytes to be wrong.
pub(crate) fn read<T: PartialEq + std::fmt::Debug>(text: &str, read: impl Fn(&str) -> Result<T, Problems>) -> Option<T> {
    let result = read(text);
    assert_eq!(result, read(text), "the same text reads the same");
    match result {
        Ok(accepted) => {
            assert_eq!(read(&format!("{text}\n# a comment\n")).as_ref(), Ok(&accepted), "a comment changes nothing");
            Some(accepted)
        }
        Err(problems) => {
            check(text, &problems);
            None
        }
    }
}

fn check(text: &str, problems: &Problems) {
    assert!(!problems.problems.is_empty() && problems.problems.len() <= text.len() + SHOWN_MAX, "{}", problems.problems.len());
    assert_eq!(problems.text, text);
    let mut before = 0;
    for problem in &problems.problems {
        assert!(!problem.what.is_empty());
        let start = problem.place.as_ref().map_or(usize::MAX, |place| place.start);
        assert!(start >= before, "problems come in the order of their places");
        before = start;
        if let Some(place) = &problem.place {
            assert!(text.get(place.clone()).is_some(), "{place:?} is no place in a text of {} bytes", text.len());
        }
    }
    let shown = problems.to_string();
    assert!(shown.len() <= SHOWN_MAX * (SHOWN_BYTES_EACH + 8 * text.len()), "{} bytes are shown", shown.len());
}

/// A text in quotes as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// A value in quotes as CSV writes it.
pub(crate) fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
