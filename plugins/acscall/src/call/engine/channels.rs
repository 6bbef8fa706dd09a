//! Audio whose channels have no positions, such as that of a microphone array.
//!
//! Two such channels are sent as left and right. More are averaged, and both sides get the same.

use gst::prelude::*;

/// The channels of a sent stream.
const SIDES: usize = 2;

/// Makes `converter`, an audioconvert, mix channels without positions, which it refuses by itself.
pub(super) fn mix_unpositioned(converter: &gst::Element) {
    let Some(pad) = converter.static_pad("sink") else {
        return;
    };
    let weak = converter.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(event)) = info.event().map(|event| event.view())
            && let Some(converter) = weak.upgrade()
        {
            converter.set_property("mix-matrix", matrix(event.caps()));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Returns the matrix for these caps, a row for each side; empty if the channels have positions.
fn matrix(caps: &gst::CapsRef) -> gst::Array {
    let channels = gst_audio::AudioInfo::from_caps(caps)
        .ok()
        .filter(|info| info.flags().contains(gst_audio::AudioFlags::UNPOSITIONED))
        .map_or(0, |info| info.channels() as usize);
    let weight = |side: usize, channel: usize| match channels {
        SIDES => f32::from(u8::from(side == channel)),
        _ => 1.0 / channels as f32,
    };
    let row = |side| gst::Array::new((0..channels).map(move |channel| weight(side, channel)));
    match channels {
        0 => gst::Array::default(),
        _ => gst::Array::new((0..SIDES).map(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights of the channels in both sides.
    fn weights(caps: &str) -> Vec<Vec<f32>> {
        gst::init().unwrap();
        let caps: gst::Caps = caps.parse().unwrap();
        let rows = matrix(&caps);
        let row = |row: &gst::glib::SendValue| {
            let row = row.get::<gst::Array>().unwrap();
            row.iter().map(|weight| weight.get().unwrap()).collect()
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn two_channels_without_positions_are_left_and_right_and_more_are_averaged() {
        let audio = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000";
        let of = |rest: &str| weights(&format!("{audio},{rest}"));
        let none = "channel-mask=(bitmask)0";
        assert_eq!(of("channels=1"), Vec::<Vec<f32>>::new());
        assert_eq!(of("channels=2"), Vec::<Vec<f32>>::new());
        assert_eq!(of(&format!("channels=2,{none}")), [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(of(&format!("channels=4,{none}")), [[0.25; 4]; 2]);
    }
}
