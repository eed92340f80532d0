//! A technician's request and the kiosk's answer: what is accepted is the same after writing, on one line.

use punchd::control::{Reply, Request};

use super::json;

/// The bytes are a line.
pub fn holds(bytes: &[u8]) {
    if let Some(request) = json::read::<Request>(bytes) {
        let line = serde_json::to_string(&request).unwrap();
        assert!(!line.contains('\n'), "a request is one line");
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
    }
    if let Some(reply) = json::read::<Reply>(bytes) {
        let line = serde_json::to_string(&reply).unwrap();
        assert!(!line.contains('\n'), "an answer is one line");
        assert_eq!(serde_json::from_str::<Reply>(&line).unwrap(), reply);
    }
}
