#![doc = include_str!("../../docs/rawtap.md")]

// `imp`, `pad` and the wrappers below refer to each other, as GObject subclasses do. The other files
// form no circle.
mod allocation;
mod detached;
mod imp;
mod layout;
mod out_of_band;
mod pad;
mod pads;
mod pool;
mod queue;
mod rate;
mod sticky;
mod tap;

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "rawtap",
        gst::DebugColorFlags::empty(),
        Some("Raw tap: buffers for branches that cannot disturb the main flow"),
    )
});

/// The behaviour of a tap whose branch cannot keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstRawTapPolicy")]
#[repr(i32)]
pub enum RawTapPolicy {
    /// Holds the newest buffer only.
    #[default]
    #[enum_value(name = "Latest: hold only the newest buffer", nick = "latest")]
    Latest,
    /// Holds `max-buffers`; a new buffer replaces the oldest.
    #[enum_value(
        name = "Drop oldest: a new buffer replaces the oldest",
        nick = "drop-oldest"
    )]
    DropOldest,
    /// Holds `max-buffers`; a new buffer is dropped if the queue is full.
    #[enum_value(
        name = "Drop newest: drop new buffers while the queue is full",
        nick = "drop-newest"
    )]
    DropNewest,
}

glib::wrapper! {
    /// The element.
    pub struct RawTap(ObjectSubclass<imp::RawTap>)
        @extends gst::Element, gst::Object,
        @implements gst::ChildProxy;
}

glib::wrapper! {
    /// The pad of a tap.
    pub struct RawTapPad(ObjectSubclass<pad::RawTapPad>)
        @extends gst::Pad, gst::Object;
}

/// Registers the element's factory.
pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        "rawtap",
        gst::Rank::NONE,
        RawTap::static_type(),
    )
}
