//! The property `columns` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| punchd_fuzz::columns::holds(bytes));
