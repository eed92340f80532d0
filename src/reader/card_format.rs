//! How a line reader prints a card's number, and the low bytes that such a print knows.
//!
//! Invariant: what is not of the configured form is a text, never a guessed number and never lost.

use serde::{Deserialize, Serialize};

use crate::domain::credential::{BADGE_BYTES, Credential, low_bytes};
use crate::domain::id::hex_bytes;

/// The form that a reader is set to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CardFormat {
    /// Ten decimal digits: the low four bytes.
    #[serde(rename = "8h10d")]
    EightHexTenDecimal,
    /// Three and five decimal digits, with a comma or without (Wiegand 26): the low three bytes.
    #[serde(rename = "3+5")]
    ThreePlusFive,
    /// Eight decimal digits: the low three bytes.
    #[serde(rename = "6h8d")]
    SixHexEightDecimal,
    /// Three to ten bytes in hexadecimal, most significant first.
    #[serde(rename = "hex")]
    Hex,
    /// The same, least significant first.
    #[serde(rename = "hex-reversed")]
    HexReversed,
    /// No card: a QR code, a barcode, anything.
    #[default]
    #[serde(rename = "text")]
    Text,
}

impl CardFormat {
    /// Every form with the name that a configuration gives it.
    pub const ALL: [(&'static str, Self); 6] = [
        ("8h10d", Self::EightHexTenDecimal),
        ("3+5", Self::ThreePlusFive),
        ("6h8d", Self::SixHexEightDecimal),
        ("hex", Self::Hex),
        ("hex-reversed", Self::HexReversed),
        ("text", Self::Text),
    ];

    /// What a text of this reader identifies.
    pub fn credential(self, text: &str) -> Credential {
        match self.card_bytes(text.trim()) {
            Some(bytes) => Credential::Number { bytes, text: text.to_owned() },
            None => Credential::Text(text.to_owned()),
        }
    }

    fn card_bytes(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::EightHexTenDecimal => low_bytes(decimal(text, 10)?, 4),
            Self::SixHexEightDecimal => low_bytes(decimal(text, 8)?, 3),
            Self::ThreePlusFive => three_plus_five(text),
            Self::Hex => hex(text),
            Self::HexReversed => hex(text).map(|bytes| bytes.into_iter().rev().collect()),
            Self::Text => None,
        }
    }
}

fn three_plus_five(text: &str) -> Option<Vec<u8>> {
    let (high, low) = text.split_once(',').or_else(|| text.split_at_checked(3))?;
    let high = u8::try_from(decimal(high, 3)?).ok()?;
    let [middle, last] = u16::try_from(decimal(low, 5)?).ok()?.to_be_bytes();
    Some(vec![high, middle, last])
}

/// Exactly so many decimal digits.
fn decimal(text: &str, digits: usize) -> Option<u64> {
    let shape = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    shape.then(|| text.parse().ok()).flatten()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    hex_bytes(text).filter(|bytes| BADGE_BYTES.contains(&bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::super::vectors::group;
    use super::*;
    use crate::domain::credential::bytes_in_common;

    #[test]
    fn every_published_print_of_a_card_knows_its_low_bytes() {
        let forms = [
            ("id10", CardFormat::EightHexTenDecimal, 4),
            ("wg26", CardFormat::ThreePlusFive, 3),
            ("dec8", CardFormat::SixHexEightDecimal, 3),
        ];
        for (card, row) in group("em4100") {
            let whole = hex(card.split_at(10).0).unwrap();
            for (column, form, known) in forms {
                let printed = row[column].as_str().unwrap();
                let Credential::Number { bytes, text } = form.credential(printed) else { panic!("{printed} is a number") };
                assert_eq!((text.as_str(), bytes_in_common(&whole, &bytes)), (printed, Some(known)), "{card} as {column}");
            }
        }
    }

    #[test]
    fn wiegand_boxes_print_hexadecimal_or_ten_digits() {
        assert_eq!(CardFormat::Hex.credential("3D12D6").card_bytes(), Some(&[0x3D, 0x12, 0xD6][..]));
        assert_eq!(CardFormat::HexReversed.credential("D6123D6B").card_bytes(), Some(&[0x6B, 0x3D, 0x12, 0xD6][..]));
        assert_eq!(CardFormat::EightHexTenDecimal.credential("0000123478").card_bytes(), Some(&[0x00, 0x01, 0xE2, 0x56][..]));
        assert_eq!(CardFormat::ThreePlusFive.credential("05920934").card_bytes(), Some(&[0x3B, 0x51, 0xC6][..]));
    }

    #[test]
    fn what_is_not_of_the_form_is_kept_as_text() {
        let others = [
            (CardFormat::EightHexTenDecimal, "9999999999"),
            (CardFormat::EightHexTenDecimal, "5"),
            (CardFormat::SixHexEightDecimal, "99999999"),
            (CardFormat::ThreePlusFive, "256,00001"),
            (CardFormat::ThreePlusFive, "059,99999"),
            (CardFormat::ThreePlusFive, "中文"),
            (CardFormat::Hex, "3D12D"),
            (CardFormat::Hex, "QR-17"),
            (CardFormat::Text, "0003887558"),
        ];
        for (form, text) in others {
            assert_eq!(form.credential(text), Credential::Text(text.to_owned()), "{form:?}");
        }
    }

    #[test]
    fn names_in_the_table_are_the_names_in_a_configuration() {
        for (name, form) in CardFormat::ALL {
            assert_eq!(serde_json::to_value(form).unwrap(), name);
        }
    }
}
