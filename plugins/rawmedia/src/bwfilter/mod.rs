#![doc = include_str!("../../docs/bwfilter.md")]

mod frame;
mod imp;
mod layout;
mod map;
mod metadata;
mod neutral;
mod plan;
mod stream;
mod view;

use gst::glib;
use gst::prelude::*;

/// How the gray of a YUV picture is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstBwFilterLuma")]
#[repr(i32)]
pub enum BwFilterLuma {
    /// Keeps Y, whatever the matrix.
    #[default]
    #[enum_value(name = "As is: keep the luma of the input", nick = "as-is")]
    AsIs,
    /// CSS `grayscale()`: 0.2126 R + 0.7152 G + 0.0722 B.
    #[enum_value(
        name = "BT.709: use the weights of CSS, whatever the matrix",
        nick = "bt709"
    )]
    Bt709,
}

glib::wrapper! {
    /// The element.
    pub struct BwFilter(ObjectSubclass<imp::BwFilter>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

/// Registers the element's factory.
pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    BwFilterLuma::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(
        Some(plugin),
        "bwfilter",
        gst::Rank::NONE,
        BwFilter::static_type(),
    )
}
