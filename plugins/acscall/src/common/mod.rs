//! Code shared by both elements: the call properties, the part in a call and the bus messages.

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
pub(crate) use bus_messages::{display_name, post};
pub(crate) use element::CallElement;
pub(crate) use element_call::ElementCall;
use element_call::Generation;
pub(crate) use properties::{all_properties, property, set_property};
pub(crate) use settings::CallProperties;

/// The states of a call, as values of the property `state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallState")]
#[repr(i32)]
pub enum AcsCallState {
    /// Not in a call yet.
    #[default]
    #[enum_value(name = "None: not in a call yet, or waiting for one", nick = "none")]
    None,
    /// Connecting to the server, for the first time or again.
    #[enum_value(name = "Connecting: connecting to the server", nick = "connecting")]
    Connecting,
    /// A user is being called.
    #[enum_value(name = "Ringing: a user is being called", nick = "ringing")]
    Ringing,
    /// In the call.
    #[enum_value(name = "Connected: in the call", nick = "connected")]
    Connected,
    /// Leaving the call.
    #[enum_value(name = "Disconnecting: leaving the call", nick = "disconnecting")]
    Disconnecting,
    /// The call is over for the element.
    #[enum_value(name = "Disconnected: the call is over", nick = "disconnected")]
    Disconnected,
}

impl AcsCallState {
    /// Returns the name used in messages.
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

/// The kinds of streams, as values of the pad property `kind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallKind")]
#[repr(i32)]
pub enum AcsCallKind {
    /// The microphone or a replacement.
    #[default]
    #[enum_value(name = "Audio: the microphone or a replacement", nick = "audio")]
    Audio,
    /// The camera or a replacement.
    #[enum_value(name = "Video: the camera or a replacement", nick = "video")]
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
