//! A shim; see `punchd::ctl`.
#![forbid(unsafe_code)]

fn main() {}
