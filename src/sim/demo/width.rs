//! How wide a text stands in a terminal, so that columns line up where Chinese and English meet.

use crate::office::export::grid::width;

/// The text with spaces after it up to a width; one that is wider stays whole.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let spaces = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(spaces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hanzi_take_two_columns_and_the_dot_in_a_name_one() {
        assert_eq!(width("林晓舟"), 6);
        assert_eq!(width("阿卜杜拉·买买提"), 15);
        assert_eq!(width("陈𬱖 ok"), 7);
        assert_eq!(width("迟（6）"), 7);
    }

    #[test]
    fn padding_lines_up() {
        let lines = ["赵䶮", "Lin", "古丽米热"].map(|name| format!("{}|", padded(name, 10)));
        assert!(lines.iter().all(|line| width(line) == 11));
        assert_eq!(padded("too long", 3), "too long");
    }
}
