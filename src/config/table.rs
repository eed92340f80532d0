//! A TOML table read key by key: each value with its place, what is missing, of the wrong kind or unknown noted, nothing skipped.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problems;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place in the text.
    pub place: Range<usize>,
}

/// One table of a file, while it is read.
#[derive(Debug)]
pub struct Section<'a> {
    name: String,
    place: Range<usize>,
    table: Option<&'a DeTable<'a>>,
    asked: BTreeSet<&'static str>,
}

/// Reads a whole text; syntax errors become problems, and what could be read is read on.
pub fn parse<'a>(text: &'a str, problems: &mut Problems) -> Spanned<DeTable<'a>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        problems.add(error.span(), error.message().to_owned(), "see https://toml.io for the syntax");
    }
    table
}

impl<'a> Section<'a> {
    /// The file's top.
    pub fn top(table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { name: String::new(), place: 0..0, table: Some(table.get_ref()), asked: BTreeSet::new() }
    }

    /// Where the table's head stands.
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// Whether the file has this table at all.
    pub const fn exists(&self) -> bool {
        self.table.is_some()
    }

    /// A table in this one; an absent one reads as empty.
    #[must_use]
    pub fn section(&mut self, key: &'static str, problems: &mut Problems) -> Self {
        let name = self.path(key);
        let found = self.find(key);
        let table = found.as_ref().and_then(|(_, value)| value.as_table());
        if let (Some((place, _)), None) = (&found, table) {
            problems.add(Some(place.clone()), format!("`{name}` must be a table"), format!("write [{name}]"));
        }
        let place = found.map_or_else(|| self.place.clone(), |(place, _)| place);
        Self { name, place, table, asked: BTreeSet::new() }
    }

    /// The tables written `[[key]]`.
    pub fn sections(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Self> {
        let Some((place, value)) = self.find(key) else { return Vec::new() };
        let name = self.path(key);
        let Some(items) = value.as_array() else {
            problems.add(Some(place), format!("`{name}` must be a list of tables"), format!("write [[{name}]] once for each"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            if let Some(table) = item.get_ref().as_table() {
                sections.push(Self { name: name.clone(), place: item.span(), table: Some(table), asked: BTreeSet::new() });
            } else {
                problems.add(Some(item.span()), format!("`{name}` must be a list of tables"), format!("write [[{name}]]"));
            }
        }
        sections
    }

    /// A text.
    pub fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Placed<String>> {
        let (place, value) = self.find(key)?;
        match value.as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), place }),
            None => self.wrong(key, place, "a text in quotes", problems),
        }
    }

    /// A text that is the text form of something.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, key: &'static str, problems: &mut Problems) -> Option<Placed<T>> {
        let text = self.text(key, problems)?;
        match text.value.parse() {
            Ok(value) => Some(Placed { value, place: text.place }),
            Err(error) => {
                problems.add(Some(text.place), format!("`{}`: {error}", self.path(key)), "");
                None
            }
        }
    }

    /// A whole number within bounds, both included.
    pub fn number(&mut self, key: &'static str, bounds: std::ops::RangeInclusive<i64>, problems: &mut Problems) -> Option<Placed<i64>> {
        let (place, value) = self.find(key)?;
        let number = value.as_integer().and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok());
        match number {
            Some(value) if bounds.contains(&value) => Some(Placed { value, place }),
            _ => {
                let must = format!("a whole number from {} to {}", bounds.start(), bounds.end());
                self.wrong(key, place, &must, problems)
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<Placed<bool>> {
        let (place, value) = self.find(key)?;
        match value.as_bool() {
            Some(value) => Some(Placed { value, place }),
            None => self.wrong(key, place, "true or false", problems),
        }
    }

    /// A date as it is written: TOML's own, or a text in quotes.
    pub fn date_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Placed<String>> {
        let (place, value) = self.find(key)?;
        match value.as_datetime().map(ToString::to_string).or_else(|| value.as_str().map(str::to_owned)) {
            Some(value) => Some(Placed { value, place }),
            None => self.wrong(key, place, "a date such as 2018-10-18", problems),
        }
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let text = self.text(key, problems)?;
        let chosen = choices.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.wrong::<T>(key, text.place, &format!("one of {}", words.join(", ")), problems);
        }
        chosen
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Option<Placed<Vec<String>>> {
        let (place, value) = self.find(key)?;
        let text_of = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
        let texts = value.as_array().and_then(|items| items.iter().map(text_of).collect::<Option<Vec<_>>>());
        match texts {
            Some(value) => Some(Placed { value, place }),
            None => self.wrong(key, place, "a list of texts", problems),
        }
    }

    /// Notes that a key must be there.
    pub fn require<T>(&self, key: &'static str, value: Option<T>, example: &str, problems: &mut Problems) -> Option<T> {
        let there = self.table.is_some_and(|table| table.contains_key(key));
        if !there {
            let place = self.exists().then(|| self.place());
            problems.add(place, format!("`{}` is missing", self.path(key)), format!("add {key} = {example}"));
        }
        value
    }

    /// Asks for nothing more: what is left is not called unknown, because it could not be told what is known.
    pub const fn forgive(&mut self) {
        self.table = None;
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !self.asked.contains(name) {
                let known = self.asked.iter().copied().collect::<Vec<_>>().join(", ");
                problems.add(Some(key.span()), format!("unknown key `{}`", self.path(name)), format!("known here: {known}"));
            }
        }
    }

    fn find(&mut self, key: &'static str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
        self.asked.insert(key);
        let value = self.table?.get(key)?;
        Some((value.span(), value.get_ref()))
    }

    fn wrong<T>(&self, key: &str, place: Range<usize>, must: &str, problems: &mut Problems) -> Option<T> {
        problems.add(Some(place), format!("`{}` must be {must}", self.path(key)), "");
        None
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_told_at_once_with_its_place() {
        let text = "[kiosk]\nlisten = 5\nlangage = \"zh\"\n[[reader]]\nbaud = 0\n";
        let mut problems = Problems::of("terminal.toml", text);
        let table = parse(text, &mut problems);
        let mut top = Section::top(&table);
        let mut kiosk = top.section("kiosk", &mut problems);
        assert!(kiosk.text("listen", &mut problems).is_none());
        kiosk.text("language", &mut problems);
        kiosk.finish(&mut problems);
        for mut reader in top.sections("reader", &mut problems) {
            let name = reader.text("name", &mut problems);
            reader.require("name", name, "\"badge\"", &mut problems);
            reader.number("baud", 300..=921_600, &mut problems);
            reader.finish(&mut problems);
        }
        top.finish(&mut problems);
        let shown = problems.or(Some(())).err().map(|problems| problems.to_string()).unwrap_or_default();
        for part in
            ["terminal.toml:2:10", "terminal.toml:3:1", "unknown key `kiosk.langage`", "`reader.name` is missing", "terminal.toml:5:8"]
        {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }
}
