//! The file that was imported, kept beside the store under the digest of its bytes: what a person brought can always be shown again.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::id::hex_text;
use crate::sys;

/// The folder in the data directory.
pub const FOLDER: &str = "imported";

/// The file's digest, hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex_text(&Sha256::digest(bytes))
}

/// Keeps a file; the same bytes again are kept once.
///
/// # Errors
/// When it cannot be written.
pub fn keep(data_dir: &Path, kind: &str, ending: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = data_dir.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{kind}-{}.{ending}", digest(bytes)));
    if path.exists() { Ok(()) } else { sys::write_whole(&path, bytes, 0o600) }
}
