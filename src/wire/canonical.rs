//! Bytes that must be the same for ever: an entry's text, its hash, and what is signed.
//!
//! - hash of an entry = SHA-256(`punchd entry 1` LF text)
//! - signed bytes of a message = `punchd ` purpose ` 1` LF body; Ed25519, hexadecimal, in the header `punch-signature: ed25519=…`

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use sha2::{Digest, Sha256};

use super::entry::{Draft, Entry, Stored};
use crate::domain::id::{EntryHash, JournalId, Sequence, hex_bytes, hex_text};

/// The header that carries a signature: `ed25519=` and 128 hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "punch-signature";
/// The header that names the terminal.
pub const TERMINAL_HEADER: &str = "punch-terminal";
const ALGORITHM: &str = "ed25519=";
const ENTRY_DOMAIN: &[u8] = b"punchd entry 1\n";

/// What a signature is for; a signature for one purpose never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A terminal's batch or heartbeat.
    Batch,
    /// The office's receipt.
    Receipt,
    /// The office's bundle.
    Bundle,
    /// A terminal's request for something without a body: the bytes are the path.
    Request,
    /// A file carried by hand.
    Export,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Receipt => "receipt",
            Self::Bundle => "bundle",
            Self::Request => "request",
            Self::Export => "export",
        }
    }
}

/// Why bytes are not what they claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// No signature, or an algorithm that this version does not know.
    #[error("the signature is not “ed25519=” and 128 hexadecimal digits")]
    SignatureForm,
    /// The signature is not that key's over these bytes.
    #[error("the signature does not verify")]
    Signature,
    /// A key of the wrong length or not on the curve.
    #[error("not an Ed25519 public key of 64 hexadecimal digits")]
    Key,
    /// An entry that is not JSON of the known shape.
    #[error("the entry cannot be read: {0}")]
    Entry(String),
}

/// Gives a draft its place and makes its canonical bytes.
///
/// # Errors
/// When the content cannot be written as JSON, which no content of these types is.
pub fn seal(draft: Draft, journal: JournalId, sequence: Sequence, previous: EntryHash) -> Result<Stored, CanonicalError> {
    let entry = Entry { journal, sequence, previous, clock: draft.clock, body: draft.body, origin: draft.origin };
    let text = serde_json::to_string(&entry).map_err(|error| CanonicalError::Entry(error.to_string()))?;
    let hash = entry_hash(&text);
    Ok(Stored { journal, sequence, text, hash })
}

/// Reads an entry's text.
///
/// # Errors
/// When it is not an entry.
pub fn open(text: &str) -> Result<Entry, CanonicalError> {
    serde_json::from_str(text).map_err(|error| CanonicalError::Entry(error.to_string()))
}

/// The hash that the next entry carries.
pub fn entry_hash(text: &str) -> EntryHash {
    let digest = Sha256::new().chain_update(ENTRY_DOMAIN).chain_update(text.as_bytes()).finalize();
    EntryHash(digest.into())
}

/// The signature header's value for a body.
pub fn sign(key: &SigningKey, purpose: Purpose, body: &[u8]) -> String {
    let signature = key.sign(&signed_bytes(purpose, body));
    format!("{ALGORITHM}{}", hex_text(&signature.to_bytes()))
}

/// Checks a signature header's value against a body.
///
/// # Errors
/// When the header is malformed or the signature is not that key's over these bytes.
pub fn verify(key: &VerifyingKey, purpose: Purpose, body: &[u8], header: &str) -> Result<(), CanonicalError> {
    let hex = header.strip_prefix(ALGORITHM).ok_or(CanonicalError::SignatureForm)?;
    let bytes = hex_bytes(hex).ok_or(CanonicalError::SignatureForm)?;
    let signature = Signature::from_slice(&bytes).or(Err(CanonicalError::SignatureForm))?;
    key.verify(&signed_bytes(purpose, body), &signature).or(Err(CanonicalError::Signature))
}

/// A public key as text, hexadecimal.
pub fn key_text(key: &VerifyingKey) -> String {
    hex_text(key.as_bytes())
}

/// Reads a public key's text.
///
/// # Errors
/// When it is none.
pub fn key_from_text(text: &str) -> Result<VerifyingKey, CanonicalError> {
    let bytes: [u8; 32] = hex_bytes(text).and_then(|bytes| bytes.try_into().ok()).ok_or(CanonicalError::Key)?;
    VerifyingKey::from_bytes(&bytes).or(Err(CanonicalError::Key))
}

fn signed_bytes(purpose: Purpose, body: &[u8]) -> Vec<u8> {
    [b"punchd ", purpose.name().as_bytes(), b" 1\n", body].concat()
}
