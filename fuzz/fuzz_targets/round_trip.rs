#![no_main]
//! See `conformance::fuzz::round_trip`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::round_trip(data));
