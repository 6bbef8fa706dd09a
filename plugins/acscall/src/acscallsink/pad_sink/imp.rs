//! The implementation of the pad's sink.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use gst::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use parking_lot::Mutex;

use super::super::hold::is_live;
use super::caps::{complete, other_kind, parse};
use super::format::Format;
use super::intake::Intake;
use super::*;
use crate::call::Publication;
use crate::call::publication::UPRIGHT;
use crate::call::time::{Translator, system_time};

/// How long the end of a stream waits until all encoded data has left.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallpadsink",
        gst::DebugColorFlags::empty(),
        Some("Stream of a pad of acscallsink"),
    )
});

/// See [`super::AcsCallPadSink`].
#[derive(Default)]
pub struct AcsCallPadSink {
    /// The kind and the caps of the pad template.
    template: OnceLock<(Kind, gst::Caps)>,
    publication: Mutex<Option<Arc<Publication>>>,
    muted: AtomicBool,
    ended: AtomicBool,
    pub(super) stream: Mutex<Stream>,
}

#[derive(Debug, Default)]
pub(super) struct Stream {
    caps: Option<gst::Caps>,
    pub(super) format: Option<Format>,
    /// The caps rejected last: upstream may try the same ones repeatedly.
    rejected: Option<gst::Caps>,
    /// Whether upstream is live; `None` as long as it does not know.
    pub(super) live: Option<bool>,
    pub(super) intake: Intake,
    translator: Translator,
}

impl AcsCallPadSink {
    pub(super) fn assign(&self, kind: Kind, caps: &gst::Caps) {
        self.template.get_or_init(|| (kind, caps.clone()));
    }

    pub(super) fn kind(&self) -> Kind {
        self.template.get().map_or(Kind::Audio, |(kind, _)| *kind)
    }

    pub(super) fn open(&self, membership: &Arc<Membership>) -> bool {
        let mut publication = self.publication.lock();
        if publication.is_none() {
            *publication = membership.send(self.kind()).map(Arc::new);
        }
        publication.is_some()
    }

    pub(super) fn close(&self) {
        let publication = self.publication.lock().take();
        drop(publication);
    }

    pub(super) fn finish(&self) {
        if let Some(publication) = self.publication() {
            publication.drain(DRAIN_TIMEOUT);
            publication.stop();
        }
    }

    pub(super) fn restart(&self) {
        if !self.ended.swap(false, Ordering::SeqCst) {
            return;
        }
        gst::debug!(CAT, imp = self, "New stream after EOS");
        let obj = self.obj();
        // After EOS a sink must be flushed before it accepts data. The flush must not make the
        // pipeline lose its state.
        obj.set_async(false);
        let pad = obj.sink_pad();
        pad.send_event(gst::event::FlushStart::new());
        pad.send_event(gst::event::FlushStop::new(false));
    }

    pub(super) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::SeqCst);
        if muted && let Some(publication) = self.publication() {
            publication.stop();
        }
    }

    pub(super) fn set_paced(&self, paced: bool) {
        self.obj().set_sync(paced);
    }

    pub(super) fn publication(&self) -> Option<Arc<Publication>> {
        self.publication.lock().clone()
    }

    pub(super) fn is_paced(&self) -> bool {
        self.obj().is_sync()
    }

    pub(super) fn update_live(&self) {
        let live = is_live(self.obj().sink_pad());
        self.stream.lock().live = live;
        gst::debug!(CAT, imp = self, "Live: {live:?}");
    }

    fn set_orientation(&self, orientation: &str) {
        if let Some(publication) = self.publication() {
            publication.set_orientation(orientation);
        }
    }

    /// Posts an error if upstream can give only another kind of stream, as it does if the link did
    /// not name a pad. Returns whether that is so.
    fn reject_other_kind(&self, caps: &gst::CapsRef) -> bool {
        let kind = self.kind();
        let Some(other) = other_kind(kind, caps) else {
            return false;
        };
        if self.is_newly_rejected(caps) {
            let element = self.obj().parent();
            let element = element.map(|element| element.name()).unwrap_or_default();
            gst::element_imp_error!(
                self,
                gst::CoreError::Negotiation,
                ("the pad '{kind}' cannot take {caps}: link to the pad '{other}' by its name, \
                     as in '! {element}.{other}'")
            );
        }
        true
    }

    /// Notes that upstream tried these caps. Returns false if it has just done so.
    fn is_newly_rejected(&self, caps: &gst::CapsRef) -> bool {
        let before = self.stream.lock().rejected.replace(caps.to_owned());
        before.is_none_or(|before| *before != *caps)
    }

    pub(super) fn stats(&self) -> Option<gst::Structure> {
        let mut stats = self.publication()?.stats();
        let (broken, early) = self.stream.lock().intake.counts();
        stats.set("broken", broken);
        stats.set("early", early);
        Some(stats)
    }

    /// Returns the running time at this position of the segment.
    pub(super) fn running_time(&self, position: gst::ClockTime) -> Option<gst::ClockTime> {
        let segment = self.obj().segment();
        let segment = segment.downcast_ref::<gst::ClockTime>()?;
        segment.to_running_time(position)
    }

    /// Returns the caps, and the system clock's time at which the buffer is due.
    fn due(&self, buffer: &gst::Buffer) -> Option<(gst::Caps, gst::ClockTime)> {
        let obj = self.obj();
        let running = buffer.pts().and_then(|pts| self.running_time(pts));
        let mut stream = self.stream.lock();
        let caps = stream.caps.clone()?;
        let now = system_time();
        let due = running
            .and_then(|running| stream.translator.system_time(obj.upcast_ref(), running))
            .unwrap_or(now);
        // A live buffer is due now at the latest.
        match stream.live {
            Some(true) => Some((caps, due.min(now))),
            Some(false) | None => Some((caps, due)),
        }
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallPadSink {
    const NAME: &'static str = "GstAcsCallPadSink";
    type Type = super::AcsCallPadSink;
    type ParentType = gst_base::BaseSink;
}

impl ObjectImpl for AcsCallPadSink {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        obj.set_qos(false);
        obj.set_max_lateness(-1);
        // The last sample would keep the last frame of a stream alive.
        obj.set_enable_last_sample(false);
        // Encoding begins when the frame is due, not before.
        obj.set_processing_deadline(gst::ClockTime::ZERO);
    }
}

impl GstObjectImpl for AcsCallPadSink {}

impl ElementImpl for AcsCallPadSink {
    fn send_event(&self, event: gst::Event) -> bool {
        match event.type_() {
            // A stream is sent when it is due: what renders it adds the latency.
            gst::EventType::Latency => self.obj().sink_pad().push_event(event),
            _ => self.parent_send_event(event),
        }
    }

    fn query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::Latency(latency) = query.view_mut() {
            // So that the other sinks of the pipeline do not wait for this one's source.
            latency.set(false, gst::ClockTime::ZERO, gst::ClockTime::NONE);
            return true;
        }
        ElementImplExt::parent_query(self, query)
    }

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
        let (_, caps) = self.template.get()?;
        // A source asks with its own caps when it negotiates.
        if let Some(filter) = filter
            && self.obj().current_state() > gst::State::Ready
        {
            self.reject_other_kind(filter);
        }
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(caps, gst::CapsIntersectMode::First),
            None => caps.clone(),
        })
    }

    fn query(&self, query: &mut gst::QueryRef) -> bool {
        if let gst::QueryViewMut::AcceptCaps(accept) = query.view_mut() {
            // `set_caps` rejects the caps with an error that says why.
            accept.set_result(true);
            return true;
        }
        BaseSinkImplExt::parent_query(self, query)
    }

    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let caps = &complete(self.kind(), caps);
        let format = parse(self.kind(), caps);
        self.stream.lock().format = format.as_ref().ok().cloned();
        if self.reject_other_kind(caps) {
            return Err(gst::loggable_error!(CAT, "another kind of stream"));
        }
        if let Err(problem) = format {
            if self.is_newly_rejected(caps) {
                gst::element_imp_error!(
                    self,
                    gst::CoreError::Negotiation,
                    ("the call cannot send {caps}: {problem}")
                );
            }
            return Err(gst::loggable_error!(CAT, "{problem}"));
        }
        gst::debug!(CAT, imp = self, "{caps}");
        self.stream.lock().caps = Some(caps.clone());
        Ok(())
    }

    fn event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::StreamStart(_) => self.set_orientation(UPRIGHT),
            gst::EventView::Tag(tag) => {
                if let Some(orientation) = tag.tag().get::<gst::tags::ImageOrientation>() {
                    self.set_orientation(orientation.get());
                }
            }
            // A new stream may come from another source.
            gst::EventView::Segment(_) => {
                self.stream.lock().intake.restart();
                self.update_live();
            }
            gst::EventView::Eos(_) => self.ended.store(true, Ordering::SeqCst),
            gst::EventView::Gap(gap) => {
                let (start, duration) = gap.get();
                if let Some(publication) = self.publication() {
                    publication.pause(duration);
                }
                let live = self.stream.lock().live;
                if live == Some(true) {
                    if self.is_too_early(start) {
                        return true;
                    }
                    let end = start + duration.unwrap_or_default();
                    self.stream.lock().intake.announced(end);
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
        if matches!(self.template.get(), Some((Kind::Video | Kind::Screen, _))) {
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
        }
        Ok(())
    }

    fn render(&self, buffer: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(publication) = self.publication() else {
            return Err(gst::FlowError::Flushing);
        };
        if self.muted.load(Ordering::SeqCst) {
            // Stop for each buffer: another thread may have pushed since it was muted.
            publication.stop();
            return Ok(gst::FlowSuccess::Ok);
        }
        let (caps, due) = self.due(buffer).ok_or(gst::FlowError::NotNegotiated)?;
        // This copies only the metadata.
        let mut buffer = buffer.copy();
        if let Some(metadata) = buffer.get_mut() {
            metadata.set_pts(due);
            metadata.set_dts(None);
        }
        gst::log!(CAT, imp = self, "{buffer:?}");
        publication.push(&caps, buffer);
        let live = self.stream.lock().live;
        if live == Some(false) {
            // A non-live source can wait for a slow encoder, so that it loses no frames.
            publication.drain(DRAIN_TIMEOUT);
        }
        Ok(gst::FlowSuccess::Ok)
    }
}
