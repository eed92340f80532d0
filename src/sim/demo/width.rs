//! How wide a text stands in a terminal, so that columns line up where Chinese and English meet.

/// What takes two columns: CJK, its punctuation and full-width forms (Unicode's East Asian Width, classes W and F, as far as names and
/// words here need it).
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

/// The columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| if WIDE.iter().any(|wide| wide.contains(&u32::from(c))) { 2 } else { 1 }).sum()
}

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
