//! The property `rules` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| punchd_fuzz::rules::holds(bytes));
