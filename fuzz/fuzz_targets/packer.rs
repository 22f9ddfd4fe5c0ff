#![no_main]
//! See `conformance::fuzz::packer`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance::fuzz::packer(data));
