//! rawtap with a source pad upstream, a recorder downstream, and the branches of a test.

use std::cell::RefCell;
use std::time::Duration;

use gst::prelude::*;
use gstrawmedia::rawtap::{RawTapPad, RawTapPolicy};

pub(crate) use crate::recorder::{Gate, Recorder, Seen};

/// Long enough for everything, even on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The element under test with its pads.
pub(crate) struct Rig {
    pub(crate) source: gst::Pad,
    pub(crate) element: gst::Element,
    pub(crate) main: Recorder,
    pub(crate) bus: gst::Bus,
    pub(crate) gate: Gate,
    sent: Vec<Seen>,
    /// Links hold no references. The pads are kept until pushing has ended: a pad that is dropped
    /// before first loses its events, and then warns about data that still arrives.
    branches: RefCell<Vec<gst::Pad>>,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig::with_main(Recorder::new())
    }

    pub(crate) fn with_main(main: Recorder) -> Rig {
        init();
        let element = gst::ElementFactory::make("rawtap").build().unwrap();
        let bus = gst::Bus::new();
        // Unread messages of threads would hold references to their pads.
        bus.set_sync_handler(|_, message| match message.type_() {
            gst::MessageType::Element => gst::BusSyncReply::Pass,
            _ => gst::BusSyncReply::Drop,
        });
        element.set_bus(Some(&bus));
        let source = gst::Pad::builder_from_template(&template(gst::PadDirection::Src)).build();
        source.link(&element.static_pad("sink").unwrap()).unwrap();
        let src = element.static_pad("src").unwrap();
        src.link(&main.pad).unwrap();
        element.set_state(gst::State::Playing).unwrap();
        source.set_active(true).unwrap();
        Rig {
            source,
            element,
            main,
            bus,
            gate: Gate::default(),
            sent: Vec::new(),
            branches: RefCell::default(),
        }
    }

    /// Like [`Rig::new`], and sends stream-start, caps and segment.
    pub(crate) fn started() -> Rig {
        let mut rig = Rig::new();
        rig.start();
        rig
    }

    pub(crate) fn start(&mut self) {
        self.send(gst::event::StreamStart::new("test"));
        self.send(gst::event::Caps::new(&caps("one")));
        self.send(segment());
    }

    pub(crate) fn tap(&self, settings: TapSettings) -> RawTapPad {
        let pad = self.element.request_pad_simple("tap_%u").unwrap();
        settings.apply(&pad);
        pad.downcast().unwrap()
    }

    pub(crate) fn tap_into(&self, settings: TapSettings, branch: &gst::Pad) -> RawTapPad {
        let pad = self.tap(settings);
        pad.link(branch).unwrap();
        self.branches.borrow_mut().push(branch.clone());
        pad
    }

    pub(crate) fn send(&mut self, event: gst::Event) {
        self.sent.push(Seen::Event(event.clone()));
        assert!(self.source.push_event(event));
    }

    /// Pushes a buffer with this timestamp in ms, and asserts that it has arrived downstream of
    /// `src`.
    pub(crate) fn push(&mut self, ms: u64) -> gst::Buffer {
        let buffer = buffer(ms);
        self.sent.push(Seen::Buffer(buffer.clone()));
        assert_eq!(self.source.push(buffer.clone()), Ok(gst::FlowSuccess::Ok));
        assert_eq!(self.main.seen().len(), self.sent.len());
        buffer
    }

    pub(crate) fn push_list(&mut self, ms: &[u64]) {
        let list: gst::BufferList = ms.iter().map(|ms| buffer(*ms)).collect();
        self.sent.push(Seen::List(list.clone()));
        assert_eq!(self.source.push_list(list), Ok(gst::FlowSuccess::Ok));
    }

    /// Plays a stream with all kinds of objects.
    pub(crate) fn play(&mut self, mut in_between: impl FnMut(&Rig, usize)) {
        for round in 0..4 {
            self.send(gst::event::Caps::new(&caps(&format!("round-{round}"))));
            self.send(segment());
            for n in 0..10 {
                in_between(self, round * 10 + n);
                self.push(round as u64 * 1000 + n as u64 * 40);
            }
            self.push_list(&[round as u64 * 1000 + 500, round as u64 * 1000 + 540]);
            self.send(gst::event::Gap::builder(gst::ClockTime::SECOND).build());
            self.send(gst::event::Tag::new(gst::TagList::new()));
        }
    }

    /// Waits until the branch has received everything so far.
    pub(crate) fn drain(&mut self, branch: &Recorder) {
        let mark = gst::event::CustomDownstream::new(gst::Structure::new_empty("mark"));
        self.send(mark.clone());
        branch.wait_for("the mark", |seen| {
            seen.iter().any(|seen| seen.is(&Seen::Event(mark.clone())))
        });
    }

    pub(crate) fn assert_main_is_undisturbed(&self) {
        self.main.assert_saw(&self.sent);
    }

    pub(crate) fn detached(&self) -> gst::Structure {
        let timeout = gst::ClockTime::from_seconds(LONG.as_secs());
        let message = self
            .bus
            .timed_pop_filtered(timeout, &[gst::MessageType::Element])
            .expect("a rawtap-detached message");
        let structure = message.structure().unwrap().to_owned();
        assert_eq!(structure.name(), "rawtap-detached");
        structure
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.gate.open();
        let _ = self.element.set_state(gst::State::Null);
        let _ = self.source.set_active(false);
        let _ = self.main.pad.set_active(false);
    }
}

/// A tap's properties.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TapSettings {
    pub(crate) policy: RawTapPolicy,
    pub(crate) max_rate: f64,
}

impl TapSettings {
    fn apply(self, pad: &gst::Pad) {
        pad.set_property("policy", self.policy);
        pad.set_property("max-rate", self.max_rate);
    }
}

/// Every policy, with and without `max-rate`.
pub(crate) fn all_settings() -> Vec<TapSettings> {
    let policies = [
        RawTapPolicy::Latest,
        RawTapPolicy::DropOldest,
        RawTapPolicy::DropNewest,
    ];
    policies
        .into_iter()
        .flat_map(|policy| [0.0, 10.0].map(|max_rate| TapSettings { policy, max_rate }))
        .collect()
}

/// Returns settings that drop nothing.
pub(crate) fn keeping_all() -> TapSettings {
    TapSettings {
        policy: RawTapPolicy::DropNewest,
        max_rate: 0.0,
    }
}

pub(crate) fn init() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        gst::init().unwrap();
        gstrawmedia::plugin_register_static().unwrap();
    });
}

pub(crate) fn caps(name: &str) -> gst::Caps {
    init();
    gst::Caps::builder("application/x-test")
        .field("id", name)
        .build()
}

pub(crate) fn segment() -> gst::Event {
    init();
    gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new())
}

pub(crate) fn buffer(ms: u64) -> gst::Buffer {
    init();
    let mut buffer = gst::Buffer::from_slice([ms as u8; 4]);
    buffer
        .get_mut()
        .unwrap()
        .set_pts(gst::ClockTime::from_mseconds(ms));
    buffer
}

pub(crate) fn template(direction: gst::PadDirection) -> gst::PadTemplate {
    init();
    let any = gst::Caps::new_any();
    gst::PadTemplate::new("pad", direction, gst::PadPresence::Always, &any).unwrap()
}

pub(crate) fn stat(pad: &impl IsA<gst::Object>, name: &str) -> u64 {
    stats(pad).get(name).unwrap()
}

pub(crate) fn stats(pad: &impl IsA<gst::Object>) -> gst::Structure {
    pad.as_ref().property("stats")
}
