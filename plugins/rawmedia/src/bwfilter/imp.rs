//! The element: properties, negotiation, and processing of buffers.

#![expect(
    missing_docs,
    reason = "the property accessors are generated; the blurbs document them"
)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::{
    BaseTransformMode, GenerateOutputSuccess, InputBuffer, PrepareOutputBufferSuccess,
};
use gst_base::subclass::prelude::*;
use parking_lot::Mutex;

use super::BwFilterLuma;
use super::layout::Layout;
use super::metadata;
use super::plan::{FORMATS, Work};
use super::stream::{Output, Stream};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "bwfilter",
        gst::DebugColorFlags::empty(),
        Some("Black and white filter"),
    )
});

/// See [`super::BwFilter`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::BwFilter)]
pub struct BwFilter {
    #[property(name = "amount", get = |imp: &Self| imp.settings().amount,
        set = Self::set_amount, type = f64, default = 1.0, minimum = 0.0,
        maximum = 1.0, controllable, mutable_playing, nick = "Amount",
        blurb = "Amount of colour to remove (0 = none, 1 = all)")]
    #[property(name = "luma", get = |imp: &Self| imp.settings().luma,
        set = Self::set_luma, type = BwFilterLuma,
        builder(BwFilterLuma::AsIs).mutable_playing().nick("Luma")
            .blurb("How to compute the gray of YUV formats; RGB formats always use the weights of CSS"))]
    settings: Mutex<Settings>,
    /// Set by the last caps.
    stream: Mutex<Option<Arc<Stream>>>,
    /// Downstream's answer to the last ALLOCATION query.
    downstream: Downstream,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    amount: f64,
    luma: BwFilterLuma,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            amount: 1.0,
            luma: BwFilterLuma::AsIs,
        }
    }
}

#[derive(Debug, Default)]
struct Downstream {
    video_meta: AtomicBool,
    crop_meta: AtomicBool,
    /// The number of buffers that it may hold at a time.
    buffers: AtomicU32,
}

impl BwFilter {
    fn settings(&self) -> Settings {
        *self.settings.lock()
    }

    fn set_amount(&self, amount: f64) {
        self.settings.lock().amount = amount;
    }

    fn set_luma(&self, luma: BwFilterLuma) {
        self.settings.lock().luma = luma;
    }

    fn stream(&self) -> Option<Arc<Stream>> {
        self.stream.lock().clone()
    }

    fn set_stream(&self, stream: Option<Stream>) {
        *self.stream.lock() = stream.map(Arc::new);
    }

    fn process(&self, input: gst::Buffer) -> Result<gst::Buffer, gst::FlowError> {
        let settings = self.settings();
        let stream = self.stream().ok_or(gst::FlowError::NotNegotiated)?;
        let has_video_meta = self.downstream.video_meta.load(Ordering::Relaxed);
        let work = stream.work(settings.amount, settings.luma);
        if work == Work::Nothing && has_video_meta {
            return Ok(input);
        }
        let layout = stream.layout_of(&input).map_err(|error| {
            gst::element_imp_error!(
                self,
                gst::StreamError::Format,
                ("A buffer does not match its caps: {error}"),
                [
                    "The element that made the buffer has to size it for its caps or to add a \
                  GstVideoMeta; caps: {:?}",
                    stream.info()
                ]
            );
            gst::FlowError::Error
        })?;
        match stream.process(input, layout, work, has_video_meta) {
            Ok(Output::Done(output)) => Ok(output),
            Ok(Output::Into(input, layout)) => self.process_into(&stream, &input, &layout, work),
            Err(error) => Err(self.unmappable(&error)),
        }
    }

    fn process_into(
        &self,
        stream: &Stream,
        input: &gst::Buffer,
        from: &Layout,
        work: Work,
    ) -> Result<gst::Buffer, gst::FlowError> {
        let mut output = match stream.larger(from) {
            Some(info) => {
                metadata::new_frame(input, &info).map_err(|error| self.unmappable(&error))?
            }
            None => self.new_buffer(input)?,
        };
        let written = output.make_mut();
        let to = match stream.layout_of(written) {
            Ok(to) => to,
            Err(error) => {
                gst::element_imp_error!(
                    self,
                    gst::ResourceError::Settings,
                    ("A buffer of the downstream pool does not match the caps: {error}"),
                    ["caps: {:?}", stream.info()]
                );
                return Err(gst::FlowError::Error);
            }
        };
        stream
            .process_into((input, from), (written, &to), work)
            .map_err(|error| self.unmappable(&error))?;
        Ok(output)
    }

    /// Returns a buffer of the negotiated pool, with the input's metadata.
    fn new_buffer(&self, input: &gst::BufferRef) -> Result<gst::Buffer, gst::FlowError> {
        match self.parent_prepare_output_buffer(InputBuffer::Readable(input))? {
            PrepareOutputBufferSuccess::Buffer(buffer) => Ok(buffer),
            // Only in passthrough mode, which is never set.
            PrepareOutputBufferSuccess::InputBuffer => Err(gst::FlowError::Error),
        }
    }

    fn unmappable(&self, error: &glib::BoolError) -> gst::FlowError {
        gst::element_imp_error!(
            self,
            gst::ResourceError::Read,
            ("Cannot map the pixels of a buffer: {error}"),
            ["Insert an element that downloads frames into system memory before this one"]
        );
        gst::FlowError::Error
    }

    /// Returns the caps of both pads: every size, rate and interlacing of the formats.
    fn caps() -> gst::Caps {
        let formats = || gst_video::VideoCapsBuilder::new().format_list(FORMATS.iter().copied());
        let mut caps = formats().build();
        // One field per buffer: interlace-mode=alternate.
        let fields = formats().features(["format:Interlaced"]).build();
        caps.merge(fields);
        caps
    }
}

#[glib::object_subclass]
impl ObjectSubclass for BwFilter {
    const NAME: &'static str = "GstBwFilter";
    type Type = super::BwFilter;
    type ParentType = gst_base::BaseTransform;
}

#[glib::derived_properties]
impl ObjectImpl for BwFilter {}

impl GstObjectImpl for BwFilter {}

impl ElementImpl for BwFilter {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Black and white filter",
                "Filter/Effect/Video",
                "Converts video to gray like CSS grayscale(), at no cost for planar YUV",
                "acscall developers",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let caps = BwFilter::caps();
            let template = |name, direction| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps)
                    .expect("name and caps are valid")
            };
            vec![
                template("sink", gst::PadDirection::Sink),
                template("src", gst::PadDirection::Src),
            ]
        });
        &TEMPLATES
    }
}

impl BaseTransformImpl for BwFilter {
    // The element does work in place. But in another mode the parent sends no ALLOCATION query
    // downstream, whose answer says whether downstream supports GstVideoMeta.
    const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_video::VideoInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "Cannot parse {incaps}"))?;
        let stream = Stream::new(info).ok_or_else(|| {
            gst::loggable_error!(
                CAT,
                "Buffers with several pictures are not supported: {incaps}"
            )
        })?;
        gst::debug!(CAT, imp = self, "Caps {incaps}, {stream:?}");
        self.set_stream(Some(stream));
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        self.set_stream(None);
        self.parent_stop()
    }

    fn unit_size(&self, caps: &gst::Caps) -> Option<usize> {
        let info = gst_video::VideoInfo::from_caps(caps).ok()?;
        Some(info.size())
    }

    // The size of the caps, whatever padding the input has.
    fn transform_size(
        &self,
        _direction: gst::PadDirection,
        _caps: &gst::Caps,
        _size: usize,
        othercaps: &gst::Caps,
    ) -> Option<usize> {
        self.unit_size(othercaps)
    }

    fn propose_allocation(
        &self,
        decide_query: Option<&gst::query::Allocation>,
        query: &mut gst::query::Allocation,
    ) -> Result<(), gst::LoggableError> {
        self.parent_propose_allocation(decide_query, query)?;
        if query
            .find_allocation_meta::<gst_video::VideoMeta>()
            .is_none()
        {
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
        }
        // No meta of overlays: overlays that are drawn after this element would keep their colours.
        let has_crop_meta = self.downstream.crop_meta.load(Ordering::Relaxed);
        if has_crop_meta
            && query
                .find_allocation_meta::<gst_video::VideoCropMeta>()
                .is_none()
        {
            query.add_allocation_meta::<gst_video::VideoCropMeta>(None);
        }
        // An element that holds output frames mostly holds the input frames in them.
        let buffers = self.downstream.buffers.load(Ordering::Relaxed);
        metadata::request_buffers(query, buffers);
        Ok(())
    }

    fn decide_allocation(
        &self,
        query: &mut gst::query::Allocation,
    ) -> Result<(), gst::LoggableError> {
        let video = query
            .find_allocation_meta::<gst_video::VideoMeta>()
            .is_some();
        let crop = query
            .find_allocation_meta::<gst_video::VideoCropMeta>()
            .is_some();
        gst::debug!(
            CAT,
            imp = self,
            "Downstream supports video meta: {video}, crop meta: {crop}"
        );
        self.downstream.video_meta.store(video, Ordering::Relaxed);
        self.downstream
            .crop_meta
            .store(video && crop, Ordering::Relaxed);
        let buffers = query.allocation_pools().map(|(_, _, min, _)| min).max();
        let buffers = buffers.unwrap_or(0);
        self.downstream.buffers.store(buffers, Ordering::Relaxed);
        metadata::offer_pool(query, video)?;
        self.parent_decide_allocation(query)
    }

    fn copy_metadata(
        &self,
        inbuf: &gst::BufferRef,
        outbuf: &mut gst::BufferRef,
    ) -> Result<(), gst::LoggableError> {
        metadata::copy(inbuf, outbuf);
        Ok(())
    }

    fn before_transform(&self, inbuf: &gst::BufferRef) {
        let element = self.obj();
        let time = element
            .segment()
            .downcast_ref::<gst::ClockTime>()
            .and_then(|segment| segment.to_stream_time(inbuf.pts()));
        if let Some(time) = time
            && let Err(error) = element.sync_values(time)
        {
            gst::warning!(
                CAT,
                imp = self,
                "Cannot update controlled properties: {error}"
            );
        }
    }

    fn generate_output(&self) -> Result<GenerateOutputSuccess, gst::FlowError> {
        match self.take_queued_buffer() {
            None => Ok(GenerateOutputSuccess::NoOutput),
            Some(input) => self.process(input).map(GenerateOutputSuccess::Buffer),
        }
    }
}
