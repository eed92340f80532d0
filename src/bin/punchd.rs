//! A shim; see `punchd::terminal`.
#![forbid(unsafe_code)]

fn main() {}
