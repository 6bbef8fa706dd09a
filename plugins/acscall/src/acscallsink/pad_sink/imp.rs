//! What the sink does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;

use super::super::wait::is_live;
use super::caps::check;
use super::*;
use crate::call::Publication;
use crate::call::time::Translator;

/// How long the end of a stream waits for what was encoded to leave.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallport",
        gst::DebugColorFlags::empty(),
        Some("A stream of acscallsink"),
    )
});

/// See [`super::AcsCallPadSink`].
#[derive(Default)]
pub struct AcsCallPadSink {
    place: OnceLock<(Kind, gst::Caps)>,
    outgoing: Mutex<Option<Arc<Publication>>>,
    muted: AtomicBool,
    paced: AtomicBool,
    ended: AtomicBool,
    stream: Mutex<Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    caps: Option<gst::Caps>,
    /// Upstream may try the same again and again.
    refused: Option<gst::Caps>,
    /// Whether upstream is live; `None` as long as it does not know.
    live: Option<bool>,
    translator: Translator,
}

impl AcsCallPadSink {
    pub(super) fn assign(&self, kind: Kind, caps: &gst::Caps) {
        self.place.get_or_init(|| (kind, caps.clone()));
    }

    pub(super) fn open(&self, membership: &Arc<Membership>) -> bool {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.is_none() {
            let kind = self.place.get().map_or(Kind::Audio, |(kind, _)| *kind);
            *outgoing = membership.send(kind).map(Arc::new);
        }
        outgoing.is_some()
    }

    pub(super) fn close(&self) {
        let outgoing = lock(&self.outgoing).take();
        drop(outgoing);
    }

    pub(super) fn finish(&self) {
        if let Some(outgoing) = self.outgoing() {
            outgoing.drain(DRAIN_TIMEOUT);
            outgoing.stop();
        }
    }

    pub(super) fn restart(&self) {
        if !self.ended.swap(false, Ordering::SeqCst) {
            return;
        }
        gst::debug!(CAT, imp = self, "a new stream after the end");
        let obj = self.obj();
        // A sink takes nothing after EOS until it is flushed. That must not cost the
        // pipeline its state.
        obj.set_async(false);
        let pad = obj.sink_pad();
        pad.send_event(gst::event::FlushStart::new());
        pad.send_event(gst::event::FlushStop::new(false));
    }

    pub(super) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::SeqCst);
        if muted && let Some(outgoing) = self.outgoing() {
            outgoing.stop();
        }
    }

    pub(super) fn set_paced(&self, paced: bool) {
        self.paced.store(paced, Ordering::SeqCst);
        self.apply_pace();
    }

    pub(super) fn outgoing(&self) -> Option<Arc<Publication>> {
        lock(&self.outgoing).clone()
    }

    /// A live stream goes out at once: waiting for its time would only make it late.
    fn apply_pace(&self) {
        let live = lock(&self.stream).live.unwrap_or(false);
        self.obj()
            .set_sync(self.paced.load(Ordering::SeqCst) && !live);
    }

    fn judge_live(&self) {
        let live = is_live(self.obj().sink_pad());
        lock(&self.stream).live = live;
        gst::debug!(CAT, imp = self, "live: {live:?}");
        self.apply_pace();
    }

    /// The caps, and when the buffer is due by the system clock.
    fn due(&self, buffer: &gst::Buffer) -> Option<(gst::Caps, gst::ClockTime)> {
        let obj = self.obj();
        let segment = obj.segment();
        let running = buffer.pts().and_then(|pts| {
            segment
                .downcast_ref::<gst::ClockTime>()
                .and_then(|time| time.to_running_time(pts))
        });
        let mut stream = lock(&self.stream);
        let caps = stream.caps.clone()?;
        let due = running
            .and_then(|running| stream.translator.system_time(obj.upcast_ref(), running))
            .or_else(|| Some(gst::SystemClock::obtain().time()))?;
        Some((caps, due))
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallPadSink {
    const NAME: &'static str = "GstAcsCallPort";
    type Type = super::AcsCallPadSink;
    type ParentType = gst_base::BaseSink;
}

impl ObjectImpl for AcsCallPadSink {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.set_qos(false);
        obj.set_max_lateness(-1);
        // Would keep the last picture of a stream alive.
        obj.set_enable_last_sample(false);
        // Encoding takes its time after the frame was due, not before.
        obj.set_processing_deadline(gst::ClockTime::ZERO);
    }
}

impl GstObjectImpl for AcsCallPadSink {}

impl ElementImpl for AcsCallPadSink {
    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            gst::PadTemplate::new(
                "sink",
                gst::PadDirection::Sink,
                gst::PadPresence::Always,
                &gst::Caps::new_any(),
            )
            .into_iter()
            .collect()
        });
        &TEMPLATES
    }
}

impl BaseSinkImpl for AcsCallPadSink {
    fn caps(&self, filter: Option<&gst::Caps>) -> Option<gst::Caps> {
        let (_, caps) = self.place.get()?;
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(caps, gst::CapsIntersectMode::First),
            None => caps.clone(),
        })
    }

    fn query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::AcceptCaps(accept) = query.view_mut() {
            // Refused later, where the reason can be told.
            accept.set_result(true);
            return true;
        }
        BaseSinkImplExt::parent_query(self, query)
    }

    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let kind = self.place.get().map(|(kind, _)| *kind);
        if let Err(problem) = check(kind, caps) {
            let before = lock(&self.stream).refused.replace(caps.clone());
            if before.as_ref() != Some(caps) {
                gst::element_imp_error!(
                    self,
                    gst::CoreError::Negotiation,
                    ("the call cannot send {caps}: {problem}")
                );
            }
            return Err(gst::loggable_error!(CAT, "{problem}"));
        }
        gst::debug!(CAT, imp = self, "{caps}");
        lock(&self.stream).caps = Some(caps.clone());
        Ok(())
    }

    fn event(&self, event: gst::Event) -> bool {
        match event.view() {
            // A new stream may come of another source.
            gst::EventView::Segment(_) => self.judge_live(),
            gst::EventView::Eos(_) => self.ended.store(true, Ordering::SeqCst),
            gst::EventView::Gap(gap) => {
                let (_, duration) = gap.get();
                if let Some(outgoing) = self.outgoing() {
                    outgoing.pause(duration);
                }
            }
            gst::EventView::FlushStop(_) => self.ended.store(false, Ordering::SeqCst),
            _ => {}
        }
        BaseSinkImplExt::parent_event(self, event)
    }

    fn propose_allocation(
        &self,
        query: &mut gst::query::Allocation,
    ) -> Result<(), gst::LoggableError> {
        if matches!(self.place.get(), Some((Kind::Video | Kind::Screen, _))) {
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
        }
        Ok(())
    }

    fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let undecided = lock(&self.stream).live.is_none();
        if undecided {
            self.judge_live();
        }
        let Some(outgoing) = self.outgoing() else {
            return Err(gst::FlowError::Flushing);
        };
        if self.muted.load(Ordering::SeqCst) {
            // Again for each: another thread may have been between the test and the push.
            outgoing.stop();
            return Ok(gst::FlowSuccess::Ok);
        }
        let (caps, due) = self.due(buffer).ok_or(gst::FlowError::NotNegotiated)?;
        // Copies the metadata; the memory is shared.
        let mut buffer = buffer.copy();
        if let Some(metadata) = buffer.get_mut() {
            metadata.set_pts(due);
            metadata.set_dts(None);
        }
        gst::log!(CAT, imp = self, "{buffer:?}");
        outgoing.push(&caps, buffer);
        if lock(&self.stream).live == Some(false) {
            // What can wait does: a file loses nothing where the encoder falls behind.
            outgoing.drain(DRAIN_TIMEOUT);
        }
        Ok(gst::FlowSuccess::Ok)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
