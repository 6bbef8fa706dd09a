//! Every script of pipelines/, in a call with a partner in this process.
//!
//! The partner's elements run the server of the call. The tests check what the partner receives from a
//! script, and the files and windows of scripts that receive.

mod display;
mod meeting;
mod script;
mod sound;
mod tap;

use std::fs;

use acscall_tests::pipeline::until;
use acscall_tests::server::until_listening;
use display::{Display, Pixel};
use meeting::{Meeting, Partner};
use script::{Script, folder};
use sound::Sound;

/// The scripts that have a test below.
const SCRIPTS: [&str; 14] = [
    "answer-calls.sh",
    "call-somebody.sh",
    "incoming-audio-mixed.sh",
    "incoming-audio-of-one.sh",
    "incoming-camera-tap.sh",
    "incoming-camera-to-file.sh",
    "incoming-camera-to-window.sh",
    "incoming-screen-black-and-white.sh",
    "incoming-screen.sh",
    "send-canvas.sh",
    "send-tone.sh",
    "share-custom-screen.sh",
    "share-screen-black-and-white.sh",
    "share-x-screen.sh",
];

const TONE_440: &str = "audiotestsrc is-live=true freq=440 volume=0.5";
const GREEN: &str = "videotestsrc is-live=true pattern=solid-color foreground-color=0xff00c000 \
                     ! video/x-raw,width=640,height=360,framerate=30/1";

#[test]
fn every_script_has_a_test() {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, SCRIPTS);
}

#[test]
fn the_mixed_audio_of_a_call_becomes_a_wav_file_without_gaps_and_clicks() {
    let meeting = Meeting::new();
    let _low = meeting.partner("low", &format!("{TONE_440} ! s.audio"));
    let _high = meeting.partner(
        "high",
        "audiotestsrc is-live=true freq=1000 volume=0.2 ! s.audio",
    );
    let file = meeting.file("mixed.wav");
    let script = Script::start(&meeting, "incoming-audio-mixed.sh", &[("OUT", &file)]);
    let tones = record(script, &file, 2.0);
    let (low, high) = (tones.amplitude(440.0), tones.amplitude(1000.0));
    assert!((0.4..0.6).contains(&low), "440 Hz at {low}");
    assert!((0.15..0.25).contains(&high), "1000 Hz at {high}");
}

#[test]
fn one_participants_audio_is_recorded_without_that_of_others() {
    let meeting = Meeting::new();
    let _alice = meeting.partner("alice", &format!("{TONE_440} ! s.audio"));
    let _bob = meeting.partner(
        "bob",
        "audiotestsrc is-live=true freq=1000 volume=0.5 ! s.audio",
    );
    let file = meeting.file("one.wav");
    let settings = [("OUT", file.as_str()), ("OTHER", "alice")];
    let script = Script::start(&meeting, "incoming-audio-of-one.sh", &settings);
    let tone = record(script, &file, 2.0);
    let (alice, bob) = (tone.amplitude(440.0), tone.amplitude(1000.0));
    assert!((0.4..0.6).contains(&alice), "440 Hz at {alice}");
    assert!(bob < 0.01, "1000 Hz at {bob}");
}

#[test]
fn a_call_is_joined_with_a_tone_of_500_hz() {
    let meeting = Meeting::new();
    let partner = meeting.partner(
        "listener",
        "c.audio_tone ! audioconvert ! audio/x-raw,format=F32LE,rate=48000,channels=1 \
         ! appsink name=heard",
    );
    let script = Script::start(&meeting, "send-tone.sh", &[]);
    let tone = partner.hears("heard", |sound| sound.steady(2.0));
    script.interrupt();

    let amplitude = tone.amplitude(500.0);
    assert!((0.4..0.6).contains(&amplitude), "500 Hz at {amplitude}");
}

#[test]
fn a_call_is_answered_and_the_callers_audio_becomes_a_wav_file() {
    let meeting = Meeting::new();
    let file = meeting.file("message.wav");
    let start = || {
        Ok(Script::start(
            &meeting,
            "answer-calls.sh",
            &[("OUT", &file)],
        ))
    };
    let script = until_listening(meeting.port(), start).unwrap();
    let caller = meeting.partner_with(
        "callee=bob",
        "alice",
        "audiotestsrc is-live=true freq=1000 volume=0.5 ! s.audio \
         c.audio_bob ! audioconvert ! audio/x-raw,format=F32LE,rate=48000,channels=1 \
         ! appsink name=heard",
    );
    let said = caller.hears("heard", |sound| sound.steady(1.0));
    // The script must also receive the caller's audio.
    recorded(&file, |sound| {
        (sound.seconds() > 2.0).then(|| sound.clone())
    });
    drop(caller);
    // The end of the call ends the script.
    script.end();

    let (script, echo) = (said.amplitude(440.0), said.amplitude(1000.0));
    assert!(script > 0.1 && echo < 0.05, "{script}, {echo}");
    let message = Sound::of_wav(&file).after_silence();
    let (echo, heard) = (message.amplitude(440.0), message.amplitude(1000.0));
    assert!(heard > 0.1 && echo < 0.05, "{heard}, {echo}");
}

#[test]
fn somebody_is_called_with_a_tone_and_a_picture() {
    let meeting = Meeting::new();
    let description = format!(
        "c.audio_alice ! audioconvert ! audio/x-raw,format=F32LE,rate=48000,channels=1 \
         ! appsink name=heard {}",
        receive("video_alice")
    );
    let answer = || Ok(meeting.partner_with("auto-accept=true", "bob", &description));
    let partner = until_listening(meeting.port(), answer).unwrap();
    let script = Script::start(&meeting, "call-somebody.sh", &[("OTHER", "bob")]);
    let tone = partner.hears("heard", |sound| sound.steady(1.0));
    let frame = partner.frames("seen").next().expect("no frame arrived");
    drop(partner);
    // The callee has hung up.
    script.end();

    let amplitude = tone.amplitude(500.0);
    assert!(amplitude > 0.1, "500 Hz at {amplitude}");
    assert_eq!((frame.width(), frame.height()), (640, 360));
}

#[test]
fn a_canvas_of_1500_by_845_arrives_at_full_size() {
    let meeting = Meeting::new();
    let partner = meeting.partner("viewer", &receive("video_canvas"));
    let script = Script::start(&meeting, "send-canvas.sh", &[]);
    assert_canvas(&partner);
    script.interrupt();
}

#[test]
fn a_canvas_is_shared_as_a_screen() {
    let meeting = Meeting::new();
    let partner = meeting.partner("viewer", &receive("screen_canvas"));
    let script = Script::start(&meeting, "share-custom-screen.sh", &[]);
    assert_canvas(&partner);
    script.interrupt();
}

#[test]
fn the_real_screen_is_shared() {
    let display = Display::start();
    let _window = window(&display);
    let meeting = Meeting::new();
    let partner = meeting.partner("viewer", &receive("screen_presenter"));
    let script = Script::start(
        &meeting,
        "share-x-screen.sh",
        &[("DISPLAY", display.name())],
    );
    // The window may appear after sharing has started.
    partner.frames("seen").find(|frame| {
        assert_eq!((frame.width(), frame.height()), display::SIZE);
        frame.at(100, 100).is_near(GREEN_PIXEL)
    });
    script.interrupt();
}

#[test]
fn a_screen_is_shared_in_black_and_white() {
    let meeting = Meeting::new();
    let partner = meeting.partner("viewer", &receive("screen_presenter"));
    let script = Script::start(&meeting, "share-screen-black-and-white.sh", &[]);
    let frame = partner.frames("seen").next().expect("no frame arrived");
    assert_eq!((frame.width(), frame.height()), (1500, 845));
    let bars: Vec<_> = BARS.iter().map(|x| frame.at(*x, 200)).collect();
    assert!(bars.iter().all(|bar| bar.is_gray()), "{bars:?}");
    // From white to blue, each bar is darker than the previous one.
    assert!(bars.is_sorted_by(|a, b| a.green > b.green), "{bars:?}");
    script.interrupt();
}

#[test]
fn the_real_screen_is_shared_in_black_and_white() {
    let display = Display::start();
    let _window = window(&display);
    let meeting = Meeting::new();
    let partner = meeting.partner("viewer", &receive("screen_presenter"));
    let settings = [
        ("DISPLAY", display.name()),
        (
            "SOURCE",
            "ximagesrc use-damage=false ! video/x-raw,framerate=15/1",
        ),
    ];
    let script = Script::start(&meeting, "share-screen-black-and-white.sh", &settings);
    // The window may appear after sharing has started.
    partner.frames("seen").find(|frame| {
        assert_eq!((frame.width(), frame.height()), display::SIZE);
        let pixel = frame.at(100, 100);
        pixel.is_gray() && pixel.is_near(GREEN_IN_GRAY)
    });
    script.interrupt();
}

#[test]
fn an_incoming_camera_becomes_a_file() {
    let meeting = Meeting::new();
    let camera = meeting.partner("alice", &format!("{GREEN} ! s.video"));
    let file = meeting.file("camera.webm");
    let settings = [("OUT", file.as_str()), ("OTHER", "alice")];
    let script = Script::start(&meeting, "incoming-camera-to-file.sh", &settings);
    camera.sends(90);
    script.interrupt();

    let frames: Vec<_> = recording(&file).frames("seen").collect();
    assert!(frames.len() > 30, "{} frames", frames.len());
    for frame in &frames {
        assert_eq!((frame.width(), frame.height()), (1280, 720));
    }
    // The file has the frame rate of the script.
    for pair in frames.windows(2) {
        let between = (pair[1].time() - pair[0].time()).mseconds();
        assert!((32..=34).contains(&between), "{between} ms");
    }
    assert!(frames[frames.len() / 2].at(640, 360).is_near(GREEN_PIXEL));
}

#[test]
fn an_incoming_camera_is_seen_in_a_window() {
    assert_window("video", "incoming-camera-to-window.sh", |pixel| {
        pixel.is_near(GREEN_PIXEL)
    });
}

#[test]
fn an_incoming_screen_is_seen_in_a_window() {
    assert_window("screen", "incoming-screen.sh", |pixel| {
        pixel.is_near(GREEN_PIXEL)
    });
}

#[test]
fn an_incoming_screen_is_seen_in_black_and_white() {
    assert_window("screen", "incoming-screen-black-and-white.sh", |pixel| {
        pixel.is_gray() && pixel.is_near(GREEN_IN_GRAY)
    });
}

const GREEN_PIXEL: Pixel = Pixel::new(0, 0xc0, 0);
const GREEN_IN_GRAY: Pixel = Pixel::new(0x80, 0x80, 0x80);

/// The centres of the test picture's bars: white, yellow, cyan, green, magenta, red, blue.
const BARS: [usize; 7] = [107, 321, 535, 750, 964, 1178, 1392];

/// Points of the canvas and their colours: the background and the three squares.
const CANVAS: [(Pixel, usize, usize); 5] = [
    (Pixel::new(0, 0, 0xff), 50, 50),
    (Pixel::new(0, 0, 0xff), 1490, 840),
    (Pixel::new(0xff, 0, 0), 210, 160),
    (Pixel::new(0xff, 0xff, 0), 710, 380),
    (Pixel::new(0, 0x80, 0), 1210, 600),
];

fn receive(pad: &str) -> String {
    format!("c.{pad} ! appsink name=seen")
}

/// Checks that every frame shows the canvas, with increasing times. The frame rate is not checked: a
/// slow machine sends fewer frames.
fn assert_canvas(partner: &Partner) {
    let mut before = None;
    let frames: Vec<_> = partner.frames("seen").take(60).collect();
    assert_eq!(frames.len(), 60);
    for frame in frames {
        assert_eq!((frame.width(), frame.height()), (1500, 845));
        for (pixel, x, y) in CANVAS {
            let there = frame.at(x, y);
            assert!(there.is_near(pixel), "at {x}, {y} there is {there:?}");
        }
        assert!(before < Some(frame.time()), "{before:?}, {}", frame.time());
        before = Some(frame.time());
    }
}

/// Lets `script` record until `seconds` of its file `path` are steady, and returns that part.
fn record(script: Script, path: &str, seconds: f64) -> Sound {
    recorded(path, |sound| sound.steady(seconds));
    script.interrupt();
    let sound = Sound::of_wav(path).after_silence();
    sound.steady(seconds).expect("it was steady before")
}

/// Waits until `wanted` returns a part of the unfinished WAV file, without the silence at its start.
fn recorded(path: &str, wanted: impl Fn(&Sound) -> Option<Sound>) {
    let mut length = 0.0;
    until("sound is recorded", || {
        let sound = Sound::of_unfinished_wav(path);
        // Analysing the sound takes longer than checking its length.
        let Some(sound) = sound.filter(|sound| sound.seconds() > length + 0.2) else {
            return Ok(None);
        };
        length = sound.seconds();
        let heard = sound.try_after_silence();
        Ok(heard.and_then(|heard| wanted(&heard)).map(drop))
    })
    .unwrap();
}

/// Plays a WebM file.
fn recording(file: &str) -> Partner {
    Partner::play(&format!(
        "filesrc location={file} ! matroskademux ! vp8dec ! appsink name=seen sync=false"
    ))
}

/// A green window on the display.
fn window(display: &Display) -> Partner {
    Partner::play(&format!(
        "videotestsrc pattern=solid-color foreground-color=0xff00c000 \
         ! video/x-raw,width=640,height=360,framerate=5/1 ! ximagesink display={}",
        display.name()
    ))
}

/// A pipeline that captures the display.
fn screen(display: &Display) -> Partner {
    Partner::play(&format!(
        "ximagesrc display-name={} use-damage=false ! video/x-raw,framerate=10/1 ! appsink name=seen",
        display.name()
    ))
}

/// Checks that a partner's green `kind` fills the window of `script`, where `is_right` holds for its
/// pixels.
fn assert_window(kind: &str, script: &str, is_right: impl Fn(Pixel) -> bool) {
    let display = Display::start();
    let meeting = Meeting::new();
    let _camera = meeting.partner("alice", &format!("{GREEN} ! s.{kind}"));
    let settings = [("OTHER", "alice"), ("DISPLAY", display.name())];
    let script = Script::start(&meeting, script, &settings);
    let screen = screen(&display);
    let corners = [(5, 5), (630, 5), (5, 350), (630, 350)];
    screen
        .frames("seen")
        .find(|frame| corners.iter().all(|(x, y)| is_right(frame.at(*x, *y))))
        .expect("the window never showed the picture");
    script.interrupt();
}
