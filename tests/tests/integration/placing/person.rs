//! A user who calls or is called.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;

use acscall::server::{Config, Embedded};
use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT};
use acscall_tests::server::until_listening;
use anyhow::{Context, Result, bail, ensure};
use gst::prelude::*;

/// A pipeline with the `acscallsrc` `c` and the `acscallsink` `s`, both of the same user, so that they
/// must share its calls. It sends video of 160x120.
pub(crate) struct Person {
    pipeline: Pipeline,
    /// The frames of the first video stream.
    seen: Receiver<Arrival>,
    /// The element messages read so far, each with the name of the element that posted it.
    messages: RefCell<Vec<(String, gst::Structure)>>,
    /// Whether [`Person::fails`] has read an error.
    failed: Cell<bool>,
}

impl Person {
    /// Creates a person with further properties for both elements. The person runs the server at
    /// `port` if nobody else does.
    pub(crate) fn new(port: u16, user: &str, how: &str) -> Result<Person> {
        let call = format!("server=ws://127.0.0.1:{port} user={user} {how}");
        Person::with(&call)
    }

    fn with(call: &str) -> Result<Person> {
        let pipeline = Pipeline::new(&format!(
            "acscallsrc name=c {call} c. ! video/x-raw ! fakesink name=seen sync=false async=false \
             videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=15/1 \
             ! acscallsink name=s {call}"
        ))?;
        let seen = pipeline.arrivals("seen")?;
        pipeline.play()?;
        Ok(Person {
            pipeline,
            seen,
            messages: RefCell::default(),
            failed: Cell::default(),
        })
    }

    /// Accepts the first call. Others can call when this returns.
    pub(crate) fn answering(port: u16, user: &str) -> Result<Person> {
        Person::listening(port, user, "auto-accept=true")
    }

    /// Posts incoming calls. Others can call when this returns.
    pub(crate) fn waiting(port: u16, user: &str) -> Result<Person> {
        Person::listening(port, user, "incoming=true")
    }

    /// As [`Person::waiting`], but the elements share no call with others of the same user, since they
    /// have another name for the server.
    pub(crate) fn waiting_elsewhere(port: u16, user: &str) -> Result<Person> {
        let call = format!("server=ws://localhost:{port} user={user} incoming=true");
        until_listening(port, || Person::with(&call))
    }

    fn listening(port: u16, user: &str, how: &str) -> Result<Person> {
        until_listening(port, || Person::new(port, user, how))
    }

    /// Calls these users, separated by commas.
    pub(crate) fn calling(port: u16, user: &str, callees: &str) -> Result<Person> {
        Person::new(port, user, &format!("callee={callees}"))
    }

    /// Joins the named call, and waits until it is connected.
    pub(crate) fn joining(port: u16, user: &str, call: &str) -> Result<Person> {
        let person = Person::new(port, user, &format!("call={call}"))?;
        person.until_state("connected")?;
        Ok(person)
    }

    /// Waits for an element message of `c` for which `wanted` returns true.
    pub(crate) fn until(
        &self,
        wanted: impl Fn(&gst::StructureRef) -> bool,
    ) -> Result<gst::Structure> {
        self.until_of("c", wanted)
    }

    fn until_of(
        &self,
        element: &str,
        wanted: impl Fn(&gst::StructureRef) -> bool,
    ) -> Result<gst::Structure> {
        let message = self.wait(|message| {
            message.type_() == gst::MessageType::Element
                && message.src().is_some_and(|src| src.name() == element)
                && message.structure().is_some_and(&wanted)
        })?;
        let structure = message.structure().context("the message has a structure")?;
        Ok(structure.to_owned())
    }

    /// Waits for a message, and keeps the element messages up to it. Fails on an error of `c`, unless
    /// [`Person::fails`] has read one: both elements post it. An error of `s` is ignored, since it may
    /// precede earlier messages of `c`.
    fn wait(&self, wanted: impl Fn(&gst::Message) -> bool) -> Result<gst::Message> {
        let bus = self.pipeline.0.bus().context("a pipeline has a bus")?;
        loop {
            let message = bus
                .timed_pop(gst::ClockTime::try_from(TIMEOUT)?)
                .context("the expected message did not arrive")?;
            if message.type_() == gst::MessageType::Element
                && let (Some(source), Some(structure)) = (message.src(), message.structure())
            {
                let message = (source.name().into(), structure.to_owned());
                self.messages.borrow_mut().push(message);
            }
            if wanted(&message) {
                return Ok(message);
            }
            if let gst::MessageView::Error(error) = message.view()
                && !self.failed.get()
                && message.src().is_none_or(|src| src.name() != "s")
            {
                bail!("{} ({:?})", error.error(), error.debug());
            }
        }
    }

    /// Waits until both elements have posted this state of the call.
    pub(crate) fn until_state(&self, state: &str) -> Result<()> {
        for element in ["c", "s"] {
            if self.states(element).last().is_none_or(|s| s != state) {
                self.until_of(element, |message| {
                    message.name() == "acscall-state" && message.get("state") == Ok(state)
                })?;
            }
        }
        Ok(())
    }

    /// Waits for this state of another user, and returns its reason, if any.
    pub(crate) fn until_participant(&self, user: &str, state: &str) -> Result<Option<String>> {
        let message = self.until(|message| {
            message.name() == "acscall-participant"
                && message.get("participant") == Ok(user)
                && message.get("state") == Ok(state)
        })?;
        Ok(message.get("reason").ok())
    }

    /// Waits for an incoming call, and returns its name.
    pub(crate) fn until_called_by(&self, user: &str) -> Result<String> {
        let message = self.until(|message| {
            message.name() == "acscall-incoming"
                && message.get("participant") == Ok(user)
                && message.get("ringing") == Ok(true)
        })?;
        Ok(message.get("call")?)
    }

    /// Waits for the end of an incoming call, and returns its reason.
    pub(crate) fn until_not_called(&self) -> Result<String> {
        let message = self.until(|message| {
            message.name() == "acscall-incoming" && message.get("ringing") == Ok(false)
        })?;
        Ok(message.get("reason")?)
    }

    /// The states that an element has posted, up to the last message read.
    pub(crate) fn states(&self, element: &str) -> Vec<String> {
        let messages = self.messages.borrow();
        let states = messages
            .iter()
            .filter(|(source, message)| source == element && message.name() == "acscall-state");
        states
            .filter_map(|(_, message)| message.get("state").ok())
            .collect()
    }

    /// The states of the call from its start. The element that joins second posts only later states.
    pub(crate) fn course(&self) -> Result<Vec<String>> {
        let (mut longer, mut shorter) = (self.states("c"), self.states("s"));
        if longer.len() < shorter.len() {
            std::mem::swap(&mut longer, &mut shorter);
        }
        ensure!(longer.ends_with(&shorter), "{longer:?}, but {shorter:?}");
        ensure!(!shorter.is_empty(), "one element has posted no state");
        Ok(longer)
    }

    /// The name of the call in the last state that both elements have posted.
    pub(crate) fn call(&self) -> Result<String> {
        let messages = self.messages.borrow();
        let name = |element: &str| {
            let mut states = messages.iter().rev();
            let state = states
                .find(|(source, message)| source == element && message.name() == "acscall-state");
            state.and_then(|(_, message)| message.get::<String>("call").ok())
        };
        ensure!(name("c") == name("s"), "the elements are in two calls");
        name("c").context("no state was posted")
    }

    /// Waits for a frame from another participant.
    pub(crate) fn sees(&self) -> Result<()> {
        let arrival = self
            .seen
            .recv_timeout(TIMEOUT)
            .context("no picture arrived")?;
        ensure!(arrival.size() == Some((160, 120)));
        Ok(())
    }

    /// Waits for the error that ends the call, and returns its text and code.
    pub(crate) fn fails(&self) -> Result<(String, Option<gst::ResourceError>)> {
        let error = self.of_message(gst::MessageType::Error)?;
        self.failed.set(true);
        Ok(error)
    }

    /// Waits for a warning, and returns its text and code.
    pub(crate) fn is_warned(&self) -> Result<(String, Option<gst::ResourceError>)> {
        self.of_message(gst::MessageType::Warning)
    }

    fn of_message(&self, kind: gst::MessageType) -> Result<(String, Option<gst::ResourceError>)> {
        let message = self.wait(|message| message.type_() == kind)?;
        let error = match message.view() {
            gst::MessageView::Error(error) => error.error(),
            gst::MessageView::Warning(warning) => warning.error(),
            _ => bail!("neither an error nor a warning"),
        };
        Ok((error.message().to_owned(), error.kind()))
    }

    /// Waits until all streams have ended, received and sent ones.
    pub(crate) fn until_eos(&self) -> Result<()> {
        self.wait(|message| message.type_() == gst::MessageType::Eos)?;
        Ok(())
    }

    /// Emits an action signal with a text argument.
    pub(crate) fn emit(&self, signal: &str, text: Option<&str>) -> Result<()> {
        self.element("c")?.emit_by_name::<()>(signal, &[&text]);
        Ok(())
    }

    pub(crate) fn hang_up(&self, for_everyone: bool) -> Result<()> {
        // On the sink, since both elements have all signals.
        self.element("s")?
            .emit_by_name::<()>("hang-up", &[&for_everyone]);
        Ok(())
    }

    /// The other participants and their states, which must be the same in both elements.
    pub(crate) fn participants(&self) -> Result<Vec<(String, String)>> {
        let of = |element: &str| -> Result<Vec<(String, String)>> {
            let all = self
                .element(element)?
                .property::<gst::Structure>("participants");
            let names = all.fields().map(ToString::to_string);
            let states = names.map(|name| {
                let fields = all.get::<gst::Structure>(name.as_str())?;
                Ok((name, fields.get("state")?))
            });
            let mut states = states.collect::<Result<Vec<_>>>()?;
            states.sort();
            Ok(states)
        };
        ensure!(of("c")? == of("s")?, "the elements show different calls");
        of("c")
    }

    fn element(&self, name: &str) -> Result<gst::Element> {
        self.pipeline.element(name)
    }
}

/// Starts a server with this configuration on a free port.
pub(crate) fn server(config: Config) -> Result<(Embedded, u16)> {
    let server = Embedded::start_with(SocketAddr::from(([127, 0, 0, 1], 0)), config)?;
    let port = server.local_addr().port();
    Ok((server, port))
}
