//! Pairing codes: made here, shown once, kept only as a hash.

use sha2::{Digest, Sha256};

use super::ca::Anchor;
use super::keys::{self, KeyError};
use super::store::{SiteId, Store, StoreError};
use crate::domain::id::TerminalId;
use crate::domain::time::Wall;
use crate::wire::pairing::{CODE_PART_BYTES, CODE_VALID_MINUTES, PairingCode};

/// A code that was just opened.
#[derive(Debug)]
pub struct NewCode {
    /// The code; its text is shown once.
    pub code: PairingCode,
    /// Until when it holds.
    pub expires: Wall,
}

/// Why no code was opened.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// No random bytes.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a terminal known and opens a code for it, in place of an older one.
///
/// # Errors
/// When there are no random bytes or the store fails.
pub async fn open_code(store: &Store, site: SiteId, terminal: TerminalId, anchor: &Anchor, now: Wall) -> Result<NewCode, PairingError> {
    let secret = keys::random::<CODE_PART_BYTES>()?;
    let expires = now.plus_millis(CODE_VALID_MINUTES * 60_000);
    store.terminal_add(site, terminal, secret_hash(&secret), now, expires).await?;
    Ok(NewCode { code: PairingCode { secret, ca_digest: anchor.digest }, expires })
}

/// What the store keeps of a secret. It has 128 random bits, so a plain hash gives nothing away.
pub fn secret_hash(secret: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"punch-office pairing 1\n").chain_update(secret).finalize().into()
}
