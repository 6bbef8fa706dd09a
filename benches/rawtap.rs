//! Measures the time that the pushing thread needs per buffer: through rawtap with 0, 1 and 8 taps,
//! a bare link, `identity`, and `tee` with as many leaky queues.
//!
//! All branches end in pads that do nothing. A fast branch drops each buffer at once, a frozen one
//! never returns from its first.
#![expect(clippy::unwrap_used, reason = "a failure ends the bench")]

use std::sync::{Arc, Condvar, Mutex};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gst::prelude::*;

const BRANCHES: [usize; 3] = [0, 1, 8];

/// Holds frozen branches until the end.
#[derive(Debug, Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        let guard = self.is_open.lock().unwrap();
        drop(self.opened.wait_while(guard, |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Branch {
    Fast,
    Frozen,
}

/// A source pad, the elements under test, and the pads at their ends.
struct Rig {
    source: gst::Pad,
    buffers: Vec<gst::Buffer>,
    gate: Arc<Gate>,
    elements: Vec<gst::Element>,
    ends: Vec<gst::Pad>,
}

impl Rig {
    fn bare() -> Rig {
        let mut rig = Rig::new();
        let end = rig.end(Branch::Fast);
        rig.source.link(&end).unwrap();
        rig.begin();
        rig
    }

    fn identity() -> Rig {
        let mut rig = Rig::new();
        let identity = rig.element("identity");
        let end = rig.end(Branch::Fast);
        identity.static_pad("src").unwrap().link(&end).unwrap();
        rig.enter(&identity);
        rig
    }

    fn rawtap(branches: usize, branch: Branch) -> Rig {
        let mut rig = Rig::new();
        let tap = rig.element("rawtap");
        let end = rig.end(Branch::Fast);
        tap.static_pad("src").unwrap().link(&end).unwrap();
        for _ in 0..branches {
            let end = rig.end(branch);
            let pad = tap.request_pad_simple("tap_%u").unwrap();
            pad.link(&end).unwrap();
        }
        rig.enter(&tap);
        rig
    }

    fn tee(branches: usize, branch: Branch) -> Rig {
        let mut rig = Rig::new();
        let tee = rig.element("tee");
        let end = rig.end(Branch::Fast);
        tee.request_pad_simple("src_%u")
            .unwrap()
            .link(&end)
            .unwrap();
        for _ in 0..branches {
            let queue = rig.element("queue");
            queue.set_property_from_str("leaky", "downstream");
            queue.set_property("max-size-buffers", 1u32);
            queue.set_property("max-size-bytes", 0u32);
            queue.set_property("max-size-time", 0u64);
            let end = rig.end(branch);
            let pad = tee.request_pad_simple("src_%u").unwrap();
            pad.link(&queue.static_pad("sink").unwrap()).unwrap();
            queue.static_pad("src").unwrap().link(&end).unwrap();
        }
        rig.enter(&tee);
        rig
    }

    fn new() -> Rig {
        let source = gst::Pad::builder_from_template(&template(gst::PadDirection::Src)).build();
        Rig {
            source,
            buffers: (0..1024)
                .map(|n| {
                    let mut buffer = gst::Buffer::with_size(64).unwrap();
                    buffer
                        .get_mut()
                        .unwrap()
                        .set_pts(gst::ClockTime::from_mseconds(n));
                    buffer
                })
                .collect(),
            gate: Arc::default(),
            elements: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn element(&mut self, factory: &str) -> gst::Element {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        self.elements.push(element.clone());
        element
    }

    fn end(&mut self, branch: Branch) -> gst::Pad {
        let gate = self.gate.clone();
        let end = gst::Pad::builder_from_template(&template(gst::PadDirection::Sink))
            .chain_function(move |_, _, _| {
                if branch == Branch::Frozen {
                    gate.wait();
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        end.set_active(true).unwrap();
        self.ends.push(end.clone());
        end
    }

    fn enter(&self, element: &gst::Element) {
        let sink = element.static_pad("sink").unwrap();
        self.source.link(&sink).unwrap();
        for element in self.elements.iter().rev() {
            element.set_state(gst::State::Playing).unwrap();
        }
        self.begin();
    }

    fn begin(&self) {
        self.source.set_active(true).unwrap();
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        for event in [
            gst::event::StreamStart::new("bench"),
            gst::event::Caps::new(&gst::Caps::new_empty_simple("application/x-bench")),
            gst::event::Segment::new(&segment),
        ] {
            assert!(self.source.push_event(event));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.gate.open();
        for element in &self.elements {
            element.set_state(gst::State::Null).unwrap();
        }
        for end in &self.ends {
            end.set_active(false).unwrap();
        }
        self.source.set_active(false).unwrap();
    }
}

fn template(direction: gst::PadDirection) -> gst::PadTemplate {
    let any = gst::Caps::new_any();
    gst::PadTemplate::new("pad", direction, gst::PadPresence::Always, &any).unwrap()
}

fn measure(criterion: &mut Criterion, group: &str, name: &str, parameter: usize, rig: &Rig) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new(name, parameter), |bencher| {
        let mut buffers = rig.buffers.iter().cycle();
        bencher.iter(|| {
            let buffer = buffers.next().unwrap().clone();
            rig.source.push(buffer).unwrap();
        });
    });
    group.finish();
}

fn cost_per_buffer(criterion: &mut Criterion) {
    gst::init().unwrap();
    gstrawmedia::plugin_register_static().unwrap();
    measure(criterion, "plain", "bare", 0, &Rig::bare());
    measure(criterion, "plain", "identity", 0, &Rig::identity());
    for (name, branch) in [("fast", Branch::Fast), ("frozen", Branch::Frozen)] {
        for branches in BRANCHES {
            measure(
                criterion,
                name,
                "tee",
                branches,
                &Rig::tee(branches, branch),
            );
            measure(
                criterion,
                name,
                "rawtap",
                branches,
                &Rig::rawtap(branches, branch),
            );
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(40);
    targets = cost_per_buffer
}
criterion_main!(benches);
