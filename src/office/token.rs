//! Bearer tokens: made here, shown once, kept only as a hash.

use sha2::{Digest, Sha256};

use super::keys::{self, KeyError};
use crate::domain::id::hex_text;

/// What every token begins with, so that one found in a wrong place is known for what it is.
pub const PREFIX: &str = "punch_";
/// Random bytes of a token.
const BYTES: usize = 32;

/// A new token's text.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_token() -> Result<String, KeyError> {
    Ok(format!("{PREFIX}{}", hex_text(&keys::random::<BYTES>()?)))
}

/// What the store keeps of a token. It has 256 random bits, so a plain hash gives nothing away.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"punch-office token 1\n").chain_update(token.as_bytes()).finalize().into()
}
