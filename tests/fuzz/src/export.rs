//! A signed file: its lines are the same after writing, and a footer vouches for exactly the lines that it was made over.

use ed25519_dalek::SigningKey;
use punchd::wire::export::{Footer, Header, LostLine, Tally};

use super::json;

/// The bytes are the lines of a file; the last may be a footer.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
    json::read::<Header>(first.as_bytes());
    for line in &lines {
        let hole = json::read::<LostLine>(line.as_bytes());
        let entry = punchd::wire::canonical::open(line);
        assert!(hole.is_none() || entry.is_err(), "a line is a hole or an entry, never both");
    }
    let key = SigningKey::from_bytes(&[7; 32]);
    if let Some(footer) = json::read::<Footer>(last.as_bytes()) {
        assert!(tally(&lines).verify(&key.verifying_key(), first, &footer).is_err(), "nobody else's footer passes");
    }
    let footer = tally(&lines).sign(&key, first);
    assert_eq!(tally(&lines).verify(&key.verifying_key(), first, &footer), Ok(()));
    assert!(tally(&lines[1..]).verify(&key.verifying_key(), first, &footer).is_err(), "a line less");
    assert!(tally(&[&lines[..], &[""]].concat()).verify(&key.verifying_key(), first, &footer).is_err(), "a line more");
    let other = SigningKey::from_bytes(&[8; 32]);
    assert!(tally(&lines).verify(&other.verifying_key(), first, &footer).is_err(), "another key");
}

fn tally(lines: &[&str]) -> Tally {
    let mut tally = Tally::default();
    for line in lines {
        tally.line(line);
    }
    tally
}
