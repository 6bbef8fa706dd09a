//! The message `rawtap-detached`: a tap has stopped because its branch failed.

use gst::prelude::*;

use super::CAT;

/// Posts the message for the tap of `pad`, whose push returned `error`.
pub(super) fn post(pad: &gst::Pad, error: gst::FlowError) {
    let text = match error {
        gst::FlowError::NotNegotiated => {
            "the branch does not accept this format: insert a converter such as videoconvert or \
             audioconvert after the tap"
        }
        gst::FlowError::NotSupported => {
            "the branch does not support this data: insert an element that converts it after the \
             tap"
        }
        gst::FlowError::Eos => {
            "the branch has ended: link another branch to the tap, or release the pad"
        }
        _ => {
            "the branch failed, see its own error message: repair it and link it to the tap \
             again, or release the pad"
        }
    };
    gst::warning!(CAT, obj = pad, "detached: {error:?}, {text}");
    let Some(element) = pad.parent_element() else {
        return;
    };
    let structure = gst::Structure::builder("rawtap-detached")
        .field("pad", pad)
        .field("tap", pad.name())
        .field("result", flow_name(error))
        .field("text", text)
        .build();
    let message = gst::message::Element::builder(structure)
        .src(&element)
        .build();
    drop(element.post_message(message));
}

/// Returns the same names as gst_flow_get_name().
fn flow_name(error: gst::FlowError) -> &'static str {
    match error {
        gst::FlowError::NotLinked => "not-linked",
        gst::FlowError::Flushing => "flushing",
        gst::FlowError::Eos => "eos",
        gst::FlowError::NotNegotiated => "not-negotiated",
        gst::FlowError::Error => "error",
        gst::FlowError::NotSupported => "not-supported",
        _ => "custom-error",
    }
}
