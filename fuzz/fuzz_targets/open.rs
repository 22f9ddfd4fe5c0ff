#![no_main]
//! See `conformance::fuzz::open`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::open(data));
