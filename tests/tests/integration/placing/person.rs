//! Somebody who calls, or is called.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;

use acscall::server::{Config, Embedded};
use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT};
use acscall_tests::server::until_listening;
use anyhow::{Context, Result, bail, ensure};
use gst::prelude::*;

/// A pipeline with an `acscallsrc` called `c` and an `acscallsink` called `s`, both of one user:
/// they have to share its calls. What it sends is a picture of 160x120.
pub(crate) struct Person {
    pipeline: Pipeline,
    /// The first video that comes.
    seen: Receiver<Arrival>,
    /// The element messages that were waited for, and those before them: who posted them, and what.
    told: RefCell<Vec<(String, gst::Structure)>>,
    /// An error was waited for.
    failed: Cell<bool>,
}

impl Person {
    /// On a server at `port`, which the person serves where nobody else does. `how` there comes to
    /// be a call: properties of both elements.
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
            told: RefCell::default(),
            failed: Cell::default(),
        })
    }

    /// Answers the first call that comes. Others can call when it returns.
    pub(crate) fn answering(port: u16, user: &str) -> Result<Person> {
        Person::listening(port, user, "auto-accept=true")
    }

    /// Tells of calls that come. Others can call when it returns.
    pub(crate) fn waiting(port: u16, user: &str) -> Result<Person> {
        Person::listening(port, user, "incoming=true")
    }

    /// As [`Person::waiting`], but with elements that share no call with those of the same user:
    /// they know the server by another name.
    pub(crate) fn waiting_elsewhere(port: u16, user: &str) -> Result<Person> {
        let call = format!("server=ws://localhost:{port} user={user} incoming=true");
        until_listening(port, || Person::with(&call))
    }

    fn listening(port: u16, user: &str, how: &str) -> Result<Person> {
        until_listening(port, || Person::new(port, user, how))
    }

    /// Calls these users, with commas in between.
    pub(crate) fn calling(port: u16, user: &str, callees: &str) -> Result<Person> {
        Person::new(port, user, &format!("callee={callees}"))
    }

    /// In the call of this name.
    pub(crate) fn joining(port: u16, user: &str, call: &str) -> Result<Person> {
        let person = Person::new(port, user, &format!("call={call}"))?;
        person.until_state("connected")?;
        Ok(person)
    }

    /// Waits for the element message of `c` of which `wanted` holds.
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
        let structure = message.structure().context("it has one")?;
        Ok(structure.to_owned())
    }

    /// Waits for a message and keeps the element messages up to it. An error ends the waiting, but
    /// one more after one that was waited for: both elements tell it. That of `s` does not: it may
    /// come before what `c` has told before its own.
    fn wait(&self, wanted: impl Fn(&gst::Message) -> bool) -> Result<gst::Message> {
        let bus = self.pipeline.0.bus().context("a pipeline has a bus")?;
        loop {
            let message = bus
                .timed_pop(gst::ClockTime::try_from(TIMEOUT)?)
                .context("an awaited message did not come")?;
            if message.type_() == gst::MessageType::Element
                && let (Some(source), Some(structure)) = (message.src(), message.structure())
            {
                let told = (source.name().into(), structure.to_owned());
                self.told.borrow_mut().push(told);
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

    /// Waits for the call's state, as both elements tell it.
    pub(crate) fn until_state(&self, state: &str) -> Result<()> {
        for element in ["c", "s"] {
            if self.states(element).last().is_none_or(|s| s != state) {
                self.until_of(element, |told| {
                    told.name() == "acscall-state" && told.get("state") == Ok(state)
                })?;
            }
        }
        Ok(())
    }

    /// Waits for what is told of somebody else, and returns why, if it says so.
    pub(crate) fn until_participant(&self, user: &str, state: &str) -> Result<Option<String>> {
        let told = self.until(|told| {
            told.name() == "acscall-participant"
                && told.get("participant") == Ok(user)
                && told.get("state") == Ok(state)
        })?;
        Ok(told.get("reason").ok())
    }

    /// Waits for a call, and returns its name.
    pub(crate) fn until_called_by(&self, user: &str) -> Result<String> {
        let told = self.until(|told| {
            told.name() == "acscall-incoming"
                && told.get("participant") == Ok(user)
                && told.get("ringing") == Ok(true)
        })?;
        Ok(told.get("call")?)
    }

    /// Waits for the end of an incoming call, and returns why.
    pub(crate) fn until_not_called(&self) -> Result<String> {
        let told = self
            .until(|told| told.name() == "acscall-incoming" && told.get("ringing") == Ok(false))?;
        Ok(told.get("reason")?)
    }

    /// The states that an element has told up to what was waited for last.
    pub(crate) fn states(&self, element: &str) -> Vec<String> {
        let told = self.told.borrow();
        let states = told
            .iter()
            .filter(|(source, told)| source == element && told.name() == "acscall-state");
        states
            .filter_map(|(_, told)| told.get("state").ok())
            .collect()
    }

    /// The states of the call from its beginning. The element that comes second is told those from
    /// that moment on.
    pub(crate) fn course(&self) -> Result<Vec<String>> {
        let (mut longer, mut shorter) = (self.states("c"), self.states("s"));
        if longer.len() < shorter.len() {
            std::mem::swap(&mut longer, &mut shorter);
        }
        ensure!(longer.ends_with(&shorter), "{longer:?}, but {shorter:?}");
        ensure!(!shorter.is_empty(), "one element tells nothing");
        Ok(longer)
    }

    /// The call's name, as both elements told it with the last state.
    pub(crate) fn call(&self) -> Result<String> {
        let told = self.told.borrow();
        let name = |element: &str| {
            let mut states = told.iter().rev();
            let state =
                states.find(|(source, told)| source == element && told.name() == "acscall-state");
            state.and_then(|(_, told)| told.get::<String>("call").ok())
        };
        ensure!(name("c") == name("s"), "the elements are in two calls");
        name("c").context("no state was told")
    }

    /// Waits for a picture of somebody else's.
    pub(crate) fn sees(&self) -> Result<()> {
        let arrival = self.seen.recv_timeout(TIMEOUT).context("no picture came")?;
        ensure!(arrival.size() == Some((160, 120)));
        Ok(())
    }

    /// Waits for the error that ends the call: its text and its code.
    pub(crate) fn fails(&self) -> Result<(String, Option<gst::ResourceError>)> {
        let error = self.of_message(gst::MessageType::Error)?;
        self.failed.set(true);
        Ok(error)
    }

    /// Waits for a warning: its text and its code.
    pub(crate) fn is_warned(&self) -> Result<(String, Option<gst::ResourceError>)> {
        self.of_message(gst::MessageType::Warning)
    }

    fn of_message(&self, kind: gst::MessageType) -> Result<(String, Option<gst::ResourceError>)> {
        let message = self.wait(|message| message.type_() == kind)?;
        let error = match message.view() {
            gst::MessageView::Error(error) => error.error(),
            gst::MessageView::Warning(warning) => warning.error(),
            _ => bail!("neither"),
        };
        Ok((error.message().to_owned(), error.kind()))
    }

    /// Waits until all streams have ended: nothing comes any more, and nothing is sent.
    pub(crate) fn until_eos(&self) -> Result<()> {
        self.wait(|message| message.type_() == gst::MessageType::Eos)?;
        Ok(())
    }

    /// Emits the action signal that takes a text.
    pub(crate) fn ask(&self, signal: &str, text: Option<&str>) -> Result<()> {
        self.element("c")?.emit_by_name::<()>(signal, &[&text]);
        Ok(())
    }

    pub(crate) fn hang_up(&self, for_everyone: bool) -> Result<()> {
        // The sink's: both elements have all signals.
        self.element("s")?
            .emit_by_name::<()>("hang-up", &[&for_everyone]);
        Ok(())
    }

    /// The others in the call and how they stand to it, as both elements show them.
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

/// A server on a port of its own with such limits.
pub(crate) fn server(config: Config) -> Result<(Embedded, u16)> {
    let server = Embedded::start_with(SocketAddr::from(([127, 0, 0, 1], 0)), config)?;
    let port = server.local_addr().port();
    Ok((server, port))
}
