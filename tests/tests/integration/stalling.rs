//! Sources that stop giving anything.

use acscall_tests::pipeline::{Pipeline, free_port, init};
use acscall_tests::wait::until;
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// A camera that gives frames on demand, and somebody who hears of it.
struct Camera {
    sending: Pipeline,
    receiving: Pipeline,
    source: gst_app::AppSrc,
}

impl Camera {
    fn new(timeout: u32) -> Result<Camera> {
        init()?;
        let call = format!("call=room server=ws://127.0.0.1:{}", free_port()?);
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

    /// Gives frames until the receiver has heard of one. A busy machine may stall a single frame
    /// before it could tell anybody of it.
    fn push_until_available(&self) -> Result<()> {
        let bus = self.receiving.0.bus().context("a bus")?;
        until("the receiver hears of the camera", || {
            self.push()?;
            let mut told = bus.iter_filtered(&[gst::MessageType::Element]);
            let available = told.any(|message| {
                message
                    .structure()
                    .is_some_and(|told| is_availability(told, true))
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

    /// Announces that nothing comes for so long.
    fn pause(&self, time: gst::ClockTime) -> Result<()> {
        let now = self.sending.0.current_running_time().unwrap_or_default();
        let gap = gst::event::Gap::builder(now).duration(time).build();
        let pad = self.source.static_pad("src").context("a pad")?;
        ensure!(pad.push_event(gap), "the gap is taken");
        Ok(())
    }

    fn wait_available(&self, available: bool) -> Result<()> {
        self.receiving
            .wait_element_message(|told| is_availability(told, available))?;
        Ok(())
    }

    fn wait_stalled(&self, stalled: bool) -> Result<()> {
        self.sending.wait_element_message(|told| {
            told.name() == "acscall-stalled"
                && told.get("kind") == Ok("video")
                && told.get("stalled") == Ok(stalled)
        })?;
        Ok(())
    }

    /// As far as was said until now.
    fn ensure_not_stalled(&self) -> Result<()> {
        let bus = self.sending.0.bus().context("a bus")?;
        let told = bus.iter_filtered(&[gst::MessageType::Element]);
        let names: Vec<_> = told
            .filter_map(|message| Some(message.structure()?.name().to_string()))
            .collect();
        ensure!(!names.iter().any(|n| n == "acscall-stalled"), "{names:?}");
        Ok(())
    }
}

fn is_availability(told: &gst::StructureRef, available: bool) -> bool {
    told.name() == "acscall-stream" && told.get("available") == Ok(available)
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
    // People are told too.
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
fn a_source_that_announces_its_gaps_lives_and_so_does_one_without_a_timeout() -> Result<()> {
    let announces = Camera::new(0)?;
    announces.push()?;
    announces.pause(gst::ClockTime::from_seconds(3600))?;
    announces.wait_available(true)?;
    announces.set_timeout(100)?;
    let is_endless = Camera::new(0)?;
    is_endless.push()?;
    is_endless.wait_available(true)?;
    // One that does neither.
    let stalls = Camera::new(1500)?;
    stalls.push()?;
    stalls.wait_stalled(true)?;
    for camera in [&announces, &is_endless] {
        camera.ensure_not_stalled()?;
    }
    // With the timeout set it is judged at once, by its last buffer.
    is_endless.set_timeout(200)?;
    is_endless.wait_stalled(true)?;
    Ok(())
}

#[test]
fn what_is_muted_or_ended_does_not_stall() -> Result<()> {
    let camera = Camera::new(0)?;
    let pad = camera.sending.element("s")?.static_pad("video");
    let pad = pad.context("the pad exists")?;
    camera.push()?;
    camera.wait_available(true)?;
    pad.set_property("muted", true);
    camera.wait_available(false)?;
    // Another, which is not muted and is more patient, stalls.
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
