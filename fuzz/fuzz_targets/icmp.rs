#![no_main]
//! See `conformance::fuzz::icmp`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::icmp(data));
