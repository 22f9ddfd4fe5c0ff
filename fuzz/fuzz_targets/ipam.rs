#![no_main]
//! See `conformance::fuzz::ipam`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::ipam(data));
