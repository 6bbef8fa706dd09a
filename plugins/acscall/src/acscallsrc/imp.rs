//! The element's properties, pads and state changes.

#![expect(
    missing_docs,
    reason = "the property accessors are generated; the blurbs document them"
)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use acscall::call::Event;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::pad_entry::PadEntry;
use super::settings::Settings;
use super::{AcsCallOnLeave, AcsCallSrcPad};
use crate::call::{DEFAULT_LATENCY, Role};
use crate::common::{self, CallElement, CallProperties, ElementCall};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallsrc",
        gst::DebugColorFlags::empty(),
        Some("Call source"),
    )
});

/// See [`super::AcsCallSrc`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSrc)]
pub struct AcsCallSrc {
    pub(super) call: Mutex<CallProperties>,
    #[property(name = "participant", get = Self::participant, set = Self::set_participant,
        type = Option<String>, mutable_ready, nick = "Participant", blurb = "Only \
            receive streams of this user on pads without a user in their names (unset = all users)")]
    #[property(name = "latency", get = Self::latency, set = Self::set_latency, type = u32,
        default = DEFAULT_LATENCY, maximum = 10_000, mutable_ready, nick = "Latency",
        blurb = "Length of the jitter buffers in ms")]
    #[property(name = "on-leave", get = Self::on_leave, set = Self::set_on_leave,
        type = AcsCallOnLeave, mutable_playing, builder(AcsCallOnLeave::Keep).mutable_playing()
        .nick("On leave").blurb("What a pad does when its user leaves the call and no other user \
            takes the pad"))]
    pub(super) settings: Mutex<Settings>,
    pub(super) element_call: ElementCall,
    /// The pads by name; `None` while a pad is being created.
    pub(super) pads: Mutex<BTreeMap<String, Option<PadEntry>>>,
}

impl AcsCallSrc {
    fn participant(&self) -> Option<String> {
        self.settings.lock().participant.clone()
    }

    fn set_participant(&self, participant: Option<String>) {
        self.settings.lock().participant = participant;
    }

    fn latency(&self) -> u32 {
        self.settings.lock().latency
    }

    fn set_latency(&self, latency: u32) {
        self.settings.lock().latency = latency;
    }

    fn on_leave(&self) -> AcsCallOnLeave {
        self.settings.lock().on_leave
    }

    fn set_on_leave(&self, on_leave: AcsCallOnLeave) {
        self.settings.lock().on_leave = on_leave;
        for entry in self.entries() {
            entry.stream.set_on_leave(on_leave);
        }
    }

    fn join(&self) -> Result<(), gst::StateChangeError> {
        let membership = self.join_call(Role::Receive, Some(self.latency()))?;
        for entry in self.entries() {
            self.bind(&entry, &membership);
        }
        Ok(())
    }

    fn leave(&self) {
        self.leave_call(|| {
            for entry in self.entries() {
                entry.stream.unbind();
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

    fn handle_event(&self, event: &Event) {
        // The sinks with the stalled pads post these.
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
        // The element is a source even without pads.
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
                "Receives raw audio, camera and screen share streams from a call",
                env!("CARGO_PKG_AUTHORS"),
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            // `audio` first: a link without a pad name uses the first that fits.
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
        let entry = match self.create(templ, name) {
            Ok(entry) => entry,
            Err(text) => {
                gst::element_imp_warning!(self, gst::CoreError::Pad, ("{text}"));
                return None;
            }
        };
        if let Err(error) = self.add(&entry) {
            gst::element_imp_error!(
                self,
                gst::CoreError::Pad,
                ("the pad '{}' cannot be created: {error}", entry.pad.name())
            );
            self.pads.lock().remove(entry.pad.name().as_str());
            self.remove(&entry);
            return None;
        }
        gst::info!(CAT, imp = self, "Added pad {}", entry.pad.name());
        self.obj().child_added(&entry.pad, &entry.pad.name());
        Some(entry.pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let entry = self.pads.lock().remove(pad.name().as_str());
        let Some(Some(entry)) = entry else { return };
        gst::info!(CAT, imp = self, "Releasing pad {}", pad.name());
        self.obj().child_removed(pad, &pad.name());
        self.remove(&entry);
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::NullToReady {
            self.check_plugins()?;
        }
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
            // The source is live even without pads.
            gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                result.map(|_| gst::StateChangeSuccess::NoPreroll)
            }
            _ => result,
        }
    }
}

impl BinImpl for AcsCallSrc {}

/// Exposes the pads, so that gst-launch-1.0 and applications can set their properties by name.
impl ChildProxyImpl for AcsCallSrc {
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
            .find(|entry| entry.pad.name() == name)
            .map(|entry| entry.pad.upcast())
    }
}

/// The output of the Opus decoder and the mixer.
fn audio_caps() -> gst::Caps {
    gst_audio::AudioCapsBuilder::new_interleaved()
        .format(gst_audio::AudioFormat::S16le)
        .rate(48_000)
        .channels(2)
        .build()
}

/// The output of any video decoder.
fn video_caps() -> gst::Caps {
    gst::Caps::new_empty_simple("video/x-raw")
}
