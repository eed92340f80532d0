//! A CSV read by the names of its columns: each row with its place, so that all that is wrong can be told at once with row numbers.
//!
//! UTF-8 with or without a byte order mark, else GB18030, as spreadsheets of Chinese offices write it. `#` begins a comment line.

use std::ops::Range;

use super::problem::Problems;

/// Most rows of a file.
pub const ROWS_MAX: usize = 5_000_000;

/// A row: what stands in the wanted columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line, from 1.
    pub line: u64,
    /// Its place in the text.
    pub place: Range<usize>,
    /// In the order in which the columns were asked for.
    pub values: Vec<String>,
}

/// The text of a file.
pub fn text_of(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_or_else(|_| encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned(), str::to_owned)
}

/// Reads the wanted columns, in whatever order the file has them; further columns are left alone.
pub fn read(text: &str, wanted: &[&str], problems: &mut Problems) -> Vec<Row> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).comment(Some(b'#')).trim(csv::Trim::All).has_headers(false).from_reader(text.as_bytes());
    let mut records = reader.records();
    let Some(Ok(header)) = records.next() else {
        problems.add(None, "the file is empty", format!("begin it with the line {}", wanted.join(",")));
        return Vec::new();
    };
    let columns: Vec<_> = wanted.iter().map(|name| (*name, header.iter().position(|column| column == *name))).collect();
    for (name, _) in columns.iter().filter(|(_, column)| column.is_none()) {
        let (_, place) = whereabouts(text, &header);
        problems.add(Some(place), format!("the column `{name}` is missing"), format!("begin the file with the line {}", wanted.join(",")));
    }
    let Some(columns) = columns.iter().map(|(_, column)| *column).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let mut rows = Vec::new();
    for record in records.take(ROWS_MAX + 1) {
        match record {
            Err(error) => problems.add(None, format!("a row cannot be read: {error}"), "check its quotes"),
            Ok(_) if rows.len() == ROWS_MAX => problems.add(None, format!("there are more than {ROWS_MAX} rows"), "split the file"),
            Ok(record) => rows.extend(row(text, &columns, &header, &record, problems)),
        }
    }
    rows
}

fn row(text: &str, columns: &[usize], header: &csv::StringRecord, record: &csv::StringRecord, problems: &mut Problems) -> Option<Row> {
    let (line, place) = whereabouts(text, record);
    let values: Option<Vec<_>> = columns.iter().map(|column| record.get(*column).map(str::to_owned)).collect();
    if values.is_none() || record.len() > header.len() {
        let what = format!("row {line} has {} columns, the head has {}", record.len(), header.len());
        problems.add(Some(place), what, "quote a value that holds a comma");
        return None;
    }
    values.map(|values| Row { line, place, values })
}

/// The line on which a record begins, and its place; the reader's own position stands before the blank and comment lines above it.
fn whereabouts(text: &str, record: &csv::StringRecord) -> (u64, Range<usize>) {
    let position = record.position();
    let mut line = position.map_or(0, csv::Position::line);
    let mut begins = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    for above in text.get(begins..).unwrap_or_default().split_inclusive('\n') {
        let written = above.trim_end_matches(['\r', '\n']);
        if !written.is_empty() && !written.starts_with('#') {
            return (line, begins..begins + written.len());
        }
        line += 1;
        begins += above.len();
    }
    (line, begins..begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_rows_keep_their_line() {
        let text = "# from the old clock\nat,person,site\n2026-11-23T08:20:00+08:00,ZC0101,east\n\n# more\nonly-one\n";
        let mut problems = Problems::of("punches.csv", text);
        let rows = read(text, &["person", "at"], &mut problems);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].values, ["ZC0101", "2026-11-23T08:20:00+08:00"]);
        assert_eq!((rows[0].line, text.get(rows[0].place.clone())), (3, Some("2026-11-23T08:20:00+08:00,ZC0101,east")));
        let shown = problems.or(Some(())).unwrap_err().to_string();
        assert!(shown.contains("row 6") && shown.contains("punches.csv:6:1"), "{shown}");
    }

    #[test]
    fn a_file_in_gb18030_is_read() {
        let (bytes, _, _) = encoding_rs::GB18030.encode("日期,国庆节");
        assert_eq!(text_of(&bytes), "日期,国庆节");
        assert_eq!(text_of("\u{FEFF}日期".as_bytes()), "日期");
    }
}
