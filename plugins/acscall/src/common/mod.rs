//! What both elements share: their call's properties, their part in it and what they tell of it.

mod actions;
mod bus_messages;
mod element;
mod element_call;
mod properties;
mod settings;

use acscall::call::CallState;
use acscall::model::Kind;
use gst::glib;

pub(crate) use actions::signals;
pub(crate) use bus_messages::{post, shown_name};
pub(crate) use element::CallElement;
pub(crate) use element_call::ElementCall;
use element_call::Generation;
pub(crate) use properties::{all_properties, property, set_property};
pub(crate) use settings::CallProperties;

/// The states of a call, as the property `state` shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallState")]
#[repr(i32)]
pub enum AcsCallState {
    /// Not begun.
    #[default]
    #[enum_value(
        name = "None: the element has not joined a call yet, or waits for one",
        nick = "none"
    )]
    None,
    /// On the way to the server, for the first time or again.
    #[enum_value(name = "Connecting: on the way to the server", nick = "connecting")]
    Connecting,
    /// Somebody is being rung.
    #[enum_value(name = "Ringing: somebody is being called", nick = "ringing")]
    Ringing,
    /// In the call.
    #[enum_value(name = "Connected: in the call", nick = "connected")]
    Connected,
    /// Leaving.
    #[enum_value(name = "Disconnecting: leaving the call", nick = "disconnecting")]
    Disconnecting,
    /// Over.
    #[enum_value(
        name = "Disconnected: the call is over for the element",
        nick = "disconnected"
    )]
    Disconnected,
}

impl AcsCallState {
    /// The name in messages.
    pub(crate) fn nick(self) -> &'static str {
        match self {
            AcsCallState::None => "none",
            AcsCallState::Connecting => "connecting",
            AcsCallState::Ringing => "ringing",
            AcsCallState::Connected => "connected",
            AcsCallState::Disconnecting => "disconnecting",
            AcsCallState::Disconnected => "disconnected",
        }
    }
}

impl From<CallState> for AcsCallState {
    fn from(state: CallState) -> AcsCallState {
        match state {
            CallState::None => AcsCallState::None,
            CallState::Connecting => AcsCallState::Connecting,
            CallState::Ringing => AcsCallState::Ringing,
            CallState::Connected => AcsCallState::Connected,
            CallState::Disconnecting => AcsCallState::Disconnecting,
            CallState::Disconnected => AcsCallState::Disconnected,
        }
    }
}

/// What a stream carries, as the pad property `kind` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallKind")]
#[repr(i32)]
pub enum AcsCallKind {
    /// The microphone, or what stands for it.
    #[default]
    #[enum_value(name = "Audio: the microphone, or what stands for it", nick = "audio")]
    Audio,
    /// The camera, or what stands for it.
    #[enum_value(name = "Video: the camera, or what stands for it", nick = "video")]
    Video,
    /// The screen share.
    #[enum_value(name = "Screen: the screen share", nick = "screen")]
    Screen,
}

impl From<Kind> for AcsCallKind {
    fn from(kind: Kind) -> AcsCallKind {
        match kind {
            Kind::Audio => AcsCallKind::Audio,
            Kind::Video => AcsCallKind::Video,
            Kind::Screen => AcsCallKind::Screen,
        }
    }
}
