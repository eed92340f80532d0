//! What is wrong in a file, where, and what to do: all of it at once.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Most problems that are shown of one file.
const SHOWN_MAX: usize = 50;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the text; none for something that is missing altogether.
    pub place: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Everything that is wrong in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file as it was named.
    pub file: String,
    /// Its text.
    pub text: String,
    /// In the order of their places.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// Nothing wrong yet with this file.
    pub fn of(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.to_owned(), problems: Vec::new() }
    }

    /// Notes one more.
    pub fn add(&mut self, place: Option<Range<usize>>, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem { place, what: what.into(), remedy: remedy.into() });
    }

    /// The value, if nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn or<T>(mut self, value: Option<T>) -> Result<T, Self> {
        self.problems.sort_by_key(|problem| problem.place.as_ref().map_or(usize::MAX, |place| place.start));
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::plain();
        for problem in self.problems.iter().take(SHOWN_MAX) {
            let title = Level::ERROR.primary_title(problem.what.as_str());
            let mut group = match &problem.place {
                None => title.element(annotate_snippets::Origin::path(self.file.as_str())),
                Some(place) => {
                    let caret = AnnotationKind::Primary.span(place.clone());
                    title.element(Snippet::source(self.text.as_str()).path(self.file.as_str()).annotation(caret))
                }
            };
            if !problem.remedy.is_empty() {
                group = group.element(Level::HELP.message(problem.remedy.as_str()));
            }
            writeln!(f, "{}", renderer.render(&[group]))?;
        }
        let more = self.problems.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            writeln!(f, "… and {more} more")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
