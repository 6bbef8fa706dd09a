//! The pads that exist, with the port behind each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

use super::AcsCallSinkPad;
use super::imp::{AcsCallSink, lock};
use super::pad_sink::{AcsCallPadSink, Coding};
use crate::call::{Codec, Membership, MissingElement};

#[derive(Debug, Default)]
pub(super) struct Pads {
    /// `None` while a pad is being made.
    pub(super) writers: BTreeMap<Kind, Option<Writer>>,
    /// The change to PAUSED waits for them.
    pub(super) waiting: bool,
    /// Streams that ended since.
    pub(super) ended: BTreeSet<Kind>,
    /// As many others were there as the element waits for, in this call.
    pub(super) awaited_came: bool,
    /// What holds the streams back until then.
    pub(super) held: BTreeMap<Kind, (AcsCallSinkPad, gst::PadProbeId)>,
}

/// A pad, and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) kind: Kind,
    pub(super) pad: AcsCallSinkPad,
    pub(super) port: AcsCallPadSink,
}

/// Why a pad cannot send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PadError {
    #[error("the pad '{0}' cannot be made: {1}")]
    Broken(Kind, String),
    #[error(
        "another element of this process already sends '{kind}' into {call} as \
         '{user}': a participant sends one stream of each kind, so release that pad, or set \
         another 'user' on one of the elements"
    )]
    Taken {
        kind: Kind,
        call: String,
        user: String,
    },
    #[error("{name} cannot be sent: {missing}, or set the pad's property 'codec' to another one", name = .codec.name())]
    Codec {
        codec: Codec,
        missing: MissingElement,
    },
}

impl PadError {
    /// Checks that what the coding takes is installed.
    fn check(coding: Coding) -> Result<(), PadError> {
        match coding.codec.and_then(|c| Some((c, c.missing_for_send()?))) {
            Some((codec, missing)) => Err(PadError::Codec { codec, missing }),
            None => Ok(()),
        }
    }
}

impl AcsCallSink {
    /// Tells the application.
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

    /// A pad's coding was set. Before the call it is taken in with [`AcsCallSink::open`].
    pub(super) fn code(&self, port: &AcsCallPadSink, coding: Coding) {
        if self.element_call.membership().is_none() {
            return;
        }
        match PadError::check(coding) {
            Ok(()) => port.code(coding),
            Err(error) => self.post_error(&error),
        }
    }

    pub(super) fn open(
        &self,
        writer: &Writer,
        membership: &Arc<Membership>,
    ) -> Result<(), PadError> {
        let coding = writer.pad.imp().coding();
        PadError::check(coding)?;
        if writer.port.open(membership, coding) {
            let stall_timeout = lock(&self.settings).stall_timeout;
            writer.port.set_stall_timeout(stall_timeout);
            return Ok(());
        }
        let (_, user) = self.element_call.names();
        Err(PadError::Taken {
            kind: writer.kind,
            call: self.element_call.target(),
            user,
        })
    }

    /// Puts the pad and its port in, at the speed of the element.
    pub(super) fn add(&self, writer: &Writer) -> Result<(), PadError> {
        let Writer { pad, port, kind } = writer;
        let text = |error: glib::BoolError| PadError::Broken(*kind, error.to_string());
        let obj = self.obj();
        let runs =
            obj.current_state() > gst::State::Ready || obj.pending_state() > gst::State::Ready;
        // A playing pipeline must not wait for this stream's first buffer. One that waits for
        // others must: else what is not live would begin before they are there.
        let waits = lock(&self.settings).wait_for > 0;
        port.set_async(waits && obj.current_state() != gst::State::Playing);
        obj.add(port).map_err(text)?;
        pad.set_target(Some(port.sink_pad())).map_err(text)?;
        if let Some(membership) = self.element_call.membership() {
            self.open(writer, &membership)?;
            if self.element_call.is_current(&membership) {
                self.hold(writer);
            } else {
                // The call was left at this moment, and did not see the pad.
                port.close();
            }
        }
        if runs {
            pad.set_active(true).map_err(text)?;
        }
        obj.add_pad(pad).map_err(text)?;
        port.sync_state_with_parent().map_err(text)
    }

    pub(super) fn remove(&self, writer: &Writer) {
        let held = lock(&self.pads).held.remove(&writer.kind);
        if let Some((pad, probe)) = held {
            pad.remove_probe(probe);
        }
        let obj = self.obj();
        let _was_inactive = writer.pad.set_active(false);
        let _had_none = writer.pad.set_target(None::<&gst::Pad>);
        let _not_added = obj.remove_pad(&writer.pad);
        writer.port.set_locked_state(true);
        let _cannot_fail = writer.port.set_state(gst::State::Null);
        writer.port.close();
        let _not_added = obj.remove(&writer.port);
    }

    pub(super) fn writers(&self) -> Vec<Writer> {
        lock(&self.pads)
            .writers
            .values()
            .flatten()
            .cloned()
            .collect()
    }

    pub(super) fn writer(&self, pad: &gst::Pad) -> Option<Writer> {
        let pads = lock(&self.pads);
        let mut writers = pads.writers.values().flatten();
        writers
            .find(|writer| writer.pad.upcast_ref::<gst::Pad>() == pad)
            .cloned()
    }
}
