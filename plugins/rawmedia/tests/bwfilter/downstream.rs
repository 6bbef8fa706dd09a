//! GStreamer's own elements downstream of the filter.

use gst::prelude::*;
use gst_video::VideoFormat;

use crate::picture::{Picture, Places};
use crate::rig::{buffer, info, init};

const FORMATS: [VideoFormat; 4] = [
    VideoFormat::I420,
    VideoFormat::Nv12,
    VideoFormat::Y444,
    VideoFormat::A420,
];

/// Creates a harness for a chain of elements in the syntax of gst-launch-1.0, with the pads of the
/// first and the last element: overlays have further pads, which stay unlinked.
fn harness(line: &str, info: &gst_video::VideoInfo) -> gst_check::Harness {
    init();
    let bin = gst::Bin::new();
    let elements: Vec<_> = line
        .split(" ! ")
        .map(|element| gst::parse::launch(element).unwrap())
        .collect();
    bin.add_many(&elements).unwrap();
    gst::Element::link_many(&elements).unwrap();
    let first = &elements[0];
    let sink = first.static_pad("sink");
    let sink = sink.or_else(|| first.static_pad("video_sink")).unwrap();
    let src = elements[elements.len() - 1].static_pad("src").unwrap();
    for (name, pad) in [("sink", sink), ("src", src)] {
        let ghost = gst::GhostPad::builder_with_target(&pad).unwrap();
        bin.add_pad(&ghost.name(name).build()).unwrap();
    }
    let mut harness = gst_check::Harness::with_element(&bin, Some("sink"), Some("src"));
    let meta = <gst_video::VideoMeta as gst::MetaAPI>::meta_api();
    harness.add_propose_allocation_meta(meta, None);
    harness.set_src_caps(info.to_caps().unwrap());
    harness
}

fn has_colour(picture: &Picture) -> bool {
    let chroma = &picture.components[1..3];
    chroma
        .iter()
        .any(|component| component.samples.iter().any(|&sample| sample != 128))
}

fn element(harness: &gst_check::Harness, name: &str) -> gst::Element {
    let bin = harness.element().unwrap().downcast::<gst::Bin>().unwrap();
    bin.by_name(name).unwrap()
}

#[test]
fn an_overlay_in_colour_leaves_the_next_frame_gray() {
    for format in [VideoFormat::I420, VideoFormat::Nv12] {
        let info = info(format, 320, 240);
        let picture = Picture::noise(&info, 61);
        let line = "bwfilter ! textoverlay name=text text=COLOUR font-desc=\"Sans 40\" \
                    color=0xffff0000";
        let mut harness = harness(line, &info);
        let mut input = buffer(&picture, &info);
        input.make_mut().set_pts(gst::ClockTime::ZERO);
        let painted = harness.push_and_pull(input.clone()).unwrap();
        assert!(has_colour(&Picture::of(&painted, &info)), "{format}");
        element(&harness, "text").set_property("silent", true);
        let next = harness.push_and_pull(input).unwrap();
        let next = Picture::of(&next, &info);
        assert!(!has_colour(&next), "{format}");
        // Its luma is that of the input, too: nothing was drawn into it.
        assert!(next.components[0] == picture.components[0], "{format}");
    }
}

/// Returns three output frames of a chain, or `None` if it does not accept the format.
fn through(line: &str, picture: &Picture, info: &gst_video::VideoInfo) -> Option<Vec<Picture>> {
    let mut harness = harness(line, info);
    let caps = info.to_caps().unwrap();
    let takes = harness.srcpad().unwrap().peer_query_accept_caps(&caps);
    takes.then(|| {
        let frames = (0..3).map(|_| {
            let output = harness.push_and_pull(buffer(picture, info)).unwrap();
            let caps = harness.sinkpad().unwrap().current_caps().unwrap();
            let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
            Picture::of(&output, &info)
        });
        frames.collect()
    })
}

#[test]
fn elements_process_its_output_like_a_gray_picture() {
    let mut compared = 0;
    for format in FORMATS {
        let info = info(format, 66, 50);
        let picture = Picture::noise(&info, 62);
        let mut gray = picture.clone();
        for component in &mut gray.components[1..3] {
            component.samples.fill(128);
        }
        for line in [
            "identity",
            "videoflip video-direction=180",
            "videobalance contrast=0.5 brightness=0.2",
            "gamma gamma=2",
            "videocrop left=4 top=2",
            "videobox left=4 top=2 fill=red",
            "videoconvert ! capsfilter caps=video/x-raw,format=RGB",
            "videoscale ! capsfilter caps=video/x-raw,width=40,height=32",
            "tee ! queue",
            "queue",
        ] {
            if let Some(expected) = through(line, &gray, &info) {
                let behind = through(&format!("bwfilter ! {line}"), &picture, &info);
                assert!(behind == Some(expected), "{format}, {line}");
                compared += 1;
            }
        }
    }
    // Some elements accept few formats; most accept these.
    assert!(compared > 30, "{compared}");
}

#[test]
fn frames_with_other_strides_are_correct_at_a_sink_without_video_meta() {
    // Rows are padded, as those of decoders and cameras, here by the pool of the source.
    for format in FORMATS {
        let info = info(format, 66, 50);
        let picture = Picture::noise(&info, 63);
        init();
        let mut harness = gst_check::Harness::new("bwfilter");
        harness.set_src_caps(info.to_caps().unwrap());
        let padded = Places::padded(&info, 64);
        let input = crate::rig::placed(&picture, &info, &padded);
        let output = harness.push_and_pull(input).unwrap();
        let bytes = crate::rig::bytes(&output);
        let seen = Picture::read(&info, &Places::of(&info), &bytes);
        assert!(!has_colour(&seen), "{format}");
        assert!(seen.components[0] == picture.components[0], "{format}");
    }
}

fn plays(line: &str) {
    init();
    let pipeline = gst::parse::launch(line).unwrap();
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(30), &ends);
    pipeline.set_state(gst::State::Null).unwrap();
    let message = message.unwrap_or_else(|| panic!("{line} does not end"));
    assert_eq!(
        message.type_(),
        gst::MessageType::Eos,
        "{line}: {message:?}"
    );
}

#[test]
fn every_format_plays_through_real_pipelines() {
    for format in crate::rig::formats() {
        for (amount, luma) in [(1.0, "as-is"), (0.5, "bt709")] {
            for sink in ["fakevideosink sync=false", "videoconvert ! fakesink"] {
                plays(&format!(
                    "videotestsrc num-buffers=3 ! video/x-raw, format={format}, width=67, \
                     height=45 ! bwfilter amount={amount} luma={luma} ! {sink}"
                ));
            }
        }
    }
}
