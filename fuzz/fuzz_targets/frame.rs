#![no_main]
//! See `conformance::fuzz::frame`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::frame(data));
