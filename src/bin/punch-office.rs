//! A shim; see `punchd::office`.
#![forbid(unsafe_code)]

fn main() {}
