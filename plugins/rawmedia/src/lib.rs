//! GStreamer elements for raw media, with no network in them.
//!
//! * [`rawtap`]: gives what passes through to branches that cannot disturb it.
//! * [`bwfilter`]: CSS `grayscale(amount)` on raw video.

#![deny(unsafe_code)]
#![expect(
    missing_docs,
    reason = "plugin_define! makes items that cannot be documented"
)]

pub mod bwfilter;
pub mod rawtap;

fn plugin_init(plugin: &gst::Plugin) -> Result<(), gst::glib::BoolError> {
    rawtap::register(plugin)?;
    bwfilter::register(plugin)
}

gst::plugin_define!(
    rawmedia,
    env!("CARGO_PKG_DESCRIPTION"),
    plugin_init,
    concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
    "MPL-2.0",
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_REPOSITORY"),
    env!("BUILD_REL_DATE")
);
