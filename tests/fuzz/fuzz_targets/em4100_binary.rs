//! The property `em4100_binary` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| punchd_fuzz::em4100_binary::holds(bytes));
