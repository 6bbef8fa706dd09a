//! See [`acscall_fuzz::call`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acscall_fuzz::call::check(data));
