//! Columns in a terminal window, where a hanzi is two cells wide.

use std::io::{self, Write};

/// What takes two cells: Unicode's East Asian Width, classes W and F, as far as names and words here need it.
const WIDE: [std::ops::RangeInclusive<u32>; 8] = [
    0x1100..=0x115F,
    0x2E80..=0x303E,
    0x3041..=0xA4CF,
    0xAC00..=0xD7A3,
    0xF900..=0xFAFF,
    0xFE30..=0xFE6F,
    0xFF00..=0xFF60,
    0x2_0000..=0x3_FFFD,
];

/// Rows that are shown in columns.
#[derive(Debug, Default)]
pub struct Grid(Vec<Vec<String>>);

impl Grid {
    /// With its head.
    pub fn with_head(head: &[&str]) -> Self {
        let mut grid = Self::default();
        grid.row(head);
        grid
    }

    /// One more row.
    pub fn row(&mut self, cells: &[impl AsRef<str>]) {
        let clean = |cell: &str| cell.chars().filter(|c| !c.is_control()).collect();
        self.0.push(cells.iter().map(|cell| clean(cell.as_ref())).collect());
    }

    /// Writes it, each line behind some spaces.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, indent: usize, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width_of = |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width_of).collect();
        for row in &self.0 {
            let mut line = " ".repeat(indent);
            for (cell, wanted) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(wanted - width(cell) + 2));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Cells that a text takes.
pub(crate) fn width(text: &str) -> usize {
    let cells = |c: char| if WIDE.iter().any(|wide| wide.contains(&u32::from(c))) { 2 } else { 1 };
    text.chars().map(cells).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_with_hanzi_and_without() {
        let mut grid = Grid::with_head(&["工号", "姓名", "结果"]);
        grid.row(&["ZC0101", "阿卜杜拉·买买提", "正常"]);
        grid.row(&["7", "李\u{1B}四", "late"]);
        let mut out = Vec::new();
        grid.write(2, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = "  工号    姓名             结果\n  ZC0101  阿卜杜拉·买买提  正常\n  7       李四             late\n";
        assert_eq!(text, expected);
    }
}
