//! Adding pads to the element and removing them.

use std::sync::Arc;

use acscall::call::Selector;
use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::AcsCallSrcPad;
use super::imp::AcsCallSrc;
use super::pad_entry::PadEntry;
use super::pad_request::PadRequest;
use super::stream::AcsCallStream;
use super::stream_events::StreamInfo;
use crate::call::{Membership, raw_audio};

impl AcsCallSrc {
    /// Creates a pad and its stream.
    pub(super) fn create(
        &self,
        templ: &gst::PadTemplate,
        name: Option<&str>,
    ) -> Result<PadEntry, String> {
        let template = templ.name_template();
        let request = PadRequest::parse(template, name).map_err(|error| error.to_string())?;
        let name = self.reserve(&request, name.filter(|name| *name != template))?;
        let pad = gst::PadBuilder::<AcsCallSrcPad>::from_template(templ)
            .name(&name)
            .build();
        let stream = AcsCallStream::new(request.kind, &pad, templ.caps());
        pad.imp().assign(request.kind, &stream);
        stream.set_on_leave(self.settings.lock().on_leave);
        let entry = PadEntry {
            request,
            pad,
            stream,
        };
        self.pads.lock().insert(name, Some(entry.clone()));
        Ok(entry)
    }

    /// Reserves the requested name, or a free one if none was given.
    fn reserve(&self, request: &PadRequest, given: Option<&str>) -> Result<String, String> {
        let mut pads = self.pads.lock();
        let name = match given {
            Some(name) => name.into(),
            None if request.has_one_name() => request.name(0),
            // Of one more name than there are pads, at least one is free.
            None => (0..=pads.len())
                .map(|number| request.name(number))
                .find(|name| !pads.contains_key(name))
                .unwrap_or_default(),
        };
        if pads.contains_key(&name) {
            return Err(format!(
                "the pad '{name}' was requested twice: put a tee after it, or use another \
                 acscallsrc for the same call"
            ));
        }
        pads.insert(name.clone(), None);
        Ok(name)
    }

    /// Adds the pad and its stream to the element, in the element's state.
    pub(super) fn add(&self, entry: &PadEntry) -> Result<(), glib::BoolError> {
        let PadEntry { pad, stream, .. } = entry;
        let obj = self.obj();
        obj.add(stream)?;
        pad.set_target(stream.source().as_ref())?;
        if obj.current_state() > gst::State::Ready || obj.pending_state() > gst::State::Ready {
            pad.set_active(true)?;
        }
        obj.add_pad(pad)?;
        if let Some(membership) = self.element_call.membership() {
            self.bind(entry, &membership);
            if !self.element_call.is_current(&membership) {
                // The element left the call in the meantime, without seeing the pad.
                stream.unbind();
            }
        }
        stream.sync_state_with_parent()?;
        if obj.current_state() > gst::State::Ready {
            // The pipeline has configured its latency without this stream.
            let _nobody_listens =
                obj.post_message(gst::message::Latency::builder().src(&*obj).build());
        }
        Ok(())
    }

    /// Binds the pad's stream to the call.
    pub(super) fn bind(&self, entry: &PadEntry, membership: &Arc<Membership>) {
        let participant = self
            .settings
            .lock()
            .participant
            .clone()
            .filter(|name| !name.is_empty());
        let selector = entry.request.selector(participant.as_deref());
        let info = StreamInfo {
            call: self.element_call.stream_prefix(),
            pad: entry.pad.name().into(),
            kind: entry.request.kind.as_str(),
            group: self.element_call.group(),
            user: match &selector {
                Selector::Of { session, .. } => Some(session.clone()),
                Selector::MixedAudio | Selector::Any { .. } => None,
            },
            caps: match entry.request.kind {
                Kind::Audio => Some(raw_audio()),
                Kind::Video | Kind::Screen => None,
            },
        };
        entry.stream.bind(membership, selector, info);
    }

    /// Removes the pad and its stream from the element.
    pub(super) fn remove(&self, entry: &PadEntry) {
        let obj = self.obj();
        let _was_inactive = entry.pad.set_active(false);
        let _had_none = entry.pad.set_target(None::<&gst::Pad>);
        let _not_added = obj.remove_pad(&entry.pad);
        if entry.stream.is_own_thread() {
            // The streaming thread cannot wait for its own end.
            let stream = entry.stream.clone();
            obj.call_async(move |obj| remove_stream(obj, &stream));
        } else {
            remove_stream(&obj, &entry.stream);
        }
    }

    pub(super) fn entries(&self) -> Vec<PadEntry> {
        self.pads.lock().values().flatten().cloned().collect()
    }
}

fn remove_stream(obj: &super::AcsCallSrc, stream: &AcsCallStream) {
    stream.set_locked_state(true);
    let _cannot_fail = stream.set_state(gst::State::Null);
    stream.unbind();
    let _not_added = obj.remove(stream);
}
