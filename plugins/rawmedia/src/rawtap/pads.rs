//! Requests and releases of tap pads while data flows.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::tap::{Entry, Taps};
use super::{CAT, RawTap, RawTapPad};

impl Taps {
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.pad.name() == name)
    }

    fn choose_name(&mut self, requested: Option<&str>) -> Option<String> {
        let index = match requested.and_then(|name| name.strip_prefix("tap_")) {
            Some(number) if number != "%u" => number.parse().ok()?,
            _ => self.next_index,
        };
        self.next_index = self.next_index.max(index.saturating_add(1));
        Some(format!("tap_{index}"))
    }
}

/// Adds a tap with the pad that `build` makes. In a running element the tap first gets the sticky
/// events so far.
pub(super) fn request(
    element: &RawTap,
    taps: &Mutex<Taps>,
    name: Option<&str>,
    build: impl FnOnce(&str) -> RawTapPad,
) -> Option<gst::Pad> {
    let name = taps.lock().choose_name(name)?;
    if element.static_pad(&name).is_some() {
        gst::warning!(CAT, obj = element, "pad {name} exists already");
        return None;
    }
    let pad = build(&name);
    if is_running(element.upcast_ref()) && pad.set_active(true).is_err() {
        return None;
    }
    if element.add_pad(&pad).is_err() {
        gst::warning!(CAT, obj = element, "cannot add pad {name}");
        drop(pad.set_active(false));
        return None;
    }
    let entry = Entry {
        tap: pad.imp().tap.clone(),
        pad: pad.clone().upcast(),
    };
    {
        let mut taps = taps.lock();
        for event in taps.stickies.iter() {
            entry.tap.offer_event(event);
        }
        taps.entries = taps.entries.iter().cloned().chain([entry]).collect();
    }
    gst::info!(CAT, obj = pad, "added");
    element.child_added(&pad, &name);
    Some(pad.upcast())
}

/// Removes a tap. Neither the main flow nor the caller waits for its branch.
pub(super) fn release(element: &RawTap, taps: &Mutex<Taps>, pad: &gst::Pad) {
    let entry = {
        let mut taps = taps.lock();
        let entry = taps.entries.iter().find(|entry| entry.pad == *pad).cloned();
        let others = taps.entries.iter().filter(|entry| entry.pad != *pad);
        taps.entries = others.cloned().collect();
        entry
    };
    let Some(entry) = entry else {
        return;
    };
    gst::info!(CAT, obj = pad, "released");
    element.child_removed(pad, &pad.name());
    if let Err(error) = element.remove_pad(pad) {
        gst::warning!(CAT, obj = element, "{error}");
    }
    // Nothing activates a pad without a parent again. An inactive pad has no task to end.
    if pad.is_active() {
        entry.tap.release(&entry.owner(element.upcast_ref()));
    }
}

/// Whether gst_element_add_pad() expects an active pad.
fn is_running(element: &gst::Element) -> bool {
    element.current_state() > gst::State::Ready || element.pending_state() > gst::State::Ready
}

/// Returns the pads as children, so that gst-launch-1.0 and others can set their properties.
pub(super) fn children(taps: &Mutex<Taps>) -> Vec<glib::Object> {
    let entries = taps.lock().entries.clone();
    entries
        .iter()
        .map(|entry| entry.pad.clone().upcast())
        .collect()
}
