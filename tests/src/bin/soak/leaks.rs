//! Live objects according to GStreamer's tracer `leaks`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gst::glib;
use gst::prelude::*;

/// Descriptions of the live objects, by type.
pub(crate) type Living = BTreeMap<String, Vec<String>>;

/// Returns the live objects, without those that GStreamer marks as kept for ever.
///
/// # Errors
/// The tracer does not run.
pub(crate) fn living() -> Result<Living> {
    let tracers = gst::active_tracers();
    let leaks = tracers
        .iter()
        .find(|tracer| tracer.type_().name() == "GstLeaksTracer")
        .context("GST_TRACERS=leaks is not set, or GStreamer was built without tracers")?;
    let info = leaks.emit_by_name::<gst::Structure>("get-live-objects", &[]);
    let mut living = Living::new();
    if let Ok(list) = info.get::<gst::ListRef>("live-objects-list") {
        for object in list
            .iter()
            .filter_map(|value| value.get::<&gst::StructureRef>().ok())
        {
            let count = object.get::<u32>("ref-count").unwrap_or(0);
            let trace = object.get::<Option<String>>("trace").ok().flatten();
            let Ok(value) = object.value("object") else {
                continue;
            };
            let name = name(value);
            let text = format!("{name} ({count} references) {}", trace.unwrap_or_default());
            let kind = value.type_().name().to_owned();
            living.entry(kind).or_default().push(text);
        }
    }
    // The list claims to own the objects but has no references to them.
    std::mem::forget(info);
    Ok(living)
}

/// Describes the types with more objects than before, with some of the new objects.
pub(crate) fn more(now: &Living, before: &Living) -> Vec<String> {
    let mut all = Vec::new();
    for (kind, objects) in now {
        let then = before.get(kind).map_or(0, Vec::len);
        if objects.len() > then {
            all.push(format!("{kind}: {then} → {} alive", objects.len()));
            let old = before.get(kind).map_or(&[][..], |old| old);
            let new = objects.iter().filter(|object| !old.contains(object));
            all.extend(new.take(5).map(|object| format!("    {object}")));
        }
    }
    all
}

/// The number of live objects.
pub(crate) fn count(living: &Living) -> usize {
    living.values().map(Vec::len).sum()
}

/// A description of an object, for messages.
fn name(value: &glib::SendValue) -> String {
    if let Ok(object) = value.get::<gst::Object>() {
        return object.path_string().to_string();
    }
    if let Ok(message) = value.get::<gst::Message>() {
        return format!("{message:?}");
    }
    if let Ok(event) = value.get::<gst::Event>() {
        return format!("{event:?}");
    }
    if let Ok(caps) = value.get::<gst::Caps>() {
        return caps.to_string();
    }
    String::new()
}
