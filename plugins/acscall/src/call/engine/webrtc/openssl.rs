//! OpenSSL, which GStreamer's DTLS elements use, at the end of a process.
#![expect(
    unsafe_code,
    reason = "calls a function of the library that another plugin is linked to"
)]

use gst::prelude::*;
use libloading::os::unix::{Library, RTLD_LAZY};

/// `OPENSSL_INIT_NO_ATEXIT` of openssl/crypto.h, the same in all versions since 1.1.0.
const INIT_NO_ATEXIT: u64 = 0x0008_0000;

/// `RTLD_NOLOAD` of dlfcn.h: opens only what has been loaded.
const RTLD_NOLOAD: i32 = 4;

/// Keeps OpenSSL from freeing its global state in `exit()`.
///
/// OpenSSL 1.1 and 3 free it in an `atexit` handler, while other threads still use it: a process
/// that returns from `main()` without setting its pipeline to NULL, or while a leg is still being
/// closed, crashes in one of five exits. OpenSSL 4 has no such handler any more
/// (<https://github.com/openssl/openssl/issues/23575>).
///
/// Has no effect if something else in the process initialized OpenSSL before; then its handler runs
/// after that of [`at_exit`](crate::call::at_exit), which leaves all calls.
pub(super) fn disable_cleanup_at_exit() {
    let Some(path) = path_of_dtls_plugin() else {
        return;
    };
    // Looking the function up through the plugin finds the very OpenSSL that it is linked to. A
    // plugin without it, linked to another library, is left alone.
    //
    // SAFETY: the library has been loaded, so nothing is initialized here. Plugins are never
    // unloaded. The function has had this signature since OpenSSL 1.1.0, may be called from any
    // thread at any time, and takes a null pointer for no settings.
    unsafe {
        let Ok(plugin) = Library::open(Some(path), RTLD_LAZY | RTLD_NOLOAD) else {
            return;
        };
        type Init = unsafe extern "C" fn(u64, *const std::ffi::c_void) -> std::ffi::c_int;
        if let Ok(init) = plugin.get::<Init>(b"OPENSSL_init_crypto\0") {
            init(INIT_NO_ATEXIT, std::ptr::null());
        }
    }
}

fn path_of_dtls_plugin() -> Option<std::path::PathBuf> {
    let factory = gst::ElementFactory::find("dtlsdec")?.load().ok()?;
    factory.plugin()?.filename()
}
