//! The property `calendar` under the fuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| punchd_fuzz::calendar::holds(bytes));
