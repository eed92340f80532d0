//! The property `bundle` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| punchd_fuzz::bundle::holds(bytes));
