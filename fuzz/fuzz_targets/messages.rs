//! See [`acscall_fuzz::messages`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acscall_fuzz::messages::check(data));
