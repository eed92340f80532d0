//! The office's configuration: what is accepted keeps its limits, everything else is told with its place.

use punchd::config::office::{PublicUrl, check};

use super::text;

/// The bytes are the file.
pub fn holds(bytes: &[u8]) {
    let Ok(written) = std::str::from_utf8(bytes) else { return };
    if let Ok(url) = written.parse::<PublicUrl>() {
        assert_eq!(url.as_str().parse().as_ref(), Ok(&url), "an address survives its text");
        assert!(url.as_str().contains(url.host()) && !url.host().contains(['/', '@', '[', ']']));
    }
    let Some(settings) = text::read(written, |text| check("office.toml", text)) else { return };
    assert!(!settings.name.trim().is_empty() && settings.name.len() <= 200);
    assert!(settings.pages_listen.is_none_or(|pages| pages.ip().is_loopback()));
    assert!(!settings.listen.ip().is_unspecified() || settings.public_url.is_some());
}
