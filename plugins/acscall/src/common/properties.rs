//! The properties that both elements have.
//!
//! An element's own properties are derived from the fields of its struct. Two structs cannot share
//! derived properties, and a common base class would need unsafe code, so these are in a table.

use std::path::PathBuf;

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

/// Its type, and the field with its value.
enum Field {
    Text(fn(&mut CallProperties) -> &mut Option<String>),
    /// A list of URLs whose passwords cannot be read.
    Urls(fn(&mut CallProperties) -> &mut Option<String>),
    /// A text that cannot be read.
    Secret(fn(&mut CallProperties) -> &mut Option<String>),
    Switch(fn(&mut CallProperties) -> &mut bool),
    Number(fn(&mut CallProperties) -> &mut u32),
}

const PROPERTIES: [Property; 12] = [
    Property {
        name: "server",
        nick: "Server",
        blurb: "URL of the signalling server, of the form ws://host[:port][/path] or wss://host[:port][/path]",
        field: Field::Text(|all| &mut all.server),
    },
    Property {
        name: "call",
        nick: "Call",
        blurb: "Name of the call to join, 1 to 128 characters; exactly one of call, callee, and \
                auto-accept or incoming must be set",
        field: Field::Text(|all| &mut all.call),
    },
    Property {
        name: "callee",
        nick: "Callee",
        blurb: "Comma-separated users to call: starts a new call that nobody else can join",
        field: Field::Text(|all| &mut all.callee),
    },
    Property {
        name: "auto-accept",
        nick: "Automatically accept",
        blurb: "Wait for a call to the user and answer the first one",
        field: Field::Switch(|all| &mut all.auto_accept),
    },
    Property {
        name: "incoming",
        nick: "Incoming",
        blurb: "Wait for calls to the user: each is announced by an acscall-incoming element \
                message and can be answered with the accept action signal",
        field: Field::Switch(|all| &mut all.incoming),
    },
    Property {
        name: "user",
        nick: "User",
        blurb: "User to join the call as, 1 to 128 characters (unset = a name generated once per \
                process); elements of one process with the same server and user that join the \
                same call, call the same callee, or wait for a call are one participant",
        field: Field::Text(|all| &mut all.user),
    },
    Property {
        name: "display-name",
        nick: "Display name",
        blurb: "Name shown to the other participants (unset = the user)",
        field: Field::Text(|all| &mut all.display_name),
    },
    Property {
        name: "token",
        nick: "Token",
        blurb: "Token that authenticates the user to the server (unset = the environment variable ACSCALL_TOKEN)",
        field: Field::Secret(|all| &mut all.token),
    },
    Property {
        name: "stun-server",
        nick: "STUN server",
        blurb: "STUN server to use, of the form stun://host:port (unset = none)",
        field: Field::Text(|all| &mut all.stun_server),
    },
    Property {
        name: "turn-servers",
        nick: "TURN servers",
        blurb: "Comma-separated TURN servers to use, of the form turn(s)://user:password@host:port; \
                reads without the passwords (unset = none)",
        field: Field::Urls(|all| &mut all.turn_servers),
    },
    Property {
        name: "embedded-server",
        nick: "Embedded server",
        blurb: "Start a signalling server in this process if the server address is a loopback address and nothing is listening there",
        field: Field::Switch(|all| &mut all.embedded_server),
    },
    Property {
        name: "linger",
        nick: "Linger",
        blurb: "Time in ms to stay in the call after the last element of this process has left \
                it, so that a returning element finds its connections intact; the longest time \
                of all elements applies (0 = leave at once)",
        field: Field::Number(|all| &mut all.linger),
    },
];

/// Returns an element's properties: those `derived` from its struct, then the shared ones.
pub(crate) fn all_properties(derived: &[glib::ParamSpec]) -> Vec<glib::ParamSpec> {
    let mut defaults = CallProperties::default();
    let shared = PROPERTIES
        .iter()
        .map(|property| property.spec(&mut defaults));
    let state = glib::ParamSpecEnum::builder_with_default("state", AcsCallState::None)
        .nick("State")
        .blurb("Current state of the call")
        .read_only();
    // Derived properties are identified by their position, so they come first.
    derived
        .iter()
        .cloned()
        .chain(shared)
        .chain([state.build()])
        .chain(structure_properties())
        .collect()
}

/// Returns the value of a shared property; `None` if `name` is not one.
pub(crate) fn property(element: &impl CallElement, name: &str) -> Option<glib::Value> {
    let element_call = element.element_call();
    if name == "state" {
        return Some(element_call.call_state().to_value());
    }
    if let Some(structure) = structure_property(element_call, name) {
        return Some(structure.to_value());
    }
    let property = PROPERTIES.iter().find(|property| property.name == name)?;
    let mut all = element.call_properties().lock();
    Some(match property.field {
        Field::Text(field) => field(&mut all).to_value(),
        Field::Urls(field) => field(&mut all).as_deref().map(without_passwords).to_value(),
        Field::Secret(_) => None::<String>.to_value(),
        Field::Switch(field) => field(&mut all).to_value(),
        Field::Number(field) => field(&mut all).to_value(),
    })
}

/// Sets a shared property; returns false if `name` is not one.
pub(crate) fn set_property(element: &impl CallElement, name: &str, value: &glib::Value) -> bool {
    let Some(property) = PROPERTIES.iter().find(|property| property.name == name) else {
        return false;
    };
    let mut all = element.call_properties().lock();
    // GObject has checked the type.
    match property.field {
        Field::Text(field) | Field::Urls(field) | Field::Secret(field) => {
            *field(&mut all) = text(value);
        }
        Field::Switch(field) => *field(&mut all) = value.get().unwrap_or_default(),
        Field::Number(field) => *field(&mut all) = value.get().unwrap_or_default(),
    }
    true
}

/// Returns a text, with U+FFFD in place of what is not UTF-8. The bindings read such a text as a
/// `String` without a check, and the process aborts later.
pub(super) fn text(value: &glib::Value) -> Option<String> {
    // The same GType as a string.
    let bytes: PathBuf = value.get().ok().flatten()?;
    Some(bytes.to_string_lossy().into_owned())
}

/// Replaces the passwords in a list of URLs, for everything that prints properties.
fn without_passwords(urls: &str) -> String {
    let hidden: Vec<_> = urls.split(',').map(without_password).collect();
    hidden.join(",")
}

fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else {
        return url.into();
    };
    // Without a scheme and a user, all of it may be the password.
    let user = before
        .split_once("://")
        .and_then(|(scheme, credentials)| Some((scheme, credentials.split_once(':')?.0)));
    match user {
        Some((scheme, user)) => format!("{scheme}://{user}:***@{host}"),
        None => format!("***@{host}"),
    }
}

impl Property {
    fn spec(&self, defaults: &mut CallProperties) -> glib::ParamSpec {
        let Property {
            name, nick, blurb, ..
        } = *self;
        match self.field {
            Field::Text(field) | Field::Urls(field) => glib::ParamSpecString::builder(name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acscallsink::AcsCallSink;

    #[test]
    fn passwords_of_turn_servers_cannot_be_read() {
        gst::init().unwrap();
        let element = glib::Object::new::<AcsCallSink>();
        element.set_property(
            "turn-servers",
            "turn://u:p@w:1@h:3478, turns://v:pw@i,turn://j,pw@k",
        );
        let read: String = element.property("turn-servers");
        assert_eq!(read, "turn://u:***@h:3478, turns://v:***@i,turn://j,***@k");
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_kept_with_a_mark() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;

        gst::init().unwrap();
        let element = glib::Object::new::<AcsCallSink>();
        let broken = PathBuf::from(OsString::from_vec(b"r\xffm".to_vec()));
        element.set_property("call", broken.to_value());
        assert_eq!(element.property::<String>("call"), "r\u{fffd}m");
        element.set_property("call", None::<String>);
        assert_eq!(element.property::<Option<String>>("call"), None);
    }
}
