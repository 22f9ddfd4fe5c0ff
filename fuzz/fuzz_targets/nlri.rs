#![no_main]
//! See `conformance::fuzz::nlri`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::nlri(data));
