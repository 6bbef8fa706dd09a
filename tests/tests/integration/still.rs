//! Pictures that stand still, such as slides.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, call};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// Sends one frame as `kind`. Receivers that join later, and those after them, get it.
fn arrives_late(kind: &str, properties: &str) -> Result<()> {
    const GRAY: u8 = 200;
    /// In limited range.
    const LUMA: u8 = 188;
    let call = call()?;
    let sending = Pipeline::playing(&format!(
        "acscallsink name=s {call} user=alice {properties} \
         appsrc name=in is-live=true do-timestamp=true format=time \
         caps=video/x-raw,format=GRAY8,width=64,height=64,framerate=0/1 ! s.{kind}"
    ))?;
    let source = sending.element("in")?.downcast::<gst_app::AppSrc>();
    let source = source.ok().context("an appsrc")?;
    source.push_buffer(gst::Buffer::from_slice([GRAY; 64 * 64]))?;
    sending.wait_connected()?;
    let mut all = Vec::new();
    for user in ["bob", "carol"] {
        let receiving = Pipeline::playing(&format!(
            "acscallsrc name=c {call} user={user} c.{kind}_alice ! fakesink name=end sync=false"
        ))?;
        let arrivals = receiving.arrivals("end")?;
        let arrival = arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
        let data = arrival.buffer.map_readable()?;
        ensure!(data[0].abs_diff(LUMA) <= 3, "{user}: {}", data[0]);
        all.push(receiving);
    }
    let bus = sending.0.bus().context("a pipeline has a bus")?;
    let messages = bus.iter_filtered(&[gst::MessageType::Element]);
    let stalled = |message: &gst::Message| {
        let structure = message.structure();
        structure.is_some_and(|structure| structure.name() == "acscall-stalled")
    };
    ensure!(!messages.into_iter().any(|m| stalled(&m)), "it stalled");
    Ok(())
}

#[test]
fn a_screen_of_one_frame_arrives_whenever_somebody_joins_and_does_not_stall() -> Result<()> {
    arrives_late("screen", "stall-timeout=100")
}

#[test]
fn a_camera_that_stands_still_arrives_whenever_somebody_joins() -> Result<()> {
    arrives_late("video", "stall-timeout=0")
}
