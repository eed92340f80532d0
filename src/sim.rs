//! Simulated readers for trying the programs and for tests: bytes on a pseudo-terminal that no driver can tell from a module's.
//!
//! Invariant: nothing here is shared with `reader`, not even a constant; a mistake in a driver must not find its twin here.

use std::process::ExitCode;

mod badge;
mod bench;
mod binary_badge;
mod cli;
pub mod command;
mod demo;
mod device;
mod finger;
mod finger_instruction;
mod finger_library;
mod finger_packet;
mod hex;
mod line;
pub mod pace;
mod pty;
pub mod reader;

/// The program `punch-sim`.
pub fn main() -> ExitCode {
    cli::run()
}
