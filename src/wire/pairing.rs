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

/// A pairing code.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    /// Known to the office alone until it is used.
    pub secret: [u8; CODE_PART_BYTES],
    /// The first 16 bytes of the SHA-256 of the CA's SubjectPublicKeyInfo.
    pub ca_digest: [u8; CODE_PART_BYTES],
}

/// The digits of base32 (RFC 4648, section 6).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters between two dashes of a printed code.
const GROUP_CHARS: usize = 4;

impl fmt::Display for PairingCode {
    /// In groups of four: `ABCD-EFGH-…`, 52 characters without the dashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = base32([self.secret, self.ca_digest].as_flattened());
        let groups: Vec<&str> = digits.as_bytes().chunks(GROUP_CHARS).filter_map(|group| std::str::from_utf8(group).ok()).collect();
        f.write_str(&groups.join("-"))
    }
}

/// Why a text is no pairing code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pairing code is 52 letters and digits 2 to 7, with or without dashes")]
pub struct PairingCodeError;

impl FromStr for PairingCode {
    type Err = PairingCodeError;

    /// Upper or lower case, with dashes and spaces anywhere.
    fn from_str(text: &str) -> Result<Self, PairingCodeError> {
        let bytes = base32_bytes(text).ok_or(PairingCodeError)?;
        let (secret, ca_digest) = bytes.split_first_chunk().ok_or(PairingCodeError)?;
        let ca_digest = ca_digest.try_into().or(Err(PairingCodeError))?;
        Ok(Self { secret: *secret, ca_digest })
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut digits = String::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        (bits, held) = ((bits << 8 | u32::from(*byte)) & 0xFFFF, held + 8);
        while held >= 5 {
            held -= 5;
            digits.push(base32_digit(bits >> held));
        }
    }
    if held > 0 {
        digits.push(base32_digit(bits << (5 - held)));
    }
    digits
}

fn base32_digit(bits: u32) -> char {
    let place = usize::try_from(bits & 31).unwrap_or_default();
    BASE32.get(place).copied().map_or('A', char::from)
}

/// The bytes that base32 digits spell; the bits left over must be 0, so that a code has one spelling.
fn base32_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for c in text.trim().chars().filter(|c| !matches!(c, '-' | ' ')) {
        let digit = u8::try_from(c.to_ascii_uppercase()).ok()?;
        let value = u32::try_from(BASE32.iter().position(|known| *known == digit)?).ok()?;
        (bits, held) = ((bits << 5 | value) & 0xFFFF, held + 5);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    (held < 5 && bits & ((1 << held) - 1) == 0).then_some(bytes)
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

impl std::fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairingCode(…)")
    }
}

impl std::fmt::Debug for PairRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairRequest").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_its_text_in_any_case_and_grouping() {
        let code = PairingCode { secret: *b"0123456789abcdef", ca_digest: [0xFF; CODE_PART_BYTES] };
        let text = code.to_string();
        assert_eq!(text, "GAYT-EMZU-GU3D-OOBZ-MFRG-GZDF-M377-7777-7777-7777-7777-7777-777Q");
        for form in [text.to_lowercase(), text.replace('-', ""), text.replace('-', " "), format!(" {text}\n")] {
            assert_eq!(form.parse::<PairingCode>(), Ok(code.clone()), "{form}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for bad in ["", "ABCD", "GAYT-EMZU-GU3D-OOBZ-MFRG-GZDF-M377-7777-7777-7777-7777-7777-7777", &"A".repeat(53), &"A".repeat(60)] {
            assert!(bad.parse::<PairingCode>().is_err(), "{bad}");
        }
    }
}
