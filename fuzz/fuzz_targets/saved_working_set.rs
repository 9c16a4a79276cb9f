#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| psapi::fuzzing::saved_working_set(bytes));
