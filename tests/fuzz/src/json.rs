//! What holds for every message in JSON: what is accepted can be written, and read again to the same; what is refused is told in a few words.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes of a refusal beside what it quotes of the message.
const REFUSAL_BYTES: usize = 1_024;

/// Reads a message; what was read is written and read again.
pub(crate) fn read<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match serde_json::from_slice::<T>(bytes) {
        Ok(message) => {
            let written = serde_json::to_vec(&message).expect("what was read can be written");
            let again: T = serde_json::from_slice(&written).expect("what was written can be read");
            assert_eq!(serde_json::to_vec(&again).unwrap(), written, "it is the same after writing");
            Some(message)
        }
        Err(error) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(error.line() <= lines, "line {} of {lines}", error.line());
            assert!(error.to_string().len() <= REFUSAL_BYTES + 8 * bytes.len(), "{error}");
            None
        }
    }
}
