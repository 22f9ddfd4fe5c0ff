#![no_main]
//! See `conformance::fuzz::selector`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::selector(data));
