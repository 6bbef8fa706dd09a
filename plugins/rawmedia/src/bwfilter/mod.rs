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

/// What the gray of a YUV picture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstBwFilterLuma")]
#[repr(i32)]
pub enum BwFilterLuma {
    /// Its Y, whatever the matrix.
    #[default]
    #[enum_value(name = "As it is: the Y of YUV stays", nick = "as-is")]
    AsIs,
    /// That of CSS `grayscale()`: 0.2126 R + 0.7152 G + 0.0722 B.
    #[enum_value(
        name = "BT.709: the weights of browsers, whatever the matrix",
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
