//! A stream that is sent into a call.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gst::prelude::*;

use crate::Call;

/// How long a source may take to give its first picture or sound: a camera has to warm up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than the pause between two pictures, or a camera has been pulled out.
const STALLED: Duration = Duration::from_secs(1);
const FIRST_BUFFER: &str = "first-buffer";

/// What feeds one pad of `acscallsink`: a source, and maybe a filter behind it.
///
/// The pad stays while the source changes, so that for the others it is one stream that shows
/// something else from one frame to the next.
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
    /// If there is such a stream already.
    pub fn start(call: &'a Call, kind: &str, source: gst::Element) -> Result<LocalStream<'a>> {
        let pad = call
            .element
            .request_pad_simple(kind)
            .with_context(|| format!("{kind} is being sent already"))?;
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

    /// Sends `source` in place of what was sent until now.
    ///
    /// # Errors
    /// If `source` gives nothing. The old one goes on then.
    pub fn switch(&mut self, source: gst::Element) -> Result<()> {
        // The new source is held at its first buffer, and the old one goes on until then: the
        // others notice nothing of the time that a device needs to open.
        let new = output(&source)?;
        let pipeline = self.call.pipeline.downgrade();
        let hold = new.add_probe(
            gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER,
            move |_, _| {
                if let Some(pipeline) = pipeline.upgrade() {
                    let ready = gst::Structure::new_empty(FIRST_BUFFER);
                    // Fails where the pipeline ends just now.
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
            "the new source gave nothing for {} s",
            PATIENCE.as_secs()
        );

        // Blocked first: a source that pushes into nothing ends with an error.
        let old = output(&self.source)?;
        let _block = block(&old)?;
        let next = old.peer().context("the old source is linked")?;
        old.unlink(&next)?;
        new.link(&next)?;
        new.remove_probe(hold);
        // This is what turns the light of a camera off. No need to unblock it before.
        self.call.remove(&self.source)?;
        self.source = source;
        Ok(())
    }

    /// Puts `filter` behind the source, or takes out the one that is there.
    ///
    /// # Errors
    /// If `filter` does not fit.
    pub fn set_filter(&mut self, filter: Option<gst::Element>) -> Result<()> {
        // The source waits meanwhile, and no frame is lost.
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
            // Before it is linked: the source may send its caps at any moment.
            new.sync_state_with_parent()?;
            source.link(&input(new)?)?;
        } else {
            source.link(&self.pad)?;
        }
        self.filter = filter;
        source.remove_probe(blocked);
        Ok(())
    }

    /// Goes on without sending, or sends again. The source runs on.
    pub fn set_muted(&self, muted: bool) {
        self.pad.set_property("muted", muted);
    }

    /// Ends the stream. The call goes on.
    ///
    /// # Errors
    /// If the source cannot be stopped.
    pub fn stop(self) -> Result<()> {
        let _block = block(&output(&self.source)?)?;
        self.call.remove(&self.source)?;
        if let Some(filter) = &self.filter {
            self.call.remove(filter)?;
        }
        // For the others the stream is not available from here on.
        self.call.element.release_request_pad(&self.pad);
        Ok(())
    }
}

impl Call {
    /// Stops `element` and takes it out of the pipeline, with its links.
    fn remove(&self, element: &gst::Element) -> Result<()> {
        // The pipeline may be starting its elements at this moment, on another thread.
        element.set_locked_state(true);
        element.set_state(gst::State::Null)?;
        self.pipeline.remove(element)?;
        Ok(())
    }
}

/// Stops the flow out of `pad` between two buffers: the next one waits until the probe is
/// removed, or the source stopped.
fn block(pad: &gst::Pad) -> Result<gst::PadProbeId> {
    // Only buffers: a live source sends its caps with a lock held that stopping it needs.
    let data = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    let (send, receive) = mpsc::channel();
    let probe = pad.add_probe(gst::PadProbeType::BLOCK | data, move |_, _| {
        // Fails for a buffer that comes late.
        let _nobody_waits = send.send(());
        gst::PadProbeReturn::Ok
    });
    // A source that gives nothing for so long is between two buffers, too.
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
            // More often than not it is just being pushed.
            source(&format!(
                "videotestsrc is-live=true pattern={pattern} ! capsfilter \
                 caps=video/x-raw,format=I420,width=640,height=480,framerate=500/1"
            ))
        };
        let call = Call::new("acscallsink", &place).unwrap();
        // Nobody else comes.
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
