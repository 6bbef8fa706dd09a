//! Receiving pipelines with a latency of their own, and without a clock.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, call};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

#[test]
fn a_pipeline_with_two_seconds_of_latency_gets_everything() -> Result<()> {
    const LATENCY: gst::ClockTime = gst::ClockTime::from_seconds(2);
    let call = call()?;
    let receiving = Pipeline::new(&format!(
        "acscallsrc name=c {call} user=b c.video_a ! fakesink name=video \
         c.audio_a ! fakesink name=audio"
    ))?;
    receiving.0.set_latency(LATENCY);
    let arrivals = [receiving.arrivals("video")?, receiving.arrivals("audio")?];
    receiving.play()?;
    let _sending = Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! s.video \
         audiotestsrc is-live=true ! s.audio acscallsink name=s {call} user=a"
    ))?;
    // The sinks take the first of these 2 s after it was received.
    for (arrivals, count) in arrivals.iter().zip([90, 150]) {
        for _ in 0..count {
            arrivals
                .recv_timeout(TIMEOUT)
                .context("a buffer is missing")?;
        }
    }
    for pad in receiving.element("c")?.src_pads() {
        let stats = pad.property::<gst::Structure>("stats");
        ensure!(stats.get::<u64>("dropped")? == 0, "{}: {stats}", pad.name());
    }
    Ok(())
}

#[test]
fn a_pipeline_without_a_clock_receives() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::new(&format!(
        "acscallsrc name=c {call} user=b c.video_a ! fakesink name=end"
    ))?;
    receiving.0.use_clock(None::<&gst::Clock>);
    let arrivals = receiving.arrivals("end")?;
    receiving.play()?;
    let _sending = Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 \
         ! acscallsink {call} user=a"
    ))?;
    let mut last = None;
    for _ in 0..30 {
        let arrival = arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
        ensure!(
            arrival.buffer.pts() > last,
            "{:?} after {last:?}",
            arrival.buffer.pts()
        );
        last = arrival.buffer.pts();
    }
    Ok(())
}
