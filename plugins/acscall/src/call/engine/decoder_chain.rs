//! The elements that decode.

use gst::glib;
use gst::prelude::*;

use super::codec::{Codec, MissingElement, make, make_first, raw_audio};

/// Makes the elements that turn a track's RTP into raw media, in the order of their links.
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
        // [`super::colorimetry`] reads the header extensions. GStreamer 1.22 hangs on an extension
        // of unexpected length.
        set(depayloader, "auto-header-extension", false);
    }
    let decoder = make_first(codec.decoders())?;
    // Damaged packets are concealed like lost ones.
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
    // With several threads, each frame would wait for the next ones.
    set(&decoder, "max-threads", 1i32);
    elements.push(decoder);
    Ok(elements)
}

/// Sets a property if the element has it with this type.
fn set<T: ToValue + glib::value::ValueType>(element: &gst::Element, property: &str, value: T) {
    if element.find_property(property).map(|p| p.value_type()) == Some(T::Type::static_type()) {
        element.set_property_from_value(property, &value.to_value());
    }
}

/// The reason why a received track cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecoderError {
    #[error(transparent)]
    Missing(#[from] MissingElement),
    #[error("no decoder for {0}")]
    UnknownCodec(String),
}
