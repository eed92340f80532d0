//! A kiosk's configuration: what is accepted keeps its limits, everything else is told with its place.

use punchd::config::terminal::{READERS_MAX, check};

use super::text;

/// The key whose value names a file that the check reads: no fuzzer chooses which.
const NAMES_A_FILE: &str = "password";

/// The bytes are the file.
pub fn holds(bytes: &[u8]) {
    let Ok(written) = std::str::from_utf8(bytes) else { return };
    if written.contains(NAMES_A_FILE) || written.contains('\\') {
        return;
    }
    let Some(settings) = text::read(written, |text| check("terminal.toml", text)) else { return };
    assert!(settings.listen.ip().is_loopback() && (30..=3_650).contains(&settings.retention_days));
    assert!(settings.office.url.as_ref().is_none_or(|url| url.starts_with("https:") && !url.ends_with('/')), "{:?}", settings.office);
    assert!(settings.readers.len() <= READERS_MAX && settings.file.is_none());
    for (place, reader) in settings.readers.iter().enumerate() {
        let twice = |other: &punchd::config::reader::ReaderSettings| other.reader == reader.reader || other.device == reader.device;
        assert!(!settings.readers[..place].iter().any(twice), "{reader:?} stands there twice");
    }
    assert_eq!(settings.digest().len(), 64);
}
