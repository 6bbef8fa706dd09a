//! Compares `bwfilter` with `videobalance saturation=0`, memcpy and memset of the same bytes, for
//! every format at 1920×1080, and prints a table of the speed ratios.
//!
//! Frames come from a pool of one buffer, so that the caches have the same contents for all. The
//! element then processes a frame that is already gray, which takes the same time.

#![expect(clippy::unwrap_used, reason = "a failure ends the benchmark")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo};

/// An element or a chain of elements between two test pads.
struct Rig {
    element: gst::Element,
    src: gst::Pad,
    _sink: gst::Pad,
    pool: gst::BufferPool,
    /// Whether another reference to the input buffer exists.
    shares: bool,
}

/// The input buffers and the downstream element.
#[derive(Clone, Copy)]
enum Way {
    /// The element has the only reference to each frame, and downstream supports `GstVideoMeta`.
    Own,
    /// Downstream does not support `GstVideoMeta`.
    WithoutMeta,
    /// Downstream does not support `GstVideoMeta`, and another reference to each frame exists.
    Shared,
}

impl Rig {
    fn new(line: &str, info: &VideoInfo, way: Way) -> Rig {
        let takes_meta = matches!(way, Way::Own);
        let element = match line.contains('!') {
            true => gst::parse::bin_from_description(line, true)
                .unwrap()
                .upcast(),
            false => gst::parse::launch(line).unwrap(),
        };
        let any = gst::Caps::new_any();
        let template = |direction| {
            gst::PadTemplate::new("pad", direction, gst::PadPresence::Always, &any).unwrap()
        };
        let src = gst::Pad::from_template(&template(gst::PadDirection::Src));
        let sink = gst::Pad::builder_from_template(&template(gst::PadDirection::Sink))
            .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
            .event_function(|_, _, _| true)
            .query_function(move |pad, parent, query| match query.view_mut() {
                gst::QueryViewMut::Allocation(query) => {
                    if takes_meta {
                        query.add_allocation_meta::<gst_video::VideoMeta>(None);
                    }
                    true
                }
                _ => gst::Pad::query_default(pad, parent, query),
            })
            .build();
        src.set_active(true).unwrap();
        sink.set_active(true).unwrap();
        src.link(&element.static_pad("sink").unwrap()).unwrap();
        element.static_pad("src").unwrap().link(&sink).unwrap();
        element.set_state(gst::State::Playing).unwrap();
        let caps = info.to_caps().unwrap();
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        src.push_event(gst::event::StreamStart::new("bench"));
        src.push_event(gst::event::Caps::new(&caps));
        src.push_event(gst::event::Segment::new(&segment));
        let pool = gst_video::VideoBufferPool::new().upcast::<gst::BufferPool>();
        let mut config = pool.config();
        config.set_params(Some(&caps), info.size() as u32, 1, 1);
        pool.set_config(config).unwrap();
        pool.set_active(true).unwrap();
        let rig = Rig {
            element,
            src,
            _sink: sink,
            pool,
            shares: matches!(way, Way::Shared),
        };
        // Write ordinary colours, and touch every page before measuring.
        let mut buffer = rig.pool.acquire_buffer(None).unwrap();
        let mut map = buffer.get_mut().unwrap().map_writable().unwrap();
        for (index, byte) in map.iter_mut().enumerate() {
            *byte = (index * 37 % 251) as u8;
        }
        drop(map);
        rig
    }

    fn push(&self) {
        let buffer = self.pool.acquire_buffer(None).unwrap();
        let _other = self.shares.then(|| buffer.clone());
        self.src.push(buffer).unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.element.set_state(gst::State::Null).unwrap();
        self.src.set_active(false).unwrap();
        self.pool.set_active(false).unwrap();
    }
}

/// The benchmarks of this run: a filter on the command line selects some.
#[derive(Default)]
struct Measured(RefCell<Vec<(String, String)>>);

impl Measured {
    fn bench(
        &self,
        criterion: &mut Criterion,
        group: &str,
        name: &str,
        bytes: u64,
        run: &dyn Fn(),
    ) {
        let mut benches = criterion.benchmark_group(group);
        benches.throughput(Throughput::Bytes(bytes));
        benches.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let id = (group.to_owned(), name.to_owned());
            self.0.borrow_mut().push(id);
            bencher.iter(run);
        });
        benches.finish();
    }

    fn element(
        &self,
        criterion: &mut Criterion,
        (group, name): (&str, &str),
        line: &str,
        info: &VideoInfo,
        way: Way,
    ) {
        // Created on first use, so that benchmarks that are filtered out cost nothing.
        let rig = std::cell::OnceCell::new();
        let run = || rig.get_or_init(|| Rig::new(line, info, way)).push();
        self.bench(criterion, group, name, info.size() as u64, &run);
    }

    /// Medians in ns, by group and name.
    fn medians(&self, directory: &Path) -> BTreeMap<String, BTreeMap<String, f64>> {
        let mut medians = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (group, name) in &*self.0.borrow() {
            let file = directory.join(group).join(name).join("new/estimates.json");
            let median = std::fs::read_to_string(file).ok().and_then(|text| {
                let median = text.split("\"median\":").nth(1)?;
                let estimate = median.split("\"point_estimate\":").nth(1)?;
                estimate.split([',', '}']).next()?.parse().ok()
            });
            if let Some(median) = median {
                let group = medians.entry(group.clone()).or_default();
                group.insert(name.clone(), median);
            }
        }
        medians
    }
}

/// Returns every format of an element's pads.
fn formats(element: &str) -> Vec<VideoFormat> {
    let factory = gst::ElementFactory::find(element).unwrap();
    let caps = factory.static_pad_templates().iter().next().unwrap().caps();
    // A further structure may be for passthrough.
    let formats = caps.structure(0).unwrap().get::<gst::List>("format");
    let formats = formats.unwrap();
    let names = formats.iter().map(|format| format.get::<&str>().unwrap());
    names.map(VideoFormat::from_string).collect()
}

fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    VideoInfo::builder(format, width, height).build().unwrap()
}

/// Returns the number of bytes in the planes that hold only chroma.
fn chroma_bytes(info: &VideoInfo) -> usize {
    let format = info.format_info();
    if !format.is_yuv() || format.n_planes() == 1 {
        return 0;
    }
    let planes = format.plane()[1..3].iter().map(|&plane| plane as usize);
    let planes: std::collections::BTreeSet<_> = planes.collect();
    let rows = format.scale_height(1, info.height()) as usize;
    planes
        .into_iter()
        .map(|plane| info.stride()[plane] as usize * rows)
        .sum()
}

fn format(criterion: &mut Criterion, measured: &Measured, format: VideoFormat) {
    let info = &info(format, 1920, 1080);
    let group = format.to_str().as_str();
    measured.element(criterion, (group, "bwfilter"), "bwfilter", info, Way::Own);
    let chroma = chroma_bytes(info);
    if chroma > 0 {
        measured.element(
            criterion,
            (group, "in place"),
            "bwfilter",
            info,
            Way::WithoutMeta,
        );
    }
    measured.element(criterion, (group, "shared"), "bwfilter", info, Way::Shared);
    let half = "bwfilter amount=0.5";
    measured.element(criterion, (group, "amount=0.5"), half, info, Way::Own);
    if formats("videobalance").contains(&format) {
        let line = "videobalance saturation=0";
        measured.element(criterion, (group, "videobalance"), line, info, Way::Own);
    }
    let from = vec![1u8; info.size()];
    let to = RefCell::new(vec![0u8; info.size()]);
    let copy = || black_box(&mut *to.borrow_mut()).copy_from_slice(black_box(&from));
    measured.bench(criterion, group, "memcpy", info.size() as u64, &copy);
    let set = match chroma {
        0 => info.size(),
        chroma => chroma,
    };
    let fill = || black_box(&mut to.borrow_mut()[..set]).fill(black_box(0x80));
    measured.bench(criterion, group, "memset", set as u64, &fill);
}

/// Benchmarks the browser's luma against a conversion through RGB, and no pixel work at several
/// sizes.
fn more(criterion: &mut Criterion, measured: &Measured) {
    let group = "I420 luma=bt709";
    let hd = info(VideoFormat::I420, 1920, 1080);
    let hd = VideoInfo::builder_from_info(&hd);
    let bt601 = gst_video::VideoColorimetry::new(
        gst_video::VideoColorRange::Range16_235,
        gst_video::VideoColorMatrix::Bt601,
        gst_video::VideoTransferFunction::Bt601,
        gst_video::VideoColorPrimaries::Smpte170m,
    );
    let hd = hd.colorimetry(&bt601).build().unwrap();
    let line = "bwfilter luma=bt709";
    measured.element(criterion, (group, "bwfilter"), line, &hd, Way::Own);
    let line = "videoconvert ! video/x-raw,format=RGBx ! bwfilter ! videoconvert ! \
                capsfilter caps=video/x-raw,format=I420";
    measured.element(criterion, (group, "over RGBx"), line, &hd, Way::Own);
    for (width, height) in [
        (320, 240),
        (640, 480),
        (1280, 720),
        (1920, 1080),
        (3840, 2160),
    ] {
        for format in [VideoFormat::I420, VideoFormat::Nv12] {
            let info = info(format, width, height);
            let name = format!("{format} {width}x{height}");
            measured.element(criterion, ("sizes", &name), "bwfilter", &info, Way::Own);
        }
    }
}

fn table(medians: &BTreeMap<String, BTreeMap<String, f64>>) {
    println!(
        "\n1920x1080, times as fast as videobalance | memcpy of the frame | memset of what is filled"
    );
    for (group, of) in medians {
        let get = |name: &str| of.get(name).copied();
        let times = |name: &str, other: &str| match (get(name), get(other)) {
            (Some(mine), Some(other)) => format!("{:9.2}", other / mine),
            _ => format!("{:>9}", "-"),
        };
        let us = |name: &str| match get(name) {
            Some(ns) => format!("{:9.2} us", ns / 1e3),
            None => format!("{:>9}   ", "-"),
        };
        if group == "sizes" {
            for (name, ns) in of {
                println!("{name:24} {:9.2} us", ns / 1e3);
            }
        } else if of.contains_key("over RGBx") {
            println!(
                "{group:24} {} {} of over RGBx",
                us("bwfilter"),
                times("bwfilter", "over RGBx")
            );
        } else {
            for name in ["bwfilter", "in place", "shared", "amount=0.5"] {
                if of.contains_key(name) {
                    println!(
                        "{group:12} {name:11} {} {} {} {}",
                        us(name),
                        times(name, "videobalance"),
                        times(name, "memcpy"),
                        times(name, "memset")
                    );
                }
            }
        }
    }
}

fn main() {
    gst::init().unwrap();
    gstrawmedia::plugin_register_static().unwrap();
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let mut criterion = Criterion::default()
        .output_directory(&directory)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(150))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args();
    let measured = Measured::default();
    for one in formats("bwfilter") {
        format(&mut criterion, &measured, one);
    }
    more(&mut criterion, &measured);
    criterion.final_summary();
    table(&measured.medians(&directory));
}
