//! Lines of text: what is read stood in the stream, in an allowed encoding and within its limit, and the next whole line is always read.

use punchd::domain::credential::{Credential, TEXT_MAX};
use punchd::reader::card_format::CardFormat;
use punchd::reader::line::{Encoding, Settings};
use punchd::reader::protocol;

use super::script::Script;
use super::talker::feed;

/// The first two bytes choose the settings; a script of pauses and pieces follows.
pub fn holds(bytes: &[u8]) {
    let mut script = Script(bytes);
    let (marks, form) = (script.byte(), script.byte());
    let settings = Settings {
        prefix: if marks & 1 == 0 { String::new() } else { "ID=".to_owned() },
        suffix: if marks & 2 == 0 { String::new() } else { ";\r\n".to_owned() },
        encoding: if marks & 4 == 0 { Encoding::Utf8 } else { Encoding::Gb18030 },
        card_format: CardFormat::ALL[usize::from(form) % CardFormat::ALL.len()].1,
        gap_ms: (marks & 8 != 0).then_some(u64::from(marks)),
    };
    let fed = feed(&protocol::Settings::Line(settings.clone()), script);
    for credential in &fed.read {
        let text = text(credential);
        assert!(!text.trim().is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control), "{text:?}");
        if settings.encoding == Encoding::Utf8 || text.is_ascii() {
            assert!(fed.stream.windows(text.len()).any(|window| window == text.as_bytes()), "{text:?} never came");
        }
    }
    let end = if settings.suffix.is_empty() { "\r" } else { settings.suffix.as_str() };
    let line = format!("{}0003887558{end}", settings.prefix);
    fed.reads_after_silence(line.as_bytes(), &settings.card_format.credential("0003887558"));
}

fn text(credential: &Credential) -> &str {
    match credential {
        Credential::Text(text) | Credential::Number { text, .. } => text,
        Credential::Badge { .. } | Credential::Finger(_) => panic!("{credential} is no text"),
    }
}
