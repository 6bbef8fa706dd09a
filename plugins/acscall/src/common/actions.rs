//! The action signals.

use acscall::call::Input;
use gst::glib;
use gst::glib::subclass::Signal;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::element::CallElement;
use super::properties::text;
use super::settings::callees;
use super::{AcsCallState, ElementCall};

/// Returns the action signals of both elements.
pub(crate) fn signals<E: CallElement>() -> Vec<Signal> {
    vec![
        signal::<E>("invite", String::static_type(), |element_call, users| {
            let users = text(users);
            let (_, user) = element_call.names();
            let users = callees("users", users.as_deref().unwrap_or_default(), &user);
            users.map(Input::Invite).map_err(|error| error.to_string())
        }),
        signal::<E>("accept", String::static_type(), |_, call| {
            Ok(Input::Accept(call_argument(call)))
        }),
        signal::<E>("reject", String::static_type(), |_, call| {
            Ok(Input::Reject(call_argument(call)))
        }),
        signal::<E>("hang-up", bool::static_type(), |_, for_everyone| {
            Ok(Input::Leave {
                for_everyone: for_everyone.get().unwrap_or_default(),
            })
        }),
    ]
}

/// Turns a signal's argument into an input of the call machine, or says why it is invalid.
type ToInput = fn(&ElementCall, &glib::Value) -> Result<Input, String>;

fn signal<E: CallElement>(name: &'static str, parameter: glib::Type, to_input: ToInput) -> Signal {
    Signal::builder(name)
        .param_types([parameter])
        .action()
        .run_last()
        .class_handler(move |values| {
            let [element, value] = values else {
                return None;
            };
            if let Ok(element) = element.get::<gst::Element>()
                && let Some(element) = element.downcast_ref::<E::Type>()
            {
                handle_action(
                    element,
                    E::from_obj(element).element_call(),
                    name,
                    value,
                    to_input,
                );
            }
            None
        })
        .build()
}

fn handle_action(
    element: &impl IsA<gst::Element>,
    element_call: &ElementCall,
    name: &str,
    value: &glib::Value,
    to_input: ToInput,
) {
    let membership = element_call
        .membership()
        .filter(|_| element_call.call_state() != AcsCallState::Disconnected);
    let Some(membership) = membership else {
        gst::element_warning!(
            element,
            gst::ResourceError::NotFound,
            ("'{name}' outside of a call: the element is in a call only from its change to PAUSED \
                 until the call is over")
        );
        return;
    };
    match to_input(element_call, value) {
        Ok(input) => membership.ask(input),
        Err(text) => {
            gst::element_warning!(element, gst::ResourceError::Settings, ("{name}: {text}"));
        }
    }
}

/// Returns the name of a call; an empty string means the same as NULL.
fn call_argument(value: &glib::Value) -> Option<String> {
    text(value).filter(|call| !call.is_empty())
}
