//! The element: its properties, pads and part in the call.

#![expect(missing_docs, reason = "accessors of properties are generated; blurbs document them")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use acscall::call::Event;
use acscall::signalling::message::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

use super::AcsCallSinkPad;
use super::port::AcsCallPort;
use super::wait;
use crate::call::{Membership, Role};
use crate::common::{self, AcsCallState, Attendance, CallProperties, Ticket};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallsink",
        gst::DebugColorFlags::empty(),
        Some("Streams into a call"),
    )
});

/// See [`super::AcsCallSink`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSink)]
pub struct AcsCallSink {
    #[property(name = "server", get, set, type = Option<String>, member = server,
        default = Some(common::DEFAULT_SERVER), mutable_ready, nick = "Server",
        blurb = "Address of the signalling server, ws://host[:port][/path]")]
    #[property(name = "call", get, set, type = Option<String>, member = call, mutable_ready,
        nick = "Call", blurb = "Name of the call to join, 1 to 128 characters; has to be set")]
    #[property(name = "user", get, set, type = Option<String>, member = user, mutable_ready,
        nick = "User", blurb = "User to be in the call, 1 to 128 characters; unset: a generated \
            name, the same for all of the process. Elements of one process with the same server, \
            call and user are one participant")]
    #[property(name = "display-name", get, set, type = Option<String>, member = display_name,
        mutable_ready, nick = "Display name", blurb = "Name that the others show; unset: the user")]
    #[property(name = "token", set, type = Option<String>, member = token, mutable_ready,
        nick = "Token", blurb = "Proof for the server that it is the user; unset: the \
            environment's ACSCALL_TOKEN")]
    #[property(name = "stun-server", get, set, type = Option<String>, member = stun_server,
        mutable_ready, nick = "STUN server", blurb = "stun://host:port; unset: none")]
    #[property(name = "turn-servers", get, set, type = Option<String>, member = turn_servers,
        mutable_ready, nick = "TURN servers",
        blurb = "turn(s)://user:password@host:port, with commas in between; unset: none")]
    #[property(name = "embedded-server", get, set, type = bool, member = embedded_server,
        default = true, mutable_ready, nick = "Embedded server",
        blurb = "Serve at the server's address where it is on loopback and nobody answers there")]
    call: Mutex<CallProperties>,
    #[property(name = "sync", get, set = Self::set_sync, type = bool, member = sync,
        default = true, mutable_playing, nick = "Synchronize", blurb = "Send what is not live at \
            its own pace, by the pipeline's clock; what is live is always sent at once")]
    #[property(name = "wait-for", get, set, type = u32, member = wait_for, mutable_ready,
        nick = "Wait for", blurb = "Hold back what is not live, and drop what is, until this many \
            others are in the call")]
    settings: Mutex<Settings>,
    #[property(name = "state", get = Self::call_state, type = AcsCallState,
        builder(AcsCallState::None).nick("State").blurb("State of the call"))]
    attendance: Attendance,
    pads: Mutex<Pads>,
}

#[derive(Debug)]
struct Settings {
    sync: bool,
    wait_for: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { sync: true, wait_for: 0 }
    }
}

#[derive(Debug, Default)]
struct Pads {
    /// `None` while a pad is being made.
    writers: BTreeMap<Kind, Option<Writer>>,
    /// As many others were there as the element waits for, in this call.
    awaited_came: bool,
    /// What holds the streams back until then.
    held: BTreeMap<Kind, (AcsCallSinkPad, gst::PadProbeId)>,
}

/// A pad, and what it stands for.
#[derive(Clone, Debug)]
struct Writer {
    kind: Kind,
    pad: AcsCallSinkPad,
    port: AcsCallPort,
}

impl AcsCallSink {
    fn call_state(&self) -> AcsCallState {
        self.attendance.call_state()
    }

    fn set_sync(&self, sync: bool) {
        lock(&self.settings).sync = sync;
        for writer in self.writers() {
            writer.port.set_paced(sync);
        }
    }

    fn join(&self) -> Result<(), gst::StateChangeError> {
        let properties = lock(&self.call).clone();
        let settings = properties.to_settings(None).map_err(|error| {
            gst::element_imp_error!(self, gst::ResourceError::Settings, ("{error}"));
            gst::StateChangeError
        })?;
        gst::info!(CAT, imp = self, "joins {} as {}", settings.call, settings.user);
        lock(&self.pads).awaited_came = false;
        let membership = self
            .attendance
            .join(&*self.obj(), settings, Role::Send, Self::told)
            .map_err(|error| {
                gst::element_imp_error!(self, gst::ResourceError::Settings, ("{error}"));
                gst::StateChangeError
            })?;
        for writer in self.writers() {
            writer.port.set_async(true);
            self.hold(&writer);
            if let Err(text) = self.open(&writer, &membership) {
                gst::element_imp_error!(self, gst::ResourceError::Busy, ("{text}"));
                drop(membership);
                self.leave();
                return Err(gst::StateChangeError);
            }
        }
        Ok(())
    }

    fn leave(&self) {
        let Some(membership) = self.attendance.leave() else { return };
        gst::info!(CAT, imp = self, "leaves");
        for writer in self.writers() {
            writer.port.close();
        }
        let held = std::mem::take(&mut lock(&self.pads).held);
        unhold(held);
        drop(membership);
        let obj = self.obj();
        common::post_state(&*obj, &self.attendance, AcsCallState::Disconnected);
        for property in ["state", "participants", "streams"] {
            obj.notify(property);
        }
    }

    /// On the call's thread.
    fn told(obj: &super::AcsCallSink, ticket: Ticket, event: &Event) {
        let imp = obj.imp();
        if !imp.attendance.note(ticket, event) {
            return;
        }
        gst::debug!(CAT, imp = imp, "{event:?}");
        common::post(obj, &imp.attendance, event);
        match event {
            Event::State(_) => obj.notify("state"),
            Event::Participant(..) => {
                obj.notify("participants");
                obj.notify("streams");
                imp.unhold_when_awaited_came();
            }
            Event::Reached(_) => imp.unhold_when_awaited_came(),
            Event::Stream { .. } => obj.notify("streams"),
            Event::Warning(_) | Event::Error(_) => {}
        }
    }

    fn open(&self, writer: &Writer, membership: &Arc<Membership>) -> Result<(), String> {
        if writer.port.open(membership) {
            return Ok(());
        }
        let (call, user) = self.attendance.names();
        Err(format!(
            "another element of this process already sends '{}' into the call '{call}' as '{}': \
             a participant sends one stream of each kind, so release that pad, or set another \
             'user' on one of the elements",
            writer.kind,
            user.unwrap_or_default()
        ))
    }

    /// Lets nothing through before those came that the element waits for.
    fn hold(&self, writer: &Writer) {
        if lock(&self.settings).wait_for == 0 || lock(&self.pads).awaited_came {
            return;
        }
        let Some(probe) = wait::hold(&writer.pad) else { return };
        let before = lock(&self.pads).held.insert(writer.kind, (writer.pad.clone(), probe));
        if let Some((pad, probe)) = before {
            pad.remove_probe(probe);
        }
        // They may have come in between.
        self.unhold_when_awaited_came();
    }

    fn unhold_when_awaited_came(&self) {
        let wait_for = lock(&self.settings).wait_for as usize;
        let others = self.attendance.others();
        let held = {
            let mut pads = lock(&self.pads);
            if others >= wait_for {
                pads.awaited_came = true;
            }
            if !pads.awaited_came {
                return;
            }
            std::mem::take(&mut pads.held)
        };
        unhold(held);
    }

    /// Puts the pad and its port in, at the speed of the element.
    fn add(&self, writer: &Writer) -> Result<(), String> {
        let Writer { pad, port, kind } = writer;
        let text = |error: glib::BoolError| format!("the pad '{kind}' cannot be made: {error}");
        let obj = self.obj();
        let runs =
            obj.current_state() > gst::State::Ready || obj.pending_state() > gst::State::Ready;
        if runs {
            // A running pipeline must not wait for this stream's first buffer.
            port.set_async(false);
        }
        obj.add(port).map_err(text)?;
        pad.set_target(Some(port.sink_pad())).map_err(text)?;
        if let Some(membership) = self.attendance.membership() {
            self.open(writer, &membership)?;
            if self.attendance.is_current(&membership) {
                self.hold(writer);
            } else {
                // The call was left at this moment, and did not see the pad.
                port.close();
            }
        }
        if runs {
            pad.set_active(true).map_err(text)?;
        }
        obj.add_pad(pad).map_err(text)?;
        port.sync_state_with_parent().map_err(text)
    }

    fn remove(&self, writer: &Writer) {
        let held = lock(&self.pads).held.remove(&writer.kind);
        if let Some((pad, probe)) = held {
            pad.remove_probe(probe);
        }
        let obj = self.obj();
        let _was_inactive = writer.pad.set_active(false);
        let _had_none = writer.pad.set_target(None::<&gst::Pad>);
        let _not_added = obj.remove_pad(&writer.pad);
        writer.port.set_locked_state(true);
        let _cannot_fail = writer.port.set_state(gst::State::Null);
        writer.port.close();
        let _not_added = obj.remove(&writer.port);
    }

    fn writers(&self) -> Vec<Writer> {
        lock(&self.pads).writers.values().flatten().cloned().collect()
    }

    fn writer(&self, pad: &gst::Pad) -> Option<Writer> {
        let pads = lock(&self.pads);
        let mut writers = pads.writers.values().flatten();
        writers.find(|writer| writer.pad.upcast_ref::<gst::Pad>() == pad).cloned()
    }
}

fn unhold(held: BTreeMap<Kind, (AcsCallSinkPad, gst::PadProbeId)>) {
    for (pad, probe) in held.into_values() {
        pad.remove_probe(probe);
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallSink {
    const NAME: &'static str = "GstAcsCallSink";
    type Type = super::AcsCallSink;
    type ParentType = gst::Bin;
    type Interfaces = (gst::ChildProxy,);
}

impl ObjectImpl for AcsCallSink {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            // The derived ones first: they know themselves by their number.
            let derived = <AcsCallSink as DerivedObjectProperties>::derived_properties();
            derived.iter().cloned().chain(common::structure_properties()).collect()
        });
        &PROPERTIES
    }

    fn set_property(&self, id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.derived_set_property(id, value, pspec);
    }

    fn property(&self, id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match common::structure_property(&self.attendance, pspec.name()) {
            Some(structure) => structure.to_value(),
            None => self.derived_property(id, pspec),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        // It is a sink with and without streams.
        obj.set_suppressed_flags(gst::ElementFlags::SOURCE | gst::ElementFlags::SINK);
        obj.set_element_flags(gst::ElementFlags::SINK);
    }
}

impl GstObjectImpl for AcsCallSink {}

impl ElementImpl for AcsCallSink {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Call sink",
                "Sink/Network/WebRTC",
                "Sends raw audio, a camera and a screen share into a call",
                env!("CARGO_PKG_AUTHORS"),
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            // `video` before `screen`: it is what a link without a name gets.
            Kind::ALL
                .into_iter()
                .filter_map(|kind| {
                    gst::PadTemplate::with_gtype(
                        kind.as_str(),
                        gst::PadDirection::Sink,
                        gst::PadPresence::Request,
                        &caps(kind),
                        AcsCallSinkPad::static_type(),
                    )
                    .ok()
                })
                .collect()
        });
        &TEMPLATES
    }

    fn request_new_pad(
        &self,
        templ: &gst::PadTemplate,
        _name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let name = templ.name_template();
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name)?;
        let is_free = {
            let mut pads = lock(&self.pads);
            let is_free = !pads.writers.contains_key(&kind);
            if is_free {
                pads.writers.insert(kind, None);
            }
            is_free
        };
        if !is_free {
            gst::element_imp_warning!(
                self,
                gst::CoreError::Pad,
                ("the pad '{name}' was asked for twice: a participant sends one stream of each kind")
            );
            return None;
        }
        let sync = lock(&self.settings).sync;
        let port = AcsCallPort::new(kind, templ.caps(), sync);
        let starts = port.downgrade();
        let pad = gst::PadBuilder::<AcsCallSinkPad>::from_template(templ)
            .event_function(move |pad, parent, event| {
                if event.type_() == gst::EventType::StreamStart
                    && let Some(port) = starts.upgrade()
                {
                    port.restart();
                }
                gst::Pad::event_default(pad, parent, event)
            })
            .build();
        pad.imp().assign(kind, &port);
        let writer = Writer { kind, pad, port };
        lock(&self.pads).writers.insert(kind, Some(writer.clone()));
        if let Err(text) = self.add(&writer) {
            gst::element_imp_error!(self, gst::ResourceError::Busy, ("{text}"));
            lock(&self.pads).writers.remove(&kind);
            self.remove(&writer);
            return None;
        }
        gst::info!(CAT, imp = self, "pad {name}");
        self.obj().child_added(&writer.pad, name);
        Some(writer.pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let Some(writer) = self.writer(pad) else { return };
        gst::info!(CAT, imp = self, "pad {} is released", writer.kind);
        self.obj().child_removed(pad, writer.kind.as_str());
        self.remove(&writer);
        lock(&self.pads).writers.remove(&writer.kind);
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            self.join()?;
        }
        let result = self.parent_change_state(transition);
        match transition {
            gst::StateChange::ReadyToPaused if result.is_err() => self.leave(),
            gst::StateChange::PausedToReady => self.leave(),
            _ => {}
        }
        result
    }
}

impl BinImpl for AcsCallSink {
    fn handle_message(&self, message: gst::Message) {
        if let gst::MessageView::Eos(_) = message.view()
            && let Some(port) = message.src().and_then(|src| src.downcast_ref::<AcsCallPort>())
        {
            // Before anybody hears of the end and ends the call.
            port.finish();
        }
        self.parent_handle_message(message);
    }
}

/// The pads, so that gst-launch-1.0 and others can name their properties.
impl ChildProxyImpl for AcsCallSink {
    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.writers().into_iter().nth(index as usize).map(|writer| writer.pad.upcast())
    }

    fn children_count(&self) -> u32 {
        self.writers().len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        let mut writers = self.writers().into_iter();
        writers.find(|writer| writer.kind.as_str() == name).map(|writer| writer.pad.upcast())
    }
}

fn caps(kind: Kind) -> gst::Caps {
    match kind {
        Kind::Audio => gst_audio::AudioCapsBuilder::new_interleaved().build(),
        Kind::Video | Kind::Screen => gst_video::VideoCapsBuilder::new().build(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
