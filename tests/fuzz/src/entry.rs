//! The text of a journal's entry: what is opened can be sealed again to an entry that says the same, and its limits hold.

use punchd::domain::credential::{Credential, TEXT_MAX};
use punchd::wire::canonical;
use punchd::wire::entry::{Body, CutOff, Draft, ENTRY_BYTES_MAX};

use super::json;

/// The bytes are the text.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(cut) = text.parse::<CutOff>() {
        assert_eq!(cut.to_string().parse(), Ok(cut), "it survives its text");
    }
    let Ok(entry) = canonical::open(text) else { return };
    json::read::<punchd::wire::entry::Entry>(bytes).expect("it was opened");
    let draft = Draft { clock: entry.clock, body: entry.body.clone(), origin: entry.origin };
    let sealed = canonical::seal(draft, entry.journal, entry.sequence, entry.previous).expect("what was opened can be sealed");
    assert_eq!(canonical::open(&sealed.text).as_ref(), Ok(&entry));
    assert_eq!(sealed.hash, canonical::entry_hash(&sealed.text));
    assert!(bytes.len() > ENTRY_BYTES_MAX / 2 || sealed.text.len() <= ENTRY_BYTES_MAX, "{} from {}", sealed.text.len(), bytes.len());
    if let Body::Punch { credential, .. } = &entry.body {
        assert_eq!(credential.to_string().parse().as_ref(), Ok(credential));
        if let Credential::Text(text) | Credential::Number { text, .. } = credential {
            assert!((1..=TEXT_MAX).contains(&text.len()), "a text of {} bytes", text.len());
        }
    }
}
