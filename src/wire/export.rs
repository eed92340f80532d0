//! A file that carries a terminal's entries by hand: `punchctl export --signed FILE` writes it, `punch-office import FILE` takes it through
//! the same ingest as batches, twice harmlessly.
//!
//! Constraints of the format:
//! - UTF-8 lines, each ended by LF. The first is the [`Header`]; then one line for each entry, its canonical text as it stands in the
//!   journal, and one for each hole, a [`LostLine`]; the last is the [`Footer`].
//! - Journals oldest first, entries of a journal oldest first; a hole's line stands where its entries would.
//! - `Footer::header` signs the header line without its LF. The header names each journal's last entry with its hash, so by the chain it
//!   vouches for every entry of the file, and the office keeps it as evidence.
//! - `Footer::digest` is the SHA-256 of all lines before the footer with their LFs, in hexadecimal; `Footer::file` signs its text. So a
//!   file cut short or put together from two is seen, and neither side holds it in memory.
//! - Signatures have the form of the header `punch-signature` and the purpose [`Export`](super::canonical::Purpose::Export).

use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::batch::{Lost, TerminalState};
use super::canonical::{self, CanonicalError, Purpose};
use crate::domain::id::{JournalId, TerminalId, hex_text};

/// What the header's `format` says.
pub const FORMAT: &str = "punchd-export";
/// This version.
pub const VERSION: u32 = 1;
/// Most bytes of one line, the header with all journals and conditions included.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a file: the entries of a terminal in eight years.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Whose entries.
    pub terminal: TerminalId,
    /// The terminal when the file was made; `journals` are those of the file.
    pub state: TerminalState,
}

impl Header {
    /// The header of this version.
    pub fn new(terminal: TerminalId, state: TerminalState) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, terminal, state }
    }
}

/// A hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostLine {
    /// The journal it is in.
    pub journal: JournalId,
    /// What can no longer be read.
    pub lost: Lost,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// SHA-256 of all lines before, hexadecimal.
    pub digest: String,
    /// The signature of the header line.
    pub header: String,
    /// The signature of `digest`.
    pub file: String,
}

/// Counts the lines of a file, on either side.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    digest: Sha256,
}

impl Tally {
    /// Takes one line, without its LF.
    pub fn line(&mut self, line: &str) {
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
    }

    /// The footer for the lines taken, of which `header` was the first.
    pub fn sign(self, key: &SigningKey, header: &str) -> Footer {
        let digest = hex_text(&self.digest.finalize());
        Footer {
            header: canonical::sign(key, Purpose::Export, header.as_bytes()),
            file: canonical::sign(key, Purpose::Export, digest.as_bytes()),
            digest,
        }
    }

    /// Checks the footer against the lines taken, of which `header` was the first.
    ///
    /// # Errors
    /// When lines were changed, cut or added, or another key signed.
    pub fn verify(self, key: &VerifyingKey, header: &str, footer: &Footer) -> Result<(), CanonicalError> {
        if hex_text(&self.digest.finalize()) != footer.digest {
            return Err(CanonicalError::Signature);
        }
        canonical::verify(key, Purpose::Export, header.as_bytes(), &footer.header)?;
        canonical::verify(key, Purpose::Export, footer.digest.as_bytes(), &footer.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_line_less_or_another_key_does_not_verify() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let lines = ["header", "one", "two"];
        let footer = tally(&lines).sign(&key, "header");
        let verify = |lines: &[&str], key: &SigningKey, header: &str| tally(lines).verify(&key.verifying_key(), header, &footer);
        assert_eq!(verify(&lines, &key, "header"), Ok(()));
        assert!(verify(&lines[..2], &key, "header").is_err());
        assert!(verify(&["header", "one", "twp"], &key, "header").is_err());
        assert!(verify(&lines, &SigningKey::from_bytes(&[8; 32]), "header").is_err());
        assert!(verify(&lines, &key, "heador").is_err());
    }

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for line in lines {
            tally.line(line);
        }
        tally
    }
}
