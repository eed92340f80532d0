//! A shim; see `punchd::sim`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    punchd::sim::main()
}
