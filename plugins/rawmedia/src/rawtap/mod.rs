#![doc = include_str!("../../docs/rawtap.md")]

mod allocation;
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

use gst::glib;
use gst::prelude::*;

/// What a tap does when its branch cannot keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstRawTapPolicy")]
#[repr(i32)]
pub enum RawTapPolicy {
    /// Only the newest buffer is held.
    #[default]
    #[enum_value(name = "Latest: hold the newest buffer only", nick = "latest")]
    Latest,
    /// `max-buffers` are held; a new one takes the oldest one's place.
    #[enum_value(
        name = "Drop oldest: a new buffer takes the place of the oldest",
        nick = "drop-oldest"
    )]
    DropOldest,
    /// `max-buffers` are held; a new one is dropped when there is no room.
    #[enum_value(
        name = "Drop newest: a new buffer is dropped when there is no room",
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
    /// A tap.
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
