//! Every entry as a file: for another program, or signed for a USB stick.

use std::io::{self, Write};
use std::path::Path;

use super::Format;
use super::client::{Client, ClientError};
use super::entries;
use crate::control::{Reply, Request};
use crate::domain::time::UtcOffset;
use crate::sys::{self, Exit};
use crate::wire::canonical;

/// The byte order mark by which spreadsheets know UTF-8.
const BOM: &str = "\u{FEFF}";

/// Writes every entry to standard output.
pub(crate) fn plain(mut client: Client, format: Format) -> Result<Exit, ClientError> {
    client.ask(&Request::Punches { after: None })?;
    if format == Format::Csv {
        io::stdout().lock().write_all(BOM.as_bytes())?;
    }
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(io::stdout());
    if format == Format::Csv {
        out.write_record(["journal", "sequence", "at_raw", "trust", "kind", "content"]).map_err(io::Error::from)?;
    }
    while let Some(reply) = client.reply()? {
        match reply {
            Reply::Line { text } if format == Format::Jsonl => sys::out(text),
            Reply::Line { text } => {
                let entry = canonical::open(&text).map_err(|error| ClientError::Refused(error.to_string()))?;
                let content = entries::content(&entry.body);
                let kind = serde_json::to_value(&entry.body).ok().and_then(|body| body.get("kind")?.as_str().map(str::to_owned));
                let row = [
                    entry.journal.to_string(),
                    entry.sequence.to_string(),
                    UtcOffset::china().rfc3339(entry.clock.wall),
                    format!("{:?}", entry.clock.trust).to_lowercase(),
                    kind.unwrap_or_default(),
                    content,
                ];
                out.write_record(row).map_err(io::Error::from)?;
            }
            Reply::Failed { text, .. } => return Err(ClientError::Refused(text)),
            Reply::Status(_)
            | Reply::Readers { .. }
            | Reply::Raw { .. }
            | Reply::Answer { .. }
            | Reply::Part { .. }
            | Reply::Done { .. } => {}
        }
    }
    out.flush()?;
    Ok(Exit::Ok)
}

/// Writes a signed file that `punch-office import` takes.
pub(crate) fn signed(mut client: Client, path: &Path) -> Result<Exit, ClientError> {
    client.ask(&Request::ExportSigned)?;
    let mut text = String::new();
    while let Some(reply) = client.reply()? {
        match reply {
            Reply::Line { text: line } => {
                text.push_str(&line);
                text.push('\n');
            }
            Reply::Failed { text, .. } => return Err(ClientError::Refused(text)),
            Reply::Status(_)
            | Reply::Readers { .. }
            | Reply::Raw { .. }
            | Reply::Answer { .. }
            | Reply::Part { .. }
            | Reply::Done { .. } => {}
        }
    }
    sys::write_whole(path, text.as_bytes(), 0o600).map_err(|source| ClientError::Write { path: path.to_owned(), source })?;
    sys::out(format_args!("{}", path.display()));
    Ok(Exit::Ok)
}
