#![no_main]
//! See `conformance::fuzz::tunnel6`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::tunnel6(data));
