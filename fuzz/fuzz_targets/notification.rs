#![no_main]
//! See `conformance::fuzz::notification`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::notification(data));
