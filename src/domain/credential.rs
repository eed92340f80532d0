//! What identifies a person at a reader, and how a card number on paper is matched with the bytes on the wire.
//!
//! A badge's key is its raw bytes. Printed forms know fewer: 8H10D the low four, 3+5 and 6H8D the low three. Matching goes by the most
//! bytes that both sides know, and more than one candidate is never guessed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::{hex_bytes, hex_text};

/// Longest text that a line reader may present, in bytes (readers' framing limit).
pub const TEXT_MAX: usize = 512;
/// Fewest and most bytes of a badge: what 3+5 shows, and a ten-byte ISO 14443 UID.
pub const BADGE_BYTES: std::ops::RangeInclusive<usize> = 3..=10;

/// The radio technology that gave a badge its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Technology {
    /// 125 kHz, five bytes.
    Em4100,
    /// 13.56 MHz ISO 14443-A UID of four, seven or ten bytes.
    Mifare,
}

impl Technology {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Em4100 => "em4100",
            Self::Mifare => "mifare",
        }
    }
}

/// What a reader read. Its text form is its identity: `em4100:67003B51C6`, `text:QR-17`, `finger:7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Credential {
    /// A badge by its raw bytes, most significant first.
    Badge {
        /// How it was read.
        technology: Technology,
        /// All bytes that were read.
        bytes: Vec<u8>,
    },
    /// A card number as a line reader printed it: only the low bytes are known.
    Number {
        /// The low bytes that the printed form knows, most significant first.
        bytes: Vec<u8>,
        /// The text as it was read.
        text: String,
    },
    /// Any other text: a QR code, a barcode.
    Text(String),
    /// A slot of a fingerprint module; which module is known from the entry's terminal and reader.
    Finger(u16),
}

impl Credential {
    /// The kind as the REST interface names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Badge { .. } | Self::Number { .. } => "badge",
            Self::Text(_) => "text",
            Self::Finger(_) => "finger",
        }
    }

    /// The bytes a card is matched by; `None` for text and fingers.
    pub fn card_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Badge { bytes, .. } | Self::Number { bytes, .. } => Some(bytes),
            Self::Text(_) | Self::Finger(_) => None,
        }
    }

    /// As people know it from the card's print: 8H10D where four bytes are known, 6H8D where three, else the text.
    pub fn shown(&self) -> String {
        match self {
            Self::Badge { bytes, .. } => shown_number(bytes).unwrap_or_else(|| hex(bytes)),
            Self::Number { text, .. } | Self::Text(text) => text.clone(),
            Self::Finger(slot) => format!("指纹 {slot}"),
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Badge { technology, bytes } => write!(f, "{}:{}", technology.prefix(), hex(bytes)),
            Self::Number { bytes, text } => write!(f, "number:{}:{text}", hex(bytes)),
            Self::Text(text) => write!(f, "text:{text}"),
            Self::Finger(slot) => write!(f, "finger:{slot}"),
        }
    }
}

/// Why a text is not a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// None of the known prefixes.
    #[error("a credential begins with em4100:, mifare:, number:, text: or finger:")]
    Prefix,
    /// Not pairs of hexadecimal digits, or too few or too many.
    #[error("a badge is 3 to 10 bytes in hexadecimal")]
    Bytes,
    /// Empty or too long.
    #[error("a text credential has 1 to 512 bytes")]
    Text,
    /// Not a slot number.
    #[error("a finger's slot is a number from 0 to 65535")]
    Slot,
    /// A card number in none of the printed forms.
    #[error(
        "“{0}” is no card number: 10 digits (8H10D), 3+5 digits with a comma, 8 digits (6H8D), or hexadecimal with a letter or em4100: before it"
    )]
    Card(String),
}

impl FromStr for Credential {
    type Err = CredentialError;
    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let (prefix, rest) = text.split_once(':').ok_or(CredentialError::Prefix)?;
        match prefix {
            "em4100" => badge_bytes(rest).map(|bytes| Self::Badge { technology: Technology::Em4100, bytes }),
            "mifare" => badge_bytes(rest).map(|bytes| Self::Badge { technology: Technology::Mifare, bytes }),
            "number" => {
                let (digits, printed) = rest.split_once(':').ok_or(CredentialError::Bytes)?;
                Ok(Self::Number { bytes: badge_bytes(digits)?, text: checked_text(printed)? })
            }
            "text" => checked_text(rest).map(Self::Text),
            "finger" => rest.parse().map(Self::Finger).or(Err(CredentialError::Slot)),
            _ => Err(CredentialError::Prefix),
        }
    }
}

impl TryFrom<String> for Credential {
    type Error = CredentialError;
    fn try_from(text: String) -> Result<Self, CredentialError> {
        text.parse()
    }
}

impl From<Credential> for String {
    fn from(credential: Credential) -> Self {
        credential.to_string()
    }
}

/// The low bytes that a card number on paper knows (a roster's 卡号, `--card`): 10 digits are 8H10D, `059,20934` and `05920934`-like
/// 8 digits with a comma 3+5, 8 digits 6H8D; hexadecimal contains a letter or is written `em4100:…`.
pub fn card_number(text: &str) -> Result<Vec<u8>, CredentialError> {
    let wrong = || CredentialError::Card(text.chars().take(40).collect());
    let trimmed = text.trim();
    if let Some((_, digits)) = trimmed.split_once(':') {
        let known = ["em4100:", "mifare:"].iter().any(|prefix| trimmed.starts_with(prefix));
        return if known { badge_bytes(digits) } else { Err(wrong()) };
    }
    if let Some((high, low)) = trimmed.split_once([',', '，']) {
        let decimal = high.len() == 3 && low.len() == 5 && is_decimal(high) && is_decimal(low);
        let (high, low) = (high.parse::<u8>().ok().ok_or_else(wrong)?, low.parse::<u16>().ok().ok_or_else(wrong)?);
        let [a, b] = low.to_be_bytes();
        return if decimal { Ok(vec![high, a, b]) } else { Err(wrong()) };
    }
    if is_decimal(trimmed) {
        let value = trimmed.parse::<u64>().ok().ok_or_else(wrong)?;
        let known = match trimmed.len() {
            10 => 4,
            8 => 3,
            _ => return Err(wrong()),
        };
        return low_bytes(value, known).ok_or_else(wrong);
    }
    badge_bytes(trimmed).ok().ok_or_else(wrong)
}

/// The low `known` bytes of a number, most significant first; `None` where it does not fit.
pub fn low_bytes(value: u64, known: usize) -> Option<Vec<u8>> {
    let bytes = value.to_be_bytes();
    let split = bytes.len().checked_sub(known)?;
    let (high, low) = bytes.split_at(split);
    high.iter().all(|byte| *byte == 0).then(|| low.to_vec())
}

/// How many low bytes two cards have in common, where one is known to the end of the other; `None` where they differ.
pub fn bytes_in_common(a: &[u8], b: &[u8]) -> Option<usize> {
    let both = a.len().min(b.len());
    let equal = a.iter().rev().zip(b.iter().rev()).all(|(x, y)| x == y);
    (equal && both >= *BADGE_BYTES.start()).then_some(both)
}

/// The card's number as printed: 8H10D of the low four bytes, or 6H8D where only three are known.
pub fn shown_number(bytes: &[u8]) -> Option<String> {
    let known = bytes.len().min(4);
    let low = bytes.get(bytes.len() - known..)?;
    let value = low.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
    match known {
        4 => Some(format!("{value:010}")),
        3 => Some(format!("{value:08}")),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    hex_text(bytes).to_ascii_uppercase()
}

fn badge_bytes(text: &str) -> Result<Vec<u8>, CredentialError> {
    hex_bytes(text).filter(|bytes| BADGE_BYTES.contains(&bytes.len())).ok_or(CredentialError::Bytes)
}

fn checked_text(text: &str) -> Result<String, CredentialError> {
    if (1..=TEXT_MAX).contains(&text.len()) { Ok(text.to_owned()) } else { Err(CredentialError::Text) }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printed_form_of_one_card_matches_its_bytes() {
        let Credential::Badge { bytes, .. } = "em4100:67003B51C6".parse().unwrap() else { panic!("a badge") };
        for (printed, known) in [("0003887558", 4), ("059,20934", 3), ("03887558", 3), ("67003B51C6", 5), ("em4100:67003b51c6", 5)] {
            let number = card_number(printed).unwrap();
            assert_eq!(bytes_in_common(&bytes, &number), Some(known), "{printed}");
        }
        for other in ["0003887559", "058,20934", "em4100:68003B51C6"] {
            assert_eq!(bytes_in_common(&bytes, &card_number(other).unwrap()), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_card_number_says_so() {
        for bad in ["", "12", "123456789", "9999999999", "256,00001", "059,99999", "xyz", "rfid:00112233"] {
            assert!(card_number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_credential_survives_its_text() {
        for text in ["em4100:67003B51C6", "mifare:6B3D12D6", "number:3B51C6:03887558", "text:a:b 中", "finger:7"] {
            assert_eq!(text.parse::<Credential>().unwrap().to_string(), text);
        }
    }
}
