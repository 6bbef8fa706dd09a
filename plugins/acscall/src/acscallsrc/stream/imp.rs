//! The implementation of the stream element.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

use parking_lot::Mutex;

use super::super::stream_events::{EventSequencer, Output};
use super::colors::Colors;
use super::filler::Filler;
use super::gate::Gate;
use super::*;
use crate::call::Reading;
use crate::call::reader::{Item, Popped, ReaderQueue};

/// The interval of GAP events while no buffers arrive.
const GAP_INTERVAL: Duration = Duration::from_millis(100);

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallstream",
        gst::DebugColorFlags::empty(),
        Some("Stream of a pad of acscallsrc"),
    )
});

/// See [`super::AcsCallStream`].
#[derive(Default)]
pub struct AcsCallStream {
    pads: OnceLock<Pads>,
    binding: Mutex<Option<Binding>>,
    gate: Gate,
    pub(super) colors: Colors,
    pub(super) filler: Filler,
    /// The pipeline's latency.
    slack: Mutex<gst::ClockTime>,
    /// The streaming thread.
    thread: Mutex<Option<ThreadId>>,
    ends_on_leave: AtomicBool,
}

pub(super) struct Pads {
    pub(super) kind: Kind,
    pub(super) source: gst::Pad,
    /// The ghost pad of `source`.
    ghost: glib::WeakRef<AcsCallSrcPad>,
}

struct Binding {
    queue: Arc<ReaderQueue>,
    latency: gst::ClockTime,
    sequencer: Arc<Mutex<EventSequencer>>,
    /// Stops the reading when it is dropped.
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
            gst::error!(CAT, imp = self, "No pad template can be created for {caps}");
            return;
        };
        let source = gst::Pad::builder_from_template(&template)
            .activatemode_function(|pad, parent, mode, active| {
                AcsCallStream::catch_panic_pad_function(
                    parent,
                    || {
                        Err(gst::loggable_error!(
                            CAT,
                            "Panicked while activating the pad"
                        ))
                    },
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
        let ghost = pad.downgrade();
        self.pads.get_or_init(|| Pads {
            kind,
            source,
            ghost,
        });
    }

    pub(super) fn bind(&self, membership: &Arc<Membership>, selector: Selector, info: StreamInfo) {
        let Some(pads) = self.pads.get() else {
            return;
        };
        let queue = Arc::new(match pads.kind {
            Kind::Audio => ReaderQueue::audio(),
            Kind::Video | Kind::Screen => ReaderQueue::video(),
        });
        queue.set_slack(*self.slack.lock());
        let ghost = pads.ghost.clone();
        queue.on_drop(move |dropped| {
            if let Some(ghost) = ghost.upgrade() {
                ghost.imp().post_dropped(dropped);
            }
        });
        let mut binding = self.binding.lock();
        if binding.is_some() {
            return;
        }
        gst::info!(CAT, imp = self, "Reading {selector:?}");
        *binding = Some(Binding {
            queue: queue.clone(),
            latency: membership.latency(&selector),
            sequencer: Arc::new(Mutex::new(EventSequencer::new(info))),
            // This only sends a command and so does not block with the lock held.
            _reading: membership.read(selector, queue),
        });
    }

    pub(super) fn set_on_leave(&self, on_leave: AcsCallOnLeave) {
        let ends = on_leave == AcsCallOnLeave::Eos;
        self.ends_on_leave.store(ends, Ordering::SeqCst);
    }

    pub(super) fn unbind(&self) {
        let binding = self.binding.lock().take();
        drop(binding);
        self.filler.keep(None);
        if let Some(ghost) = self.ghost() {
            ghost.imp().set_available(false);
            ghost.imp().set_participant(None);
        }
    }

    pub(super) fn is_own_thread(&self) -> bool {
        *self.thread.lock() == Some(std::thread::current().id())
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
            return Err(gst::loggable_error!(CAT, "Only push mode is supported"));
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

    /// Runs one iteration of the streaming thread.
    fn run(&self) {
        *self.thread.lock() = Some(std::thread::current().id());
        let Err(error) = self.step() else { return };
        gst::debug!(CAT, imp = self, "Stopping: {error:?}");
        let Some(pads) = self.pads.get() else {
            return;
        };
        // Before any message or event: its receiver may stop the task.
        let _paused = pads.source.pause_task();
        if error == gst::FlowError::Flushing {
            return;
        }
        // No further buffers are needed.
        if let Some(queue) = self.queue() {
            queue.set_flushing(true);
        }
        if error != gst::FlowError::Eos {
            let pad = self.ghost().map(|ghost| ghost.name()).unwrap_or_default();
            gst::element_imp_error!(
                self,
                gst::StreamError::Failed,
                ("an element downstream of the pad '{pad}' failed with {error:?}: see its own \
                     error, or the log with GST_DEBUG=3")
            );
        }
        let seqnum = self.gate.seqnum();
        if let Some(out) = self.with_sequencer(|sequencer| sequencer.eos(seqnum)) {
            let _ended = self.push(pads, out);
        }
    }

    fn step(&self) -> Result<(), gst::FlowError> {
        self.gate.wait()?;
        let pads = self.pads.get().ok_or(gst::FlowError::Flushing)?;
        let queue = self.queue().ok_or(gst::FlowError::Flushing)?;
        match queue.pop(GAP_INTERVAL) {
            Popped::Flushing => Err(gst::FlowError::Flushing),
            Popped::Nothing => self.gap(pads),
            Popped::Item(Item::Ended) => Err(gst::FlowError::Eos),
            Popped::Item(Item::Available(now)) => {
                if let Some(ghost) = self.ghost() {
                    ghost.imp().set_available(now);
                }
                Ok(())
            }
            Popped::Item(Item::Bound(participant)) => {
                if let Some(participant) = &participant {
                    self.with_sequencer(|sequencer| sequencer.set_participant(participant));
                }
                if let Some(ghost) = self.ghost() {
                    ghost.imp().set_participant(participant.as_ref());
                }
                if participant.is_none() && self.ends_on_leave.load(Ordering::SeqCst) {
                    return Err(gst::FlowError::Eos);
                }
                Ok(())
            }
            Popped::Item(Item::Media(caps, buffer)) => {
                let fills_gaps = self.fills_gaps() && pads.kind != Kind::Audio;
                self.filler
                    .keep(fills_gaps.then(|| (caps.clone(), buffer.clone())));
                let (caps, buffer) = self.colors.convert(&pads.source, caps, buffer);
                let element = self.obj().clone().upcast();
                match self.with_sequencer(|sequencer| sequencer.buffer(&element, &caps, buffer)) {
                    Some(out) => self.push(pads, out),
                    None => Err(gst::FlowError::Flushing),
                }
            }
        }
    }

    /// Pushes events and a buffer. They are dropped if the pad is not linked or its peer not active.
    pub(super) fn push(&self, pads: &Pads, out: Output) -> Result<(), gst::FlowError> {
        for event in out.events {
            gst::debug!(CAT, imp = self, "{event:?}");
            let _not_linked = pads.source.push_event(event);
        }
        let Some(buffer) = out.buffer else {
            return Ok(());
        };
        let peer = || self.ghost().and_then(|ghost| ghost.peer());
        let Some(before) = peer() else { return Ok(()) };
        match pads.source.push(buffer) {
            Ok(_) => Ok(()),
            Err(gst::FlowError::NotLinked) if peer().as_ref() != Some(&before) => Ok(()),
            // The peer does not run, yet or for the moment. If this element is stopping, the next
            // iteration notices. In 1.22 a sink that is being stopped returns EOS.
            Err(error) if error == gst::FlowError::Flushing || !before.is_active() => {
                self.with_sequencer(EventSequencer::restart);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn source_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Latency(latency) => {
                *self.slack.lock() = latency.latency();
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
            // The latency is unknown until the call is joined.
            let Some(own) = self.latency() else {
                return false;
            };
            // The queue holds any number of buffers within the pipeline's latency.
            latency.set(true, own, gst::ClockTime::NONE);
            return true;
        }
        gst::Pad::query_default(pad, Some(&*self.obj()), query)
    }

    fn handle_eos(&self, seqnum: gst::Seqnum) -> bool {
        let Some(queue) = self.queue() else {
            return false;
        };
        self.gate.end(seqnum);
        queue.push(Item::Ended);
        true
    }

    pub(super) fn with_sequencer<T>(&self, f: impl FnOnce(&mut EventSequencer) -> T) -> Option<T> {
        let sequencer = self
            .binding
            .lock()
            .as_ref()
            .map(|binding| binding.sequencer.clone())?;
        let mut sequencer = sequencer.lock();
        Some(f(&mut sequencer))
    }

    fn queue(&self) -> Option<Arc<ReaderQueue>> {
        self.binding
            .lock()
            .as_ref()
            .map(|binding| binding.queue.clone())
    }

    pub(super) fn latency(&self) -> Option<gst::ClockTime> {
        self.binding.lock().as_ref().map(|binding| binding.latency)
    }

    pub(super) fn ghost(&self) -> Option<AcsCallSrcPad> {
        self.pads.get()?.ghost.upgrade()
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
            gst::EventView::Eos(eos) => self.handle_eos(eos.seqnum()),
            _ => self.parent_send_event(event),
        }
    }
}
