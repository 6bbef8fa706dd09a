//! Tells buffers whose pool cannot grow: a tap that held such buffers could starve upstream.
#![expect(
    unsafe_code,
    reason = "the bindings have no accessor for the pool of a buffer"
)]

use gst::ffi;
use gst::glib::translate::{ToGlibPtr, from_glib_none};
use gst::prelude::*;

/// Remembers the answer for the pool of the last buffer, so that it costs nothing per buffer.
#[derive(Debug, Default)]
pub(super) struct PoolWatch {
    /// Held, so that its address stands for no other pool.
    last: Option<(gst::BufferPool, bool)>,
}

impl PoolWatch {
    /// Whether the buffer's memory comes from a pool with a maximum.
    pub(super) fn is_fixed(&mut self, buffer: &gst::BufferRef) -> bool {
        // A shallow copy holds the buffer whose memory it uses.
        match buffer.meta::<gst::ParentBufferMeta>() {
            Some(meta) => self.is_pool_fixed(meta.parent()),
            None => self.is_pool_fixed(buffer),
        }
    }

    /// The pool may have been set up anew. Gives it back, to be let go of where nothing is locked.
    #[must_use]
    pub(super) fn forget(&mut self) -> Option<gst::BufferPool> {
        self.last.take().map(|(pool, _)| pool)
    }

    fn is_pool_fixed(&mut self, buffer: &gst::BufferRef) -> bool {
        // SAFETY: the pointer is valid as long as the reference, and the field is set before a
        // buffer leaves its pool and cleared when it is back.
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
        // SAFETY: a buffer out of a pool holds a reference to it.
        let pool: gst::BufferPool = unsafe { from_glib_none(pool) };
        let is_fixed = pool
            .config()
            .params()
            .is_some_and(|(_, _, _, max)| max != 0);
        self.last = Some((pool, is_fixed));
        is_fixed
    }
}
