//! `bwfilter` and `rawtap` before `acscallsink`.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port, init};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;
use std::sync::mpsc::{Receiver, channel};

/// The number of checked frames.
const FRAMES: usize = 20;

#[test]
fn bwfilter_copies_no_luma_before_acscallsink() -> Result<()> {
    check(&format!(
        "{SOURCE} ! bwfilter name=gray ! acscallsink {}",
        call()?
    ))
}

#[test]
fn bwfilter_copies_no_luma_while_a_tap_holds_the_frames() -> Result<()> {
    // The queue holds some frames until the end of the test.
    check(&format!(
        "{SOURCE} ! rawtap name=t ! bwfilter name=gray ! acscallsink {}
         t.tap_0 ! queue ! fakesink sync=true ts-offset=3600000000000 async=false",
        call()?
    ))
}

const SOURCE: &str = "videotestsrc is-live=true \
    ! video/x-raw,format=I420,width=320,height=240,framerate=30/1";

fn call() -> Result<String> {
    init()?;
    Ok(format!(
        "call=x user=a server=ws://127.0.0.1:{}",
        free_port()?
    ))
}

/// Checks that the output of `gray` shares the luma memory of its input, which keeps its chroma.
fn check(description: &str) -> Result<()> {
    let pipeline = Pipeline::new(description)?;
    let gray = pipeline.element("gray")?;
    let came = frames(&gray, "sink")?;
    let left = frames(&gray, "src")?;
    pipeline.play()?;
    for _ in 0..FRAMES {
        let came = came.recv_timeout(TIMEOUT).context("no frame arrived")?;
        let left = left.recv_timeout(TIMEOUT).context("no frame left")?;
        ensure!(came.luma == left.luma, "the luma was copied");
        ensure!(came.chroma != left.chroma, "the chroma was filled in");
        ensure!(came.has_colour && !left.has_colour, "{came:?}, {left:?}");
    }
    Ok(())
}

#[derive(Debug)]
struct Frame {
    /// The addresses of the planes.
    luma: usize,
    chroma: [usize; 2],
    has_colour: bool,
}

/// Describes each frame that passes the pad.
fn frames(element: &gst::Element, pad: &str) -> Result<Receiver<Frame>> {
    let (sender, receiver) = channel();
    let pad = element
        .static_pad(pad)
        .context("the element has this pad")?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(frame) = info.buffer().and_then(|buffer| look(pad, buffer)) {
            let _receiver_dropped = sender.send(frame);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(receiver)
}

fn look(pad: &gst::Pad, buffer: &gst::Buffer) -> Option<Frame> {
    let info = gst_video::VideoInfo::from_caps(pad.current_caps()?.as_ref()).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
    let planes = [0, 1, 2].map(|plane| frame.plane_data(plane).ok());
    let [Some(luma), Some(u), Some(v)] = planes else {
        return None;
    };
    Some(Frame {
        luma: luma.as_ptr() as usize,
        chroma: [u, v].map(|plane| plane.as_ptr() as usize),
        has_colour: u.iter().chain(v).any(|value| *value != 128),
    })
}
