//! What the element does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use super::super::stream_events::{EventSequencer, Output};
use super::gate::Gate;
use super::*;
use crate::call::Reading;
use crate::call::reader::{Item, Popped, ReaderQueue};

/// Where nothing comes for this long the stream says so.
const GAP_INTERVAL: Duration = Duration::from_millis(100);

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallstream",
        gst::DebugColorFlags::empty(),
        Some("A stream of acscallsrc"),
    )
});

/// See [`super::AcsCallStream`].
#[derive(Default)]
pub struct AcsCallStream {
    place: OnceLock<Place>,
    binding: Mutex<Option<Binding>>,
    gate: Gate,
    /// The pipeline's latency.
    slack: Mutex<gst::ClockTime>,
    thread: Mutex<Option<ThreadId>>,
    ends_on_leave: AtomicBool,
}

struct Place {
    kind: Kind,
    source: gst::Pad,
    shown: glib::WeakRef<AcsCallSrcPad>,
}

struct Binding {
    queue: Arc<ReaderQueue>,
    latency: gst::ClockTime,
    flow: Arc<Mutex<EventSequencer>>,
    /// Ends the reading when it is dropped.
    _reading: Reading,
}

impl AcsCallStream {
    pub(super) fn assign(&self, kind: Kind, pad: &AcsCallSrcPad, caps: &gst::Caps) {
        let template = gst::PadTemplate::new(
            "src",
            gst::PadDirection::Src,
            gst::PadPresence::Always,
            caps,
        );
        let Ok(template) = template else {
            gst::error!(CAT, imp = self, "no pad template of {caps}");
            return;
        };
        let source = gst::Pad::builder_from_template(&template)
            .activatemode_function(|pad, parent, mode, active| {
                AcsCallStream::catch_panic_pad_function(
                    parent,
                    || Err(gst::loggable_error!(CAT, "panic at activation")),
                    |stream| stream.activate(pad, mode, active),
                )
            })
            .event_function(|pad, parent, event| {
                AcsCallStream::catch_panic_pad_function(
                    parent,
                    || false,
                    |stream| stream.source_event(pad, event),
                )
            })
            .query_function(|pad, parent, query| {
                AcsCallStream::catch_panic_pad_function(
                    parent,
                    || false,
                    |stream| stream.source_query(pad, query),
                )
            })
            .build();
        if let Err(error) = self.obj().add_pad(&source) {
            gst::error!(CAT, imp = self, "{error}");
        }
        let shown = pad.downgrade();
        self.place.get_or_init(|| Place {
            kind,
            source,
            shown,
        });
    }

    pub(super) fn bind(&self, membership: &Arc<Membership>, selector: Selector, names: StreamInfo) {
        let Some(place) = self.place.get() else {
            return;
        };
        let queue = Arc::new(match place.kind {
            Kind::Audio => ReaderQueue::audio(),
            Kind::Video | Kind::Screen => ReaderQueue::video(),
        });
        queue.set_slack(*lock(&self.slack));
        let mut binding = lock(&self.binding);
        if binding.is_some() {
            return;
        }
        gst::info!(CAT, imp = self, "reads {selector:?}");
        *binding = Some(Binding {
            queue: queue.clone(),
            latency: membership.latency(&selector),
            flow: Arc::new(Mutex::new(EventSequencer::new(names))),
            // Only sends a command: nothing waits under the lock.
            _reading: membership.read(selector, queue),
        });
    }

    pub(super) fn set_on_leave(&self, on_leave: AcsCallOnLeave) {
        let ends = on_leave == AcsCallOnLeave::Eos;
        self.ends_on_leave.store(ends, Ordering::SeqCst);
    }

    pub(super) fn unbind(&self) {
        let binding = lock(&self.binding).take();
        drop(binding);
        if let Some(shown) = self.shown() {
            shown.imp().set_available(false);
            shown.imp().set_bound(None);
        }
    }

    pub(super) fn is_own_thread(&self) -> bool {
        *lock(&self.thread) == Some(std::thread::current().id())
    }

    pub(super) fn counts(&self) -> Counts {
        self.queue().map(|queue| queue.counts()).unwrap_or_default()
    }

    fn activate(
        &self,
        pad: &gst::Pad,
        mode: gst::PadMode,
        active: bool,
    ) -> Result<(), gst::LoggableError> {
        if mode != gst::PadMode::Push {
            return Err(gst::loggable_error!(CAT, "only push mode"));
        }
        let queue = self.queue();
        if active {
            self.gate.reset();
            if let Some(queue) = queue {
                queue.set_flushing(false);
            }
            let weak = self.downgrade();
            pad.start_task(move || {
                if let Some(stream) = weak.upgrade() {
                    stream.run();
                }
            })
            .map_err(|error| gst::loggable_error!(CAT, "{error}"))
        } else {
            self.gate.flush();
            if let Some(queue) = queue {
                queue.set_flushing(true);
            }
            pad.stop_task()
                .map_err(|error| gst::loggable_error!(CAT, "{error}"))
        }
    }

    /// One turn of the streaming thread.
    fn run(&self) {
        *lock(&self.thread) = Some(std::thread::current().id());
        let Err(error) = self.step() else { return };
        gst::debug!(CAT, imp = self, "stops: {error:?}");
        let Some(place) = self.place.get() else {
            return;
        };
        // Before anything is told: whoever hears it may want to end the task.
        let _paused = place.source.pause_task();
        if error == gst::FlowError::Flushing {
            return;
        }
        // What still comes is for nobody.
        if let Some(queue) = self.queue() {
            queue.set_flushing(true);
        }
        if error != gst::FlowError::Eos {
            gst::element_imp_error!(
                self,
                gst::StreamError::Failed,
                (
                    "an element after the pad '{}' failed: {error:?}",
                    self.pad_name()
                )
            );
        }
        let seqnum = self.gate.seqnum();
        if let Some(out) = self.with_flow(|flow| flow.end(seqnum)) {
            let _ended = self.push(place, out);
        }
    }

    fn step(&self) -> Result<(), gst::FlowError> {
        self.gate.wait()?;
        let place = self.place.get().ok_or(gst::FlowError::Flushing)?;
        let queue = self.queue().ok_or(gst::FlowError::Flushing)?;
        match queue.pop(GAP_INTERVAL) {
            Popped::Flushing => Err(gst::FlowError::Flushing),
            Popped::Nothing => {
                self.gap(place);
                Ok(())
            }
            Popped::Item(Item::Ended) => Err(gst::FlowError::Eos),
            Popped::Item(Item::Available(now)) => {
                if let Some(shown) = self.shown() {
                    shown.imp().set_available(now);
                }
                Ok(())
            }
            Popped::Item(Item::Bound(participant)) => {
                if let Some(participant) = &participant {
                    self.with_flow(|flow| flow.bound(participant));
                }
                if let Some(shown) = self.shown() {
                    shown.imp().set_bound(participant.as_ref());
                }
                if participant.is_none() && self.ends_on_leave.load(Ordering::SeqCst) {
                    return Err(gst::FlowError::Eos);
                }
                Ok(())
            }
            Popped::Item(Item::Media(caps, buffer)) => {
                let element = self.obj().clone().upcast();
                match self.with_flow(|flow| flow.media(&element, &caps, buffer)) {
                    Some(out) => self.push(place, out),
                    None => Err(gst::FlowError::Flushing),
                }
            }
        }
    }

    fn gap(&self, place: &Place) {
        let Some(latency) = self.latency() else {
            return;
        };
        let element: gst::Element = self.obj().clone().upcast();
        if let Some(out) = self.with_flow(|flow| flow.begin(&element)) {
            let _only_events = self.push(place, out);
        }
        if let Some(Some(gap)) = self.with_flow(|flow| flow.gap(&element, latency)) {
            gst::log!(CAT, imp = self, "{gap:?}");
            let _not_linked = place.source.push_event(gap);
        }
    }

    /// Where nothing is linked, or nothing that runs, the stream flows into nothing.
    fn push(&self, place: &Place, out: Output) -> Result<(), gst::FlowError> {
        for event in out.events {
            gst::debug!(CAT, imp = self, "{event:?}");
            let _not_linked = place.source.push_event(event);
        }
        let Some(buffer) = out.buffer else {
            return Ok(());
        };
        let peer = || self.shown().and_then(|shown| shown.peer());
        let Some(before) = peer() else { return Ok(()) };
        match place.source.push(buffer) {
            Ok(_) => Ok(()),
            Err(gst::FlowError::NotLinked) if peer().as_ref() != Some(&before) => Ok(()),
            // What is linked does not run: not yet, or for a while. Where it is this end that
            // stops, the next turn finds that out. A sink of 1.22 that stops just now says EOS.
            Err(error) if error == gst::FlowError::Flushing || !before.is_active() => {
                self.with_flow(EventSequencer::refused);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn source_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Latency(latency) => {
                *lock(&self.slack) = latency.latency();
                if let Some(queue) = self.queue() {
                    queue.set_slack(latency.latency());
                }
                true
            }
            gst::EventView::Reconfigure(_) | gst::EventView::Qos(_) => true,
            gst::EventView::Seek(_) => false,
            _ => gst::Pad::event_default(pad, Some(&*self.obj()), event),
        }
    }

    fn source_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Latency(latency) = query.view_mut() {
            // Before the call is joined nobody knows.
            let Some(own) = self.latency() else {
                return false;
            };
            // What is within the pipeline's latency waits in the queue, without a limit.
            latency.set(true, own, gst::ClockTime::NONE);
            return true;
        }
        gst::Pad::query_default(pad, Some(&*self.obj()), query)
    }

    fn end(&self, seqnum: gst::Seqnum) -> bool {
        let Some(queue) = self.queue() else {
            return false;
        };
        self.gate.end(seqnum);
        queue.push(Item::Ended);
        true
    }

    fn with_flow<T>(&self, f: impl FnOnce(&mut EventSequencer) -> T) -> Option<T> {
        let flow = lock(&self.binding)
            .as_ref()
            .map(|binding| binding.flow.clone())?;
        let mut flow = lock(&flow);
        Some(f(&mut flow))
    }

    fn queue(&self) -> Option<Arc<ReaderQueue>> {
        lock(&self.binding)
            .as_ref()
            .map(|binding| binding.queue.clone())
    }

    fn latency(&self) -> Option<gst::ClockTime> {
        lock(&self.binding).as_ref().map(|binding| binding.latency)
    }

    fn shown(&self) -> Option<AcsCallSrcPad> {
        self.place.get()?.shown.upgrade()
    }

    fn pad_name(&self) -> glib::GString {
        self.shown().map(|shown| shown.name()).unwrap_or_default()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallStream {
    const NAME: &'static str = "GstAcsCallStream";
    type Type = super::AcsCallStream;
    type ParentType = gst::Element;
}

impl ObjectImpl for AcsCallStream {
    fn constructed(&self) {
        self.parent_constructed();
        self.obj().set_element_flags(gst::ElementFlags::SOURCE);
    }
}

impl GstObjectImpl for AcsCallStream {}

impl ElementImpl for AcsCallStream {
    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::PlayingToPaused {
            self.gate.set_playing(false);
        }
        let success = self.parent_change_state(transition)?;
        match transition {
            gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                Ok(gst::StateChangeSuccess::NoPreroll)
            }
            gst::StateChange::PausedToPlaying => {
                self.gate.set_playing(true);
                Ok(success)
            }
            _ => Ok(success),
        }
    }

    fn send_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Eos(eos) => self.end(eos.seqnum()),
            _ => self.parent_send_event(event),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
