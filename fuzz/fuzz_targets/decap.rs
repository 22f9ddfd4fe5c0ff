#![no_main]
//! See `conformance::fuzz::decap`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::decap(data));
