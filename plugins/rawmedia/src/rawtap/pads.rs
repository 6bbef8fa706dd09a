//! The taps of an element: who is there, and how they come and go while data flows.

use std::sync::Arc;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::RawTapPad;
use super::imp::{RawTap, lock};
use super::sticky::StickyEvents;
use super::tap::{Owner, Tap};

/// One tap, as the main flow knows it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) tap: Arc<Tap>,
    pub(super) pad: RawTapPad,
}

impl Entry {
    pub(super) fn owner<'a>(&'a self, element: &'a gst::Element) -> Owner<'a> {
        Owner {
            element,
            pad: &self.pad,
        }
    }
}

/// Who is there, and what a tap that comes now has to be told first: under one lock, so that no
/// event is missed and none comes twice.
#[derive(Debug, Default)]
pub(super) struct Taps {
    /// Shared with whoever is at it; replaced as a whole.
    pub(super) entries: Arc<[Entry]>,
    pub(super) stickies: StickyEvents,
    next_index: u32,
}

impl Taps {
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.pad.name() == name)
    }

    fn choose_name(&mut self, wanted: Option<&str>) -> Option<String> {
        let index = match wanted.and_then(|name| name.strip_prefix("tap_")) {
            Some(number) if number != "%u" => number.parse().ok()?,
            _ => self.next_index,
        };
        self.next_index = self.next_index.max(index.saturating_add(1));
        Some(format!("tap_{index}"))
    }
}

/// Makes a tap; with the element running it gets what is needed to begin in the middle.
pub(super) fn request(
    imp: &RawTap,
    template: &gst::PadTemplate,
    name: Option<&str>,
) -> Option<RawTapPad> {
    let name = lock(&imp.taps).choose_name(name)?;
    let element = imp.obj();
    if element.static_pad(&name).is_some() {
        gst::warning!(super::imp::CAT, imp = imp, "there is a pad {name} already");
        return None;
    }
    let pad = build(template, &name);
    if is_running(element.upcast_ref()) && pad.set_active(true).is_err() {
        return None;
    }
    if element.add_pad(&pad).is_err() {
        gst::warning!(
            super::imp::CAT,
            imp = imp,
            "the pad {name} could not be added"
        );
        drop(pad.set_active(false));
        return None;
    }
    let entry = Entry {
        tap: pad.imp().tap.clone(),
        pad: pad.clone(),
    };
    {
        let mut taps = lock(&imp.taps);
        for event in taps.stickies.iter() {
            entry.tap.offer_event(event);
        }
        taps.entries = taps.entries.iter().cloned().chain([entry]).collect();
    }
    gst::info!(super::imp::CAT, obj = pad, "is there");
    element.child_added(&pad, &name);
    Some(pad)
}

/// Takes a tap away. Neither the main flow nor the caller waits for what its branch is doing.
pub(super) fn release(imp: &RawTap, pad: &gst::Pad) {
    let entry = {
        let mut taps = lock(&imp.taps);
        let entry = taps.entries.iter().find(|entry| entry.pad == *pad).cloned();
        let others = taps.entries.iter().filter(|entry| entry.pad != *pad);
        taps.entries = others.cloned().collect();
        entry
    };
    let Some(entry) = entry else {
        return;
    };
    gst::info!(super::imp::CAT, obj = pad, "is released");
    let element = imp.obj();
    element.child_removed(pad, &pad.name());
    if let Err(error) = element.remove_pad(pad) {
        gst::warning!(super::imp::CAT, imp = imp, "{error}");
    }
    // Without a parent it is activated no more. One that is not active has no thread to end.
    if pad.is_active() {
        entry.tap.retire(&entry.owner(element.upcast_ref()));
    }
}

/// Ends the thread of a pad that was released, and waits for it.
pub(super) fn close(pad: &RawTapPad) {
    // Set when it was added. With it a pad without an element could not be deactivated.
    pad.unset_pad_flags(gst::PadFlags::NEED_PARENT);
    drop(pad.set_active(false));
}

fn build(template: &gst::PadTemplate, name: &str) -> RawTapPad {
    gst::PadBuilder::<RawTapPad>::from_template(template)
        .name(name)
        .activatemode_function(|pad, _, mode, active| super::pad::activate_mode(pad, mode, active))
        .event_function(|pad, _, event| super::pad::event(pad, &event))
        .query_function(|pad, parent, query| {
            RawTap::catch_panic_pad_function(
                parent,
                || false,
                |imp| super::pad::query(pad, imp.sink(), query),
            )
        })
        // What happens on a tap concerns no other pad.
        .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()))
        .build()
}

/// As gst_element_add_pad() sees it, which wants pads of running elements active.
fn is_running(element: &gst::Element) -> bool {
    element.current_state() > gst::State::Ready || element.pending_state() > gst::State::Ready
}

/// The pads as children, so that gst-launch-1.0 and others can name their properties.
pub(super) fn children(imp: &RawTap) -> Vec<glib::Object> {
    let entries = lock(&imp.taps).entries.clone();
    entries
        .iter()
        .map(|entry| entry.pad.clone().upcast())
        .collect()
}
