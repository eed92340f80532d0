//! Pairing: a code survives its text, a mistyped one is told without repeating it, and request and reply are the same after writing.

use punchd::domain::id::{NAME_MAX, TerminalId};
use punchd::wire::pairing::{CODE_LETTERS, PairReply, PairRequest, PairingCode};

use super::json;

/// Most bytes of a refusal: a code is a secret and is not repeated.
const REFUSAL_BYTES: usize = 120;

/// The bytes are a code, a name, a request or a reply.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match text.parse::<PairingCode>() {
        Ok(code) => {
            let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
            assert_eq!(letters(&code.to_string()), letters(&text), "every letter counts");
            assert!(letters(&text).len() == CODE_LETTERS && code.to_string().parse() == Ok(code));
        }
        Err(error) => assert!(error.to_string().len() <= REFUSAL_BYTES && error.code().starts_with("pairing-code-"), "{error}"),
    }
    if let Ok(name) = text.parse::<TerminalId>() {
        assert!((1..=NAME_MAX).contains(&name.as_str().len()) && name.as_str() == text);
    }
    json::read::<PairRequest>(bytes);
    json::read::<PairReply>(bytes);
}
