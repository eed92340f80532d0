//! `punch-office import`: a signed file that came by hand, taken through the same ingest as batches. Twice is harmless.
//!
//! The whole file is checked against its signatures before anything of it is taken. Entries beyond the ends that its header signed are left
//! for the network to bring: nothing is kept without a signature that vouches for it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::store::{Arrival, Carried, Signed, SiteId, Store, StoreError};
use crate::domain::id::{EntryHash, JournalId, Sequence, TerminalId};
use crate::domain::time::Wall;
use crate::wire::batch::{BATCH_ENTRIES_MAX, BATCH_VERSION, Batch, BatchError, Lost};
use crate::wire::canonical::{self, CanonicalError, Purpose};
use crate::wire::export::{FILE_BYTES_MAX, FORMAT, Footer, Header, LINE_BYTES_MAX, LostLine, Tally, VERSION};

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not such a file, or of another version.
    #[error("line {line}: {why}")]
    Form {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// No terminal of this name.
    #[error("{0} is no terminal of this office")]
    Unknown(TerminalId),
    /// The key that signed it was revoked.
    #[error("the key of {0} that signed this was revoked")]
    Revoked(TerminalId),
    /// The signatures do not verify.
    #[error("the file was changed, cut short, or signed by another key")]
    Signature(#[source] CanonicalError),
    /// A part breaks a rule of the format.
    #[error("entries before line {line}: {source}")]
    Part {
        /// Behind which line.
        line: usize,
        /// Which rule.
        source: BatchError,
    },
    /// The store failed; what was taken before stays, and taking the file again is harmless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the path",
            Self::Form { .. } | Self::Part { .. } => "make the file again: punchctl export --signed FILE",
            Self::Unknown(_) => "check the data directory, or pair the terminal first",
            Self::Revoked(_) => "pair the kiosk again, then make the file again",
            Self::Signature(_) => "copy the file again from the kiosk",
            Self::Store(error) => error.hint(),
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Whose it is.
    pub terminal: TerminalId,
    /// How many entries are in it.
    pub entries: u64,
    /// How many of them were new.
    pub accepted: u64,
    /// How many went into quarantine.
    pub quarantined: u64,
    /// How many stand beyond the signed ends and were left out.
    pub left_out: u64,
}

/// Takes a file.
///
/// # Errors
/// Why it was not taken, or not whole.
pub async fn import(store: &Store, path: &Path, at: Wall, at_trusted: bool) -> Result<Imported, ImportError> {
    let mut lines = Lines::open(path)?;
    let checked = check(store, &mut lines).await?;
    lines.rewind()?;
    lines.next()?; // the header
    let mut taking = Taking {
        store,
        at,
        at_trusted,
        result: Imported { terminal: checked.header.terminal.clone(), entries: 0, accepted: 0, quarantined: 0, left_out: 0 },
        header: checked.header,
        site: checked.site,
        journal: None,
        entries: Vec::new(),
        last: Sequence::ZERO,
    };
    for _ in 2..checked.lines {
        let Some(line) = lines.next()? else { break };
        taking.line(lines.number, line).await?;
    }
    taking.flush(lines.number, Vec::new()).await?;
    let Taking { result, header, site, .. } = taking;
    store.carried(Carried { site, header, signed: checked.signed, at }).await?;
    Ok(result)
}

/// A file whose signatures verified.
struct Checked {
    site: SiteId,
    header: Header,
    signed: Signed,
    lines: usize,
}

async fn check(store: &Store, lines: &mut Lines) -> Result<Checked, ImportError> {
    let form = |line: usize, why: String| ImportError::Form { line, why };
    let first = lines.next()?.ok_or_else(|| form(1, "the file is empty".to_owned()))?;
    let header: Header = serde_json::from_str(&first).map_err(|error| form(1, format!("not the head of a signed export: {error}")))?;
    if header.format != FORMAT || header.version != VERSION {
        return Err(form(1, format!("{} version {} is not known here", header.format, header.version)));
    }
    let mut tally = Tally::default();
    tally.line(&first);
    let mut waiting = None;
    while let Some(line) = lines.next()? {
        if let Some(before) = waiting.replace(line) {
            tally.line(&before);
        }
    }
    let last = waiting.ok_or_else(|| form(lines.number, "the signatures at the end are missing".to_owned()))?;
    let cut = |error: serde_json::Error| form(lines.number, format!("the signatures at the end are missing: {error}"));
    let footer: Footer = serde_json::from_str(&last).map_err(cut)?;
    let keys = store.terminal_keys(header.terminal.clone()).await?;
    if keys.is_empty() {
        return Err(ImportError::Unknown(header.terminal));
    }
    let mut failed = CanonicalError::Signature;
    for (site, key) in keys {
        let verified = canonical::key_from_text(&key.public_key).and_then(|known| tally.clone().verify(&known, &first, &footer));
        match verified {
            Ok(()) if key.revoked_at.is_some() => return Err(ImportError::Revoked(header.terminal)),
            Ok(()) => {
                let body = Arc::from(first.into_bytes());
                let signed = Signed { purpose: Purpose::Export, public_key: key.public_key, signature: footer.header, body };
                return Ok(Checked { site, header, signed, lines: lines.number });
            }
            Err(error) => failed = error,
        }
    }
    Err(ImportError::Signature(failed))
}

/// The second walk through the file.
struct Taking<'a> {
    store: &'a Store,
    at: Wall,
    at_trusted: bool,
    result: Imported,
    header: Header,
    site: SiteId,
    journal: Option<JournalId>,
    entries: Vec<Box<RawValue>>,
    last: Sequence,
}

impl Taking<'_> {
    async fn line(&mut self, number: usize, line: String) -> Result<(), ImportError> {
        if let Ok(hole) = serde_json::from_str::<LostLine>(&line) {
            self.flush(number, Vec::new()).await?;
            self.journal = Some(hole.journal);
            return self.flush(number, vec![hole.lost]).await;
        }
        let form = |why: String| ImportError::Form { line: number, why };
        let entry = canonical::open(&line).map_err(|error| form(error.to_string()))?;
        self.result.entries += 1;
        let end = self.header.state.journals.iter().find(|end| end.journal == entry.journal);
        if end.is_none_or(|end| entry.sequence > end.sequence) {
            self.result.left_out += 1;
            return Ok(());
        }
        let follows = self.journal == Some(entry.journal) && (self.entries.is_empty() || entry.sequence == self.last.next());
        if !follows || self.entries.len() >= BATCH_ENTRIES_MAX {
            self.flush(number, Vec::new()).await?;
        }
        (self.journal, self.last) = (Some(entry.journal), entry.sequence);
        self.entries.push(RawValue::from_string(line).map_err(|error| form(error.to_string()))?);
        Ok(())
    }

    async fn flush(&mut self, number: usize, lost: Vec<Lost>) -> Result<(), ImportError> {
        let Some(journal) = self.journal else { return Ok(()) };
        let entries = std::mem::take(&mut self.entries);
        if entries.is_empty() && lost.is_empty() {
            return Ok(());
        }
        let mut state = self.header.state.clone();
        state.journals.retain(|end| end.head != EntryHash::NONE);
        let batch = Batch { version: BATCH_VERSION, terminal: self.header.terminal.clone(), journal, entries, lost, state };
        let batch = batch.check().map_err(|source| ImportError::Part { line: number, source })?;
        let arrival = Arrival { site: self.site, batch, signed: None, at: self.at, at_trusted: self.at_trusted };
        let taken = self.store.ingest(arrival).await?;
        self.result.accepted += u64::try_from(taken.accepted).unwrap_or_default();
        self.result.quarantined += u64::try_from(taken.quarantined).unwrap_or_default();
        Ok(())
    }
}

/// Lines of a bounded length from a bounded file.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: usize,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(ImportError::Form { line: 0, why: format!("the file has more than {FILE_BYTES_MAX} bytes") });
        }
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), number: 0 })
    }

    fn rewind(&mut self) -> Result<(), ImportError> {
        self.number = 0;
        self.reader.rewind().map_err(|source| ImportError::Read { path: self.path.clone(), source })
    }

    fn next(&mut self) -> Result<Option<String>, ImportError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = self.reader.by_ref().take(limit + 1).read_until(b'\n', &mut bytes);
        read.map_err(|source| ImportError::Read { path: self.path.clone(), source })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let form = |why: &str| ImportError::Form { line: self.number, why: why.to_owned() };
        if bytes.pop() != Some(b'\n') {
            return Err(form("the line is too long, or the file was cut short"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_not_utf8| form("not UTF-8"))
    }
}
