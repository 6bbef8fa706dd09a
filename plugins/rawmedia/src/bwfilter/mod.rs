//! # bwfilter
//!
//! Black and white: CSS `grayscale(amount)` on raw video.
//!
//! ```text
//! gst-launch-1.0 videotestsrc ! bwfilter ! videoconvert ! autovideosink
//! ```
//!
//! | property | |
//! |---|---|
//! | `amount` | 0 changes nothing, 1 (the default) leaves no colour, between them colours fade. May be controlled, and set while playing |
//! | `luma` | what the gray of YUV is: `as-is` its Y, `bt709` what a browser makes of the picture. The same for YUV with the bt709 matrix. RGB always becomes what a browser makes of it |
//!
//! # What it costs
//!
//! * `amount=0`, and gray video: nothing, the buffers go through.
//! * Planar and semi-planar YUV at `amount=1` where luma stays: no pixel is touched, whatever the
//!   size. The output has the input's luma in the input's own memory, and chroma that all frames
//!   share and nobody can write to. Elements downstream have to take `GstVideoMeta` for it, as
//!   nearly all do; otherwise chroma is filled in place.
//! * All else runs over the pixels once, with AVX2 or NEON where the processor has it: in place
//!   where nobody else holds the buffer, into a new buffer otherwise.
//!
//! # Formats
//!
//! Of GStreamer's formats, those of 8 and 10 bits that are in use, and those of 12 and 16 bits that
//! are laid out in the same way. Not:
//!
//! * tiled (`NV12_4L4`, `NV12_32L32`, `NV12_64Z32`) and bit-packed (`v210`, `UYVP`, `IYU1`,
//!   `NV12_10LE32`, `NV16_10LE32`, `NV12_10LE40`, `GRAY10_LE32`): components do not lie at places of
//!   their own that a row of them could be run over;
//! * big-endian ones (`I420_10BE` …), 16 bits for each component in packed ones (`ARGB64`, `AYUV64`,
//!   `Y412_LE`, `Y212_LE`, `v216` …) and 16 bits for a pixel (`RGB16`, `RGB15`, `BGR16`, `BGR15`):
//!   rare, and not worth kernels of their own;
//! * `RGB8P`, whose colours are in a palette;
//! * memory that is not the system's (`memory:GLMemory`, `memory:DMABuf` …).
//!
//! `videoconvert` in front of it makes one of its own out of them. Separate views of multiview video
//! and `interlace-mode=fields`, where a buffer holds more than one picture, are not taken either.

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
