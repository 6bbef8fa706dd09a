//! The element's properties, pads and state changes.

#![expect(
    missing_docs,
    reason = "the property accessors are generated; the blurbs document them"
)]

use std::sync::LazyLock;

use acscall::call::{CallState, Event};
use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use parking_lot::Mutex;

use super::AcsCallSinkPad;
use super::pad_entry::Pads;
use super::pad_sink::AcsCallPadSink;
use super::requesters::Requesters;
use super::settings::{DEFAULT_STALL_TIMEOUT, Settings};
use crate::call::Role;
use crate::common::{self, CallElement, CallProperties, ElementCall};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallsink",
        gst::DebugColorFlags::empty(),
        Some("Call sink"),
    )
});

/// See [`super::AcsCallSink`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSink)]
pub struct AcsCallSink {
    pub(super) call: Mutex<CallProperties>,
    #[property(name = "sync", get = Self::sync, set = Self::set_sync, type = bool, default = true,
        mutable_playing, nick = "Synchronize", blurb = "Send each buffer when it is due by the \
            pipeline clock; a live stream that is not ahead of the clock is sent at once")]
    #[property(name = "wait-for", get = Self::wait_for, set = Self::set_wait_for, type = u32,
        mutable_ready, nick = "Wait for", blurb = "Number of other participants to wait for; until \
            they are in the call, non-live streams are held back and live streams are dropped \
            (0 = do not wait)")]
    #[property(name = "stall-timeout", get = Self::stall_timeout, set = Self::set_stall_timeout,
        type = u32, default = DEFAULT_STALL_TIMEOUT, mutable_playing, nick = "Stall timeout",
        blurb = "Time in ms without a buffer or GAP event after which an audio or video stream (not \
            a screen) becomes unavailable until its next buffer (0 = never)")]
    pub(super) settings: Mutex<Settings>,
    pub(super) element_call: ElementCall,
    pub(super) pads: Mutex<Pads>,
    requesters: Requesters,
}

impl AcsCallSink {
    fn sync(&self) -> bool {
        self.settings.lock().sync
    }

    fn set_sync(&self, sync: bool) {
        self.settings.lock().sync = sync;
        for entry in self.entries() {
            entry.sink.set_paced(sync);
        }
    }

    fn wait_for(&self) -> u32 {
        self.settings.lock().wait_for
    }

    fn set_wait_for(&self, others: u32) {
        self.settings.lock().wait_for = others;
    }

    fn stall_timeout(&self) -> u32 {
        self.settings.lock().stall_timeout
    }

    fn set_stall_timeout(&self, timeout: u32) {
        self.settings.lock().stall_timeout = timeout;
        for entry in self.entries() {
            entry.sink.set_stall_timeout(timeout);
        }
    }

    fn join(&self) -> Result<(), gst::StateChangeError> {
        self.pads.lock().others_arrived = false;
        let membership = self.join_call(Role::Send, None)?;
        for entry in self.entries() {
            // Preroll only if the element waits for others: otherwise a sink elsewhere in the
            // pipeline that has no data yet would keep this one from sending.
            entry.sink.set_async(self.wait_for() > 0);
            self.hold(&entry);
            if let Err(error) = self.open(&entry, &membership) {
                self.post_error(&error);
                drop(membership);
                self.leave();
                return Err(gst::StateChangeError);
            }
        }
        Ok(())
    }

    fn leave(&self) {
        self.leave_call(|| {
            for entry in self.entries() {
                entry.sink.close();
            }
            self.release_held();
        });
    }

    /// Posts EOS: the call is over, so the pipeline need not wait for its streams to end.
    fn end_with_call(&self) {
        self.pads.lock().others_arrived = true;
        self.release_all();
        let eos = gst::message::Eos::builder().src(&*self.obj()).build();
        // Fails if the element is in no pipeline: nobody listens.
        let _nobody_listens = self.obj().post_message(eos);
    }

    pub(super) fn sink_event(
        &self,
        pad: &AcsCallSinkPad,
        kind: Kind,
        sink: Option<&AcsCallPadSink>,
        event: gst::Event,
    ) -> bool {
        self.requesters.pushes();
        match event.type_() {
            gst::EventType::StreamStart => {
                if let Some(sink) = sink {
                    sink.restart();
                }
            }
            gst::EventType::Eos => self.stream_ended(kind),
            _ => {}
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }
}

impl CallElement for AcsCallSink {
    fn category() -> gst::DebugCategory {
        *CAT
    }

    fn call_properties(&self) -> &Mutex<CallProperties> {
        &self.call
    }

    fn element_call(&self) -> &ElementCall {
        &self.element_call
    }

    fn handle_event(&self, event: &Event) {
        if let Event::Stalled(kind, _) = event
            && !self.pads.lock().entries.contains_key(kind)
        {
            return;
        }
        gst::debug!(CAT, imp = self, "{event:?}");
        common::post(&*self.obj(), &self.element_call, event);
        match event {
            Event::Participant(..) | Event::Reached(_) => self.release_if_others_arrived(),
            Event::State(CallState::Disconnected) => self.end_with_call(),
            _ => {}
        }
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
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> =
            LazyLock::new(|| common::all_properties(AcsCallSink::derived_properties()));
        &PROPERTIES
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> =
            LazyLock::new(common::signals::<AcsCallSink>);
        &SIGNALS
    }

    fn set_property(&self, id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        if !common::set_property(self, pspec.name(), value) {
            self.derived_set_property(id, value, pspec);
        }
    }

    fn property(&self, id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        common::property(self, pspec.name()).unwrap_or_else(|| self.derived_property(id, pspec))
    }

    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        // The element is a sink even without pads.
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
                "Sends raw audio, camera and screen share streams into a call",
                env!("CARGO_PKG_AUTHORS"),
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            // `video` before `screen`: a link without a pad name uses the first that fits.
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
            let mut pads = self.pads.lock();
            let is_free = !pads.entries.contains_key(&kind);
            if is_free {
                pads.entries.insert(kind, None);
            }
            is_free
        };
        if !is_free {
            gst::element_imp_warning!(
                self,
                gst::CoreError::Pad,
                ("the pad '{name}' was requested twice: a participant can send only one stream of \
                     each kind")
            );
            return None;
        }
        let entry = self.make_pad(kind, templ);
        let registered = Some(entry.clone());
        self.pads.lock().entries.insert(kind, registered);
        if let Err(error) = self.add(&entry) {
            self.post_error(&error);
            self.pads.lock().entries.remove(&kind);
            self.remove(&entry);
            return None;
        }
        gst::info!(CAT, imp = self, "Added pad {name}");
        if self.is_active() {
            self.requesters.requested(kind);
        }
        self.obj().child_added(&entry.pad, name);
        Some(entry.pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let Some(entry) = self.entry(pad) else {
            return;
        };
        gst::info!(CAT, imp = self, "Releasing pad {}", entry.kind);
        self.obj().child_removed(pad, entry.kind.as_str());
        self.requesters.released(entry.kind);
        self.remove(&entry);
        self.pads.lock().entries.remove(&entry.kind);
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::NullToReady {
            self.check_plugins()?;
        }
        if transition == gst::StateChange::ReadyToPaused {
            self.begin_waiting();
            if let Err(error) = self.join() {
                self.end_waiting();
                return Err(error);
            }
        }
        if transition == gst::StateChange::PausedToPlaying {
            self.requesters.wait();
        }
        let result = self.parent_change_state(transition);
        match (transition, result) {
            (gst::StateChange::ReadyToPaused, Err(_)) | (gst::StateChange::PausedToReady, _) => {
                self.end_waiting();
                self.leave();
                result
            }
            (gst::StateChange::ReadyToPaused, Ok(gst::StateChangeSuccess::Success))
                if self.pads.lock().waiting =>
            {
                Ok(gst::StateChangeSuccess::Async)
            }
            _ => result,
        }
    }
}

impl BinImpl for AcsCallSink {
    fn handle_message(&self, message: gst::Message) {
        if let gst::MessageView::Eos(_) = message.view()
            && let Some(sink) = message
                .src()
                .and_then(|src| src.downcast_ref::<AcsCallPadSink>())
        {
            // The application may leave the call as soon as it sees the message.
            sink.finish();
        }
        self.parent_handle_message(message);
    }
}

/// Exposes the pads, so that gst-launch-1.0 and applications can set their properties by name.
impl ChildProxyImpl for AcsCallSink {
    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.entries()
            .into_iter()
            .nth(index as usize)
            .map(|entry| entry.pad.upcast())
    }

    fn children_count(&self) -> u32 {
        self.entries().len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        let mut entries = self.entries().into_iter();
        entries
            .find(|entry| entry.kind.as_str() == name)
            .map(|entry| entry.pad.upcast())
    }
}

fn caps(kind: Kind) -> gst::Caps {
    match kind {
        Kind::Audio => gst_audio::AudioCapsBuilder::new_interleaved().build(),
        Kind::Video | Kind::Screen => gst_video::VideoCapsBuilder::new().build(),
    }
}
