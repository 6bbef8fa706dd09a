//! See [`acscall_fuzz::leg`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acscall_fuzz::leg::check(data));
