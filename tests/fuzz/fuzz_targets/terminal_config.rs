//! The property `terminal_config` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| punchd_fuzz::terminal_config::holds(bytes));
