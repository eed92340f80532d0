//! `punch-office`: see `punchd::office`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    punchd::office::main()
}
