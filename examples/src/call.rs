//! A pipeline that takes part in a call.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gst::glib;
use gst::prelude::*;

use crate::{Interrupted, Pace, Place};

/// The timeout for joining.
const PATIENCE: Duration = Duration::from_secs(20);
/// Practically no timeout: a year.
pub const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// SIGINT and SIGTERM. Their numbers are the same on every system.
const ENDING_SIGNALS: [i32; 2] = [2, 15];
const INTERRUPTED: &str = "interrupted";

/// A pipeline with `acscallsink` or `acscallsrc` in it. Dropping it leaves the call.
#[derive(Debug)]
pub struct Call {
    /// The application's pipeline.
    pub pipeline: gst::Pipeline,
    /// The element that takes part in the call.
    pub element: gst::Element,
}

impl Call {
    /// Creates the pipeline: `factory` is `acscallsink` to send, `acscallsrc` to receive.
    ///
    /// # Errors
    /// If the element is missing.
    pub fn new(factory: &str, place: &Place) -> Result<Call> {
        let mut builder = gst::ElementFactory::make(factory)
            .property("call", &place.call)
            .property_if_some("user", place.user.as_ref());
        if let Some(server) = &place.server {
            builder = builder.property("server", server);
        }
        let element = builder.build()?;
        if element.has_property("wait-for") {
            // Wait for the first receiver: until then nothing is sent and the pipeline does not
            // reach PLAYING, so nobody misses the beginning.
            element.set_property("wait-for", 1u32);
        }
        let pipeline = gst::Pipeline::new();
        pipeline.add(&element)?;
        let call = Call { pipeline, element };
        call.end_on_signals()?;
        Ok(call)
    }

    /// Makes Ctrl-C end [`Call::wait`], so that the call is left: the other participants see that
    /// at once instead of after a timeout.
    fn end_on_signals(&self) -> Result<()> {
        let bus = self.pipeline.bus().context("a pipeline has a bus")?;
        for signal in ENDING_SIGNALS {
            let bus = bus.clone();
            glib_unix::unix_signal_add(signal, move || {
                let interrupted = gst::Structure::new_empty(INTERRUPTED);
                // Fails if the pipeline is just being stopped.
                let _ended = bus.post(gst::message::Application::new(interrupted));
                // A second signal ends the program.
                glib::ControlFlow::Break
            });
        }
        // A main loop handles the signals.
        thread::spawn(|| glib::MainLoop::new(None, false).run());
        Ok(())
    }

    /// Starts the pipeline, which joins the call, without waiting.
    ///
    /// # Errors
    /// If an element fails to start.
    pub fn start(&self) -> Result<()> {
        if let Err(error) = self.pipeline.set_state(gst::State::Playing) {
            // The error message is more precise than the failed state change.
            self.wait(Duration::ZERO, |_| false)?;
            return Err(error.into());
        }
        Ok(())
    }

    /// Starts the pipeline and waits until it is in the call and has a receiver.
    ///
    /// # Errors
    /// If the call cannot be joined.
    pub fn join(&self) -> Result<()> {
        self.start()?;
        let connected = self.wait(PATIENCE, |message| {
            message.structure().is_some_and(|structure| {
                structure.name() == "acscall-state"
                    && structure.get::<&str>("state") == Ok("connected")
            })
        })?;
        ensure!(
            connected,
            "still not in the call after {} s",
            PATIENCE.as_secs()
        );
        println!("In the call, waiting for a receiver");
        self.wait(FOREVER, |message| {
            message.type_() == gst::MessageType::AsyncDone
        })?;
        Ok(())
    }

    /// Prints the current state, `what`, and waits for one step.
    ///
    /// # Errors
    /// If the pipeline fails meanwhile.
    pub fn step(&self, pace: Pace, what: &str) -> Result<()> {
        println!("{what}");
        self.wait(pace.seconds_per_step, |_| false)?;
        Ok(())
    }

    /// Handles messages for `time`, or until `until` returns true; returns whether it did.
    ///
    /// # Errors
    /// If an element posts an error; [`Interrupted`] on Ctrl-C.
    pub fn wait(
        &self,
        time: Duration,
        mut until: impl FnMut(&gst::Message) -> bool,
    ) -> Result<bool> {
        let bus = self.pipeline.bus().context("a pipeline has a bus")?;
        let now = gst::get_timestamp;
        let end = now() + gst::ClockTime::try_from(time)?;
        while let Some(message) = bus.timed_pop(end.saturating_sub(now())) {
            match message.view() {
                gst::MessageView::Error(error) => {
                    let source = message
                        .src()
                        .map(|source| source.name())
                        .unwrap_or_default();
                    bail!("{source}: {}", error.error());
                }
                gst::MessageView::Warning(warning) => eprintln!("Warning: {}", warning.error()),
                // A new source may have a higher latency than the others.
                gst::MessageView::Latency(_) => self.pipeline.recalculate_latency()?,
                gst::MessageView::Application(_) if message.has_name(INTERRUPTED) => {
                    bail!(Interrupted);
                }
                _ => {}
            }
            if until(&message) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Leaves the call. Changing to NULL cannot fail.
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}
