//! The pads that exist, with the stream behind each.

use std::sync::Arc;

use acscall::call::Selector;
use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::AcsCallSrcPad;
use super::imp::{AcsCallSrc, lock};
use super::pad_request::PadRequest;
use super::stream::AcsCallStream;
use super::stream_events::StreamInfo;
use crate::call::Membership;

/// A pad, and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) wanted: PadRequest,
    pub(super) pad: AcsCallSrcPad,
    pub(super) stream: AcsCallStream,
}

impl AcsCallSrc {
    pub(super) fn make(
        &self,
        templ: &gst::PadTemplate,
        name: Option<&str>,
    ) -> Result<Reader, String> {
        let template = templ.name_template();
        let wanted = PadRequest::parse(template, name).map_err(|error| error.to_string())?;
        let name = self.reserve(&wanted, name.filter(|name| *name != template))?;
        let pad = gst::PadBuilder::<AcsCallSrcPad>::from_template(templ)
            .name(&name)
            .build();
        let stream = AcsCallStream::new(wanted.kind, &pad, templ.caps());
        pad.imp().assign(wanted.kind, &stream);
        stream.set_on_leave(lock(&self.settings).on_leave);
        let reader = Reader {
            wanted,
            pad,
            stream,
        };
        lock(&self.pads).insert(name, Some(reader.clone()));
        Ok(reader)
    }

    /// Takes a name, that which was asked for or one that is free.
    pub(super) fn reserve(
        &self,
        wanted: &PadRequest,
        given: Option<&str>,
    ) -> Result<String, String> {
        let mut pads = lock(&self.pads);
        let name = match given {
            Some(name) => name.into(),
            None if wanted.has_one_name() => wanted.name(0),
            // As many names as pads cannot all be taken with one more.
            None => (0..=pads.len())
                .map(|number| wanted.name(number))
                .find(|name| !pads.contains_key(name))
                .unwrap_or_default(),
        };
        if pads.contains_key(&name) {
            return Err(format!(
                "the pad '{name}' was asked for twice: put a tee after it, or use another \
                 acscallsrc for the same call"
            ));
        }
        pads.insert(name.clone(), None);
        Ok(name)
    }

    /// Puts the pad and its stream in, at the speed of the element.
    pub(super) fn add(&self, reader: &Reader) -> Result<(), glib::BoolError> {
        let Reader { pad, stream, .. } = reader;
        let obj = self.obj();
        obj.add(stream)?;
        pad.set_target(stream.source().as_ref())?;
        if obj.current_state() > gst::State::Ready || obj.pending_state() > gst::State::Ready {
            pad.set_active(true)?;
        }
        obj.add_pad(pad)?;
        if let Some(membership) = self.element_call.membership() {
            self.bind(reader, &membership);
            if !self.element_call.is_current(&membership) {
                // The call was left at this moment, and did not see the pad.
                stream.unbind();
            }
        }
        stream.sync_state_with_parent()?;
        if obj.current_state() > gst::State::Ready {
            // The pipeline has distributed its latency without this stream.
            let _nobody_listens =
                obj.post_message(gst::message::Latency::builder().src(&*obj).build());
        }
        Ok(())
    }

    pub(super) fn bind(&self, reader: &Reader, membership: &Arc<Membership>) {
        let participant = lock(&self.settings)
            .participant
            .clone()
            .filter(|name| !name.is_empty());
        let selector = reader.wanted.selector(participant.as_deref());
        let names = StreamInfo {
            call: self.element_call.stream_prefix(),
            pad: reader.pad.name().into(),
            kind: reader.wanted.kind.as_str(),
            group: self.element_call.group(),
            user: match &selector {
                Selector::Of { session, .. } => Some(session.clone()),
                Selector::MixedAudio | Selector::Any { .. } => None,
            },
            caps: match reader.wanted.kind {
                Kind::Audio => audio_info().and_then(|info| info.to_caps()).ok(),
                Kind::Video | Kind::Screen => None,
            },
        };
        reader.stream.bind(membership, selector, names);
    }

    pub(super) fn remove(&self, reader: &Reader) {
        let obj = self.obj();
        let _was_inactive = reader.pad.set_active(false);
        let _had_none = reader.pad.set_target(None::<&gst::Pad>);
        let _not_added = obj.remove_pad(&reader.pad);
        if reader.stream.is_own_thread() {
            // It cannot wait for its own end.
            let stream = reader.stream.clone();
            obj.call_async(move |obj| retire(obj, &stream));
        } else {
            retire(&obj, &reader.stream);
        }
    }

    pub(super) fn readers(&self) -> Vec<Reader> {
        lock(&self.pads).values().flatten().cloned().collect()
    }
}

fn retire(obj: &super::AcsCallSrc, stream: &AcsCallStream) {
    stream.set_locked_state(true);
    let _cannot_fail = stream.set_state(gst::State::Null);
    stream.unbind();
    let _not_added = obj.remove(stream);
}

/// The same in full.
fn audio_info() -> Result<gst_audio::AudioInfo, glib::BoolError> {
    gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 48_000, 2).build()
}
