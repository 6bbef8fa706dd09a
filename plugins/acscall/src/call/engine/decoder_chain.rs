//! The elements that decode.

use gst::glib;
use gst::prelude::*;

use super::codec::{Codec, MissingElement, make, make_first, raw_audio};

/// Makes what turns a line's RTP into raw media, in the order of their links.
pub(super) fn chain(caps: &gst::CapsRef) -> Result<Vec<gst::Element>, DecoderError> {
    let encoding = caps
        .structure(0)
        .and_then(|structure| structure.get::<&str>("encoding-name").ok())
        .unwrap_or_default();
    let codec =
        Codec::from_name(encoding).ok_or_else(|| DecoderError::UnknownCodec(caps.to_string()))?;
    let mut elements = Vec::new();
    for factory in codec.receive_elements() {
        elements.push(make(factory)?);
    }
    if let Some(depayloader) = elements.first() {
        // Nothing is read of headers here, see [`super::colorimetry`]. GStreamer 1.22 hangs for ever on
        // an extension whose length is not what it expects.
        set(depayloader, "auto-header-extension", false);
    }
    let decoder = make_first(codec.decoders())?;
    // A damaged packet is concealed like a lost one.
    set(&decoder, "max-errors", -1i32);
    if codec == Codec::Opus {
        decoder.set_property("plc", true);
        decoder.set_property("use-inband-fec", true);
        let format = make("capsfilter")?;
        format.set_property("caps", raw_audio());
        elements.extend([
            decoder,
            make("audioconvert")?,
            make("audioresample")?,
            format,
        ]);
        return Ok(elements);
    }
    if let Some(depayloader) = elements.first() {
        set(depayloader, "request-keyframe", true);
        set(depayloader, "wait-for-keyframe", true);
    }
    // Decoding several frames at once would hold each back for the others.
    set(&decoder, "max-threads", 1i32);
    elements.push(decoder);
    Ok(elements)
}

/// Sets a property that not every element of a kind has, in the same type.
fn set<T: ToValue + glib::value::ValueType>(element: &gst::Element, property: &str, value: T) {
    if element.find_property(property).map(|p| p.value_type()) == Some(T::Type::static_type()) {
        element.set_property_from_value(property, &value.to_value());
    }
}

/// Why a received line cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecoderError {
    #[error(transparent)]
    Missing(#[from] MissingElement),
    #[error("no decoder for {0}")]
    UnknownCodec(String),
}
