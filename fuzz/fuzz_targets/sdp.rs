//! See [`acscall_fuzz::sdp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acscall_fuzz::sdp::check(data));
