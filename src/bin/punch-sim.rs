//! `punch-sim`: simulated readers for trying the programs, and for tests.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    punchd::sim::main()
}
