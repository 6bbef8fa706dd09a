//! GStreamer elements that receive raw media from a call and send raw media into it.
//!
//! * [`acscallsrc`]: source pads with the streams of the other participants.
//! * [`acscallsink`]: sends the streams that are linked to its sink pads.

#![deny(unsafe_code)]
#![expect(
    missing_docs,
    reason = "plugin_define! makes items that cannot be documented"
)]

pub mod acscallsink;
pub mod acscallsrc;
mod call;
mod common;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use call::fuzzing;

fn plugin_init(plugin: &gst::Plugin) -> Result<(), gst::glib::BoolError> {
    acscallsrc::register(plugin)?;
    acscallsink::register(plugin)
}

gst::plugin_define!(
    acscall,
    env!("CARGO_PKG_DESCRIPTION"),
    plugin_init,
    concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
    "MPL-2.0",
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_REPOSITORY"),
    env!("BUILD_REL_DATE")
);
