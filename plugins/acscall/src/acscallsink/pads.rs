//! Adding pads to the element and removing them.

use std::sync::Arc;

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

use super::AcsCallSinkPad;
use super::imp::AcsCallSink;
use super::pad_entry::PadEntry;
use super::pad_sink::{AcsCallPadSink, EncoderSettings};
use crate::call::{Codec, Membership, MissingElement};

/// Why a pad cannot send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PadError {
    #[error("the pad '{0}' cannot be created: {1}")]
    Broken(Kind, String),
    #[error(
        "another element of this process already sends '{kind}' into {call} as '{user}', and a \
         participant can send only one stream of each kind: release that pad, or set another \
         'user' on one of the elements"
    )]
    Taken {
        kind: Kind,
        call: String,
        user: String,
    },
    #[error(
        "{name} cannot be sent: {missing}, or set the pad property 'codec' to another codec",
        name = .codec.name()
    )]
    Codec {
        codec: Codec,
        missing: MissingElement,
    },
}

impl PadError {
    /// Checks that the elements for the codec are installed.
    fn check(encoder: EncoderSettings) -> Result<(), PadError> {
        match encoder.codec.and_then(|c| Some((c, c.missing_for_send()?))) {
            Some((codec, missing)) => Err(PadError::Codec { codec, missing }),
            None => Ok(()),
        }
    }
}

/// Passes a buffer on to the sink behind its pad.
fn chain(
    sink: &glib::WeakRef<AcsCallPadSink>,
    pad: &AcsCallSinkPad,
    parent: Option<&gst::Object>,
    buffer: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let sink = sink.upgrade().ok_or(gst::FlowError::Flushing)?;
    sink.chain(pad, parent, buffer)
}

impl AcsCallSink {
    /// Posts an error of a pad on the bus.
    pub(super) fn post_error(&self, error: &PadError) {
        match error {
            PadError::Broken(..) => {
                gst::element_imp_error!(self, gst::CoreError::Pad, ("{error}"));
            }
            PadError::Taken { .. } => {
                gst::element_imp_error!(self, gst::ResourceError::Busy, ("{error}"));
            }
            PadError::Codec { .. } => {
                gst::element_imp_error!(self, gst::CoreError::MissingPlugin, ("{error}"));
            }
        }
    }

    /// Applies a pad's new encoder settings. Outside of a call, [`AcsCallSink::open`] does so later.
    pub(super) fn apply_encoder_settings(&self, sink: &AcsCallPadSink, encoder: EncoderSettings) {
        if self.element_call.membership().is_none() {
            return;
        }
        match PadError::check(encoder) {
            Ok(()) => sink.set_encoder_settings(encoder),
            Err(error) => self.post_error(&error),
        }
    }

    /// Makes a pad and the sink behind it.
    pub(super) fn make_pad(&self, kind: Kind, templ: &gst::PadTemplate) -> PadEntry {
        let sink = AcsCallPadSink::new(kind, templ.caps(), self.settings.lock().sync);
        let [events, buffers, lists] = [(); 3].map(|()| sink.downgrade());
        let pad = gst::PadBuilder::<AcsCallSinkPad>::from_template(templ)
            .event_function(move |pad, parent, event| {
                AcsCallSink::catch_panic_pad_function(
                    parent,
                    || false,
                    |element| element.sink_event(pad, kind, events.upgrade().as_ref(), event),
                )
            })
            .query_function(|pad, parent, query| {
                if let gst::QueryViewMut::AcceptCaps(accept) = query.view_mut() {
                    // The sink rejects caps with an error that says why.
                    accept.set_result(true);
                    return true;
                }
                gst::Pad::query_default(pad, parent, query)
            })
            .chain_function(move |pad, parent, buffer| {
                AcsCallSink::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |_| chain(&buffers, pad, parent, buffer),
                )
            })
            .chain_list_function(move |pad, parent, list| {
                AcsCallSink::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |_| {
                        list.iter_owned()
                            .try_fold(gst::FlowSuccess::Ok, |_, buffer| {
                                chain(&lists, pad, parent, buffer)
                            })
                    },
                )
            })
            .build();
        pad.imp().assign(kind, &sink);
        PadEntry { kind, pad, sink }
    }

    /// Opens the pad's outgoing stream in the call.
    pub(super) fn open(
        &self,
        entry: &PadEntry,
        membership: &Arc<Membership>,
    ) -> Result<(), PadError> {
        let encoder = entry.pad.imp().encoder_settings();
        PadError::check(encoder)?;
        if entry.sink.open(membership, encoder) {
            let stall_timeout = self.settings.lock().stall_timeout;
            entry.sink.set_stall_timeout(stall_timeout);
            return Ok(());
        }
        let (_, user) = self.element_call.names();
        Err(PadError::Taken {
            kind: entry.kind,
            call: self.element_call.target(),
            user,
        })
    }

    /// Adds the pad and its sink to the element, in the element's state.
    pub(super) fn add(&self, entry: &PadEntry) -> Result<(), PadError> {
        let PadEntry { pad, sink, kind } = entry;
        let broken = |error: glib::BoolError| PadError::Broken(*kind, error.to_string());
        let obj = self.obj();
        // A playing pipeline must not wait for this stream's first buffer. A pipeline that waits
        // for others must, or non-live streams would start before the others arrive.
        let waits = self.settings.lock().wait_for > 0;
        sink.set_async(waits && obj.current_state() != gst::State::Playing);
        obj.add(sink).map_err(broken)?;
        pad.set_target(Some(sink.sink_pad())).map_err(broken)?;
        if let Some(membership) = self.element_call.membership() {
            self.open(entry, &membership)?;
            if self.element_call.is_current(&membership) {
                self.hold(entry);
            } else {
                // The element left the call in the meantime, without seeing the pad.
                sink.close();
            }
        }
        if self.is_active() {
            pad.set_active(true).map_err(broken)?;
        }
        obj.add_pad(pad).map_err(broken)?;
        sink.sync_state_with_parent().map_err(broken)
    }

    /// Whether the element is in PAUSED or PLAYING, or on its way there.
    pub(super) fn is_active(&self) -> bool {
        let obj = self.obj();
        obj.current_state() > gst::State::Ready || obj.pending_state() > gst::State::Ready
    }

    /// Removes the pad and its sink from the element.
    pub(super) fn remove(&self, entry: &PadEntry) {
        let hold = self.pads.lock().held.remove(&entry.kind);
        if let Some(hold) = hold {
            hold.release();
        }
        let obj = self.obj();
        // First of all, so that no buffer waits in the sink until it is due.
        entry.sink.set_locked_state(true);
        let _cannot_fail = entry.sink.set_state(gst::State::Null);
        let _was_inactive = entry.pad.set_active(false);
        let _had_none = entry.pad.set_target(None::<&gst::Pad>);
        let _not_added = obj.remove_pad(&entry.pad);
        entry.sink.close();
        let _not_added = obj.remove(&entry.sink);
    }

    pub(super) fn entries(&self) -> Vec<PadEntry> {
        self.pads
            .lock()
            .entries
            .values()
            .flatten()
            .cloned()
            .collect()
    }

    pub(super) fn entry(&self, pad: &gst::Pad) -> Option<PadEntry> {
        let pads = self.pads.lock();
        let mut entries = pads.entries.values().flatten();
        entries
            .find(|entry| entry.pad.upcast_ref::<gst::Pad>() == pad)
            .cloned()
    }
}
