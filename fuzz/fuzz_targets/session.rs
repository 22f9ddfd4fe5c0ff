#![no_main]
//! See `conformance::fuzz::session`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::session(data));
