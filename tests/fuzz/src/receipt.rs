//! The office's receipt: what is accepted is the same after writing, and no other signature than the office's passes for it.

use ed25519_dalek::SigningKey;
use punchd::wire::batch::Receipt;
use punchd::wire::canonical::{self, Purpose};

use super::json;

/// The first line is taken for a signature, the rest for a receipt.
pub fn holds(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (header, body) = bytes.split_at(at);
    json::read::<Receipt>(body);
    let key = SigningKey::from_bytes(&[7; 32]);
    let header = String::from_utf8_lossy(header);
    let signature = canonical::sign(&key, Purpose::Receipt, body);
    assert_eq!(canonical::verify(&key.verifying_key(), Purpose::Receipt, body, &signature), Ok(()));
    let passes = canonical::verify(&key.verifying_key(), Purpose::Receipt, body, &header).is_ok();
    assert!(!passes || header.eq_ignore_ascii_case(&signature), "“{header}” passed");
    if let Ok(key) = canonical::key_from_text(&header) {
        assert_eq!(canonical::key_text(&key), header.to_ascii_lowercase(), "a key survives its text");
    }
}
