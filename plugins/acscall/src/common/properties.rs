//! The properties of both elements.
//!
//! Those of one element are derived from its struct's fields. That cannot be shared between two
//! structs: a common base class would need unsafe code. So these are a table.

use std::sync::PoisonError;

use gst::glib;
use gst::prelude::*;

use super::bus_messages::{structure_properties, structure_property};
use super::{AcsCallState, CallElement, CallProperties};

/// A property of [`CallProperties`].
struct Property {
    name: &'static str,
    nick: &'static str,
    blurb: &'static str,
    field: Field,
}

/// Where its value is.
enum Field {
    Text(fn(&mut CallProperties) -> &mut Option<String>),
    /// Can be set, not read.
    Secret(fn(&mut CallProperties) -> &mut Option<String>),
    Switch(fn(&mut CallProperties) -> &mut bool),
    Number(fn(&mut CallProperties) -> &mut u32),
}

const PROPERTIES: [Property; 12] = [
    Property {
        name: "server",
        nick: "Server",
        blurb: "Address of the signalling server, ws://host[:port][/path]",
        field: Field::Text(|all| &mut all.server),
    },
    Property {
        name: "call",
        nick: "Call",
        blurb: "Name of the call to join, 1 to 128 characters. One of call, callee, and \
                auto-accept or incoming has to be set",
        field: Field::Text(|all| &mut all.call),
    },
    Property {
        name: "callee",
        nick: "Callee",
        blurb: "Users to call, with commas in between: to a new call, which nobody else can join",
        field: Field::Text(|all| &mut all.callee),
    },
    Property {
        name: "auto-accept",
        nick: "Automatically accept",
        blurb: "Wait for a call to the user, and answer the first that comes",
        field: Field::Switch(|all| &mut all.auto_accept),
    },
    Property {
        name: "incoming",
        nick: "Incoming",
        blurb: "Wait for a call to the user: each is told by the element message \
                acscall-incoming, and answered with the action signal accept",
        field: Field::Switch(|all| &mut all.incoming),
    },
    Property {
        name: "user",
        nick: "User",
        blurb: "User to be in the call, 1 to 128 characters; unset: a generated name, the same \
                for all of the process. Elements of one process with the same server, user and \
                call, with the same callee, or which all wait for a call, are one participant",
        field: Field::Text(|all| &mut all.user),
    },
    Property {
        name: "display-name",
        nick: "Display name",
        blurb: "Name that the others show; unset: the user",
        field: Field::Text(|all| &mut all.display_name),
    },
    Property {
        name: "token",
        nick: "Token",
        blurb: "Proof for the server that it is the user; unset: the environment's ACSCALL_TOKEN",
        field: Field::Secret(|all| &mut all.token),
    },
    Property {
        name: "stun-server",
        nick: "STUN server",
        blurb: "stun://host:port; unset: none",
        field: Field::Text(|all| &mut all.stun_server),
    },
    Property {
        name: "turn-servers",
        nick: "TURN servers",
        blurb: "turn(s)://user:password@host:port, with commas in between; unset: none",
        field: Field::Text(|all| &mut all.turn_servers),
    },
    Property {
        name: "embedded-server",
        nick: "Embedded server",
        blurb: "Serve at the server's address where it is on loopback and nobody answers there",
        field: Field::Switch(|all| &mut all.embedded_server),
    },
    Property {
        name: "linger",
        nick: "Linger",
        blurb: "Stay in the call for so many ms after the last element of this process has left \
                it, so that one which comes back finds all connections as they were; the longest \
                of the elements' counts",
        field: Field::Number(|all| &mut all.linger),
    },
];

/// An element's properties: those that are `derived` from its struct, and those of both.
pub(crate) fn all_properties(derived: &[glib::ParamSpec]) -> Vec<glib::ParamSpec> {
    let mut defaults = CallProperties::default();
    let shared = PROPERTIES
        .iter()
        .map(|property| property.spec(&mut defaults));
    let state = glib::ParamSpecEnum::builder_with_default("state", AcsCallState::None)
        .nick("State")
        .blurb("State of the call")
        .read_only();
    // The derived ones first: they know themselves by their number.
    derived
        .iter()
        .cloned()
        .chain(shared)
        .chain([state.build()])
        .chain(structure_properties())
        .collect()
}

/// The value of one of the properties of both elements.
pub(crate) fn property(element: &impl CallElement, name: &str) -> Option<glib::Value> {
    let element_call = element.element_call();
    if name == "state" {
        return Some(element_call.call_state().to_value());
    }
    if let Some(structure) = structure_property(element_call, name) {
        return Some(structure.to_value());
    }
    let property = PROPERTIES.iter().find(|property| property.name == name)?;
    let all = element.call_properties().lock();
    let mut all = all.unwrap_or_else(PoisonError::into_inner);
    Some(match property.field {
        Field::Text(field) => field(&mut all).to_value(),
        Field::Secret(_) => None::<String>.to_value(),
        Field::Switch(field) => field(&mut all).to_value(),
        Field::Number(field) => field(&mut all).to_value(),
    })
}

/// Sets one of the properties of both elements; false if it is another.
pub(crate) fn set_property(element: &impl CallElement, name: &str, value: &glib::Value) -> bool {
    let Some(property) = PROPERTIES.iter().find(|property| property.name == name) else {
        return false;
    };
    let all = element.call_properties().lock();
    let mut all = all.unwrap_or_else(PoisonError::into_inner);
    // GObject has checked the type.
    match property.field {
        Field::Text(field) | Field::Secret(field) => {
            *field(&mut all) = value.get().ok().flatten();
        }
        Field::Switch(field) => *field(&mut all) = value.get().unwrap_or_default(),
        Field::Number(field) => *field(&mut all) = value.get().unwrap_or_default(),
    }
    true
}

impl Property {
    fn spec(&self, defaults: &mut CallProperties) -> glib::ParamSpec {
        let Property {
            name, nick, blurb, ..
        } = *self;
        match self.field {
            Field::Text(field) => glib::ParamSpecString::builder(name)
                .nick(nick)
                .blurb(blurb)
                .default_value(field(defaults).as_deref())
                .mutable_ready()
                .build(),
            Field::Secret(_) => glib::ParamSpecString::builder(name)
                .nick(nick)
                .blurb(blurb)
                .write_only()
                .mutable_ready()
                .build(),
            Field::Switch(field) => glib::ParamSpecBoolean::builder(name)
                .nick(nick)
                .blurb(blurb)
                .default_value(*field(defaults))
                .mutable_ready()
                .build(),
            Field::Number(field) => glib::ParamSpecUInt::builder(name)
                .nick(nick)
                .blurb(blurb)
                .default_value(*field(defaults))
                .mutable_ready()
                .build(),
        }
    }
}
