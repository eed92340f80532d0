//! Pairing: a code typed once at the kiosk gives it an identity at the office and pins the office's CA.
//!
//! The code is 32 bytes in base32 (RFC 4648, no padding), in groups, case-free: 16 bytes of secret, then the first 16 bytes of the SHA-256
//! of the CA's public key (SubjectPublicKeyInfo). So the very first connection is checked against a key that came by hand.
//! `POST /terminal/v1/pair`, body: JSON of [`PairRequest`]; answer: JSON of [`PairReply`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::TerminalId;

/// How long a code holds, in minutes.
pub const CODE_VALID_MINUTES: i64 = 30;
/// Bytes of the secret, and of the CA key's digest behind it.
pub const CODE_PART_BYTES: usize = 16;
/// The letters of base32 (RFC 4648 §6).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Bits that one letter carries.
const LETTER_BITS: u32 = 5;
/// Letters of a code: 256 bits in steps of five, the last one filled up with zeros.
pub const CODE_LETTERS: usize = (2 * CODE_PART_BYTES * 8).div_ceil(LETTER_BITS as usize);
/// Letters between two dashes.
const GROUP_LETTERS: usize = 4;

/// A pairing code.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    /// Known to the office alone until it is used.
    pub secret: [u8; CODE_PART_BYTES],
    /// The first 16 bytes of the SHA-256 of the CA's SubjectPublicKeyInfo.
    pub ca_digest: [u8; CODE_PART_BYTES],
}

/// The kiosk's side.
#[derive(Clone, Serialize, Deserialize)]
pub struct PairRequest {
    /// Version of this format.
    pub version: u32,
    /// The code's secret, hexadecimal.
    pub secret: String,
    /// The kiosk's new Ed25519 public key, hexadecimal.
    pub public_key: String,
    /// The configured id, if the configuration names one; the office refuses another.
    #[serde(default)]
    pub terminal: Option<TerminalId>,
}

/// The office's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairReply {
    /// Version of this format.
    pub version: u32,
    /// Who the kiosk is from now on.
    pub terminal: TerminalId,
    /// The CA's certificate, PEM; its key's digest is in the code.
    pub ca: String,
    /// The office's Ed25519 public key for receipts and bundles, hexadecimal.
    pub office_key: String,
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingCode(…)")
    }
}

impl fmt::Debug for PairRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairRequest").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.secret.iter().chain(&self.ca_digest);
        let letters = letters_of(bytes.copied());
        letters.chunks(GROUP_LETTERS).enumerate().try_for_each(|(index, group)| {
            let dash = if index == 0 { "" } else { "-" };
            let group: String = group.iter().collect();
            write!(f, "{dash}{group}")
        })
    }
}

/// Why a text is not a pairing code. The text itself is a secret and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairingCodeError {
    /// A letter that base32 does not have.
    #[error("“{0}” is in no pairing code: its letters are A to Z and 2 to 7")]
    Letter(char),
    /// Too short or too long.
    #[error("a pairing code has {CODE_LETTERS} letters, this one has {0}")]
    Length(usize),
    /// The last letter carries bits that stand for nothing: mistyped.
    #[error("the last letter of the pairing code is mistyped")]
    LastLetter,
}

impl PairingCodeError {
    /// The error's name in interfaces.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Letter(_) => "pairing-code-letter",
            Self::Length(_) => "pairing-code-length",
            Self::LastLetter => "pairing-code-last-letter",
        }
    }
}

impl FromStr for PairingCode {
    type Err = PairingCodeError;

    /// Dashes and spaces may stand anywhere or nowhere, and case does not matter.
    fn from_str(text: &str) -> Result<Self, PairingCodeError> {
        let letters = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let values = letters.map(letter_value).take(2 * CODE_LETTERS).collect::<Result<Vec<u32>, _>>()?;
        if values.len() != CODE_LETTERS {
            return Err(PairingCodeError::Length(values.len()));
        }
        let (bytes, rest) = bytes_of(&values);
        let (secret, digest) = bytes.split_at_checked(CODE_PART_BYTES).ok_or(PairingCodeError::Length(values.len()))?;
        match (secret.try_into(), digest.try_into()) {
            (Ok(secret), Ok(ca_digest)) if rest == 0 => Ok(Self { secret, ca_digest }),
            _ => Err(PairingCodeError::LastLetter),
        }
    }
}

fn letters_of(bytes: impl Iterator<Item = u8>) -> Vec<char> {
    let mut letters = Vec::with_capacity(CODE_LETTERS);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= LETTER_BITS {
            bits -= LETTER_BITS;
            letters.push(letter(held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        letters.push(letter(held << (LETTER_BITS - bits)));
    }
    letters
}

/// The whole bytes that letters spell, and the bits left over behind them.
fn bytes_of(values: &[u32]) -> (Vec<u8>, u32) {
    let mut bytes = Vec::with_capacity(2 * CODE_PART_BYTES);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for value in values {
        held = held << LETTER_BITS | value;
        bits += LETTER_BITS;
        if bits >= 8 {
            bits -= 8;
            bytes.extend(u8::try_from(held >> bits));
            held &= (1 << bits) - 1;
        }
    }
    (bytes, held)
}

fn letter(value: u32) -> char {
    let index = usize::try_from(value % 32).unwrap_or_default();
    ALPHABET.get(index).copied().map_or('A', char::from)
}

fn letter_value(letter: char) -> Result<u32, PairingCodeError> {
    let upper = letter.to_ascii_uppercase();
    let index = ALPHABET.iter().position(|known| char::from(*known) == upper);
    index.and_then(|index| u32::try_from(index).ok()).ok_or(PairingCodeError::Letter(letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_survives_being_read_aloud_and_typed(secret: [u8; 16], ca_digest: [u8; 16]) {
            let code = PairingCode { secret, ca_digest };
            let shown = code.to_string();
            prop_assert_eq!(shown.len(), CODE_LETTERS + CODE_LETTERS / GROUP_LETTERS - 1);
            prop_assert!(shown.parse() == Ok(code.clone()));
            prop_assert!(shown.to_lowercase().replace('-', " ").parse() == Ok(code.clone()));
            prop_assert!(shown.replace('-', "").parse() == Ok(code));
        }

        #[test]
        fn any_text_is_a_code_or_an_error(text in ".{0,200}") {
            if let Ok(code) = text.parse::<PairingCode>() {
                prop_assert!(code.to_string().parse() == Ok(code));
            }
        }
    }

    #[test]
    fn the_letters_are_those_of_rfc_4648() {
        let letters = |bytes: &[u8]| letters_of(bytes.iter().copied()).into_iter().collect::<String>();
        for (bytes, expected) in
            [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(letters(bytes.as_bytes()), expected);
        }
    }

    #[test]
    fn what_was_mistyped_is_named() {
        let shown = PairingCode { secret: [0; 16], ca_digest: [0; 16] }.to_string();
        assert_eq!(shown.replacen('A', "0", 1).parse::<PairingCode>(), Err(PairingCodeError::Letter('0')));
        let shorter: String = shown.chars().skip(1).collect();
        assert_eq!(shorter.parse::<PairingCode>(), Err(PairingCodeError::Length(CODE_LETTERS - 1)));
        assert_eq!(format!("{shorter}B").parse::<PairingCode>(), Err(PairingCodeError::LastLetter));
    }

    #[test]
    fn a_code_never_shows_itself_in_a_log() {
        assert_eq!(format!("{:?}", PairingCode { secret: [7; 16], ca_digest: [7; 16] }), "PairingCode(…)");
    }
}
