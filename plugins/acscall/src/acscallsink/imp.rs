//! The element: its properties, pads and part in the call.

#![expect(
    missing_docs,
    reason = "accessors of properties are generated; blurbs document them"
)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use acscall::call::{CallState, Event};
use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

use super::AcsCallSinkPad;
use super::pad_sink::AcsCallPadSink;
use super::pads::{Pads, Writer};
use super::settings::{DEFAULT_STALL_TIMEOUT, Settings};
use super::wait;
use crate::call::Role;
use crate::common::{self, CallElement, CallProperties, ElementCall};

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
    pub(super) call: Mutex<CallProperties>,
    #[property(name = "sync", get, set = Self::set_sync, type = bool, member = sync,
        default = true, mutable_playing, nick = "Synchronize", blurb = "Send what is not live at \
            its own pace, by the pipeline's clock; what is live is always sent at once")]
    #[property(name = "wait-for", get, set, type = u32, member = wait_for, mutable_ready,
        nick = "Wait for", blurb = "Hold back what is not live, and drop what is, until this many \
            others are in the call")]
    #[property(name = "stall-timeout", get, set = Self::set_stall_timeout, type = u32,
        member = stall_timeout, default = DEFAULT_STALL_TIMEOUT, mutable_playing,
        nick = "Stall timeout", blurb = "A stream to whose pad nothing comes for so many ms is not \
            available until something does; a GAP event counts as something. 0: it stays available")]
    pub(super) settings: Mutex<Settings>,
    pub(super) element_call: ElementCall,
    pub(super) pads: Mutex<Pads>,
}

impl AcsCallSink {
    fn set_sync(&self, sync: bool) {
        lock(&self.settings).sync = sync;
        for writer in self.writers() {
            writer.port.set_paced(sync);
        }
    }

    fn set_stall_timeout(&self, timeout: u32) {
        lock(&self.settings).stall_timeout = timeout;
        for writer in self.writers() {
            writer.port.set_stall_timeout(timeout);
        }
    }

    fn join(&self) -> Result<(), gst::StateChangeError> {
        lock(&self.pads).awaited_came = false;
        let membership = self.join_call(Role::Send, None)?;
        for writer in self.writers() {
            // Only who waits for others prerolls: a sink elsewhere in the pipeline that has
            // nothing to show yet must not keep this one from sending.
            writer.port.set_async(lock(&self.settings).wait_for > 0);
            self.hold(&writer);
            if let Err(error) = self.open(&writer, &membership) {
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
            for writer in self.writers() {
                writer.port.close();
            }
            let held = std::mem::take(&mut lock(&self.pads).held);
            wait::unhold(held);
        });
    }

    /// Nothing is sent any more: the pipeline need not wait for the streams to end.
    fn call_is_over(&self) {
        lock(&self.pads).awaited_came = true;
        self.unhold();
        let eos = gst::message::Eos::builder().src(&*self.obj()).build();
        // Fails where the element is in no pipeline: then nobody listens.
        let _nobody_listens = self.obj().post_message(eos);
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

    fn happened(&self, event: &Event) {
        if let Event::Stalled(kind, _) = event
            && !lock(&self.pads).writers.contains_key(kind)
        {
            return;
        }
        gst::debug!(CAT, imp = self, "{event:?}");
        common::post(&*self.obj(), &self.element_call, event);
        match event {
            Event::Participant(..) | Event::Reached(_) => self.unhold_when_awaited_came(),
            Event::State(CallState::Disconnected) => self.call_is_over(),
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
        let port = AcsCallPadSink::new(kind, templ.caps(), sync);
        let starts = port.downgrade();
        let pad = gst::PadBuilder::<AcsCallSinkPad>::from_template(templ)
            .event_function(move |pad, parent, event| {
                match event.type_() {
                    gst::EventType::StreamStart => {
                        if let Some(port) = starts.upgrade() {
                            port.restart();
                        }
                    }
                    gst::EventType::Eos => {
                        let sink = parent.and_then(|parent| parent.downcast_ref());
                        if let Some(sink) = sink {
                            super::AcsCallSink::imp(sink).ends(kind);
                        }
                    }
                    _ => {}
                }
                gst::Pad::event_default(pad, parent, event)
            })
            .build();
        pad.imp().assign(kind, &port);
        let writer = Writer { kind, pad, port };
        lock(&self.pads).writers.insert(kind, Some(writer.clone()));
        if let Err(error) = self.add(&writer) {
            self.post_error(&error);
            lock(&self.pads).writers.remove(&kind);
            self.remove(&writer);
            return None;
        }
        gst::info!(CAT, imp = self, "pad {name}");
        self.obj().child_added(&writer.pad, name);
        Some(writer.pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let Some(writer) = self.writer(pad) else {
            return;
        };
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
            self.begin_waiting();
            if let Err(error) = self.join() {
                self.end_waiting();
                return Err(error);
            }
        }
        let result = self.parent_change_state(transition);
        match (transition, result) {
            (gst::StateChange::ReadyToPaused, Err(_)) | (gst::StateChange::PausedToReady, _) => {
                self.end_waiting();
                self.leave();
                result
            }
            (gst::StateChange::ReadyToPaused, Ok(gst::StateChangeSuccess::Success))
                if lock(&self.pads).waiting =>
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
            && let Some(port) = message
                .src()
                .and_then(|src| src.downcast_ref::<AcsCallPadSink>())
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
        self.writers()
            .into_iter()
            .nth(index as usize)
            .map(|writer| writer.pad.upcast())
    }

    fn children_count(&self) -> u32 {
        self.writers().len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        let mut writers = self.writers().into_iter();
        writers
            .find(|writer| writer.kind.as_str() == name)
            .map(|writer| writer.pad.upcast())
    }
}

fn caps(kind: Kind) -> gst::Caps {
    match kind {
        Kind::Audio => gst_audio::AudioCapsBuilder::new_interleaved().build(),
        Kind::Video | Kind::Screen => gst_video::VideoCapsBuilder::new().build(),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
