//! A stream that is sent to a call.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gst::prelude::*;

use crate::Call;

/// The timeout for the first buffer of a source: a camera has to warm up.
const PATIENCE: Duration = Duration::from_secs(10);
/// A source without a buffer for this time has stalled, such as an unplugged camera.
const STALLED: Duration = Duration::from_secs(1);
const FIRST_BUFFER: &str = "first-buffer";

/// The source of one pad of `acscallsink`, with an optional filter behind it.
///
/// The pad stays when the source changes. The receivers see one stream whose picture changes from
/// one frame to the next.
#[derive(Debug)]
pub struct LocalStream<'a> {
    call: &'a Call,
    pad: gst::Pad,
    source: gst::Element,
    filter: Option<gst::Element>,
}

impl<'a> LocalStream<'a> {
    /// Sends `source` as the call's `kind`: `audio`, `video` or `screen`.
    ///
    /// # Errors
    /// If a stream of this kind exists.
    pub fn start(call: &'a Call, kind: &str, source: gst::Element) -> Result<LocalStream<'a>> {
        let pad = call
            .element
            .request_pad_simple(kind)
            .with_context(|| format!("{kind} is already being sent"))?;
        call.pipeline.add(&source)?;
        output(&source)?.link(&pad)?;
        source.sync_state_with_parent()?;
        Ok(LocalStream {
            call,
            pad,
            source,
            filter: None,
        })
    }

    /// Sends `source` instead of the current source.
    ///
    /// # Errors
    /// If `source` produces no buffer; the current source then continues.
    pub fn switch(&mut self, source: gst::Element) -> Result<()> {
        // Hold the new source at its first buffer. The old one continues until then, so the time
        // that a device needs to open causes no gap.
        let new = output(&source)?;
        let pipeline = self.call.pipeline.downgrade();
        let hold = new.add_probe(
            gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER,
            move |_, _| {
                if let Some(pipeline) = pipeline.upgrade() {
                    let ready = gst::Structure::new_empty(FIRST_BUFFER);
                    // Fails if the pipeline is just being stopped.
                    let _ended = pipeline.post_message(gst::message::Application::new(ready));
                }
                gst::PadProbeReturn::Ok
            },
        );
        let hold = hold.context("a new source is not idle")?;
        self.call.pipeline.add(&source)?;
        source.sync_state_with_parent()?;
        let ready = self.call.wait(PATIENCE, |message| {
            message
                .structure()
                .is_some_and(|structure| structure.name() == FIRST_BUFFER)
        })?;
        if !ready {
            self.call.remove(&source)?;
        }
        ensure!(
            ready,
            "the new source produced no buffer for {} s",
            PATIENCE.as_secs()
        );

        // Block it first: a source that pushes to an unlinked pad fails.
        let old = output(&self.source)?;
        let _block = block(&old)?;
        let next = old.peer().context("the old source is linked")?;
        old.unlink(&next)?;
        new.link(&next)?;
        new.remove_probe(hold);
        // This also turns off the camera's light. A blocked source can be stopped.
        self.call.remove(&self.source)?;
        self.source = source;
        Ok(())
    }

    /// Inserts `filter` behind the source, in place of the previous one; `None` only removes that.
    ///
    /// # Errors
    /// If `filter` cannot be linked.
    pub fn set_filter(&mut self, filter: Option<gst::Element>) -> Result<()> {
        // The source waits meanwhile, so no frame is lost.
        let source = output(&self.source)?;
        let blocked = block(&source)?;
        let next = source.peer().context("the source is linked")?;
        source.unlink(&next)?;
        if let Some(old) = self.filter.take() {
            self.call.remove(&old)?;
        }
        if let Some(new) = &filter {
            self.call.pipeline.add(new)?;
            output(new)?.link(&self.pad)?;
            // Before linking: the source may send its caps at any time.
            new.sync_state_with_parent()?;
            source.link(&input(new)?)?;
        } else {
            source.link(&self.pad)?;
        }
        self.filter = filter;
        source.remove_probe(blocked);
        Ok(())
    }

    /// Mutes or unmutes the stream. The source keeps running.
    pub fn set_muted(&self, muted: bool) {
        self.pad.set_property("muted", muted);
    }

    /// Ends the stream. The call continues.
    ///
    /// # Errors
    /// If the source cannot be stopped.
    pub fn stop(self) -> Result<()> {
        let _block = block(&output(&self.source)?)?;
        self.call.remove(&self.source)?;
        if let Some(filter) = &self.filter {
            self.call.remove(filter)?;
        }
        // Now the stream is not available to the others.
        self.call.element.release_request_pad(&self.pad);
        Ok(())
    }
}

impl Call {
    /// Stops `element` and removes it and its links from the pipeline.
    fn remove(&self, element: &gst::Element) -> Result<()> {
        // The pipeline may be changing the state of its elements on another thread.
        element.set_locked_state(true);
        element.set_state(gst::State::Null)?;
        self.pipeline.remove(element)?;
        Ok(())
    }
}

/// Blocks `pad` between two buffers, until the probe is removed or the source is stopped.
fn block(pad: &gst::Pad) -> Result<gst::PadProbeId> {
    // Only buffers: a live source holds a lock while it sends its caps, and stopping it needs that
    // lock.
    let data = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    let (send, receive) = mpsc::channel();
    let probe = pad.add_probe(gst::PadProbeType::BLOCK | data, move |_, _| {
        // Fails for a buffer after the timeout.
        let _nobody_waits = send.send(());
        gst::PadProbeReturn::Ok
    });
    // A stalled source is between two buffers, too.
    let _blocked = receive.recv_timeout(STALLED);
    probe.context("a probe that blocks stays")
}

fn output(element: &gst::Element) -> Result<gst::Pad> {
    element
        .static_pad("src")
        .with_context(|| format!("{} has no pad src", element.name()))
}

fn input(element: &gst::Element) -> Result<gst::Pad> {
    element
        .static_pad("sink")
        .with_context(|| format!("{} has no pad sink", element.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Place, init, source};

    #[test]
    fn sources_and_filters_are_changed_many_times() {
        init().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("ws://{}", port.local_addr().unwrap());
        drop(port);
        let place = Place {
            call: "x".into(),
            user: None,
            server: Some(server),
        };
        let picture = |pattern| {
            // At this rate a buffer is usually being pushed.
            source(&format!(
                "videotestsrc is-live=true pattern={pattern} ! capsfilter \
                 caps=video/x-raw,format=I420,width=640,height=480,framerate=500/1"
            ))
        };
        let call = Call::new("acscallsink", &place).unwrap();
        // Nobody else joins.
        call.element.set_property("wait-for", 0u32);
        let mut video = LocalStream::start(&call, "video", picture("smpte").unwrap()).unwrap();
        call.start().unwrap();
        for _ in 0..25 {
            video.set_filter(Some(source("bwfilter").unwrap())).unwrap();
            video.switch(picture("ball").unwrap()).unwrap();
            video.set_filter(None).unwrap();
            video.switch(picture("smpte").unwrap()).unwrap();
            video.stop().unwrap();
            video = LocalStream::start(&call, "video", picture("snow").unwrap()).unwrap();
        }
        call.wait(Duration::ZERO, |_| false).unwrap();
    }
}
