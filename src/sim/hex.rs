//! Bytes as hexadecimal digits, as people type them and as the echo shows them.

/// Upper-case digits without spaces.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('?').to_ascii_uppercase();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0F)]).collect()
}

/// The bytes that pairs of digits mean; `None` for anything else and for nothing at all.
pub(crate) fn parsed(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut digits = text.chars();
    while let Some(high) = digits.next() {
        let low = digits.next()?;
        bytes.push(u8::try_from(high.to_digit(16)? << 4 | low.to_digit(16)?).ok()?);
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_either_case_mean_the_same_bytes() {
        assert_eq!(parsed("67003b51C6"), Some(vec![0x67, 0x00, 0x3B, 0x51, 0xC6]));
        assert_eq!(shown(&[0x67, 0x00, 0x3B]), "67003B");
    }

    #[test]
    fn half_a_byte_and_other_letters_are_refused() {
        assert_eq!(parsed("670"), None);
        assert_eq!(parsed("6G"), None);
        assert_eq!(parsed(""), None);
    }
}
