//! Pipelines of tests and benchmarks, and waiting for what happens in them.

use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, bail};
use gst::prelude::*;

pub use crate::port::free_port;
pub use crate::wait::{TIMEOUT, until};

/// A pipeline that is stopped when dropped.
#[derive(Debug)]
pub struct Pipeline(pub gst::Pipeline);

impl Pipeline {
    /// A pipeline in the form of gst-launch-1.0, in the state NULL.
    ///
    /// # Errors
    /// The description is wrong.
    pub fn new(description: &str) -> Result<Pipeline> {
        // A single element would be returned as such, not in a pipeline.
        let contents = gst::parse::bin_from_description(description, false)
            .with_context(|| description.to_string())?;
        let pipeline = gst::Pipeline::new();
        pipeline.add(&contents)?;
        Ok(Pipeline(pipeline))
    }

    /// The same, on its way to PLAYING.
    ///
    /// # Errors
    /// The description is wrong, or an element does not start.
    pub fn playing(description: &str) -> Result<Pipeline> {
        let pipeline = Pipeline::new(description)?;
        pipeline.play()?;
        Ok(pipeline)
    }

    /// Sets the pipeline to PLAYING.
    ///
    /// # Errors
    /// An element does not start; its error is in the text.
    pub fn play(&self) -> Result<()> {
        if self.0.set_state(gst::State::Playing).is_err() {
            let errors = [gst::MessageType::Error];
            let bus = self.0.bus().context("a pipeline has a bus")?;
            match bus.pop_filtered(&errors) {
                Some(message) => match message.view() {
                    gst::MessageView::Error(error) => bail!("{}", error.error()),
                    _ => bail!("{message:?}"),
                },
                None => bail!("the pipeline does not start"),
            }
        }
        Ok(())
    }

    /// The bin that holds the described elements.
    ///
    /// # Errors
    /// Never, but for a pipeline made otherwise.
    pub fn contents(&self) -> Result<gst::Bin> {
        let first = self.0.children().into_iter().next();
        first
            .and_then(|child| child.downcast().ok())
            .context("a pipeline holds its bin")
    }

    /// Requests pads of these names from `element` and releases them, 100 times in every state:
    /// they have to be named as asked, and nothing of them may be left.
    ///
    /// # Errors
    /// If there is no such pad, or no such state.
    ///
    /// # Panics
    /// If they are not so.
    pub fn assert_pads_come_and_go(&self, element: &gst::Element, names: &[&str]) -> Result<()> {
        let states = [
            gst::State::Null,
            gst::State::Ready,
            gst::State::Paused,
            gst::State::Playing,
        ];
        let bin = element.downcast_ref::<gst::Bin>().context("a bin")?;
        for state in states {
            self.0.set_state(state)?;
            for _ in 0..100 {
                let pads: Vec<_> = names
                    .iter()
                    .map(|name| element.request_pad_simple(name))
                    .collect();
                for (name, pad) in names.iter().zip(pads) {
                    let pad = pad.with_context(|| format!("{name} in {state:?}"))?;
                    assert_eq!(pad.name(), *name);
                    element.release_request_pad(&pad);
                    assert!(pad.parent().is_none());
                }
            }
            assert_eq!(element.num_pads(), 0);
            assert_eq!(bin.children().len(), 0);
        }
        Ok(())
    }

    /// The element of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn element(&self, name: &str) -> Result<gst::Element> {
        self.0
            .by_name(name)
            .with_context(|| format!("no element '{name}'"))
    }

    /// Gets each buffer that enters the element, with the system clock's time and its caps.
    ///
    /// # Errors
    /// There is no such element.
    pub fn arrivals(&self, sink: &str) -> Result<Receiver<Arrival>> {
        let (sender, arrivals) = channel();
        let pad = self
            .element(sink)?
            .static_pad("sink")
            .context("it has a sink pad")?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let (Some(buffer), Some(caps)) = (info.buffer(), pad.current_caps()) {
                let _nobody_looks_any_more = sender.send(Arrival {
                    at: now(),
                    caps,
                    buffer: buffer.clone(),
                });
            }
            gst::PadProbeReturn::Ok
        });
        Ok(arrivals)
    }

    /// Waits for a message of which `wanted` holds. An error ends the waiting.
    ///
    /// # Errors
    /// An element failed, or the message did not come.
    pub fn wait_for(&self, wanted: impl Fn(&gst::Message) -> bool) -> Result<gst::Message> {
        let bus = self.0.bus().context("a pipeline has a bus")?;
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while now() < deadline {
            let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(100)) else {
                continue;
            };
            if wanted(&message) {
                return Ok(message);
            }
            if let gst::MessageView::Error(error) = message.view() {
                bail!("{} ({:?})", error.error(), error.debug());
            }
        }
        bail!("an awaited message did not come")
    }

    /// Waits for an element message of which `wanted` holds.
    ///
    /// # Errors
    /// An element failed, or the message did not come.
    pub fn wait_told(&self, wanted: impl Fn(&gst::StructureRef) -> bool) -> Result<gst::Structure> {
        let message = self.wait_for(|message| message.structure().is_some_and(&wanted))?;
        message
            .structure()
            .map(ToOwned::to_owned)
            .context("the message has a structure")
    }

    /// Waits until the call is connected.
    ///
    /// # Errors
    /// It does not connect.
    pub fn wait_connected(&self) -> Result<()> {
        self.wait_told(|told| {
            told.name() == "acscall-state" && told.get::<&str>("state") == Ok("connected")
        })?;
        Ok(())
    }

    /// Waits for the text of an error.
    ///
    /// # Errors
    /// None came.
    pub fn wait_error(&self) -> Result<String> {
        let message = self.wait_for(|message| message.type_() == gst::MessageType::Error)?;
        match message.view() {
            gst::MessageView::Error(error) => Ok(error.error().to_string()),
            _ => bail!("not an error"),
        }
    }

    /// Waits for the end of all streams.
    ///
    /// # Errors
    /// An element failed, or the end did not come.
    pub fn wait_eos(&self) -> Result<()> {
        self.wait_for(|message| message.type_() == gst::MessageType::Eos)?;
        Ok(())
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _already_stopped = self.0.set_state(gst::State::Null);
    }
}

/// A buffer that came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When, by the system clock.
    pub at: gst::ClockTime,
    /// What it is.
    pub caps: gst::Caps,
    /// The buffer.
    pub buffer: gst::Buffer,
}

impl Arrival {
    /// The size of the picture.
    #[must_use]
    pub fn size(&self) -> Option<(u32, u32)> {
        let info = gst_video::VideoInfo::from_caps(&self.caps).ok()?;
        Some((info.width(), info.height()))
    }
}

/// The system clock's time: the same in all processes of the machine.
#[must_use]
pub fn now() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

/// GStreamer with this project's plugins in it. Can be called any number of times.
///
/// # Errors
/// GStreamer does not start.
pub fn init() -> Result<()> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    crate::glib_log::install();
    gst::init()?;
    ONCE.call_once(|| {
        gstacscall::plugin_register_static().expect("the plugin registers");
        gstrawmedia::plugin_register_static().expect("the plugin registers");
    });
    Ok(())
}
