//! What the office gives out as tables: CSV for spreadsheets, columns for a terminal window.
//!
//! Invariants of the CSV: UTF-8 with a byte order mark, CRLF, every cell quoted so that leading zeros stay; a cell that a spreadsheet would
//! take for a formula begins with an apostrophe.

pub mod day;
pub mod grid;
pub mod punch;
pub mod roster;
pub mod words;

/// What spreadsheets take for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A CSV under construction.
#[derive(Debug)]
pub struct Csv(csv::Writer<Vec<u8>>);

impl Csv {
    /// With its head.
    pub fn with_head(head: &[&str]) -> Self {
        let mut bytes = Vec::new();
        bytes.extend_from_slice("\u{FEFF}".as_bytes());
        let writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF).from_writer(bytes);
        let mut csv = Self(writer);
        csv.row(head);
        csv
    }

    /// One more row.
    pub fn row(&mut self, cells: &[impl AsRef<str>]) {
        self.0.write_record(cells.iter().map(|cell| harmless(cell.as_ref()))).ok(); // Writing to memory does not fail.
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

/// A cell that no spreadsheet calculates.
fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_formula_in_a_name_stays_text_and_leading_zeros_stay() {
        let mut csv = Csv::with_head(&["工号", "姓名"]);
        csv.row(&["0145", "=HYPERLINK(\"http://x\")"]);
        csv.row(&["-1", "@SUM(A1)"]);
        let text = String::from_utf8(csv.finish()).unwrap();
        assert_eq!(text, "\u{FEFF}\"工号\",\"姓名\"\r\n\"0145\",\"'=HYPERLINK(\"\"http://x\"\")\"\r\n\"'-1\",\"'@SUM(A1)\"\r\n");
    }

    proptest! {
        #[test]
        fn no_cell_begins_a_formula_and_every_cell_comes_back(cells in prop::collection::vec(any::<String>(), 3)) {
            let mut csv = Csv::with_head(&["a", "b", "c"]);
            csv.row(&cells);
            let bytes = csv.finish();
            let mut reader = csv::ReaderBuilder::new().from_reader(&bytes[3..]);
            let row = reader.records().next().unwrap().unwrap();
            for (written, cell) in row.iter().zip(&cells) {
                prop_assert!(!written.starts_with(FORMULA));
                prop_assert!(written == cell || written.strip_prefix('\'') == Some(cell));
            }
        }
    }
}
