//! Sources that stall.

use acscall_tests::pipeline::{Pipeline, call};
use acscall_tests::wait::until;
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// A camera that pushes frames on demand, and a participant that gets the messages about it.
struct Camera {
    sending: Pipeline,
    receiving: Pipeline,
    source: gst_app::AppSrc,
}

impl Camera {
    fn new(timeout: u32) -> Result<Camera> {
        let call = call()?;
        let receiving = Pipeline::playing(&format!("acscallsrc name=c {call} user=bob"))?;
        receiving.wait_connected()?;
        let sending = Pipeline::playing(&format!(
            "acscallsink name=s {call} user=alice stall-timeout={timeout} \
             appsrc name=a is-live=true do-timestamp=true format=time \
             caps=video/x-raw,format=GRAY8,width=16,height=16,framerate=0/1 ! s.video"
        ))?;
        let source = sending.element("a")?.downcast().ok();
        Ok(Camera {
            source: source.context("an appsrc")?,
            sending,
            receiving,
        })
    }

    fn push(&self) -> Result<()> {
        self.source.push_buffer(gst::Buffer::with_size(256)?)?;
        Ok(())
    }

    /// Pushes frames until the receiver posts that the stream is available. After a single frame, the
    /// source may stall before that on a busy machine.
    fn push_until_available(&self) -> Result<()> {
        let bus = self.receiving.0.bus().context("a bus")?;
        until("the camera is available", || {
            self.push()?;
            let mut messages = bus.iter_filtered(&[gst::MessageType::Element]);
            let available = messages.any(|message| {
                message
                    .structure()
                    .is_some_and(|structure| is_availability(structure, true))
            });
            Ok(available.then_some(()))
        })
    }

    fn set_timeout(&self, timeout: u32) -> Result<()> {
        self.sending
            .element("s")?
            .set_property("stall-timeout", timeout);
        Ok(())
    }

    /// Announces a gap of this duration.
    fn pause(&self, time: gst::ClockTime) -> Result<()> {
        let now = self.sending.0.current_running_time().unwrap_or_default();
        let gap = gst::event::Gap::builder(now).duration(time).build();
        let pad = self.source.static_pad("src").context("a pad")?;
        ensure!(pad.push_event(gap), "the gap was refused");
        Ok(())
    }

    fn wait_available(&self, available: bool) -> Result<()> {
        self.receiving
            .wait_element_message(|message| is_availability(message, available))?;
        Ok(())
    }

    fn wait_stalled(&self, stalled: bool) -> Result<()> {
        self.sending.wait_element_message(|message| {
            message.name() == "acscall-stalled"
                && message.get("kind") == Ok("video")
                && message.get("stalled") == Ok(stalled)
        })?;
        Ok(())
    }

    /// Checks the messages posted so far.
    fn ensure_not_stalled(&self) -> Result<()> {
        let bus = self.sending.0.bus().context("a bus")?;
        let messages = bus.iter_filtered(&[gst::MessageType::Element]);
        let names: Vec<_> = messages
            .filter_map(|message| Some(message.structure()?.name().to_string()))
            .collect();
        ensure!(!names.iter().any(|n| n == "acscall-stalled"), "{names:?}");
        Ok(())
    }
}

fn is_availability(message: &gst::StructureRef, available: bool) -> bool {
    message.name() == "acscall-stream" && message.get("available") == Ok(available)
}

#[test]
fn a_stalled_source_is_not_available_until_its_next_buffer() -> Result<()> {
    let camera = Camera::new(200)?;
    for round in 0..3 {
        camera.push_until_available()?;
        if round > 0 {
            camera.wait_stalled(false)?;
        }
        camera.wait_stalled(true)?;
        camera.wait_available(false)?;
    }
    // A warning is posted, too.
    camera.push()?;
    camera.sending.wait_for(|message| match message.view() {
        gst::MessageView::Warning(warning) => {
            warning.error().to_string().contains("'stall-timeout'")
        }
        _ => false,
    })?;
    Ok(())
}

#[test]
fn a_source_that_announces_its_gaps_and_one_without_a_timeout_do_not_stall() -> Result<()> {
    let announces = Camera::new(0)?;
    announces.push()?;
    announces.pause(gst::ClockTime::from_seconds(3600))?;
    announces.wait_available(true)?;
    announces.set_timeout(100)?;
    let is_endless = Camera::new(0)?;
    is_endless.push()?;
    is_endless.wait_available(true)?;
    // A source that does neither stalls.
    let stalls = Camera::new(1500)?;
    stalls.push()?;
    stalls.wait_stalled(true)?;
    for camera in [&announces, &is_endless] {
        camera.ensure_not_stalled()?;
    }
    // A new timeout applies at once, from the last buffer.
    is_endless.set_timeout(200)?;
    is_endless.wait_stalled(true)?;
    Ok(())
}

#[test]
fn a_muted_or_ended_stream_does_not_stall() -> Result<()> {
    let camera = Camera::new(0)?;
    let pad = camera.sending.element("s")?.static_pad("video");
    let pad = pad.context("the pad exists")?;
    camera.push()?;
    camera.wait_available(true)?;
    pad.set_property("muted", true);
    camera.wait_available(false)?;
    // A source that is not muted stalls, even with a longer timeout.
    camera.set_timeout(100)?;
    let stalls = Camera::new(1500)?;
    stalls.push()?;
    stalls.wait_stalled(true)?;
    camera.ensure_not_stalled()?;
    camera.set_timeout(0)?;
    pad.set_property("muted", false);
    camera.push()?;
    camera.wait_available(true)?;
    camera.source.end_of_stream()?;
    camera.wait_available(false)?;
    Ok(())
}
