#![no_main]
//! See `conformance::fuzz::bmp`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::bmp(data));
