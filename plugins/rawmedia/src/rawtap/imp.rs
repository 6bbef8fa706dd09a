//! The element: the main flow, and how it feeds the taps.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::allocation;
use super::pad;
use super::pads;
use super::pool::PoolWatch;
use super::tap::{self, Entry, Taps};
use super::{CAT, RawTapPad};

/// The time that a seek waits for branches to be flushed. A working branch takes less, even on a
/// busy machine; with a stuck branch the delay is still bearable for a person.
const MAX_FLUSH_WAIT: Duration = Duration::from_millis(500);

/// See [`super::RawTap`].
#[derive(Debug)]
pub struct RawTap {
    sink: gst::Pad,
    src: gst::Pad,
    taps: Mutex<Taps>,
    pool: Mutex<PoolWatch>,
}

impl RawTap {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let entries = self.taps.lock().entries.clone();
        if !entries.is_empty() {
            self.offer(&entries, &buffer);
        }
        self.src.push(buffer)
    }

    fn chain_list(&self, list: gst::BufferList) -> Result<gst::FlowSuccess, gst::FlowError> {
        let entries = self.taps.lock().entries.clone();
        if !entries.is_empty() {
            for buffer in list.iter_owned() {
                self.offer(&entries, &buffer);
            }
        }
        self.src.push_list(list)
    }

    fn offer(&self, entries: &Arc<[Entry]>, buffer: &gst::Buffer) {
        let now = || self.obj().current_running_time();
        if self.pool.lock().is_fixed(buffer) {
            tap::offer_all(entries, |tap| tap.offer_copy(buffer, now));
        } else {
            tap::offer_all(entries, |tap| tap.offer(buffer, now));
        }
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        let element = self.obj();
        let element = element.upcast_ref();
        match event.type_() {
            gst::EventType::FlushStart => {
                let result = self.src.push_event(event.clone());
                for entry in self.entries().iter() {
                    entry.tap.flush_start(&entry.owner(element), event.clone());
                }
                result
            }
            gst::EventType::FlushStop => {
                let result = self.src.push_event(event.clone());
                let (entries, _flushed) = {
                    let mut taps = self.taps.lock();
                    let flushed = taps.stickies.flush();
                    (taps.entries.clone(), flushed)
                };
                for entry in entries.iter() {
                    entry.tap.flush_stop(&entry.owner(element), event.clone());
                }
                result
            }
            _ => {
                let entries = self.store(&event);
                if event.type_() == gst::EventType::Caps {
                    self.forget_pool();
                }
                for entry in entries.iter() {
                    if event.is_serialized() {
                        entry.tap.offer_event(&event);
                    } else {
                        entry.tap.overtake(&entry.owner(element), event.clone());
                    }
                }
                self.src.push_event(event)
            }
        }
    }

    /// Stores a sticky event for later taps. Returns the taps that have to get the event now.
    fn store(&self, event: &gst::Event) -> Arc<[Entry]> {
        let (entries, superseded) = {
            let mut taps = self.taps.lock();
            let superseded = if event.is_sticky() {
                taps.stickies.store(event.clone())
            } else {
                Vec::new()
            };
            (taps.entries.clone(), superseded)
        };
        drop(superseded);
        entries
    }

    /// A pipeline sends a seek to one sink after the other. The seek to the first sink flushes the
    /// taps, on another thread, and a sink on a tap cannot take its own seek meanwhile. So the
    /// seeking thread waits for these flushes; the flow does not.
    fn src_event(&self, event: gst::Event) -> bool {
        let is_flushing_seek = match event.view() {
            gst::EventView::Seek(seek) => seek.get().1.contains(gst::SeekFlags::FLUSH),
            _ => false,
        };
        let result = self.sink.push_event(event);
        if is_flushing_seek {
            let entries = self.entries();
            let are_flushed = entries
                .iter()
                .all(|entry| entry.tap.wait_until_flushed(MAX_FLUSH_WAIT));
            if !are_flushed {
                gst::info!(CAT, imp = self, "a branch takes long to flush");
            }
        }
        result
    }

    fn sink_query(&self, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Allocation(allocation) => {
                self.forget_pool();
                let has_answered = self.src.peer_query(allocation.query_mut());
                if has_answered {
                    allocation::add_taps(allocation, &self.entries());
                }
                has_answered
            }
            gst::QueryViewMut::Drain(_) => {
                self.forget_pool();
                for entry in self.entries().iter() {
                    entry.tap.copy_pending();
                }
                self.src.peer_query(query)
            }
            _ => gst::Pad::query_default(&self.sink, Some(&*self.obj()), query),
        }
    }

    fn forget_pool(&self) {
        let pool = self.pool.lock().forget();
        drop(pool);
    }

    fn entries(&self) -> Arc<[Entry]> {
        self.taps.lock().entries.clone()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for RawTap {
    const NAME: &'static str = "GstRawTap";
    type Type = super::RawTap;
    type ParentType = gst::Element;
    type Interfaces = (gst::ChildProxy,);

    fn with_class(class: &Self::Class) -> Self {
        // class_init has added the templates.
        let sink = class.pad_template("sink").expect("a template `sink`");
        let src = class.pad_template("src").expect("a template `src`");
        RawTap {
            sink: build_sink(&sink),
            src: build_src(&src),
            taps: Mutex::default(),
            pool: Mutex::default(),
        }
    }
}

impl ObjectImpl for RawTap {
    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sink, &self.src] {
            // Fails only if two pads have the same name.
            drop(self.obj().add_pad(pad));
        }
    }
}

impl GstObjectImpl for RawTap {}

impl ElementImpl for RawTap {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Raw tap",
                "Filter/Generic",
                "Passes data through, and gives buffers to branches that cannot disturb the main flow",
                env!("CARGO_PKG_AUTHORS"),
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let any = gst::Caps::new_any();
            let always = |name, direction| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &any)
            };
            let tap = gst::PadTemplate::with_gtype(
                "tap_%u",
                gst::PadDirection::Src,
                gst::PadPresence::Request,
                &any,
                RawTapPad::static_type(),
            );
            // The tap template comes before `src`: once `src` is linked, a link without a pad name
            // gets a tap.
            [
                always("sink", gst::PadDirection::Sink),
                tap,
                always("src", gst::PadDirection::Src),
            ]
            .into_iter()
            .filter_map(Result::ok)
            .collect()
        });
        &TEMPLATES
    }

    fn request_new_pad(
        &self,
        templ: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        pads::request(&self.obj(), &self.taps, name, |name| build_tap(templ, name))
    }

    fn release_pad(&self, pad: &gst::Pad) {
        pads::release(&self.obj(), &self.taps, pad);
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let result = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady {
            // Pads also drop their sticky events when they are deactivated.
            let stickies = std::mem::take(&mut self.taps.lock().stickies);
            drop(stickies);
            self.forget_pool();
        }
        result
    }

    /// Elements send an event to any of their pads by default. A tap would be the wrong one.
    fn send_event(&self, event: gst::Event) -> bool {
        if event.is_downstream() {
            self.sink.send_event(event)
        } else {
            self.sink.push_event(event)
        }
    }

    fn query(&self, query: &mut gst::QueryRef) -> bool {
        self.src.query(query)
    }
}

impl ChildProxyImpl for RawTap {
    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        pads::children(&self.taps).into_iter().nth(index as usize)
    }

    fn children_count(&self) -> u32 {
        self.entries().len() as u32
    }

    fn child_by_name(&self, name: &str) -> Option<glib::Object> {
        self.taps
            .lock()
            .find(name)
            .map(|entry| entry.pad.clone().upcast())
    }
}

fn build_sink(template: &gst::PadTemplate) -> gst::Pad {
    gst::Pad::builder_from_template(template)
        .chain_function(|_, parent, buffer| {
            RawTap::catch_panic_pad_function(
                parent,
                || Err(gst::FlowError::Error),
                |imp| imp.chain(buffer),
            )
        })
        .chain_list_function(|_, parent, list| {
            RawTap::catch_panic_pad_function(
                parent,
                || Err(gst::FlowError::Error),
                |imp| imp.chain_list(list),
            )
        })
        .event_function(|_, parent, event| {
            RawTap::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(event))
        })
        .query_function(|_, parent, query| {
            RawTap::catch_panic_pad_function(parent, || false, |imp| imp.sink_query(query))
        })
        .iterate_internal_links_function(|_, parent| links(parent, |imp| &imp.src))
        .flags(gst::PadFlags::PROXY_CAPS)
        .build()
}

fn build_src(template: &gst::PadTemplate) -> gst::Pad {
    gst::Pad::builder_from_template(template)
        .event_function(|_, parent, event| {
            RawTap::catch_panic_pad_function(parent, || false, |imp| imp.src_event(event))
        })
        .iterate_internal_links_function(|_, parent| links(parent, |imp| &imp.sink))
        .flags(gst::PadFlags::PROXY_CAPS)
        .build()
}

fn build_tap(template: &gst::PadTemplate, name: &str) -> RawTapPad {
    gst::PadBuilder::<RawTapPad>::from_template(template)
        .name(name)
        .activatemode_function(|pad, _, mode, active| pad::activate_mode(pad, mode, active))
        .event_function(|pad, _, event| pad::event(pad, &event))
        .query_function(|pad, parent, query| {
            RawTap::catch_panic_pad_function(
                parent,
                || false,
                |imp| pad::query(pad, &imp.sink, query),
            )
        })
        // A tap is linked to no other pad.
        .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()))
        .build()
}

/// `sink` and `src` are linked internally; taps are not.
fn links(
    parent: Option<&gst::Object>,
    other: impl Fn(&RawTap) -> &gst::Pad,
) -> gst::Iterator<gst::Pad> {
    let element = parent.and_then(|parent| parent.downcast_ref::<super::RawTap>());
    let other = element.map(|element| other(element.imp()).clone());
    gst::Iterator::from_vec(other.into_iter().collect())
}
