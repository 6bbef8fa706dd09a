//! The ends of branches: a recorder, and a gate that makes it block.

use std::sync::{Arc, Condvar, Mutex};

use gst::prelude::*;

use crate::rig::{LONG, template};

/// An object that a pad received.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Buffer(gst::Buffer),
    List(gst::BufferList),
    Event(gst::Event),
}

impl Seen {
    /// Whether both are the same object, not only equal.
    pub(crate) fn is(&self, other: &Seen) -> bool {
        match (self, other) {
            (Seen::Buffer(one), Seen::Buffer(other)) => {
                one.as_ptr() == other.as_ptr()
                    && one.peek_memory(0).as_ptr() == other.peek_memory(0).as_ptr()
            }
            (Seen::List(one), Seen::List(other)) => one.as_ptr() == other.as_ptr(),
            (Seen::Event(one), Seen::Event(other)) => one.as_ptr() == other.as_ptr(),
            _ => false,
        }
    }

    pub(crate) fn pts(&self) -> Option<gst::ClockTime> {
        match self {
            Seen::Buffer(buffer) => buffer.pts(),
            _ => None,
        }
    }

    pub(crate) fn event_type(&self) -> Option<gst::EventType> {
        match self {
            Seen::Event(event) => Some(event.type_()),
            _ => None,
        }
    }
}

/// Computes the flow return of a branch for each buffer.
type Answer = Box<dyn Fn() -> Result<gst::FlowSuccess, gst::FlowError> + Send + Sync>;

/// Records the objects that its pad receives.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) pad: gst::Pad,
    seen: Arc<(Mutex<Vec<Seen>>, Condvar)>,
}

impl Recorder {
    pub(crate) fn new() -> Recorder {
        Recorder::answering(|| Ok(gst::FlowSuccess::Ok))
    }

    pub(crate) fn answering(
        answer: impl Fn() -> Result<gst::FlowSuccess, gst::FlowError> + Send + Sync + 'static,
    ) -> Recorder {
        Recorder::with_query(answer, |pad, parent, query| {
            gst::Pad::query_default(pad, parent, query)
        })
    }

    pub(crate) fn with_query(
        answer: impl Fn() -> Result<gst::FlowSuccess, gst::FlowError> + Send + Sync + 'static,
        query: impl Fn(&gst::Pad, Option<&gst::Object>, &mut gst::QueryRef) -> bool
        + Send
        + Sync
        + 'static,
    ) -> Recorder {
        let seen: Arc<(Mutex<Vec<Seen>>, Condvar)> = Arc::default();
        let answer: Arc<Answer> = Arc::new(Box::new(answer));
        let note = {
            let seen = seen.clone();
            move |what| {
                seen.0.lock().unwrap().push(what);
                seen.1.notify_all();
            }
        };
        let (buffers, lists, events) = (note.clone(), note.clone(), note);
        let list_answer = answer.clone();
        let pad = gst::Pad::builder_from_template(&template(gst::PadDirection::Sink))
            .chain_function(move |_, _, buffer| {
                buffers(Seen::Buffer(buffer));
                answer()
            })
            .chain_list_function(move |_, _, list| {
                lists(Seen::List(list));
                list_answer()
            })
            .event_function(move |_, _, event| {
                events(Seen::Event(event));
                true
            })
            .query_function(query)
            .build();
        pad.set_active(true).unwrap();
        Recorder { pad, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.0.lock().unwrap().clone()
    }

    pub(crate) fn buffers(&self) -> Vec<gst::Buffer> {
        self.seen()
            .into_iter()
            .filter_map(|seen| match seen {
                Seen::Buffer(buffer) => Some(buffer),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn event_types(&self) -> Vec<gst::EventType> {
        self.seen().iter().filter_map(Seen::event_type).collect()
    }

    pub(crate) fn wait_for(&self, what: &str, is_there: impl Fn(&[Seen]) -> bool) {
        let guard = self.seen.0.lock().unwrap();
        let (guard, timeout) = self
            .seen
            .1
            .wait_timeout_while(guard, LONG, |seen| !is_there(seen))
            .unwrap();
        assert!(!timeout.timed_out(), "{what} did not arrive: {:?}", *guard);
    }

    pub(crate) fn wait_for_buffer(&self, pts: gst::ClockTime) {
        self.wait_for(&format!("the buffer at {pts}"), |seen| {
            seen.iter().any(|seen| seen.pts() == Some(pts))
        });
    }

    pub(crate) fn wait_for_event(&self, type_: gst::EventType) {
        self.wait_for(&format!("{type_:?}"), |seen| {
            seen.iter().any(|seen| seen.event_type() == Some(type_))
        });
    }

    /// Asserts that exactly these objects arrived, in this order.
    pub(crate) fn assert_saw(&self, expected: &[Seen]) {
        let seen = self.seen();
        assert_eq!(
            seen.len(),
            expected.len(),
            "{seen:?}\ninstead of {expected:?}"
        );
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(seen.is(expected), "{seen:?} instead of {expected:?}");
        }
    }
}

/// Blocks a branch until the test opens it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Debug, Default)]
struct GateState {
    is_open: bool,
    waiting: usize,
}

impl Gate {
    /// Called by a branch.
    pub(crate) fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.waiting += 1;
        self.0.1.notify_all();
        while !state.is_open {
            state = self.0.1.wait(state).unwrap();
        }
        state.waiting -= 1;
    }

    pub(crate) fn wait_until_somebody_is_stuck(&self) {
        let state = self.0.0.lock().unwrap();
        let (state, timeout) = self
            .0
            .1
            .wait_timeout_while(state, LONG, |state| state.waiting == 0)
            .unwrap();
        assert!(!timeout.timed_out(), "no branch is stuck");
        drop(state);
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    /// Creates a recorder that blocks in its first buffer.
    pub(crate) fn recorder(&self) -> Recorder {
        let gate = self.clone();
        Recorder::answering(move || {
            gate.pass();
            Ok(gst::FlowSuccess::Ok)
        })
    }
}
