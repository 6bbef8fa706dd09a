//! Recognizes buffers of pools that cannot grow: a tap that holds them could starve upstream.
#![expect(
    unsafe_code,
    reason = "the bindings have no accessor for the pool of a buffer"
)]

use gst::ffi;
use gst::glib::translate::{ToGlibPtr, from_glib_none};
use gst::prelude::*;

/// Caches the answer for the pool of the last buffer.
#[derive(Debug, Default)]
pub(super) struct PoolWatch {
    /// The reference keeps the address from being reused for another pool.
    last: Option<(gst::BufferPool, bool)>,
}

impl PoolWatch {
    /// Whether the buffer's memory belongs to a pool with a maximum number of buffers.
    pub(super) fn is_fixed(&mut self, buffer: &gst::BufferRef) -> bool {
        // A shallow copy references the buffer whose memory it uses.
        match buffer.meta::<gst::ParentBufferMeta>() {
            Some(meta) => self.is_pool_fixed(meta.parent()),
            None => self.is_pool_fixed(buffer),
        }
    }

    /// Forgets the pool, which may get a new configuration. Returns it, so that the caller can free it
    /// without a lock.
    #[must_use]
    pub(super) fn forget(&mut self) -> Option<gst::BufferPool> {
        self.last.take().map(|(pool, _)| pool)
    }

    fn is_pool_fixed(&mut self, buffer: &gst::BufferRef) -> bool {
        // SAFETY: the pointer is valid as long as the reference. The field is set before a buffer
        // leaves its pool, and cleared when it returns.
        let pool: *mut ffi::GstBufferPool = unsafe { (*buffer.as_ptr()).pool };
        if pool.is_null() {
            return false;
        }
        if let Some((last, is_fixed)) = &self.last {
            let last: *mut ffi::GstBufferPool = last.to_glib_none().0;
            if last == pool {
                return *is_fixed;
            }
        }
        // SAFETY: a buffer outside its pool holds a reference to the pool.
        let pool: gst::BufferPool = unsafe { from_glib_none(pool) };
        let is_fixed = pool
            .config()
            .params()
            .is_some_and(|(_, _, _, max)| max != 0);
        self.last = Some((pool, is_fixed));
        is_fixed
    }
}
