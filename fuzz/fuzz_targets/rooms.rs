//! See [`acscall_fuzz::rooms`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acscall_fuzz::rooms::check(data));
