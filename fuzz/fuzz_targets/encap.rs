#![no_main]
//! See `conformance::fuzz::encap`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::encap(data));
