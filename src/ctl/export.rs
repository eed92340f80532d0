//! Every entry as a file: for another program, or signed for a USB stick.

use std::io::{self, Write};
use std::path::Path;

use super::Format;
use super::client::{Client, ClientError};
use super::entries;
use crate::control::Request;
use crate::domain::time::UtcOffset;
use crate::sys::{self, Exit};
use crate::wire::canonical;
use crate::wire::export::Footer;

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
    while let Some(text) = client.entry()? {
        if format == Format::Jsonl {
            sys::out(text);
            continue;
        }
        let entry = canonical::open(&text).map_err(|error| ClientError::Refused(error.to_string()))?;
        let kind = serde_json::to_value(&entry.body).ok().and_then(|body| body.get("kind")?.as_str().map(str::to_owned));
        let row = [
            entry.journal.to_string(),
            entry.sequence.to_string(),
            UtcOffset::china().rfc3339(entry.clock.wall),
            format!("{:?}", entry.clock.trust).to_lowercase(),
            kind.unwrap_or_default(),
            entries::content(&entry.body),
        ];
        out.write_record(row).map_err(io::Error::from)?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}

/// Writes a signed file that `punch-office import` takes.
pub(crate) fn signed(mut client: Client, path: &Path) -> Result<Exit, ClientError> {
    client.ask(&Request::ExportSigned)?;
    let mut text = String::new();
    while let Some(line) = client.entry()? {
        text.push_str(&line);
        text.push('\n');
    }
    // The footer is punchd's last word; without it the file would be refused at the office, where nobody can ask again.
    if text.lines().next_back().is_none_or(|line| serde_json::from_str::<Footer>(line).is_err()) {
        return Err(ClientError::Refused("punchd ended before the file was whole; nothing was written, ask again".to_owned()));
    }
    sys::write_whole(path, text.as_bytes(), 0o600).map_err(|source| ClientError::Write { path: path.to_owned(), source })?;
    sys::out(format_args!("{}", path.display()));
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::control::Reply;

    #[test]
    fn a_signed_file_that_punchd_did_not_end_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stick.jsonl");
        let footer = serde_json::to_string(&Footer { digest: String::new(), header: String::new(), file: String::new() }).unwrap();
        let answered = |lines: &[&str]| {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            for line in lines {
                let reply = serde_json::to_string(&Reply::Line { text: (*line).to_owned() }).unwrap();
                writeln!(theirs, "{reply}").unwrap();
            }
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            signed(Client::over(ours), &path)
        };
        for cut_short in [&[][..], &["{\"format\":\"punchd-export\"}"], &[&footer, "{\"journal\":\"x\"}"]] {
            let refused = answered(cut_short).unwrap_err().to_string();
            assert!(refused.contains("ask again") && !path.exists(), "{refused}");
        }
        answered(&["{\"format\":\"punchd-export\"}", &footer]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
