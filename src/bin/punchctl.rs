//! `punchctl`: see `punchd::ctl`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    punchd::ctl::main()
}
