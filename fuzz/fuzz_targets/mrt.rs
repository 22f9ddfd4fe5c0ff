#![no_main]
//! See `conformance::fuzz::mrt`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::mrt(data));
