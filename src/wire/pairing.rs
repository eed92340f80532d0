//! Pairing: a code typed once at the kiosk gives it an identity at the office and pins the office's CA.
//!
//! The code is 32 bytes in base32 (RFC 4648, no padding), in groups, case-free: 16 bytes of secret, then the first 16 bytes of the SHA-256
//! of the CA's public key (SubjectPublicKeyInfo). So the very first connection is checked against a key that came by hand.
//! `POST /terminal/v1/pair`, body: JSON of [`PairRequest`]; answer: JSON of [`PairReply`].

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
