//! Every example in Rust, Python and C: another participant sees and hears each of its steps.

mod looks;
mod partner;
mod program;
mod sound;

use acscall_tests::pipeline::{free_port, init};
use gst::prelude::*;

use looks::Look;
use partner::{Receiver, Seen};
use program::{Language, Program};
use sound::Sound;

/// The line that an example prints before its first step, which starts when another participant joins.
const WAITING: &str = "In the call, waiting for a receiver";

/// Long enough for a step to be seen, short enough for a test.
const STEP: &str = "2.5";

#[test]
fn switch_audio_in_rust_sends_microphone_tone_microphone_and_is_muted() {
    switch_audio(Language::Rust);
}

#[test]
fn switch_audio_in_python_sends_microphone_tone_microphone_and_is_muted() {
    switch_audio(Language::Python);
}

#[test]
fn switch_audio_in_c_sends_microphone_tone_microphone_and_is_muted() {
    switch_audio(Language::C);
}

fn switch_audio(language: Language) {
    let seen = run(language, "switch_audio", "audio");
    assert_eq!(
        seen.lines,
        [
            WAITING,
            "Sending the microphone",
            "Sending a tone of 500 Hz",
            "Sending the microphone again",
            "Muted",
            "Unmuted",
            "Sending no audio, still in the call",
            "Leaving"
        ]
    );
    // Muted, unmuted and stopped.
    assert_eq!(
        seen.available,
        ["audio on", "audio off", "audio on", "audio off"]
    );
    let heard = sound::course(&seen.sounds);
    // The ticks between two silences are the microphone after unmuting.
    let expected = [
        Sound::Ticks,
        Sound::Tone,
        Sound::Ticks,
        Sound::Silence,
        Sound::Ticks,
        Sound::Silence,
    ];
    assert_eq!(heard, expected, "{:?}", seen.sounds);
    // A step is 25 windows, of which a busy machine spoils some.
    let tones = seen.sounds.iter().filter(|&&sound| sound == Sound::Tone);
    let tones = tones.count();
    assert!((10..=27).contains(&tones), "{tones} in {:?}", seen.sounds);
}

#[test]
fn switch_video_in_rust_sends_a_camera_a_custom_video_and_another_camera() {
    switch_video(Language::Rust);
}

#[test]
fn switch_video_in_python_sends_a_camera_a_custom_video_and_another_camera() {
    switch_video(Language::Python);
}

#[test]
fn switch_video_in_c_sends_a_camera_a_custom_video_and_another_camera() {
    switch_video(Language::C);
}

fn switch_video(language: Language) {
    let seen = run(language, "switch_video", "video");
    assert_eq!(
        seen.lines,
        [
            WAITING,
            "Sending the camera",
            "Sending a custom video, 1500×845",
            "Sending no video, still in the call",
            "Sending the other camera",
            "Leaving"
        ]
    );
    // The switch from the camera to the custom video does not stop the stream.
    assert_eq!(
        seen.available,
        ["video on", "video off", "video on", "video off"]
    );
    let order: Vec<_> = seen.looks.iter().map(|run| run.look).collect();
    assert_eq!(
        order,
        [Look::Bars, Look::Canvas, Look::Pinwheel],
        "{:?}",
        seen.looks
    );
    for run in &seen.looks {
        assert!(run.frames >= 3, "{:?}", seen.looks);
    }
    // Nor does it cause a pause.
    assert!(seen.looks[0].goes_on_in(&seen.looks[1]), "{:?}", seen.looks);
}

#[test]
fn share_screen_in_rust_is_black_and_white_for_a_while() {
    share_screen(Language::Rust);
}

#[test]
fn share_screen_in_python_is_black_and_white_for_a_while() {
    share_screen(Language::Python);
}

#[test]
fn share_screen_in_c_is_black_and_white_for_a_while() {
    share_screen(Language::C);
}

fn share_screen(language: Language) {
    let seen = run(language, "share_screen", "screen");
    assert_eq!(
        seen.lines,
        [
            WAITING,
            "Sharing the screen",
            "Black and white",
            "In colour again",
            "Sharing nothing, still in the call",
            "Leaving"
        ]
    );
    assert_eq!(seen.available, ["screen on", "screen off"]);
    let order: Vec<_> = seen.looks.iter().map(|run| run.look).collect();
    assert_eq!(
        order,
        [Look::Canvas, Look::GrayCanvas, Look::Canvas],
        "{:?}",
        seen.looks
    );
    for (before, after) in seen.looks.iter().zip(&seen.looks[1..]) {
        assert!(before.frames >= 3, "{:?}", seen.looks);
        assert!(before.goes_on_in(after), "{:?}", seen.looks);
    }
}

#[test]
fn incoming_in_rust_processes_streams_and_keeps_its_pads() {
    incoming(Language::Rust);
}

#[test]
fn incoming_in_python_processes_streams_and_keeps_its_pads() {
    incoming(Language::Python);
}

#[test]
fn incoming_in_c_processes_streams_and_keeps_its_pads() {
    incoming(Language::C);
}

fn incoming(language: Language) {
    init().unwrap();
    let server = format!("ws://127.0.0.1:{}", free_port().unwrap());
    let mut program = Program::start(
        language,
        "incoming",
        &["--call=x", "--user=bob", "--server", &server],
    );
    program.wait_for("The call is connected");

    let sender = gst::parse::launch(&format!(
        "acscallsink name=sink call=x user=alice server={server} \
         audiotestsrc is-live=true ! sink.audio \
         videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240 ! sink.video \
         videotestsrc is-live=true pattern=black ! video/x-raw,width=402,height=301 ! sink.screen"
    ))
    .unwrap();
    sender.set_state(gst::State::Playing).unwrap();
    let sink = sender
        .downcast_ref::<gst::Bin>()
        .unwrap()
        .by_name("sink")
        .unwrap();
    program.wait_for("alice is connected");
    program.wait_for("video_alice is on");
    let bright = program.wait_for("video_alice: 320×240, mean luma ");
    assert!(number(&bright, "mean luma ") > 220, "{bright}");
    let dark = program.wait_for("screen_alice: 402×301, mean luma ");
    assert!(number(&dark, "mean luma ") < 30, "{dark}");
    // The RMS level of a sine of -2 dBFS is -5 dB.
    program.wait_until("a tone", |line| {
        line.starts_with("Everybody: ") && (-8..=-3).contains(&number(line, "Everybody: "))
    });

    let video = sink.static_pad("video").unwrap();
    video.set_property("muted", true);
    program.wait_for("video_alice is off");
    video.set_property("muted", false);
    program.wait_for("video_alice is on");
    program.wait_for("video_alice: 320×240, mean luma ");

    sender.set_state(gst::State::Null).unwrap();
    program.wait_for("alice is disconnected");
}

#[test]
fn an_example_that_fails_says_why_and_ends_with_code_1() {
    for language in Language::ALL {
        for example in ["switch_audio", "switch_video", "share_screen", "incoming"] {
            let mut program = Program::start(language, example, &["--server=http://nowhere"]);
            let error = program.wait_until("an error", |line| line.starts_with("Error: "));
            assert!(error.contains("server"), "{example}: {error}");
            assert_eq!(program.finish(), 1, "{example}");
        }
    }
}

#[test]
fn an_interrupted_example_leaves_the_call_at_once() {
    init().unwrap();
    for language in Language::ALL {
        let server = format!("ws://127.0.0.1:{}", free_port().unwrap());
        let receiver = Receiver::join(&server, "video");
        let mut program = Program::start(
            language,
            "switch_video",
            &["--call=x", "--user=alice", "--server", &server],
        );
        program.wait_for("Sending the camera");
        program.interrupt();
        assert_eq!(program.finish(), 0, "{language:?}");
        assert_eq!(program.lines().last().unwrap(), "Interrupted");
        // A lost connection would be `connecting` for 30 s.
        let seen = receiver.seen(program.lines());
        assert_eq!(seen.presences, ["connected", "disconnected"]);
    }
}

/// Runs an example to its end, with a participant that receives its stream.
fn run(language: Language, example: &str, kind: &str) -> Seen {
    init().unwrap();
    let server = format!("ws://127.0.0.1:{}", free_port().unwrap());
    let receiver = Receiver::join(&server, kind);
    let mut program = Program::start(
        language,
        example,
        &[
            "--call=x",
            "--user=alice",
            "--server",
            &server,
            "--seconds-per-step",
            STEP,
        ],
    );
    program.wait_for("Leaving");
    assert_eq!(program.finish(), 0, "{example} failed");
    receiver.seen(program.lines())
}

/// The number after `label`.
fn number(line: &str, label: &str) -> i64 {
    line.split(label)
        .nth(1)
        .and_then(|number| number.split(' ').next())
        .unwrap()
        .parse()
        .unwrap()
}
