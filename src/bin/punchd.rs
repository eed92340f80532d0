//! `punchd`: see `punchd::terminal`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    punchd::terminal::main()
}
