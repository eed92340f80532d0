//! Measured figures, what each stands beside, and what it should be: as a table for people and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
    RatioAtMost(f64),
    RatioAtLeast(f64),
}

/// One measured figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    row: &'static str,
    what: String,
    value: f64,
    unit: &'static str,
    beside: Option<(String, f64)>,
    aim: Option<Aim>,
    note: String,
}

impl Figure {
    /// A figure of a row.
    pub(crate) fn new(row: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { row, what: what.into(), value, unit, beside: None, aim: None, note: String::new() }
    }

    /// Another figure of the same run and unit that it is compared with.
    pub(crate) fn beside(mut self, what: impl Into<String>, value: f64) -> Self {
        self.beside = Some((what.into(), value));
        self
    }

    /// What must be known to read it.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// It should not be more.
    pub(crate) const fn at_most(mut self, limit: f64) -> Self {
        self.aim = Some(Aim::AtMost(limit));
        self
    }

    /// It should not be less.
    pub(crate) const fn at_least(mut self, limit: f64) -> Self {
        self.aim = Some(Aim::AtLeast(limit));
        self
    }

    /// Its ratio to what stands beside it should not be more.
    pub(crate) const fn ratio_at_most(mut self, limit: f64) -> Self {
        self.aim = Some(Aim::RatioAtMost(limit));
        self
    }

    /// Its ratio to what stands beside it should not be less.
    pub(crate) const fn ratio_at_least(mut self, limit: f64) -> Self {
        self.aim = Some(Aim::RatioAtLeast(limit));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.beside.as_ref().map(|(_, beside)| self.value / beside)
    }

    fn met(&self) -> Option<bool> {
        let ratio = self.ratio().unwrap_or(f64::NAN);
        self.aim.map(|aim| match aim {
            Aim::AtMost(limit) => self.value <= limit,
            Aim::AtLeast(limit) => self.value >= limit,
            Aim::RatioAtMost(limit) => ratio <= limit,
            Aim::RatioAtLeast(limit) => ratio >= limit,
        })
    }

    fn cells(&self) -> [String; 6] {
        let beside = self.beside.as_ref().map(|(what, value)| format!("{what} {}", short(*value))).unwrap_or_default();
        let aim = match self.aim {
            None => String::new(),
            Some(Aim::AtMost(limit)) => format!("≤ {}", short(limit)),
            Some(Aim::AtLeast(limit)) => format!("≥ {}", short(limit)),
            Some(Aim::RatioAtMost(limit)) => format!("≤ {} ×", short(limit)),
            Some(Aim::RatioAtLeast(limit)) => format!("≥ {} ×", short(limit)),
        };
        let met = match self.met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        [
            format!("{}: {}", self.row, self.what),
            format!("{} {}", short(self.value), self.unit),
            beside,
            self.ratio().map(|ratio| format!("{ratio:.2} ×")).unwrap_or_default(),
            aim,
            met.to_owned(),
        ]
    }

    fn json(&self) -> Value {
        let (beside, beside_value) = self.beside.clone().unzip();
        json!({
            "row": self.row, "figure": self.what, "value": self.value, "unit": self.unit, "beside": beside, "beside_value": beside_value,
            "ratio": self.ratio(), "aim": self.cells().get(4).filter(|aim| !aim.is_empty()), "met": self.met(), "note": self.note,
        })
    }
}

/// A number with three meaning digits, thousands apart.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, part) = text.split_once('.').map_or((text.as_str(), String::new()), |(whole, part)| (whole, format!(".{part}")));
    let mut spaced = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.chars().count() - place;
        if place > 0 && left.is_multiple_of(3) && !spaced.ends_with('-') {
            spaced.push(',');
        }
        spaced.push(digit);
    }
    spaced + &part
}

/// The figures as a table; what is to be known of them stands below it.
pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["figure", "value", "beside it", "ratio", "aim", "met"].map(ToOwned::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(figures.iter().map(Figure::cells)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(text, "{}", cells.join(" | ").trim_end()).expect("text takes text");
        if number == 0 {
            writeln!(text, "{}", widths.map(|width| "-".repeat(width)).join("-|-")).expect("text takes text");
        }
    }
    for figure in figures.iter().filter(|figure| !figure.note.is_empty()) {
        writeln!(text, "  {}: {} — {}", figure.row, figure.what, figure.note).expect("text takes text");
    }
    text
}

/// The figures as JSON.
pub(crate) fn json(figures: &[Figure]) -> Value {
    figures.iter().map(Figure::json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_their_thousands_apart() {
        for (value, text) in [(0.1234, "0.123"), (3.456, "3.46"), (45.67, "45.7"), (999.6, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn an_aim_is_met_by_value_or_by_ratio() {
        let figure = || Figure::new("tap", "p50", 3.0, "ms").beside("disk", 2.0);
        assert_eq!(figure().at_most(3.0).met(), Some(true));
        assert_eq!(figure().at_least(3.1).met(), Some(false));
        assert_eq!(figure().ratio_at_most(1.4).met(), Some(false));
        assert_eq!(figure().ratio_at_least(1.5).met(), Some(true));
        assert_eq!(figure().met(), None);
    }

    #[test]
    fn a_missed_aim_is_plain_to_see_in_table_and_json() {
        let figures = [Figure::new("tap", "p50", 3.0, "ms").beside("disk", 2.0).ratio_at_most(1.4).note("ten taps")];
        let text = table(&figures);
        assert!(text.contains("1.50 ×") && text.contains("≤ 1.40 ×") && text.contains("| NO"), "{text}");
        assert!(text.contains("tap: p50 — ten taps"), "{text}");
        assert_eq!(json(&figures)[0]["met"], false);
    }
}
