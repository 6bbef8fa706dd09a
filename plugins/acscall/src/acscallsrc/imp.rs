//! The element: its properties, pads and part in the call.

#![expect(
    missing_docs,
    reason = "accessors of properties are generated; blurbs document them"
)]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use acscall::call::Event;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::pads::Reader;
use super::{AcsCallOnLeave, AcsCallSrcPad};
use crate::call::{DEFAULT_LATENCY, Role};
use crate::common::{self, CallElement, CallProperties, ElementCall};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallsrc",
        gst::DebugColorFlags::empty(),
        Some("The streams of the others in a call"),
    )
});

/// See [`super::AcsCallSrc`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSrc)]
pub struct AcsCallSrc {
    pub(super) call: Mutex<CallProperties>,
    #[property(name = "participant", get, set, type = Option<String>, member = participant,
        mutable_ready, nick = "Participant", blurb = "User whose streams come out of the pads that \
            name nobody; unset: everybody's")]
    #[property(name = "latency", get, set, type = u32, member = latency, default = DEFAULT_LATENCY,
        maximum = 10_000, mutable_ready, nick = "Latency",
        blurb = "Length of the jitter buffers, in ms")]
    #[property(name = "on-leave", get, set = Self::set_on_leave, type = AcsCallOnLeave,
        member = on_leave, mutable_playing, builder(AcsCallOnLeave::Keep).mutable_playing()
        .nick("On leave").blurb("What a pad does when the user whose stream it gives leaves the \
            call, and nobody takes its place"))]
    pub(super) settings: Mutex<Settings>,
    pub(super) element_call: ElementCall,
    /// By name; `None` while a pad is being made.
    pub(super) pads: Mutex<BTreeMap<String, Option<Reader>>>,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) participant: Option<String>,
    latency: u32,
    pub(super) on_leave: AcsCallOnLeave,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            participant: None,
            latency: DEFAULT_LATENCY,
            on_leave: AcsCallOnLeave::Keep,
        }
    }
}

impl AcsCallSrc {
    fn set_on_leave(&self, on_leave: AcsCallOnLeave) {
        lock(&self.settings).on_leave = on_leave;
        for reader in self.readers() {
            reader.stream.set_on_leave(on_leave);
        }
    }

    fn join(&self) -> Result<(), gst::StateChangeError> {
        let latency = lock(&self.settings).latency;
        let membership = self.join_call(Role::Receive, Some(latency))?;
        for reader in self.readers() {
            self.bind(&reader, &membership);
        }
        Ok(())
    }

    fn leave(&self) {
        self.leave_call(|| {
            for reader in self.readers() {
                reader.stream.unbind();
            }
        });
    }
}

impl CallElement for AcsCallSrc {
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
        // Stalls are told by the sinks that have the pads.
        if matches!(event, Event::Stalled(..)) {
            return;
        }
        gst::debug!(CAT, imp = self, "{event:?}");
        common::post(&*self.obj(), &self.element_call, event);
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallSrc {
    const NAME: &'static str = "GstAcsCallSrc";
    type Type = super::AcsCallSrc;
    type ParentType = gst::Bin;
    type Interfaces = (gst::ChildProxy,);
}

impl ObjectImpl for AcsCallSrc {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> =
            LazyLock::new(|| common::all_properties(AcsCallSrc::derived_properties()));
        &PROPERTIES
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> =
            LazyLock::new(common::signals::<AcsCallSrc>);
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
        // It is a source with and without streams.
        obj.set_suppressed_flags(gst::ElementFlags::SOURCE | gst::ElementFlags::SINK);
        obj.set_element_flags(gst::ElementFlags::SOURCE);
    }
}

impl GstObjectImpl for AcsCallSrc {}

impl ElementImpl for AcsCallSrc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Call source",
                "Source/Network/WebRTC",
                "Raw audio, cameras and screen shares of the others in a call",
                env!("CARGO_PKG_AUTHORS"),
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            // `audio` first: it is what a link without a name gets.
            [
                ("audio", audio_caps()),
                ("audio_%s", audio_caps()),
                ("video_%s", video_caps()),
                ("screen_%s", video_caps()),
            ]
            .into_iter()
            .filter_map(|(name, caps)| {
                gst::PadTemplate::with_gtype(
                    name,
                    gst::PadDirection::Src,
                    gst::PadPresence::Request,
                    &caps,
                    AcsCallSrcPad::static_type(),
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
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let reader = match self.make(templ, name) {
            Ok(reader) => reader,
            Err(text) => {
                gst::element_imp_warning!(self, gst::CoreError::Pad, ("{text}"));
                return None;
            }
        };
        if let Err(error) = self.add(&reader) {
            gst::element_imp_error!(
                self,
                gst::CoreError::Pad,
                ("the pad '{}' cannot be made: {error}", reader.pad.name())
            );
            lock(&self.pads).remove(reader.pad.name().as_str());
            self.remove(&reader);
            return None;
        }
        gst::info!(CAT, imp = self, "pad {}", reader.pad.name());
        self.obj().child_added(&reader.pad, &reader.pad.name());
        Some(reader.pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let reader = lock(&self.pads).remove(pad.name().as_str());
        let Some(Some(reader)) = reader else { return };
        gst::info!(CAT, imp = self, "pad {} is released", pad.name());
        self.obj().child_removed(pad, &pad.name());
        self.remove(&reader);
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
        match transition {
            // Also without a stream.
            gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                result.map(|_| gst::StateChangeSuccess::NoPreroll)
            }
            _ => result,
        }
    }
}

impl BinImpl for AcsCallSrc {}

/// The pads, so that gst-launch-1.0 and others can name their properties.
impl ChildProxyImpl for AcsCallSrc {
    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.readers()
            .into_iter()
            .nth(index as usize)
            .map(|reader| reader.pad.upcast())
    }

    fn children_count(&self) -> u32 {
        self.readers().len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        let mut readers = self.readers().into_iter();
        readers
            .find(|reader| reader.pad.name() == name)
            .map(|reader| reader.pad.upcast())
    }
}

/// What the decoder and the mixer give.
fn audio_caps() -> gst::Caps {
    gst_audio::AudioCapsBuilder::new_interleaved()
        .format(gst_audio::AudioFormat::S16le)
        .rate(48_000)
        .channels(2)
        .build()
}

/// As decoded.
fn video_caps() -> gst::Caps {
    gst::Caps::new_empty_simple("video/x-raw")
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
