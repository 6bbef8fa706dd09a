//! The action signals.

use acscall::call::Input;
use gst::glib;
use gst::glib::subclass::Signal;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::element::CallElement;
use super::settings::callees;
use super::{AcsCallState, ElementCall};

/// The action signals of both elements.
pub(crate) fn signals<E: CallElement>() -> Vec<Signal> {
    vec![
        signal::<E>("invite", String::static_type(), |element_call, users| {
            let users: Option<String> = users.get().ok().flatten();
            let (_, user) = element_call.names();
            let users = callees("users", users.as_deref().unwrap_or_default(), &user);
            users.map(Input::Invite).map_err(|error| error.to_string())
        }),
        signal::<E>("accept", String::static_type(), |_, call| {
            Ok(Input::Accept(given(call)))
        }),
        signal::<E>("reject", String::static_type(), |_, call| {
            Ok(Input::Reject(given(call)))
        }),
        signal::<E>("hang-up", bool::static_type(), |_, for_everyone| {
            Ok(Input::Leave {
                for_everyone: for_everyone.get().unwrap_or_default(),
            })
        }),
    ]
}

/// What is asked of the call, or why it cannot be.
type Ask = fn(&ElementCall, &glib::Value) -> Result<Input, String>;

fn signal<E: CallElement>(name: &'static str, parameter: glib::Type, ask: Ask) -> Signal {
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
                obey(
                    element,
                    E::from_obj(element).element_call(),
                    name,
                    value,
                    ask,
                );
            }
            None
        })
        .build()
}

fn obey(
    element: &impl IsA<gst::Element>,
    element_call: &ElementCall,
    name: &str,
    value: &glib::Value,
    ask: Ask,
) {
    let membership = element_call
        .membership()
        .filter(|_| element_call.call_state() != AcsCallState::Disconnected);
    let Some(membership) = membership else {
        gst::element_warning!(
            element,
            gst::ResourceError::NotFound,
            ("'{name}' outside of a call: an element is in one from its change to PAUSED until \
                 the call is over")
        );
        return;
    };
    match ask(element_call, value) {
        Ok(input) => membership.ask(input),
        Err(text) => {
            gst::element_warning!(element, gst::ResourceError::Settings, ("{name}: {text}"));
        }
    }
}

/// An empty text is none.
fn given(value: &glib::Value) -> Option<String> {
    let text: Option<String> = value.get().ok().flatten();
    text.filter(|text| !text.is_empty())
}
