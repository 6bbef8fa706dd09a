//! What `acscallsrc` and `acscallsink` have in common: joining and leaving a call.

use std::sync::Arc;

use acscall::call::Event;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::{CallProperties, ElementCall, Generation, bus_messages};
use crate::call::{Membership, Role, missing_element};

/// An element that takes part in a call.
pub(crate) trait CallElement: ElementImpl<Type: IsA<gst::Element> + Send + Sync> {
    /// Returns the element's debug category.
    fn category() -> gst::DebugCategory;

    /// Returns the call properties as the application set them.
    fn call_properties(&self) -> &Mutex<CallProperties>;

    /// Returns the element's part in the call.
    fn element_call(&self) -> &ElementCall;

    /// Handles an event of the element's current call, on the call's thread.
    fn handle_event(&self, event: &Event);

    /// Posts an error if an element that every call needs is not installed.
    fn check_plugins(&self) -> Result<(), gst::StateChangeError> {
        let Some(missing) = missing_element() else {
            return Ok(());
        };
        gst::element_imp_error!(self, gst::CoreError::MissingPlugin, ("{missing}"));
        Err(gst::StateChangeError)
    }

    /// Joins the call that the properties name, or posts an error that says why it cannot.
    /// `latency` is in ms and given by elements that receive.
    fn join_call(
        &self,
        role: Role,
        latency: Option<u32>,
    ) -> Result<Arc<Membership>, gst::StateChangeError> {
        let properties = self.call_properties().lock().clone();
        let post_error = |text: String| {
            gst::element_imp_error!(self, gst::ResourceError::Settings, ("{text}"));
            gst::StateChangeError
        };
        let settings = properties
            .to_settings(latency)
            .map_err(|error| post_error(error.to_string()))?;
        let (target, user) = (&settings.target, &settings.user);
        gst::info!(Self::category(), imp = self, "Joining {target} as {user}");
        self.element_call()
            .join(&*self.obj(), settings, role, dispatch::<Self>)
            .map_err(|error| post_error(error.to_string()))
    }

    /// Leaves the call. `close` ends the streams that the element has in it.
    fn leave_call(&self, close: impl FnOnce()) {
        let Some(left) = self.element_call().leave() else {
            return;
        };
        gst::info!(Self::category(), imp = self, "Leaving the call");
        close();
        drop(left.membership);
        if !left.was_over {
            bus_messages::post_left(&*self.obj(), self.element_call());
        }
    }
}

/// Passes an event to the element unless it belongs to an earlier call.
fn dispatch<E: CallElement>(obj: &E::Type, generation: Generation, event: &Event) {
    let imp = E::from_obj(obj);
    if let Some(_notifying) = imp.element_call().record(generation, event) {
        imp.handle_event(event);
    }
}
