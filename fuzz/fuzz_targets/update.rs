#![no_main]
//! See `conformance::fuzz::update`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::update(data));
