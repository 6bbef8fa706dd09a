//! Pipelines of tests and benchmarks, and waiting for their messages.

use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, bail};
use gst::prelude::*;

pub use crate::port::free_port;
pub use crate::wait::{TIMEOUT, until};

/// Returns the properties of elements in a call of their own, on a server that they run.
///
/// # Errors
/// GStreamer cannot be initialized, or no port is free.
pub fn call() -> Result<String> {
    init()?;
    Ok(format!("call=room server=ws://127.0.0.1:{}", free_port()?))
}

/// A pipeline that is stopped when dropped.
#[derive(Debug)]
pub struct Pipeline(pub gst::Pipeline);

impl Pipeline {
    /// Creates a pipeline from a description in the syntax of gst-launch-1.0, in the state NULL.
    ///
    /// # Errors
    /// The description is wrong.
    pub fn new(description: &str) -> Result<Pipeline> {
        // gst::parse::launch returns a single element without a pipeline.
        let contents = gst::parse::bin_from_description(description, false)
            .with_context(|| description.to_string())?;
        let pipeline = gst::Pipeline::new();
        pipeline.add(&contents)?;
        Ok(Pipeline(pipeline))
    }

    /// Creates a pipeline and sets it to PLAYING.
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
    /// An element does not start; the text is that of its error.
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

    /// The bin with the described elements.
    ///
    /// # Errors
    /// The pipeline was not made from a description.
    pub fn contents(&self) -> Result<gst::Bin> {
        let first = self.0.children().into_iter().next();
        first
            .and_then(|child| child.downcast().ok())
            .context("a pipeline holds its bin")
    }

    /// Requests pads with these names from `element` and releases them, 100 times in each state. The
    /// pads must have these names, and nothing may be left of them.
    ///
    /// # Errors
    /// There is no such pad, or a state change fails.
    ///
    /// # Panics
    /// A pad has another name, or something is left.
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

    /// Requests the pad `name` from its template twice. The second request must be refused with a
    /// warning that names the pad.
    ///
    /// # Errors
    /// There is no such template, or no warning arrives.
    ///
    /// # Panics
    /// The second request succeeds, or the warning has another text.
    pub fn assert_second_request_is_refused(
        &self,
        element: &gst::Element,
        name: &str,
    ) -> Result<()> {
        let template = element.pad_template(name).context("a template")?;
        let request = || element.request_pad(&template, None, None);
        let pad = request().context("a pad")?;
        assert_eq!(pad.name(), name);
        assert!(request().is_none());
        let message =
            self.wait_for(|message| matches!(message.view(), gst::MessageView::Warning(_)))?;
        let gst::MessageView::Warning(warning) = message.view() else {
            unreachable!()
        };
        let text = warning.error().to_string();
        assert!(
            text.contains(&format!("'{name}' was requested twice")),
            "{text}"
        );
        Ok(())
    }

    /// The element with this name.
    ///
    /// # Errors
    /// There is no such element.
    pub fn element(&self, name: &str) -> Result<gst::Element> {
        self.0
            .by_name(name)
            .with_context(|| format!("no element '{name}'"))
    }

    /// Receives each buffer that enters `sink`, with its caps and the time of the system clock.
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
                let _receiver_dropped = sender.send(Arrival {
                    at: now(),
                    caps,
                    buffer: buffer.clone(),
                });
            }
            gst::PadProbeReturn::Ok
        });
        Ok(arrivals)
    }

    /// Waits for a message for which `wanted` returns true.
    ///
    /// # Errors
    /// An element posts an error, or the message does not arrive.
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
        bail!("the expected message did not arrive")
    }

    /// Waits for an element message for which `wanted` returns true, and returns its structure.
    ///
    /// # Errors
    /// An element posts an error, or the message does not arrive.
    pub fn wait_element_message(
        &self,
        wanted: impl Fn(&gst::StructureRef) -> bool,
    ) -> Result<gst::Structure> {
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
        self.wait_element_message(|structure| {
            structure.name() == "acscall-state" && structure.get::<&str>("state") == Ok("connected")
        })?;
        Ok(())
    }

    /// Waits for an error and returns its text.
    ///
    /// # Errors
    /// No error arrives.
    pub fn wait_error(&self) -> Result<String> {
        let message = self.wait_for(|message| message.type_() == gst::MessageType::Error)?;
        match message.view() {
            gst::MessageView::Error(error) => Ok(error.error().to_string()),
            _ => bail!("not an error"),
        }
    }

    /// Waits for EOS.
    ///
    /// # Errors
    /// An element posts an error, or EOS does not arrive.
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

/// A received buffer.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When it arrived, by the system clock.
    pub at: gst::ClockTime,
    /// Its caps.
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

/// The time of the system clock, which is the same in all processes of the machine.
#[must_use]
pub fn now() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

/// Initialises GStreamer and registers this project's plugins. May be called several times.
///
/// # Errors
/// GStreamer cannot be initialised.
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
