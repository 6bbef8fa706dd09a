//! An element of a call: how it joins and leaves.

use std::sync::{Arc, Mutex, PoisonError};

use acscall::call::Event;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::{CallProperties, ElementCall, Generation, bus_messages};
use crate::call::{Membership, Role};

/// An element of a call.
pub(crate) trait CallElement: ElementImpl<Type: IsA<gst::Element> + Send + Sync> {
    /// The element's debug category.
    fn category() -> gst::DebugCategory;

    /// The properties as they were set.
    fn call_properties(&self) -> &Mutex<CallProperties>;

    /// The element's part in the call.
    fn element_call(&self) -> &ElementCall;

    /// What happened in the call that the element is in. Comes on the call's thread.
    fn happened(&self, event: &Event);

    /// Joins the call of the properties, or tells why not. `latency` in ms, from the elements that
    /// have a say.
    fn join_call(
        &self,
        role: Role,
        latency: Option<u32>,
    ) -> Result<Arc<Membership>, gst::StateChangeError> {
        let properties = self.call_properties().lock();
        let properties = properties.unwrap_or_else(PoisonError::into_inner).clone();
        let refuse = |text: String| {
            gst::element_imp_error!(self, gst::ResourceError::Settings, ("{text}"));
            gst::StateChangeError
        };
        let settings = properties
            .to_settings(latency)
            .map_err(|error| refuse(error.to_string()))?;
        let (target, user) = (&settings.target, &settings.user);
        gst::info!(Self::category(), imp = self, "{target} as {user}");
        self.element_call()
            .join(&*self.obj(), settings, role, told::<Self>)
            .map_err(|error| refuse(error.to_string()))
    }

    /// Ends the part in the call: `close` ends what the element has of it.
    fn leave_call(&self, close: impl FnOnce()) {
        let Some(left) = self.element_call().leave() else {
            return;
        };
        gst::info!(Self::category(), imp = self, "leaves");
        close();
        drop(left.membership);
        if !left.was_over {
            bus_messages::post_left(&*self.obj(), self.element_call());
        }
    }
}

/// On the call's thread.
fn told<E: CallElement>(obj: &E::Type, generation: Generation, event: &Event) {
    let imp = E::from_obj(obj);
    if let Some(_telling) = imp.element_call().note(generation, event) {
        imp.happened(event);
    }
}
